// SizeRules: the sizes a file can have on disk for one cut of the metadata, and the data each of
// them needs.
//
// persistence-model.md 7.6.1 (floating groups), 7.6.2 (startwb and wait), E3 (NEWDATA, TAILAPPEND)
// and section 4 (failed syncs) are decided here, for rows whose metadata has an order. posix rows
// use Forced and ForcedSizeCell only.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/history.h"
#include "model/profile.h"

namespace oldornew {

/// What decides a file's contents besides its history.
struct FileQuery {
  Position cut = 0;      ///< metadata up to here is on disk
  Position horizon = 0;  ///< data up to here may be
  uint32_t segment = 0;  ///< forces that returned before this segment hold
};

struct SizeCandidate {
  uint64_t size = 0;
  /// the page whose birth gives this size; UINT64_MAX: metadata alone gives it
  uint64_t page = UINT64_MAX;
  Position pos = 0;           ///< the write that this birth needs
  bool follows_data = false;  ///< the size is there only after the data (after_io)
};

/// Number of versions at or before `pos`, which is the index of the version the page has then.
uint32_t VersionAt(const PageLife& life, Position pos);

class SizeRules {
 public:
  SizeRules(const FileHistory& file, const Profile& profile, const FileQuery& query);

  /// All versions of the page at or before this position are on disk. A failed sync leaves its
  /// pages clean: a later sync forces them only if they were written again (section 4).
  Position Forced(uint64_t page) const;
  /// posix: the size cell has at least the value of this position.
  Position ForcedSizeCell() const;

  /// Largest first: the first is the one of "nothing lost". The last is there in any case.
  std::vector<SizeCandidate> Candidates();
  /// Data that must be there for the file to have this size, one of Candidates(): for each page,
  /// the position its version must have reached.
  std::map<uint64_t, Position> Required(const SizeCandidate& candidate) const;

  Position epoch() const { return epoch_; }    ///< last truncation within the cut
  Position waited() const { return waited_; }  ///< data that a `wait` rule made sure of
  /// New pages appear only with their data.
  bool after_io() const { return p_.new_data == NewData::kAfterIo; }
  bool fixed_at_write() const {
    return p_.delalloc != Delalloc::kYes || !p_.rules.Has(Rule::kFloating);
  }
  bool complete() const { return complete_; }

 private:
  Position Forced(uint64_t page, const std::vector<PageLife>& lives) const;
  bool LostAt(uint64_t page, const std::vector<PageLife>& lives, Position pos) const;
  uint64_t ForcedSize() const;
  const PageLife* LifeAt(uint64_t page) const;
  bool Allocated(const PageLife& life, Position forced, Position pos) const;
  NewData RuleOf(const PageLife& life, Position forced, Position pos) const;
  void Require(const WriteStep& step, bool follows_data,
               std::map<uint64_t, Position>* required) const;
  std::map<uint64_t, Position> RequiredAnyway() const;
  void FindEpoch();

  const FileHistory& file_;
  const Profile& p_;
  const FileQuery& q_;
  std::vector<DataForce> forces_;
  Position epoch_ = 0;  // of the last truncation
  Position grown_ = 0;  // of the last growth by metadata alone, since then
  // floating groups of writes up to here have their place before the cut (7.6.2)
  Position placed_ = 0;
  Position waited_ = 0;
  uint64_t fixed_ = 0;        // size that fixed groups give at the cut
  uint64_t live_ = 0;         // size in the page cache at the cut
  uint64_t forced_size_ = 0;  // size that returned syncs made sure of
  uint64_t least_ = 0;
  std::map<uint64_t, Position> required_anyway_;  // whatever size the file has; set by Candidates()
  bool complete_ = true;
};

}  // namespace oldornew
