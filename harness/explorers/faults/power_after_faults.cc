#include "explorers/faults/power_after_faults.h"

#include <algorithm>
#include <cerrno>

#include "lab/run_words.h"

namespace oldornew {

namespace {

constexpr uint64_t kMostStates = 50'000;  // of the plain run
constexpr uint64_t kMostAsked = 2'000;    // distinct ones of it, where a command is asked of each
constexpr size_t kMostSubjects = 24;

bool StaysInDirectory(const FileCall& call) {
  const auto directory = [](const std::string& path) {
    return path.substr(0, path.rfind('/') + 1);
  };
  return !call.path2.empty() && directory(call.path) == directory(call.path2);
}

}  // namespace

bool WritesBack(const FileCall& call) {
  const CallKind kind = KindOfCall(call);
  return kind == CallKind::kSync || kind == CallKind::kClose;
}

bool PowerAfterFaults::Wants(const EndedRun& run) {
  const bool synced = std::any_of(run.affected.begin(), run.affected.end(),
                                  [](const FileCall* call) { return WritesBack(*call); });
  if (given_.question.Succeeded(*run.trace))
    return synced || plain_runs_.StepsOf(*run.trace) != plain_runs_.PlainSteps();
  // A failed sync that was no reason not to publish; that a close failed has been reported.
  return KindOfCall(*run.failed_call) == CallKind::kSync &&
         !(run.trace->old_tree.RootDigest() == run.trace->new_tree.RootDigest());
}

// What the plain run's default rule watches, as far as it is there: what else a faulted run leaves
// is litter.
Question PowerAfterFaults::QuestionFor(const Trace& trace) const {
  Question question = given_.question;
  if (question.ByBytes() && !question.NamesPaths())
    question.watch.watch = plain_runs_.judge().FilesIn(trace);
  std::erase_if(question.expect, [](Oracle o) {
    return o != Oracle::kAtomic && o != Oracle::kDurable && o != Oracle::kCheck;
  });
  return question;
}

SearchSpace PowerAfterFaults::SpaceFor() const {
  SearchSpace space = given_.space;
  space.pedantic.clear();
  return space;
}

Status PowerAfterFaults::KnowPlainClaims() {
  if (claims_) return {};
  claims_.emplace();
  const size_t subjects = plain_runs_.judge().FilesIn(plain_runs_.plain()).size();
  if (subjects > kMostSubjects) {
    is_small_ = false;
    notes_.push_back(fmt::format(
        "power cuts during runs with faults were not explored: there are {} watched files",
        subjects));
    return {};
  }

  Coverage coverage;
  if (const Exploration* power = given_.earlier.Of(Finding::kPowerAxis)) {
    claims_ = ClaimsOf(power->findings);
    coverage = *power->coverage;
  } else {
    const Question question = QuestionFor(plain_runs_.plain());
    ASSIGN_OR_RETURN(const CheckerPool* pool, given_.lab.Checkers());
    ASSIGN_OR_RETURN(const JudgedTrace judged,
                     PrepareToJudge(plain_runs_.plain(), question, *pool));
    ASSIGN_OR_RETURN(
        const SearchResult plain,
        SearchPowerCuts(judged, question, SpaceFor(), static_cast<int>(given_.lab.jobs())));
    claims_ = ClaimsOf(plain.findings);
    coverage = plain.coverage;
  }

  const bool few = given_.question.ByCommand() ? coverage.states_distinct <= kMostAsked
                                               : coverage.states_visited <= kMostStates;
  is_small_ = coverage.exhaustive && few;
  if (!is_small_) {
    notes_.push_back(
        fmt::format("power cuts during runs with faults were not explored: the run without a fault "
                    "has {} states",
                    coverage.exhaustive ? std::to_string(coverage.states_visited) : "too many"));
  }
  return {};
}

Result<bool> PowerAfterFaults::Ask(const EndedRun& run, const FaultScene& scene) {
  // Whatever failed on the way to the same steps, with the same syncs failing: the states are the
  // same.
  const bool success = given_.question.Succeeded(*run.trace);
  std::string steps = plain_runs_.StepsOf(*run.trace) + std::to_string(success);
  for (const FileCall* call : run.affected) {
    if (WritesBack(*call)) steps += CallText(*run.trace, *call);
  }
  if (!searched_.insert(steps).second) return false;

  RETURN_IF_ERROR(KnowPlainClaims());
  if (!is_small_) return false;
  const Question question = QuestionFor(*run.trace);
  if (question.ByBytes() && !question.NamesPaths()) return false;
  ASSIGN_OR_RETURN(const CheckerPool* pool, given_.lab.Checkers());
  auto found = SearchNewClaims(*run.trace, question, SpaceFor(), *pool,
                               static_cast<int>(given_.lab.jobs()), *claims_, ClaimDetail::kAnyWay);
  if (!found) {
    // --watch names what is not there, or the command rejects what the run left: the judge of its
    // end says so.
    const ExitCode code = found.error().exit_code;
    if (code == ExitCode::kUsage || code == ExitCode::kBaselineFailed) return false;
    return tl::unexpected(std::move(found).error());
  }

  bounded_ = bounded_ || !found->exhaustive;
  const size_t before = findings_.size();
  for (Finding& finding : found->findings) Add(run, scene, std::move(finding));
  return findings_.size() > before;
}

void PowerAfterFaults::Add(const EndedRun& run, const FaultScene& scene, Finding finding) {
  const FileCall& call = *run.failed_call;
  const auto inode = run.trace->old_tree.Lookup(call.path);
  const bool directory = inode && run.trace->old_tree.at(*inode).kind == FileKind::kDirectory;
  const bool lost = given_.question.Succeeded(*run.trace) && !directory && WritesBack(call);
  if (lost) {
    if (!lost_.insert(std::tuple(scene.call, finding.path())).second) return;
    finding.message = fmt::format(
        "{} can be LOST in a power cut although the command reports success: {} fails with {}, and "
        "{}",
        finding.path() == "." ? "the directory" : finding.path(), scene.call, scene.fault,
        finding.message);
    // Only servers and quotas answer at close(2).
    const bool closing = KindOfCall(call) == CallKind::kClose;
    finding.oracle = closing ? Oracle::kHonest : Oracle::kDurable;
    finding.severity = closing ? Severity::kWarning : Severity::kError;
    finding.shown.outcome = Outcome::kLostAfterError;
    finding.outcomes = {{Outcome::kLostAfterError, {}}};
  } else {
    const auto key = std::tuple(finding.oracle, finding.path(), call.call, scene.fault);
    if (!keys_.insert(key).second) return;
    finding.message = fmt::format("{}: {}", scene.title, finding.message);
    if (scene.error == EXDEV && StaysInDirectory(call)) {
      finding.severity = Severity::kWarning;
      finding.message +=
          "; a name in the same directory is on another device only for some overlays";
    }
    for (auto& [outcome, profiles] : finding.outcomes) profiles.clear();
  }
  Rename(scene, &finding);
  findings_.push_back(std::move(finding));
}

// It is a finding of faults now: of the first path, in this run.
void PowerAfterFaults::Rename(const FaultScene& scene, Finding* finding) const {
  finding->axis = "faults";
  finding->subjects.resize(1);
  finding->subjects.front().outcomes = finding->outcomes;
  finding->scene = scene.title;
  finding->run = static_cast<int>(scene.run);
  finding->cause = fmt::format("{} {}", scene.failed_call->call,
                               plain_runs_.patterns().Of(scene.failed_call->path));
  finding->injected = {scene.injected};
  finding->source = SourceOf(*scene.trace, *scene.failed_call);
  finding->again = scene.again;
}

}  // namespace oldornew
