#include "explorers/faults/trial.h"

#include <cerrno>

#include "cases/call_kind.h"
#include "cases/file_call.h"
#include "oracle/end_state.h"

namespace oldornew {

namespace {

bool FailedForWantOfRoom(const FileCall& call) {
  const bool cut = KindOfCall(call) == CallKind::kWrite && call.told > 0 &&
                   static_cast<uint64_t>(call.told) < call.requested;
  return call.told == -ENOSPC || cut;
}

// Index of the injection that the case itself is about; -1: it is about no one call.
int OwnInjection(const FaultCase& fault) {
  if (fault.call < 0) return -1;
  const int after = fault.way == FaultWay::kShortThenFull ? 2 : 1;
  return static_cast<int>(fault.plan.size()) - after;
}

bool SameCall(const PlannedFault& planned, const PathPatterns& patterns, const Trace& trace,
              const FileCall& hit) {
  const FileCall& meant = planned.base->file_calls[static_cast<size_t>(planned.fault.call)];
  return hit.call == meant.call && patterns.Of(hit.path) == patterns.Of(meant.path) &&
         PlaceOf(trace, hit) == PlaceOf(*planned.base, meant);
}

void FindAffected(const PlannedFault& planned, const PathPatterns& patterns, Trial* out) {
  const FaultCase& fault = planned.fault;
  const int own = OwnInjection(fault);
  for (const FileCall& call : out->trace->file_calls) {
    const bool hit = call.injection >= 0 || (fault.space && FailedForWantOfRoom(call));
    if (!hit) continue;
    out->affected.push_back(&call);
    if (out->failed_call == nullptr && (own < 0 || call.injection == own)) out->failed_call = &call;
  }
  if (fault.call < 0) return;

  out->diverged =
      out->failed_call == nullptr || !SameCall(planned, patterns, *out->trace, *out->failed_call);
  if (out->failed_call == nullptr && !out->affected.empty())
    out->failed_call = out->affected.front();
}

Result<Trial> TryOnce(Lab& lab, size_t index, const Trace& plain, const PathPatterns& patterns,
                      const PlannedFault& planned, bool survey) {
  const FaultCase& fault = planned.fault;
  RunSpec run = lab.run();
  run.plan.injections = fault.plan;
  run.plan.survey = survey || fault.space.has_value();

  Trial out;
  auto trace = lab.Run(index, run, &plain.old_tree, fault.space ? &*fault.space : nullptr);
  if (!trace && trace.error().exit_code == ExitCode::kInterrupted)
    return tl::unexpected(std::move(trace).error());
  if (!trace) {
    out.problem = trace.error().message;
    return out;
  }

  out.trace = std::move(*trace);
  out.trace->plan = PlanTexts(fault);
  out.hung = Hung(*out.trace, run.time_limit);
  FindAffected(planned, patterns, &out);
  return out;
}

}  // namespace

Result<Trial> TryFault(Lab& lab, size_t index, const Trace& plain, const PathPatterns& patterns,
                       const PlannedFault& planned, bool survey) {
  ASSIGN_OR_RETURN(Trial trial, TryOnce(lab, index, plain, patterns, planned, survey));
  if (!trial.diverged) return trial;
  return TryOnce(lab, index, plain, patterns, planned, survey);
}

}  // namespace oldornew
