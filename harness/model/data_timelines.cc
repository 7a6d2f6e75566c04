#include "model/data_timelines.h"

#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace oldornew {
namespace {

PageRef PageWith(const PageRef& page, uint64_t within, std::string_view bytes) {
  char buffer[kPageSize] = {};
  if (page != nullptr) std::memcpy(buffer, page->bytes().data(), kPageSize);
  std::memcpy(buffer + within, bytes.data(), bytes.size());
  return MakePage({buffer, kPageSize});
}

PageRef PageZeroed(const PageRef& page, uint64_t from, uint64_t to) {
  if (page == nullptr) return page;
  return PageWith(page, from, std::string(to - from, '\0'));
}

bool SamePage(const PageRef& a, const PageRef& b) {
  return a == b || (a != nullptr && b != nullptr && a->digest() == b->digest());
}

const PageRef& Current(const PageLife& life) {
  return life.versions.empty() ? life.base : life.versions.back().page;
}

// The lives of a page, its life before the run included.
std::vector<PageLife>& Lives(FileHistory* file, uint64_t page) {
  auto [entry, fresh] = file->pages.try_emplace(page);
  if (fresh && page < file->base.pages().size()) {
    PageLife life;
    life.mapped = true;
    life.base = file->base.pages()[page];
    entry->second.push_back(std::move(life));
  }

  return entry->second;
}

PageLife* Living(FileHistory* file, uint64_t page) {
  auto& lives = Lives(file, page);
  return lives.empty() || lives.back().dies != kNeverDies ? nullptr : &lives.back();
}

void Drop(FileHistory* file, uint64_t page, Position pos) {
  if (PageLife* life = Living(file, page)) life->dies = pos;
}

// Collapse and insert write back what is dirty and then move blocks in one transaction: the moved
// pages start new lives with the bytes they have.
void Shift(FileHistory* file, const Op& op, Position pos) {
  const uint64_t size = file->live_size.back().second;
  const uint64_t pages = (size + kPageSize - 1) / kPageSize;
  std::vector<PageRef> now(pages);
  for (uint64_t page = 0; page < pages; ++page) {
    if (PageLife* life = Living(file, page)) now[page] = Current(*life);
  }

  const auto at = static_cast<std::ptrdiff_t>(op.offset / kPageSize);
  const auto count = static_cast<std::ptrdiff_t>(op.length / kPageSize);
  if (op.mode & FALLOC_FL_COLLAPSE_RANGE) {
    now.erase(now.begin() + at,
              now.begin() + std::min<std::ptrdiff_t>(at + count, std::ssize(now)));
  } else {
    now.insert(now.begin() + at, static_cast<size_t>(count), nullptr);
  }

  const uint64_t reach = std::max<uint64_t>(pages, now.size());
  for (uint64_t page = op.offset / kPageSize; page < reach; ++page) {
    Drop(file, page, pos);
    if (page >= now.size() || now[page] == nullptr) continue;
    PageLife life;
    life.born = pos;
    life.mapped = true;
    life.base = now[page];
    file->pages[page].push_back(std::move(life));
  }
}

}  // namespace

uint64_t FileHistory::LiveSize(Position cut) const {
  auto after = std::upper_bound(live_size.begin(), live_size.end(), cut,
                                [](Position p, const auto& entry) { return p < entry.first; });
  return after == live_size.begin() ? 0 : std::prev(after)->second;
}

FileHistory& DataTimelines::File(ObjectId object) {
  auto [entry, fresh] = files_.try_emplace(object);
  FileHistory& file = entry->second;
  if (fresh) {
    const FileTree& old_tree = trace_->old_tree;
    if (static_cast<size_t>(object) < old_tree.size()) file.base = old_tree.at(object).content;
    file.live_size.emplace_back(0, file.base.size());
  }

  return file;
}

const FileHistory* DataTimelines::Find(ObjectId object) const {
  const auto found = files_.find(object);
  return found == files_.end() ? nullptr : &found->second;
}

void DataTimelines::Create(ObjectId object, Position pos) {
  FileHistory& file = File(object);
  file.created = pos;
  file.events.push_back(pos);
}

// The pages of one write call, split into data units (rule units).
std::vector<std::pair<uint64_t, uint64_t>> DataTimelines::Units(uint64_t offset,
                                                                uint64_t end) const {
  if (!rules_.Has(Rule::kUnits)) return {{offset, end}};
  const uint64_t first_end = std::min(end, (offset / kPageSize + 1) * kPageSize);
  const uint64_t last_start = (end - 1) / kPageSize * kPageSize;

  std::vector<std::pair<uint64_t, uint64_t>> units = {{offset, first_end}};
  if (grain_ == Grain::kCall) {
    if (first_end < last_start) units.emplace_back(first_end, last_start);
  } else {
    for (uint64_t at = first_end; at < last_start; at += kPageSize)
      units.emplace_back(at, at + kPageSize);
  }

  if (first_end < end) units.emplace_back(last_start, end);
  return units;
}

void DataTimelines::Write(const Op& op, uint32_t index, Changes* changes) {
  FileHistory& file = File(op.object);
  const std::string_view payload = trace_->Payload(op);

  for (auto [start, end] : Units(op.offset, op.offset + op.length)) {
    WriteStep step;
    step.pos = changes->NewPosition(index);
    step.op = index;
    step.offset = start;
    step.end = end;
    step.size_before = file.live_size.back().second;
    step.size_after = std::max(step.size_before, end);
    file.events.push_back(step.pos);

    WriteUnit(&file, step, op.offset, payload);
    file.writes.push_back(step);
    if (step.extends()) file.live_size.emplace_back(step.pos, step.size_after);
  }
}

// Each page of the unit gets a new version, and begins to live if it did not.
void DataTimelines::WriteUnit(FileHistory* file, const WriteStep& step, uint64_t op_offset,
                              std::string_view payload) const {
  for (uint64_t at = step.offset; at < step.end;) {
    const uint64_t page = at / kPageSize;
    const uint64_t stop = std::min(step.end, (page + 1) * kPageSize);
    PageLife* life = Living(file, page);
    if (life == nullptr) {
      life = &file->pages[page].emplace_back();
      life->born = step.pos;
    }

    const PageRef& before = rules_.Has(Rule::kCumulative) ? Current(*life) : life->base;
    const PageRef after =
        PageWith(before, at % kPageSize, payload.substr(at - op_offset, stop - at));
    life->versions.push_back({step.pos, step.op, after, stop, false});
    at = stop;
  }
}

uint64_t DataTimelines::LiveSize(ObjectId object) { return File(object).live_size.back().second; }

// Part of a page that stays is zeroed in place, as a version of its own.
void DataTimelines::Zero(FileHistory* file, uint64_t page, uint64_t from, uint64_t to, Position pos,
                         uint32_t index) const {
  PageLife* life = Living(file, page);
  if (life == nullptr) return;
  const PageRef zeroed = PageZeroed(Current(*life), from, to);
  if (!SamePage(zeroed, Current(*life))) life->versions.push_back({pos, index, zeroed, 0, true});
}

void DataTimelines::Truncate(ObjectId object, uint64_t size, Position pos, uint32_t index) {
  FileHistory& file = File(object);
  const uint64_t before = file.live_size.back().second;
  file.events.push_back(pos);

  if (size < before) {
    const uint64_t first_dropped = (size + kPageSize - 1) / kPageSize;
    const uint64_t pages = (before + kPageSize - 1) / kPageSize;
    for (uint64_t page = first_dropped; page < pages; ++page) Drop(&file, page, pos);
    if (size % kPageSize != 0 && rules_.Has(Rule::kZeroTail))
      Zero(&file, size / kPageSize, size % kPageSize, kPageSize, pos, index);
  }

  file.sizes.push_back({pos, index, size, size < before});
  file.live_size.emplace_back(pos, size);
}

// What each mode does to the bytes: fallocate(2).
void DataTimelines::Allocate(const Op& op, Position pos, uint32_t index) {
  FileHistory& file = File(op.object);
  const uint64_t before = file.live_size.back().second;
  file.events.push_back(pos);

  const bool shifts = op.mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE);
  const bool zeroes = op.mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
  if (rules_.Has(Rule::kAllocateModes) && shifts) {
    Shift(&file, op, pos);
  } else if (rules_.Has(Rule::kAllocateModes) && zeroes) {
    const uint64_t end = std::min(op.offset + op.length, before);
    for (uint64_t at = op.offset; at < end;) {
      const uint64_t page = at / kPageSize;
      const uint64_t stop = std::min(end, (page + 1) * kPageSize);
      if (stop - at == kPageSize) {
        Drop(&file, page, pos);
      } else {
        Zero(&file, page, at % kPageSize, stop - page * kPageSize, pos, index);
      }
      at = stop;
    }
  }

  if (op.size_after == before) return;
  file.sizes.push_back({pos, index, op.size_after, op.size_after < before});
  file.live_size.emplace_back(pos, op.size_after);
}

void DataTimelines::PlaceAtRename(ObjectId object, Position pos) {
  FileHistory& file = File(object);
  file.placements.push_back({pos, pos, false});
  file.events.push_back(pos);
}

void DataTimelines::PlaceAtClose(ObjectId object, Position last) {
  FileHistory& file = File(object);
  open_placements_.emplace_back(object, file.placements.size());
  file.placements.push_back({kNeverDies, last, true});
}

void DataTimelines::GroupComes(Position pos) {
  for (auto& [object, index] : open_placements_) {
    FileHistory& file = files_.at(object);
    file.placements[index].trigger = pos;
    file.events.push_back(pos);
  }

  open_placements_.clear();
}

void DataTimelines::AddForce(const Force& force, uint32_t segment) {
  DataForce data;
  data.segment = segment;
  data.pos = force.pos;
  data.failed = force.failed;
  if (force.ranged) {
    data.first_page = force.offset / kPageSize;
    data.last_page = (force.end - 1) / kPageSize;
    data.end = force.end;
  }

  if (force.everything() || !rules_.Has(Rule::kOthersFloat)) {
    for (auto& [object, file] : files_) file.forces.push_back(data);
  } else if (auto file = files_.find(force.object); file != files_.end()) {
    file->second.forces.push_back(data);
  }
}

}  // namespace oldornew
