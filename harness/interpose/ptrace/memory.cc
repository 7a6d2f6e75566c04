// The memory of the traced program (funnel/memory.h): process_vm_readv and process_vm_writev
// respect its protections, so what the kernel would refuse is refused.
#include "interpose/funnel/memory.h"

#include <errno.h>
#include <sys/uio.h>

#include "interpose/ptrace/engine.h"

namespace oldornew::preload {
namespace {

constexpr uint64_t kPage = 4096;

/// Bytes read from the start on.
size_t Read(void* to, uint64_t from, size_t size) {
  if (size == 0) return 0;
  const iovec local = {to, size};
  const iovec remote = {reinterpret_cast<void*>(from), size};
  const ssize_t got = process_vm_readv(ptrace::g_engine->current().tid, &local, 1, &remote, 1, 0);
  return got < 0 ? 0 : static_cast<size_t>(got);
}

uint64_t Address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

alignas(8) char stack_words[StackView::kRange];  // what the last StackView has read

}  // namespace

bool StartsWith(const char* text, const char* prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

void SetMainStackEnd(uint64_t) {}
void NoteRemapped(uint64_t, uint64_t) {}

long CopyIn(void* to, const void* from, size_t size) {
  return Read(to, Address(from), size) == size ? 0 : -EFAULT;
}

size_t CopyInUpTo(void* to, const void* from, size_t size) {
  // One iovec may stop anywhere that pages were pinned to; what was not read is asked for again, to
  // be sure.
  size_t done = 0;
  while (done < size) {
    const size_t got = Read(static_cast<char*>(to) + done, Address(from) + done, size - done);
    if (got == 0) break;
    done += got;
  }

  return done;
}

long LengthOfString(const char* from, size_t limit) {
  char part[512];
  size_t length = 0;
  while (length < limit) {
    const uint64_t at = Address(from) + length;
    size_t size = kPage - at % kPage < sizeof part ? kPage - at % kPage : sizeof part;
    if (size > limit - length) size = limit - length;
    if (Read(part, at, size) != size) return -EFAULT;
    const void* end = memchr(part, 0, size);
    if (end != nullptr)
      return static_cast<long>(length + static_cast<size_t>(static_cast<const char*>(end) - part));
    length += size;
  }

  return -E2BIG;
}

long CopyInString(char* to, const char* from, size_t capacity) {
  size_t length = 0;
  while (length < capacity) {
    const uint64_t at = Address(from) + length;
    size_t size = kPage - at % kPage < 256 ? kPage - at % kPage : 256;
    if (size > capacity - length) size = capacity - length;
    if (Read(to + length, at, size) != size) return -EFAULT;
    const void* end = memchr(to + length, 0, size);
    if (end != nullptr) return static_cast<const char*>(end) - to;
    length += size;
  }

  return -ENAMETOOLONG;
}

long CopyOut(void* to, const void* from, size_t size) {
  const iovec local = {const_cast<void*>(from), size};
  const iovec remote = {to, size};
  const ssize_t put = process_vm_writev(ptrace::g_engine->current().tid, &local, 1, &remote, 1, 0);
  return put == static_cast<ssize_t>(size) ? 0 : -EFAULT;
}

StackView::StackView(uint64_t start) : start_(start), size_(Read(stack_words, start, kRange)) {}

bool StackView::Reaches(uint64_t address) const { return address - start_ + 8 <= size_; }

bool StackView::ReachesAll(uint64_t last) const { return Reaches(last); }

uint64_t StackView::At(uint64_t address) const {
  uint64_t word;
  memcpy(&word, stack_words + (address - start_), sizeof word);
  return word;
}

}  // namespace oldornew::preload
