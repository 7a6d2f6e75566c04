// Reading the records of a recording, whatever state its writers left it in.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "interpose/wire.h"

namespace oldornew {

/// One record and where its sections are. Valid as long as the bytes it was read from.
struct RecordView {
  const wire::Record* fixed = nullptr;
  std::array<std::string_view, 20> sections;  ///< by SectionType; data() == nullptr: not there

  wire::RecordKind kind() const { return static_cast<wire::RecordKind>(fixed->kind); }
  bool done() const { return fixed->state == static_cast<uint32_t>(wire::RecordState::kDone); }
  bool has(wire::SectionType type) const { return text(type).data() != nullptr; }
  std::string_view text(wire::SectionType type) const {
    return sections[static_cast<size_t>(type)];
  }
  /// The FileState in a section of that form; all zeros when it is not there.
  wire::FileState state(wire::SectionType type) const;
};

struct RecordList {
  /// by end ticket; those in flight just before the next call on files, a kFileCall where it began
  std::vector<RecordView> records;
  uint64_t unpublished = 0;  ///< reserved, never begun: their calls were never carried out
  uint64_t damaged_at = 0;   ///< offset of the first bytes that are no record; 0: none
};

/// Never reads outside [bytes, bytes + size). `bytes` is 8-byte aligned.
RecordList ReadRecords(const char* bytes, uint64_t size);

}  // namespace oldornew
