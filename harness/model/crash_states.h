// Every state of the disk that a power cut can leave behind, for one recorded run and one profile.
//
// Crash point p = power lost after p ops of the trace had returned (and while op p, counted from 0,
// was possibly under way); p runs from 0 to ops.size(). Only what the projection sees counts: two
// states that show the same bytes, kinds, targets and attributes at the projected paths are one
// state. The Method is described at the head of crash_states.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "model/profile.h"
#include "trace/trace.h"

namespace oldornew {

/// What an oracle looks at: paths below the judged roots, "a/b" form; "" = everything. A path that
/// names a directory means all that is below it. Symlinks are not followed.
struct Projection {
  std::vector<std::string> paths;
};

/// How finely one write call is taken apart (persistence-model.md 7.6.15).
enum class Grain : uint8_t {
  kCall,    ///< first page, interior, last page, and one torn form of each
  kPage,    ///< every page on its own, one torn form each
  kSector,  ///< every page, torn in every prefix, every suffix and every single 512-byte sector
};
const char* GrainName(Grain grain);

struct Limits {
  uint64_t max_states = 50000;  ///< combinations looked at, before deduplication
  Grain grain = Grain::kCall;
};

/// An op before the crash whose effect is not, or not fully, in the state, and matters to the
/// projection.
struct Effect {
  enum class Extent : uint8_t { kWhole, kPart, kTorn };
  uint32_t op = 0;  ///< index into Trace::ops
  Extent extent = Extent::kWhole;
  /// for people, may be empty: "size not updated", "2 of 3 pages", "512 of 4096 B of a page"
  std::string detail;
};

struct CrashState {
  uint32_t first_point = 0;  ///< earliest crash point at which this state can be found
  uint32_t last_point = 0;   ///< latest one
  /// All crash points at which it can be found, as closed intervals in ascending order.
  std::vector<std::pair<uint32_t, uint32_t>> points;
  /// The projected paths and the directories above them; with projection "" everything. Root
  /// numbers are the trace's.
  FileTree tree;
  /// of all that the projection sees, attributes included; the same for the same picture
  Digest digest;
  /// how far from "nothing lost": 2 for each effect lost, 3 for each torn
  uint32_t deviations = 0;
  std::vector<Effect> lost;  ///< in trace order, for `choice` (the earliest crash point)
  /// ops that are on disk and gave the projected paths what they name; in trace order
  std::vector<uint32_t> named_by;
  /// printable, no spaces; RealiseChoice gives this state back. Earliest crash point
  std::string choice;
  /// the same picture at last_point: realise it to learn what is lost *then*
  std::string late_choice;
};

struct Coverage {
  uint64_t crash_points = 0;     ///< always all of them: ops.size() + 1
  uint64_t states_total = 0;     ///< combinations in the space; saturates at UINT64_MAX
  uint64_t states_visited = 0;   ///< combinations looked at
  uint64_t states_distinct = 0;  ///< pictures among them
  uint64_t orders = 1;           ///< orders of overlapping ops that were tried (7.6.12)
  Grain grain = Grain::kCall;
  bool exhaustive = true;  ///< false: a bound was reached; what was not looked at may hold anything
};

class History;

/// Calls `visit` once for each distinct state, in a fixed order, small deviations first; stops when
/// it returns false (which is not a loss of exhaustiveness: `exhaustive` says whether the states
/// were all computed).
Coverage ForEachCrashState(const Trace& trace, const Profile& profile, const Projection& projection,
                           const Limits& limits,
                           const std::function<bool(const CrashState&)>& visit);

/// The same with a History built once: for many profiles and projections of one trace this saves
/// most of the work.
Coverage ForEachCrashState(const History& history, const Profile& profile,
                           const Projection& projection, const Limits& limits,
                           const std::function<bool(const CrashState&)>& visit);

/// The one state that `choice` (from ForEachCrashState of the same trace and profile) stands for.
/// What the choice does not mention is not lost. With a wider projection than the one it was found
/// with, the rest of the tree is shown as it is when nothing more is lost. Errors: a choice that
/// does not fit this trace and profile (ExitCode::kUsage).
Result<CrashState> RealiseChoice(const Trace& trace, const Profile& profile,
                                 std::string_view choice, const Projection& projection = {{""}});

/// The same with a History built once. Errors also: `history` is of another grain than the choice.
Result<CrashState> RealiseChoice(const History& history, const Profile& profile,
                                 std::string_view choice, const Projection& projection = {{""}});

}  // namespace oldornew
