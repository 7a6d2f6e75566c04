#include "interpose/record_view.h"

#include <string.h>

#include <algorithm>

#include "base/check.h"

namespace oldornew {

namespace {

using wire::Record;
using wire::RecordState;
using wire::Section;

bool ReadSections(const Record* record, RecordView* view) {
  const char* base = reinterpret_cast<const char*>(record);
  uint64_t used = record->used;
  uint64_t at = sizeof(Record);
  while (at + sizeof(Section) <= used) {
    Section section;
    memcpy(&section, base + at, sizeof section);
    at += sizeof(Section);
    if (section.length > used - at) return false;
    if (section.type >= view->sections.size()) return false;
    view->sections[section.type] = std::string_view(base + at, section.length);
    at = wire::AlignUp(at + section.length, 8);
  }

  return at == used;
}

bool Plausible(const Record* record, uint64_t room) {
  if (record->size % wire::kAlign != 0 || record->size > room) return false;
  if (record->state > static_cast<uint32_t>(RecordState::kDone)) return false;
  return record->kind < static_cast<uint16_t>(wire::RecordKind::kCount);
}

/// At least as many as there are records. (A view is large; growing a vector of them step by step
/// costs more than looking at all sizes twice.)
size_t CountRecords(const char* bytes, uint64_t size) {
  size_t count = 0;
  for (uint64_t at = 0; at + wire::kAlign <= size; ++count) {
    uint32_t record_size;
    memcpy(&record_size, bytes + at, sizeof record_size);
    const bool plausible = record_size >= sizeof(Record) && record_size % wire::kAlign == 0;
    at += plausible ? record_size : wire::kAlign;
  }
  return count;
}

/// Written by whoever held the lock that serialises calls on files: such records lie in the order
/// of their calls.
bool Serialised(wire::RecordKind kind) {
  using wire::RecordKind;
  switch (kind) {
    case RecordKind::kOpen:
    case RecordKind::kWrite:
    case RecordKind::kTruncate:
    case RecordKind::kAllocate:
    case RecordKind::kMakeNode:
    case RecordKind::kLink:
    case RecordKind::kUnlink:
    case RecordKind::kRename:
    case RecordKind::kSetAttributes:
    case RecordKind::kSetXattr:
    case RecordKind::kRemoveXattr:
    case RecordKind::kSetTimes:
      return true;
    default:
      return false;
  }
}

/// By end ticket. A call in flight gets the place just before the next one that had the lock.
void Sort(std::vector<RecordView>* records) {
  std::vector<std::pair<uint64_t, size_t>> order(records->size());
  uint64_t next = ~uint64_t{0};
  for (size_t i = records->size(); i-- > 0;) {
    const RecordView& record = (*records)[i];
    if (record.done() && Serialised(record.kind())) next = record.fixed->end;
    if (record.kind() == wire::RecordKind::kFileCall) {  // before what the call leaves otherwise
      order[i] = {2 * record.fixed->begin, i};
      continue;
    }
    // Doubled, so that there is a place before each.
    order[i] = {record.done()          ? 2 * record.fixed->end
                : next == ~uint64_t{0} ? next
                                       : 2 * next - 1,
                i};
  }

  if (std::is_sorted(order.begin(), order.end())) return;
  std::sort(order.begin(), order.end());
  std::vector<RecordView> sorted;
  sorted.reserve(records->size());
  for (const auto& [key, index] : order) sorted.push_back((*records)[index]);
  *records = std::move(sorted);
}

}  // namespace

wire::FileState RecordView::state(wire::SectionType type) const {
  wire::FileState state{};
  std::string_view bytes = text(type);
  if (bytes.size() == sizeof state) memcpy(&state, bytes.data(), sizeof state);
  return state;
}

RecordList ReadRecords(const char* bytes, uint64_t size) {
  CHECK(reinterpret_cast<uintptr_t>(bytes) % 8 == 0);
  RecordList list;
  list.records.reserve(CountRecords(bytes, size));
  uint64_t at = 0;
  while (at + wire::kAlign <= size) {
    uint32_t record_size;
    memcpy(&record_size, bytes + at, sizeof record_size);
    if (record_size == 0) {  // Reserved by a writer that was killed before it stored the size.
      at += wire::kAlign;
      continue;
    }
    const auto* record = reinterpret_cast<const Record*>(bytes + at);
    uint64_t room = size - at;
    if (record_size < sizeof(Record) || room < sizeof(Record) || !Plausible(record, room)) {
      if (list.damaged_at == 0) list.damaged_at = wire::kHeaderSize + at;
      at += wire::kAlign;
      continue;
    }
    at += record_size;
    if (record->state == static_cast<uint32_t>(RecordState::kEmpty)) {
      list.unpublished++;
      continue;
    }
    if (record->kind == static_cast<uint16_t>(wire::RecordKind::kPad)) continue;
    RecordView view;
    view.fixed = record;
    bool whole = record->used >= sizeof(Record) && record->used <= record->size &&
                 ReadSections(record, &view);
    if (!whole && list.damaged_at == 0) list.damaged_at = wire::kHeaderSize + at - record_size;
    if (whole) list.records.push_back(view);
  }

  // One process alone nearly always leaves them in order, and a view is a large thing to move.
  Sort(&list.records);

  return list;
}

}  // namespace oldornew
