// SizeRules: the sizes a file can have on disk for one cut of the metadata, and the data that each
// of them needs.
//
// The rules of model.md, section 5.3 (floating to placement), are decided here, for rows whose
// metadata has an order.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/data_timelines.h"
#include "model/forced_data.h"
#include "model/profile.h"

namespace oldornew {

/// What decides a file's contents in addition to its history.
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

class SizeRules {
 public:
  /// REQUIRES: profile.meta_order is not kNone. All three must outlive this.
  SizeRules(const FileHistory& file, const Profile& profile, const FileQuery& query);

  /// Largest first: the first is the one of "nothing lost". The last is there in any case.
  std::vector<SizeCandidate> Candidates();
  /// False when Candidates() left some out, because there were very many.
  bool complete() const { return complete_; }
  /// Data that must be there for the file to have this size, one of Candidates(): for each page,
  /// the position its version must have reached.
  std::map<uint64_t, Position> Required(const SizeCandidate& candidate) const;

  const ForcedData& forced() const { return forced_; }
  Position epoch() const { return epoch_.begin; }  ///< last truncation within the cut
  Position waited() const { return waited_; }      ///< data that a `wait` rule made sure of
  /// New pages appear only with their data.
  bool after_io() const { return p_.new_data == NewData::kAfterIo; }
  bool fixed_at_write() const {
    return p_.delalloc != Delalloc::kYes || !p_.rules.Has(Rule::kFloating);
  }

 private:
  // The truncation epoch at the cut.
  struct Epoch {
    Position begin = 0;       // the last truncation to a smaller size
    Position grown = 0;       // the last growth by metadata alone, since then
    uint64_t fixed_size = 0;  // that fixed groups give
  };

  Epoch FindEpoch() const;
  void FindPlacements();
  void AddCandidate(const WriteStep& step, uint64_t* least,
                    std::map<uint64_t, SizeCandidate>* by_page,
                    std::vector<SizeCandidate>* out) const;
  void Tidy(uint64_t least, std::vector<SizeCandidate>* out);
  const PageLife* LifeAt(uint64_t page) const;
  bool Allocated(const PageLife& life, Position forced, Position pos) const;
  void Require(const WriteStep& step, bool follows_data,
               std::map<uint64_t, Position>* required) const;
  std::map<uint64_t, Position> RequiredAnyway() const;
  void RequireBelow(const SizeCandidate& candidate, std::map<uint64_t, Position>* required) const;

  const FileHistory& file_;
  const Profile& p_;
  const FileQuery& q_;
  const ForcedData forced_;
  const Epoch epoch_;
  const uint64_t live_;         // size in the page cache at the cut
  const uint64_t forced_size_;  // size that returned syncs made sure of
  // floating groups of writes up to here have their place before the cut (rule placement)
  Position placed_ = 0;
  Position waited_ = 0;
  std::map<uint64_t, Position> required_anyway_;  // whatever size the file has; set by Candidates()
  bool complete_ = true;
};

}  // namespace oldornew
