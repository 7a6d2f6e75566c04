#include "rerun/kill.h"

#include <signal.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/spread.h"
#include "base/text.h"
#include "explore/case.h"
#include "rerun/again.h"
#include "rerun/end_state.h"
#include "rerun/fault_case.h"
#include "rerun/fault_findings.h"
#include "rerun/fault_judge.h"
#include "rerun/survey.h"

namespace oldornew {

namespace {

// A signal at one file call of the survey.
struct SignalCase {
  int signal = SIGKILL;
  int call = 0;  // index into the survey's file_calls
  bool after = true;
};

class Killer {
 public:
  Killer(Sandbox& sandbox, const Trace& plain, const KillSpec& spec)
      : sandbox_(sandbox), plain_(plain), spec_(spec) {}

  Result<KillResult> Run() {
    ASSIGN_OR_RETURN(survey_, RecordSurvey(sandbox_, plain_, spec_.run));
    if (const std::string why = WhyNotAlike(plain_, survey_); !why.empty()) {
      result_.bounds.push_back(
          "no process was killed by itself, since a second run from the same state " + why);
      return std::move(result_);
    }
    patterns_.emplace(plain_, survey_);
    judge_.emplace(plain_, survey_, *patterns_, spec_.search);
    RETURN_IF_ERROR(judge_->Prepare());
    for (const SignalCase& kill : ChooseCases()) RETURN_IF_ERROR(Try(kill));
    if (diverged_ > 0) {
      result_.bounds.push_back(
          fmt::format("{} went another way than the run they were made from, twice",
                      Count(diverged_, "run with a killed process")));
    }
    return std::move(result_);
  }

 private:
  // ---- the moments

  // Before the first file call of a process, and behind each that changed something: what lies
  // between differs in nothing that anybody could see.
  std::vector<int> MomentsOf(int32_t process, int* first) const {
    std::vector<int> out;
    *first = -1;
    for (int i = 0; i < static_cast<int>(survey_.file_calls.size()); ++i) {
      const FileCall& call = survey_.file_calls[static_cast<size_t>(i)];
      if (call.process != process || call.end == 0) continue;
      if (*first < 0) *first = i;
      const size_t number = OpNumberOf(survey_, call);
      if (number == 0) continue;
      const Op& op = survey_.ops[number - 1];
      if (op.error == 0 && ChangesTree(op.kind)) out.push_back(i);
    }
    return out;
  }

  std::vector<SignalCase> ChooseCases() {
    std::vector<SignalCase> kills;
    std::vector<SignalCase> signals;
    for (int32_t process = 0; process < static_cast<int32_t>(survey_.processes.size()); ++process) {
      int first = -1;
      const std::vector<int> changes = MomentsOf(process, &first);
      if (first < 0) continue;
      std::vector<SignalCase>& out = process == 0 ? signals : kills;
      out.push_back({SIGKILL, first, /*after=*/false});
      for (const int call : changes) out.push_back({SIGKILL, call, /*after=*/true});
    }
    const size_t all = kills.size() + 2 * signals.size();
    kills = Spread(std::move(kills), spec_.most_of_each);
    signals = Spread(std::move(signals), spec_.most_of_each);
    std::vector<SignalCase> out = kills;
    for (const int signal : {SIGTERM, SIGINT}) {
      for (SignalCase kill : signals) {
        kill.signal = signal;
        out.push_back(kill);
      }
    }
    if (out.size() < all) {
      result_.notes.push_back(
          fmt::format("of {} moments at which one process can be killed or get a signal, {} were "
                      "tried, evenly spread",
                      all, out.size()));
    }
    return out;
  }

  Injection InjectionOf(const SignalCase& kill) const {
    Injection out = InjectionAt(survey_, *patterns_, kill.call);
    out.kind = Injection::Kind::kSignal;
    out.signal = kill.signal;
    out.after = kill.after;
    return out;
  }

  // ---- one run

  struct Tried {
    Trace trace;
    const FileCall* hit = nullptr;
    bool as_meant = false;
  };

  Result<Tried> TryOnce(const SignalCase& kill, const Injection& injection) const {
    RETURN_IF_ERROR(sandbox_.Present(plain_.old_tree));
    RunSpec run = spec_.run;
    run.plan.injections = {injection};
    Tried out;
    ASSIGN_OR_RETURN(out.trace, RecordIn(sandbox_, run));
    out.trace.plan = {FormatInjection(injection)};
    const FileCall& meant = survey_.file_calls[static_cast<size_t>(kill.call)];
    for (const FileCall& call : out.trace.file_calls) {
      if (call.injection < 0 || out.hit != nullptr) continue;
      out.hit = &call;
      out.as_meant = call.call == meant.call &&
                     patterns_->Of(call.path) == patterns_->Of(meant.path) &&
                     (call.process == 0) == (meant.process == 0);
    }
    return out;
  }

  Status Try(const SignalCase& kill) {
    const Injection injection = InjectionOf(kill);
    ASSIGN_OR_RETURN(Tried tried, TryOnce(kill, injection));
    if (!tried.as_meant) {
      ASSIGN_OR_RETURN(tried, TryOnce(kill, injection));
    }
    ++(kill.signal == SIGKILL ? result_.killed : result_.signalled);
    if (!tried.as_meant) {
      ++diverged_;
      return {};
    }
    const bool hung = Hung(tried.trace, spec_.run.time_limit);
    const std::string scene = SceneOf(kill, tried);
    if (!hung && !tried.trace.CanBeJudged()) {
      result_.bounds.push_back(fmt::format("{} the run cannot be judged: {}", scene,
                                           tried.trace.obstacles.front().reason));
      return {};
    }
    const FaultedRun run{&tried.trace, {tried.hit}, tried.hit, hung, FaultWay::kByHand};
    ASSIGN_OR_RETURN(FaultJudgement judgement, judge_->Judge(run));
    std::erase_if(judgement.blames,
                  [&](const Blame& blame) { return !Counts(kill, tried, blame); });
    for (Blame& blame : judgement.blames) {
      // Whatever call it dies at, even one that only looks: it may as well have been any other.
      if (blame.oracle == Oracle::kAtomic || blame.oracle == Oracle::kHonest)
        blame.severity = Severity::kError;
    }
    RunSpec once_more = spec_.run;
    once_more.plan.injections = {injection};
    for (Blame& blame : judgement.blames)
      RETURN_IF_ERROR(judge_->AskNextRun(sandbox_, once_more, tried.trace, &blame));
    Report(kill, injection, scene, std::move(tried), judgement.blames);
    return {};
  }

  // What the dead cannot tidy up is a note (oracles.md 11), and that they do not know how far they
  // came is no lie. A program that handles the signal has had its chance.
  bool Counts(const SignalCase& kill, const Tried& tried, const Blame& blame) const {
    if (blame.outcome == Outcome::kChangedThoughFailed) return false;
    const bool handled = kill.signal != SIGKILL && Handled(kill, tried);
    // What the recording has told of already.
    if (blame.oracle == Oracle::kAtomic && !handled && spec_.known.contains(blame.path))
      return false;
    return blame.outcome != Outcome::kLitter || handled;
  }

  // The main process went on, or ended otherwise than by the signal.
  static bool Handled(const SignalCase& kill, const Tried& tried) {
    if (tried.trace.exit_status != 128 + kill.signal) return true;
    const uint64_t since = std::max(tried.hit->begin, tried.hit->end);
    return std::any_of(tried.trace.ops.begin(), tried.trace.ops.end(), [&](const Op& op) {
      return op.process == 0 && op.begin > since && op.kind != OpKind::kExit;
    });
  }

  std::string SceneOf(const SignalCase& kill, const Tried& tried) const {
    const std::string call = CallText(tried.trace, *tried.hit);
    const char* where = kill.after ? "behind" : "before";
    if (kill.signal != SIGKILL)
      return fmt::format("with SIG{} {} {}", SignalName(kill.signal), where, call);
    const auto process = static_cast<size_t>(tried.hit->process);
    const std::string& program = tried.trace.processes[process].program;
    return fmt::format("when {} alone is killed {} {}", BaseName(program), where, call);
  }

  // One finding for each wrong end of each path, whichever moment leads there first.
  void Report(const SignalCase& kill, const Injection& injection, const std::string& scene,
              Tried tried, const std::vector<Blame>& blames) {
    const std::vector<std::string> plan = {FormatInjection(injection)};
    const std::string id = RunIdOf("kill", plan);
    const std::string how = kill.signal == SIGKILL ? "process" : "SIG" + SignalName(kill.signal);
    bool kept = false;
    for (const Blame& blame : blames) {
      const auto key = std::tuple(blame.oracle, blame.outcome, patterns_->Of(blame.path),
                                  kill.signal == SIGKILL ? std::string() : std::string("signal"));
      if (!seen_.insert(key).second) continue;
      Finding finding = EndFinding(blame.oracle, blame.outcome, blame.severity, blame.path,
                                   fmt::format("{}: {}", scene, blame.what), id, tried.trace);
      finding.stable_path = patterns_->Of(blame.path);
      finding.cause = how;
      finding.scene = scene;
      finding.evidence = blame.evidence;
      finding.again = CheckAgain(plan, spec_.run.command);
      finding.run = static_cast<int>(result_.runs.size());
      result_.findings.push_back(std::move(finding));
      kept = true;
    }
    if (kept)
      result_.runs.push_back({id, scene, std::move(tried.trace), FurtherRun::End::kFindings, {}});
  }

  Sandbox& sandbox_;
  const Trace& plain_;
  const KillSpec& spec_;
  Trace survey_;
  std::optional<PathPatterns> patterns_;
  std::optional<FaultJudge> judge_;
  std::set<std::tuple<Oracle, Outcome, std::string, std::string>> seen_;
  uint64_t diverged_ = 0;
  KillResult result_;
};

}  // namespace

Result<KillResult> KillProcesses(Sandbox& sandbox, const Trace& plain, const KillSpec& spec) {
  return Killer(sandbox, plain, spec).Run();
}

}  // namespace oldornew
