// FileDomain: every content one file can show after a power cut, given where the metadata was cut.
//
// persistence-model.md 7.6.1, 2, 8 and 9 are decided here. A content is a size and, for each data
// unit below it, one of that unit's options; options are independent of each other once the size is
// chosen. Contents are listed by weight: 2 for each unit, or size, that is not the one "nothing
// lost" would show, 3 for a torn unit.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/file_sizes.h"
#include "model/history.h"
#include "model/profile.h"

namespace oldornew {

/// A digest that can be added up: the sum over the parts of a picture identifies the picture, in
/// any order.
struct Sum {
  uint64_t high = 0;
  uint64_t low = 0;
  Sum& operator+=(const Sum& other) {
    high += other.high;
    low += other.low;
    return *this;
  }
  Sum& operator-=(const Sum& other) {
    high -= other.high;
    low -= other.low;
    return *this;
  }
  auto operator<=>(const Sum&) const = default;
};
Sum MixDigest(const Digest& digest, uint64_t salt);
/// The sum of a file's size and pages; what ContentChoice::key is for that content.
Sum ContentSum(const Content& content);

/// One form a data unit can have on disk.
struct UnitOption {
  enum class Form : uint8_t { kVersion, kTorn, kPattern };
  Form form = Form::kVersion;
  uint32_t version = 0;  ///< index as in PageLife: 0 = base. kTorn: sectors of this over `under`
  uint32_t under = 0;
  uint32_t sectors = 0;  ///< kTorn: bit k = sector k of the torn page has the new version
  uint32_t weight = 0;
  Position pos = 0;  ///< latest position that has to have happened
  Sum key;           ///< of the unit's pages in this form
};

/// Pages that always share their fate.
struct Unit {
  std::vector<uint64_t> pages;
  /// index into FileHistory::pages; SIZE_MAX on posix rows, where a page is one cell through all
  /// lives
  size_t life = 0;
  std::vector<UnitOption> options;  ///< options[0] has weight 0
  uint32_t max_weight = 0;
};

/// One size the file can have, with the units below it.
struct SizeChoice {
  uint64_t size = 0;
  uint32_t weight = 0;
  Position pos = 0;
  std::vector<Unit> units;
  Sum default_key;  ///< size, untouched pages and every unit's options[0]
  uint32_t max_weight = 0;
};

struct ContentChoice {
  uint32_t weight = 0;
  uint32_t size = 0;  ///< index into sizes
  Position pos = 0;   ///< see UnitOption
  Sum key;
  std::vector<std::pair<uint32_t, uint32_t>> deviating;  ///< (unit, option), ascending
};

class FileDomain {
 public:
  /// Finds the sizes and units. `object` seeds the non-text pattern of stale
  /// pages.
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
  friend class FileDomainBuilder;
  void ListSize(uint32_t size_index, uint32_t weight, uint64_t limit);
  ContentChoice Finish(ContentChoice choice) const;
  static int Landed(const UnitOption& option, uint32_t version);
  PageRef RenderPage(const Unit& unit, const UnitOption& option, uint64_t page,
                     uint64_t size) const;

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

uint64_t SaturatingMultiply(uint64_t a, uint64_t b);
uint64_t SaturatingAdd(uint64_t a, uint64_t b);

}  // namespace oldornew
