// FileDomain: every content one file can show after a power cut, given where the metadata was cut.
//
// A content is a size and, for each data unit below it, one of that unit's options; options are
// independent of each other once the size is chosen (ordered_contents.h, cell_contents.h). Contents
// are listed by weight: 2 for each unit, or size, that is not the one "nothing lost" would show, 3
// for a torn unit.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/data_timelines.h"
#include "model/file_sizes.h"
#include "model/profile.h"
#include "model/units.h"

namespace oldornew {

struct ContentChoice {
  uint32_t weight = 0;
  uint32_t size = 0;  ///< index into sizes
  Position pos = 0;   ///< see UnitOption
  Sum key;
  std::vector<std::pair<uint32_t, uint32_t>> deviating;  ///< (unit, option), ascending
};

class FileDomain {
 public:
  /// Finds the sizes and units. `object` seeds the non-text pattern of stale pages. `file` must
  /// outlive this.
  FileDomain(const FileHistory& file, ObjectId object, const Profile& profile,
             const FileQuery& query, Grain grain);

  /// Lists contents in order of weight, at most `limit` of them, if that was not done before.
  void List(uint64_t limit);

  const std::vector<ContentChoice>& choices() const { return choices_; }
  const std::vector<SizeChoice>& sizes() const { return sizes_; }
  uint64_t total() const { return total_; }  ///< saturating
  bool complete() const { return complete_; }
  /// The choice of that size and those deviating units, listed or not; nullopt when there is no
  /// such choice.
  std::optional<uint32_t> Find(uint32_t size,
                               const std::vector<std::pair<uint32_t, uint32_t>>& deviating) const;
  Content Render(const ContentChoice& choice) const;
  const FileQuery& query() const { return query_; }
  bool independent_cells() const { return independent_cells_; }
  const FileHistory& file() const { return file_; }
  /// How the data of each write up to `horizon` stands in this choice, page by page; landed: 0 not
  /// at all, 1 in part, 2 fully (or so that nobody can tell).
  void ForEachPageEffect(
      const ContentChoice& choice, Position horizon,
      const std::function<void(uint32_t op, uint64_t page, int landed)>& visit) const;

 private:
  void ListSize(uint32_t size_index, uint32_t weight, uint64_t limit);
  ContentChoice Finish(ContentChoice choice) const;

  const FileHistory& file_;
  ObjectId object_;
  const FileQuery query_;
  bool independent_cells_ = false;
  std::vector<SizeChoice> sizes_;
  mutable std::vector<ContentChoice> choices_;  // Find may add to it
  uint64_t total_ = 0;
  bool complete_ = true;
};

/// Identifies all that FileDomain depends on: two queries with equal keys give the same domain.
struct DomainKey {
  ObjectId object;
  Position cut;
  Position horizon;
  uint32_t forces;
  auto operator<=>(const DomainKey&) const = default;
};
DomainKey KeyOf(const FileHistory& file, ObjectId object, const FileQuery& query);

}  // namespace oldornew
