// Records of the recorder's own form (interpose/wire.h), written by something else than the
// recorder: so that the same decoder turns them into ops, with the same rules.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpose/wire.h"

namespace oldornew {

/// One record in the making.
struct RecordDraft {
  wire::Record fixed{};
  std::vector<std::pair<wire::SectionType, std::string>> sections;

  wire::Record* operator->() { return &fixed; }
  void Add(wire::SectionType type, std::string_view bytes) {
    sections.emplace_back(type, std::string(bytes));
  }
  void AddState(wire::SectionType type, const wire::FileState& state) {
    Add(type, {reinterpret_cast<const char*>(&state), sizeof state});
  }
};

class RecordBuffer {
 public:
  /// Appends; `fixed.state` says whether the call was done.
  void Append(const RecordDraft& draft);
  const char* bytes() const { return reinterpret_cast<const char*>(words_.data()); }
  uint64_t size() const { return words_.size() * sizeof(uint64_t); }

 private:
  std::vector<uint64_t> words_;  // 8-byte aligned, as ReadRecords wants it
};

}  // namespace oldornew
