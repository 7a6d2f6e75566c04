#include "explorers/kill/process_kills.h"

#include <signal.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/spread.h"
#include "base/text.h"
#include "cases/file_call.h"
#include "finding/builder.h"
#include "lab/injection_at.h"
#include "lab/litter_growth.h"
#include "lab/run_words.h"
#include "lab/survey.h"
#include "oracle/end_judge.h"

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
  Killer(const Given& given, const KillOptions& options, const std::set<std::string>& known)
      : given_(given), plain_(given.plain), options_(options), known_(known) {}

  Result<ProcessKills> Run() {
    ASSIGN_OR_RETURN(survey_, RecordSurvey(given_.lab, plain_));
    if (const std::string why = WhyNotAlike(plain_, survey_); !why.empty()) {
      result_.found.bounds.push_back(
          "no process was killed by itself, since a second run from the same state " + why);
      return std::move(result_);
    }

    patterns_.emplace(plain_, survey_);
    ASSIGN_OR_RETURN(const CheckerPool* pool, given_.lab.Checkers());
    judge_.emplace(plain_, survey_, *patterns_, given_.question, *pool);
    RETURN_IF_ERROR(judge_->Prepare());
    growth_.emplace(given_.lab, *patterns_);
    for (const SignalCase& kill : ChooseCases()) RETURN_IF_ERROR(Try(kill));

    if (diverged_ > 0) {
      result_.found.bounds.push_back(
          fmt::format("{} took another path than the run they were made from, twice",
                      Count(diverged_, "run with a killed process")));
    }
    return std::move(result_);
  }

 private:
  // ---- the moments

  // Before the first file call of a process, and after each that changed something: what lies
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
    kills = Spread(std::move(kills), options_.most_of_each);
    signals = Spread(std::move(signals), options_.most_of_each);
    std::vector<SignalCase> out = kills;
    for (const int signal : {SIGTERM, SIGINT}) {
      for (SignalCase kill : signals) {
        kill.signal = signal;
        out.push_back(kill);
      }
    }
    if (out.size() < all) {
      result_.found.notes.push_back(
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
    RunSpec run = given_.lab.run();
    run.plan.injections = {injection};
    Tried out;
    ASSIGN_OR_RETURN(out.trace, given_.lab.Run(0, run, &plain_.old_tree));
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
    const bool hung = Hung(tried.trace, given_.lab.run().time_limit);
    const std::string scene = SceneOf(kill, tried);
    if (!hung && !tried.trace.CanBeJudged()) {
      result_.found.bounds.push_back(fmt::format("{} the run cannot be judged: {}", scene,
                                                 tried.trace.obstacles.front().reason));
      return {};
    }
    const EndedRun run{&tried.trace, {tried.hit}, tried.hit, hung};
    ASSIGN_OR_RETURN(EndJudgement judgement, judge_->Judge(run));
    std::erase_if(judgement.violations,
                  [&](const EndViolation& violation) { return !Counts(kill, tried, violation); });

    RunSpec once_more = given_.lab.run();
    once_more.plan.injections = {injection};
    for (EndViolation& violation : judgement.violations) {
      // Whatever call it dies at, even one that only looks: it may as well have been any other.
      if (violation.oracle == Oracle::kAtomic || violation.oracle == Oracle::kHonest)
        violation.severity = Severity::kError;
      RETURN_IF_ERROR(growth_->Ask(once_more, tried.trace, &violation));
    }
    Report(kill, injection, scene, std::move(tried), judgement.violations);
    return {};
  }

  // A killed process cannot clean up, so leftovers are only noted (oracles.md 11), and it cannot
  // know how far it came. A program that handles the signal has had its chance.
  bool Counts(const SignalCase& kill, const Tried& tried, const EndViolation& violation) const {
    if (violation.outcome == Outcome::kChangedThoughFailed) return false;
    const bool handled = kill.signal != SIGKILL && Handled(kill, tried);
    // The search of the recording has reported it already.
    const bool of_a_state =
        violation.oracle == Oracle::kAtomic || violation.oracle == Oracle::kCheck;
    if (of_a_state && !handled && known_.contains(violation.path)) return false;
    return violation.outcome != Outcome::kLitter || handled;
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
    const char* where = kill.after ? "after" : "before";
    if (kill.signal != SIGKILL)
      return fmt::format("with SIG{} {} {}", SignalName(kill.signal), where, call);
    const auto process = static_cast<size_t>(tried.hit->process);
    const std::string& program = tried.trace.processes[process].program;
    return fmt::format("when {} alone is killed {} {}", BaseName(program), where, call);
  }

  // One finding for each wrong end of each path, whichever moment leads there first.
  void Report(const SignalCase& kill, const Injection& injection, const std::string& scene,
              Tried tried, const std::vector<EndViolation>& violations) {
    const std::vector<std::string> plan = {FormatInjection(injection)};
    const std::string id = RunIdOf("kill", plan);
    const std::string how = kill.signal == SIGKILL ? "process" : "SIG" + SignalName(kill.signal);
    bool kept = false;
    for (const EndViolation& violation : violations) {
      const auto key =
          std::tuple(violation.oracle, violation.outcome, patterns_->Of(violation.path),
                     kill.signal == SIGKILL ? std::string() : std::string("signal"));
      if (!seen_.insert(key).second) continue;
      result_.found.findings.push_back(
          FindingBuilder(tried.trace, "kill", violation.oracle, violation.outcome)
              .Severe(violation.severity)
              .At(violation.path)
              .StablePath(patterns_->Of(violation.path))
              .Case(CaseOf(tried.trace, EndOfRun{id}))
              .At(AsData(tried.trace, *tried.hit))
              .Message(fmt::format("{}: {}", scene, violation.message))
              .Evidence(violation.evidence)
              .Cause(how)
              .Injected({InjectedOf(kill, injection, *tried.hit)})
              .Run(result_.found.runs.size(), scene)
              .Again(CheckAgain(plan, given_.lab.run().command))
              .Build());
      kept = true;
    }
    if (kept)
      result_.found.runs.push_back(
          {id, scene, std::move(tried.trace), FurtherRun::End::kFindings, {}});
  }

  static InjectedCall InjectedOf(const SignalCase& kill, const Injection& injection,
                                 const FileCall& hit) {
    return {hit.call, hit.path,       hit.path2, "SIG" + SignalName(kill.signal),
            "signal", injection.first};
  }

  const Given& given_;
  const Trace& plain_;
  const KillOptions& options_;
  const std::set<std::string>& known_;
  Trace survey_;
  std::optional<PathPatterns> patterns_;
  std::optional<EndJudge> judge_;
  std::optional<LitterGrowth> growth_;
  std::set<std::tuple<Oracle, Outcome, std::string, std::string>> seen_;
  uint64_t diverged_ = 0;
  ProcessKills result_;
};

}  // namespace

Result<ProcessKills> KillProcesses(const Given& given, const KillOptions& options,
                                   const std::set<std::string>& known) {
  return Killer(given, options, known).Run();
}

}  // namespace oldornew
