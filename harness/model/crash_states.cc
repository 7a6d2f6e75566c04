// Method
//
// 1. The trace becomes a History (history.h). Ops become positions in time. Metadata becomes
//    timelines of directory slots, attributes and sizes; file data becomes pages with cumulative
//    versions. Every sync call that returned ends a *segment*. Nothing here depends on a profile.
//
// 2. Within a segment, what was reachable at one crash point stays reachable at the next: doing more
//    never takes a state away, only a sync that returns does. So the states of a segment are those
//    of its last point, and each has an exact earliest point: the op after the latest position that
//    it shows. States found in several segments have several intervals.
//
// 3. For each segment the profile gives the choices of metadata (meta_states.h):
//    - prefix rows: a cut, from what returned syncs force (forced_metadata.h) to the end of the
//      segment;
//    - txlog rows: a cut, no earlier than the last full commit, with the values that every log sync
//      after it put on top (fsync_log.h), the one under way included or not;
//    - rows with META_ORDER=none: each directory slot has a value of its own.
//
// 4. A walk of the projected paths (Walk in views.h) finds what that choice shows: names, kinds,
//    attributes. What it does not reach, such as a temporary file without a name, takes no part.
//    Choices of metadata that show the same are merged (pictures.h).
//
// 5. Each file in the picture has a list of contents (file_states.h): a size that floating groups,
//    placement and forcing permit (file_sizes.h), and for each data unit below it a version between
//    the last one forced and the last one written, whole or torn. Files do not constrain each other
//    beyond the cut, so a state is the picture times one content for each file.
//
// 6. States are visited in order of weight: 2 for each metadata or data unit lost, 3 for a torn one;
//    of equal weight in order of time. Equal pictures, by digest over paths, kinds, attributes,
//    targets and bytes, are one state. Its intervals, its earliest and its latest witness are
//    collected over all of them before the first is handed out. When max_states combinations have
//    been looked at, the rest is left, and the coverage says so.
//
// 7. Devices are separate: each has its own segments and cuts (rule devices), and a state of several
//    is a combination of states that have a crash point in common. Ops that overlapped are tried in
//    other orders too (rule orders); the states of all orders are united.
//
// Steps 1 to 5 are History and Pictures, 6 and 7 are in enumeration.h.
#include "model/crash_states.h"

#include "base/check.h"
#include "model/choice_text.h"
#include "model/enumeration.h"
#include "model/history.h"
#include "model/judged_roots.h"
#include "model/realise.h"

namespace oldornew {
namespace {

// Rows on which nothing survives: the roots, empty, at every point.
CrashState NothingLeft(const Trace& trace, uint32_t point) {
  CrashState state;
  const auto last = static_cast<uint32_t>(trace.ops.size());
  state.last_point = last;
  state.points = {{0, last}};
  state.tree = EmptyRoots(trace);
  state.digest = HashBytes("nothing is left");
  state.choice = "nothing.p0";
  state.late_choice = fmt::format("nothing.p{}", last);
  for (uint32_t op = 0; op < point; ++op) {
    if (trace.ops[op].error == 0) state.lost.push_back({op, Effect::Extent::kWhole, ""});
  }
  return state;
}

// Reads a choice and checks that it can be one of this trace and profile.
Result<ChoiceText> ReadChoice(const Trace& trace, const Profile& profile, std::string_view text) {
  std::optional<ChoiceText> choice = ParseChoice(text);
  if (!choice || choice->point > trace.ops.size()) return DoesNotFit(text, "it cannot be read");
  if (choice->nothing != (profile.after_crash == AfterCrash::kEmpty))
    return DoesNotFit(text, "another profile wrote it");
  return *std::move(choice);
}

}  // namespace

Coverage ForEachCrashState(const Trace& trace, const Profile& profile, const Projection& projection,
                           const Limits& limits,
                           const std::function<bool(const CrashState&)>& visit) {
  return ForEachCrashState(History(trace, limits.grain, 32, profile.rules), profile, projection,
                           limits, visit);
}

Coverage ForEachCrashState(const History& history, const Profile& profile,
                           const Projection& projection, const Limits& limits,
                           const std::function<bool(const CrashState&)>& visit) {
  CHECK(limits.grain == history.grain());
  if (profile.after_crash == AfterCrash::kEmpty) {
    Coverage coverage;
    coverage.crash_points = history.trace().ops.size() + 1;
    coverage.states_total = coverage.states_visited = coverage.states_distinct = 1;
    coverage.grain = history.grain();

    visit(NothingLeft(history.trace(), 0));
    return coverage;
  }

  return EnumerateStates(history, profile, projection, limits, visit);
}

Result<CrashState> RealiseChoice(const Trace& trace, const Profile& profile,
                                 std::string_view choice, const Projection& projection) {
  ASSIGN_OR_RETURN(const ChoiceText read, ReadChoice(trace, profile, choice));
  if (read.nothing) return NothingLeft(trace, read.point);
  return Realise(History(trace, read.grain), profile, choice, read, projection);
}

Result<CrashState> RealiseChoice(const History& history, const Profile& profile,
                                 std::string_view choice, const Projection& projection) {
  ASSIGN_OR_RETURN(const ChoiceText read, ReadChoice(history.trace(), profile, choice));
  if (read.nothing) return NothingLeft(history.trace(), read.point);
  if (read.grain != history.grain()) return DoesNotFit(choice, "it is of another grain");
  return Realise(history, profile, choice, read, projection);
}

}  // namespace oldornew
