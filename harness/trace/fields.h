// Fields: how numbers, strings and lists stand in the body of a .trace file (docs/trace-format.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace oldornew {

class FieldWriter {
 public:
  void U64(uint64_t value) {  // LEB128
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void I64(int64_t value) {
    U64((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Str(std::string_view text) {
    U64(text.size());
    out_.append(text);
  }
  void Raw(std::string_view bytes) { out_.append(bytes); }
  template <typename T, typename F>
  void List(const T& items, F each) {
    U64(items.size());
    for (const auto& item : items) each(item);
  }
  void Reserve(size_t bytes) { out_.reserve(bytes); }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads fields until the first problem, then yields zeros; the caller asks ok() at the end and
/// wherever a count matters.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  bool AtEnd() const { return at_ == bytes_.size(); }
  void Reject(const std::string& what) {
    if (ok()) error_ = fmt::format("{} at byte {} of the body", what, at_);
    at_ = bytes_.size();
  }

  uint64_t U64() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) return Reject("truncated number"), 0;
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return Reject("overlong number"), 0;
  }
  int64_t I64() {
    const uint64_t raw = U64();
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  template <typename T = uint64_t>
  T Below(uint64_t limit, const char* what) {
    const uint64_t value = U64();
    if (value >= limit) return Reject(fmt::format("{} {} out of range", what, value)), T{};
    return static_cast<T>(value);
  }
  int32_t Index(uint64_t limit, const char* what) {  // -1 or below limit
    const int64_t value = I64();
    if (value < -1 || value >= static_cast<int64_t>(limit)) {
      return Reject(fmt::format("{} {} out of range", what, value)), -1;
    }
    return static_cast<int32_t>(value);
  }
  std::string_view Raw(uint64_t length) {
    if (length > bytes_.size() - at_) return Reject("truncated bytes"), std::string_view();
    at_ += length;
    return bytes_.substr(at_ - length, length);
  }
  std::string Str() { return std::string(Raw(U64())); }
  // Each item takes at least one byte, so a count beyond what is left is a lie: nothing is
  // allocated for it.
  template <typename F>
  void List(F each) {
    const uint64_t count = U64();
    if (count > bytes_.size() - at_) return Reject("count larger than the file");
    for (uint64_t i = 0; i < count && ok(); ++i) each();
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace oldornew
