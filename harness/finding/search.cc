#include "finding/search.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <map>
#include <thread>
#include <unordered_set>

#include "base/text.h"
#include "finding/collector.h"
#include "finding/in_place.h"
#include "finding/probe_search.h"
#include "finding/repair.h"
#include "model/history.h"

namespace oldornew {

namespace {

bool Volatile(const Subject& subject, const std::vector<std::string>& globs) {
  return std::all_of(subject.places.begin(), subject.places.end(), [&](const Place& place) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return GlobMatches(glob, place.path); });
  });
}

// One subject under one profile: independent of all others, so that they can run side by side and be merged
// in order.
struct Task {
  const Subject* subject = nullptr;
  const VersionHistory* history = nullptr;
  const Projection* projection = nullptr;
  const Profile* profile = nullptr;
  bool pedantic = false;

  Coverage coverage;
  std::unordered_set<Digest> pictures;
  // The first (least deviating) case of each kind; the rest only repeats it.
  std::map<std::pair<Oracle, Outcome>, std::pair<Violation, CrashState>> violations;
};

void RunTask(const Trace& trace, const History& history, const SearchOptions& options, Task* task) {
  task->coverage = ForEachCrashState(
      history, *task->profile, *task->projection, options.limits, [&](const CrashState& state) {
        task->pictures.insert(state.digest);
        auto violation = JudgeState(trace, *task->subject, *task->history, state.tree, state.last_point);
        if (!violation) return true;
        const auto& expect = options.expect;
        if (std::find(expect.begin(), expect.end(), violation->oracle) == expect.end()) return true;
        const std::pair key{violation->oracle, violation->outcome};
        const auto known = task->violations.find(key);
        if (known == task->violations.end()) {
          task->violations.emplace(key, std::pair{std::move(*violation), state});
        } else if (state.deviations < known->second.second.deviations) {
          known->second = {std::move(*violation), state};
        }
        return true;
      });
}

void RunTasks(const Trace& trace, const SearchOptions& options, std::vector<Task>* tasks) {
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  const size_t jobs =
      std::min<size_t>(options.jobs > 0 ? static_cast<size_t>(options.jobs) : processors, tasks->size());
  const History history(trace, options.limits.grain);
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < tasks->size(); i = next++) RunTask(trace, history, options, &(*tasks)[i]);
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

// What is known of a subject before any state of it is looked at.
struct Prepared {
  const Subject* subject = nullptr;
  VersionHistory history;
  Projection projection;
};

void SearchSubjects(const Trace& trace, const SearchOptions& options, const std::list<Prepared>& prepared,
                    Collector* collector, SearchResult* result) {
  std::vector<Task> tasks;
  for (const Prepared& p : prepared) {
    for (const auto* list : {&options.profiles, &options.pedantic}) {
      for (const Profile* profile : *list) {
        Task task;
        task.subject = p.subject;
        task.history = &p.history;
        task.projection = &p.projection;
        task.profile = profile;
        task.pedantic = list == &options.pedantic;
        tasks.push_back(std::move(task));
      }
    }
  }
  RunTasks(trace, options, &tasks);
  std::unordered_set<Digest> pictures;
  const Subject* last = nullptr;
  for (const Task& task : tasks) {
    if (task.subject != last) {
      result->coverage.states_distinct += std::exchange(pictures, {}).size();
      last = task.subject;
    }
    pictures.insert(task.pictures.begin(), task.pictures.end());
    collector->StartSubject(*task.subject, task.history, *task.projection);
    for (const auto& [kind, found] : task.violations) {
      collector->Add(found.first, found.second, *task.profile, task.pedantic);
    }
    AddCoverage(task.coverage, *task.profile, task.pedantic, result);
  }
  result->coverage.states_distinct += pictures.size();
}

void AddRepairs(const Trace& trace, const SearchOptions& options, const std::list<Prepared>& prepared,
                std::vector<Finding>* findings) {
  for (Finding& finding : *findings) {
    const auto same = [&](const Prepared& p) { return p.subject->name == finding.path; };
    const auto subject = std::find_if(prepared.begin(), prepared.end(), same);
    if (finding.pedantic || finding.oracle == Oracle::kCheck || subject == prepared.end()) continue;
    const auto repair = FindRepair(trace, *subject->subject, options, finding);
    finding.repair_failed = !repair.has_value();
    for (const RepairStep& step : repair ? *repair : std::vector<RepairStep>{}) {
      finding.repair.push_back(step.text);
      const FileKind kind = trace.objects[static_cast<size_t>(step.object)].kind;
      finding.repair_calls.push_back(fmt::format("fsync {}", KindName(kind)));
    }
  }
}

}  // namespace

Result<SearchResult> Search(const Trace& trace, const SearchOptions& options) {
  SearchResult result;
  result.coverage.grain = options.limits.grain;
  result.coverage.crash_points = trace.ops.size() + 1;
  for (const auto* list : {&options.profiles, &options.pedantic}) {
    for (const Profile* profile : *list) result.profiles.push_back(profile->name);
  }
  ASSIGN_OR_RETURN(std::vector<Subject> subjects, ChooseSubjects(trace, options.watch));
  std::erase_if(subjects, [&](const Subject& subject) { return Volatile(subject, options.volatile_globs); });
  for (const Subject& subject : subjects) result.subjects.push_back(subject.name);
  for (const Subject& subject : subjects) {
    for (const Place& place : subject.places) {
      const std::string target = LeadsToTemporary(trace, place);
      if (target.empty()) continue;
      result.unsupported.push_back(
          fmt::format("{} now leads to {}, a temporary directory: what is there is not judged, and where "
                      "/tmp is a tmpfs it is "
                      "gone after a reboot",
                      ShowPlace(trace, place), target));
    }
  }
  if (!result.unsupported.empty()) return result;
  Collector collector(trace, options);
  std::list<Prepared> prepared;  // Stable addresses: the collector describes findings at the end.
  VersionHistory promises;
  promises.acks = FindAcks(trace, options.ack);
  const bool views = !options.probes.empty() && options.probes[0].view;
  if (!options.probes.empty()) {
    RETURN_IF_ERROR(SearchWithProbes(trace, options, promises, &collector, &result));
  } else {
    result.unsupported = FindInPlaceDatabases(trace, subjects);
  }
  if (!views && result.unsupported.empty()) {
    // With --check alone the ordinary questions are asked too only where paths were named.
    const bool ask =
        options.probes.empty() || !options.watch.watch.empty() || !options.watch.together.empty();
    for (const Subject& subject : subjects) {
      if (ask)
        prepared.push_back(
            {&subject, TraceVersions(trace, subject, options.ack), ProjectionOf(trace, subject)});
    }
    SearchSubjects(trace, options, prepared, &collector, &result);
  }
  result.findings = collector.Take();
  AddRepairs(trace, options, prepared, &result.findings);
  return result;
}

}  // namespace oldornew
