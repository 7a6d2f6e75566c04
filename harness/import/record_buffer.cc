#include "import/record_buffer.h"

#include <string.h>

namespace oldornew {

void RecordBuffer::Append(const RecordDraft& draft) {
  uint64_t used = sizeof(wire::Record);
  for (const auto& [type, bytes] : draft.sections) used += wire::SectionSize(bytes.size());
  const uint64_t size = wire::AlignUp(used, wire::kAlign);
  const size_t start = words_.size();
  words_.resize(start + size / sizeof(uint64_t), 0);
  char* at = reinterpret_cast<char*>(words_.data() + start);
  wire::Record fixed = draft.fixed;
  fixed.size = static_cast<uint32_t>(size);
  fixed.used = static_cast<uint32_t>(used);
  memcpy(at, &fixed, sizeof fixed);
  at += sizeof fixed;
  for (const auto& [type, bytes] : draft.sections) {
    const wire::Section section{static_cast<uint16_t>(type), 0,
                                static_cast<uint32_t>(bytes.size())};
    memcpy(at, &section, sizeof section);
    if (!bytes.empty()) memcpy(at + sizeof section, bytes.data(), bytes.size());
    at += wire::SectionSize(bytes.size());
  }
}

}  // namespace oldornew
