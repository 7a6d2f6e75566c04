#include "tree/content.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace oldornew {

namespace {

constexpr char kZeros[kPageSize] = {};

uint64_t PageCount(uint64_t size) { return (size + kPageSize - 1) / kPageSize; }

}  // namespace

Page::Page(std::string_view bytes) {
  CHECK(bytes.size() <= kPageSize);
  std::memcpy(bytes_, bytes.data(), bytes.size());
  std::memset(bytes_ + bytes.size(), 0, kPageSize - bytes.size());
  digest_ = HashBytes(this->bytes());
}

PageRef MakePage(std::string_view bytes) {
  CHECK(bytes.size() <= kPageSize);
  if (std::memcmp(bytes.data(), kZeros, bytes.size()) == 0) return nullptr;
  return std::make_shared<const Page>(bytes);
}

Content Content::FromBytes(std::string_view bytes) {
  Content content;
  content.size_ = bytes.size();
  content.pages_.reserve(PageCount(bytes.size()));
  for (; !bytes.empty(); bytes.remove_prefix(std::min<size_t>(kPageSize, bytes.size()))) {
    content.pages_.push_back(MakePage(bytes.substr(0, kPageSize)));
  }
  return content;
}

Content Content::FromPages(std::vector<PageRef> pages, uint64_t size) {
  Content content;
  content.size_ = size;
  content.pages_ = std::move(pages);
  content.pages_.resize(PageCount(size));
  const uint64_t tail = size % kPageSize;
  if (tail != 0 && content.pages_.back() != nullptr) {
    const std::string_view bytes = content.pages_.back()->bytes();
    if (std::memcmp(bytes.data() + tail, kZeros, kPageSize - tail) != 0) {
      content.pages_.back() = MakePage(bytes.substr(0, tail));
    }
  }

  return content;
}

Content Content::WithWrite(uint64_t offset, std::string_view bytes) const {
  if (bytes.empty()) return *this;
  std::vector<PageRef> pages = pages_;
  const uint64_t size = std::max(size_, offset + bytes.size());
  pages.resize(PageCount(size));
  while (!bytes.empty()) {
    const uint64_t within = offset % kPageSize;
    const uint64_t n = std::min<uint64_t>(kPageSize - within, bytes.size());
    PageRef& page = pages[offset / kPageSize];
    char buffer[kPageSize];
    std::memcpy(buffer, page == nullptr ? kZeros : page->bytes().data(), kPageSize);
    std::memcpy(buffer + within, bytes.data(), n);
    page = MakePage({buffer, kPageSize});
    offset += n;
    bytes.remove_prefix(n);
  }

  Content content;
  content.size_ = size;
  content.pages_ = std::move(pages);
  return content;
}

Content Content::WithSize(uint64_t size) const {
  return size == size_ ? *this : FromPages(pages_, size);
}

std::string Content::Read(uint64_t offset, uint64_t length) const {
  std::string out;
  if (offset >= size_) return out;
  length = std::min(length, size_ - offset);
  out.reserve(length);
  while (out.size() < length) {
    const uint64_t at = offset + out.size();
    const uint64_t within = at % kPageSize;
    const uint64_t n = std::min<uint64_t>(kPageSize - within, length - out.size());
    const PageRef& page = pages_[at / kPageSize];
    out.append(page == nullptr ? kZeros : page->bytes().data() + within, n);
  }

  return out;
}

bool Content::AllZeros() const {
  return size_ != 0 &&
         std::all_of(pages_.begin(), pages_.end(), [](const PageRef& p) { return p == nullptr; });
}

Digest Content::digest() const {
  Hasher hasher;
  hasher.Add(size_);
  for (const PageRef& page : pages_) hasher.Add(page == nullptr ? Digest{} : page->digest());
  return hasher.Finish();
}

bool Content::operator==(const Content& other) const {
  if (size_ != other.size_) return false;
  return std::equal(pages_.begin(), pages_.end(), other.pages_.begin(),
                    [](const PageRef& a, const PageRef& b) {
                      return a == b || (a != nullptr && b != nullptr && a->digest() == b->digest());
                    });
}

}  // namespace oldornew
