#include "search/search.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <unordered_set>

#include "finding/words.h"
#include "model/history.h"
#include "search/cause.h"
#include "search/collector.h"
#include "search/needed.h"
#include "search/repair.h"

namespace oldornew {

namespace {

// A state that violates an oracle.
struct Kept {
  CaseSize size;
  Violation violation;
  CrashState state;
};

// One judge under one profile: independent of all others, so that those of bytes can run side by
// side and be merged in order.
struct Task {
  StateJudge* judge = nullptr;
  const Profile* profile = nullptr;
  bool pedantic = false;

  Coverage coverage;
  std::unordered_set<Digest> pictures;
  // The smallest case of each kind; the rest only repeats it.
  std::map<std::pair<Oracle, Outcome>, Kept> violations;
  Status status;
};

void Keep(const Trace& trace, const Violation& violation, const CrashState& state, Task* task) {
  const std::pair key{violation.oracle, violation.outcome};
  const CaseSize size = SizeOf(trace, violation.oracle, state);
  const auto known = task->violations.find(key);
  if (known != task->violations.end() && !(size < known->second.size)) return;
  task->violations.insert_or_assign(key, Kept{size, violation, state});
}

void RunTask(const History& history, const Question& question, const Limits& limits, Task* task) {
  const Trace& trace = history.trace();
  const StateJudge::Found found = [&](const Violation& violation, const CrashState& state) {
    if (!question.Asks(violation.oracle)) return;
    // A warning that holds only where POSIX promises nothing helps nobody: attrs is asked where it
    // was asked for.
    if (task->pedantic && violation.oracle == Oracle::kAttrs) return;
    Keep(trace, violation, state, task);
  };

  // A command is asked about several states at a time, bytes about each as it comes.
  std::vector<CrashState> waiting;
  const auto judge_waiting = [&] {
    task->status = task->judge->Judge(waiting, found);
    waiting.clear();
    return task->status.has_value();
  };
  const size_t batch = task->judge->batch();
  task->coverage = ForEachCrashState(history, *task->profile, task->judge->projection(), limits,
                                     [&](const CrashState& state) {
                                       task->pictures.insert(state.digest);
                                       if (batch == 1) {
                                         task->status = task->judge->Judge({&state, 1}, found);
                                         return task->status.has_value();
                                       }
                                       waiting.push_back(state);
                                       return waiting.size() < batch || judge_waiting();
                                     });
  if (task->status) judge_waiting();
}

// Tasks of judges that keep to one thread come one after the other.
void RunTasks(const History& history, const Question& question, const Limits& limits, int jobs,
              std::vector<Task>* tasks) {
  std::vector<Task*> side_by_side;
  for (Task& task : *tasks) {
    if (task.judge->batch() == 1) {
      side_by_side.push_back(&task);
      continue;
    }
    RunTask(history, question, limits, &task);
    if (!task.status) return;
  }

  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  const size_t most =
      std::min<size_t>(jobs > 0 ? static_cast<size_t>(jobs) : processors, side_by_side.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < side_by_side.size(); i = next++)
      RunTask(history, question, limits, side_by_side[i]);
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < most; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

Status SearchAll(const History& history, const std::vector<StateJudge*>& judges,
                 const Question& question, const SearchSpace& space, int jobs, Collector* collector,
                 SearchResult* result) {
  std::vector<Task> tasks;
  for (StateJudge* judge : judges) {
    for (const auto& [profile, pedantic] : space.Rows()) {
      Task& task = tasks.emplace_back();
      task.judge = judge;
      task.profile = profile;
      task.pedantic = pedantic;
    }
  }
  RunTasks(history, question, space.limits, jobs, &tasks);

  std::unordered_set<Digest> pictures;
  const StateJudge* last = nullptr;
  for (const Task& task : tasks) {
    RETURN_IF_ERROR(task.status);
    if (task.judge != last) {
      result->coverage.states_distinct += std::exchange(pictures, {}).size();
      last = task.judge;
    }
    pictures.insert(task.pictures.begin(), task.pictures.end());
    for (const auto& [kind, found] : task.violations)
      collector->Add(*task.judge, found.violation, found.state, *task.profile, task.pedantic);
    AddCoverage(task.coverage, *task.profile, task.pedantic, result);
  }
  result->coverage.states_distinct += pictures.size();
  return {};
}

// How much is worth trying for a repair. A command may have to be asked again for each state.
struct Effort {
  size_t candidates = 10;
  uint64_t states = 20'000;
};
constexpr Effort kInMemory;
constexpr Effort kByCommand{6, UINT64_MAX};

// What was found becomes what a person reads: which effects matter, what repairs it, what belongs
// together.
class Refiner {
 public:
  Refiner(const JudgedTrace& judged, const SearchSpace& space) : judged_(judged), space_(space) {}

  std::vector<Finding> Refine(std::vector<Finding> findings) const {
    const Trace& trace = *judged_.trace;
    const TestFor test_for = [&](const Finding& finding) {
      return TestUnder(finding, space_.profiles);
    };
    for (Finding& finding : findings) {
      const BytesJudge* judge = BytesJudgeOf(finding);
      if (judge != nullptr) MarkNeeded(trace, *judge, &finding);
      const RepairTest test = test_for(finding);
      if (!test) continue;
      const auto steps = FindRepair(trace, finding, test, EffortFor(finding).candidates);
      SetRepair(trace, steps ? &*steps : nullptr, &finding);
    }

    findings = JoinByCause(trace, std::move(findings), test_for);
    for (Finding& finding : findings) {
      NameUnproven(&finding);
      DescribeCause(trace, &finding);
    }
    return findings;
  }

 private:
  const BytesJudge* BytesJudgeOf(const Finding& finding) const {
    for (const auto& judge : judged_.by_bytes) {
      if (judge->subject().name == finding.path()) return judge.get();
    }
    return nullptr;
  }

  const Effort& EffortFor(const Finding& finding) const {
    return BytesJudgeOf(finding) != nullptr ? kInMemory : kByCommand;
  }

  RepairTest TestUnder(const Finding& finding, const std::vector<const Profile*>& profiles) const {
    if (finding.pedantic) return {};
    StateJudge* judge = judged_.by_command.get();
    for (const auto& bytes : judged_.by_bytes) {
      if (bytes->subject().name == finding.path()) judge = bytes.get();
    }
    if (judge == nullptr) return {};
    Limits limits = space_.limits;
    limits.max_states = std::min(limits.max_states, EffortFor(finding).states);
    return MakeRepairTest(judge, limits, profiles, finding);
  }

  // The repair is the smallest for what was asked for; whether it is enough for the hints is said.
  void NameUnproven(Finding* finding) const {
    if (finding->repair.steps.empty()) return;
    const RepairedTrace repaired = WithSteps(*judged_.trace, finding->repair.steps);
    for (const Profile* profile : space_.pedantic) {
      const RepairTest test = TestUnder(*finding, {profile});
      if (test && !test(repaired)) finding->repair.unproven.push_back(profile->name);
    }
  }

  const JudgedTrace& judged_;
  const SearchSpace& space_;
};

void SortForReport(std::vector<Finding>* findings) {
  std::stable_sort(findings->begin(), findings->end(), [](const Finding& a, const Finding& b) {
    return std::tuple(a.pedantic, a.severity) < std::tuple(b.pedantic, b.severity);
  });
}

}  // namespace

Result<SearchResult> SearchPowerCuts(const JudgedTrace& judged, const Question& question,
                                     const SearchSpace& space, int jobs) {
  const Trace& trace = *judged.trace;
  SearchResult result;
  result.coverage.grain = space.limits.grain;
  result.coverage.crash_points = trace.ops.size() + 1;

  const History history(trace, space.limits.grain);
  Collector collector(history, question, space);
  RETURN_IF_ERROR(SearchAll(history, judged.Judges(), question, space, jobs, &collector, &result));
  result.findings = Refiner(judged, space).Refine(collector.Take());
  SortForReport(&result.findings);
  return result;
}

}  // namespace oldornew
