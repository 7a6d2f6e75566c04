#include "finding/search.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <map>
#include <optional>
#include <thread>
#include <unordered_set>

#include "base/text.h"
#include "finding/cause.h"
#include "finding/collector.h"
#include "finding/in_place.h"
#include "finding/kill_search.h"
#include "finding/live_findings.h"
#include "finding/needed.h"
#include "finding/probe_search.h"
#include "finding/repair.h"
#include "model/history.h"
#include "oracle/contained.h"

namespace oldornew {

bool Asked(const SearchOptions& options, Oracle oracle) {
  return std::find(options.expect.begin(), options.expect.end(), oracle) != options.expect.end();
}

namespace {

bool Volatile(const Subject& subject, const std::vector<std::string>& globs) {
  return std::all_of(subject.places.begin(), subject.places.end(), [&](const Place& place) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return GlobMatches(glob, place.path); });
  });
}

// What is known of a subject before any state of it is looked at.
struct Prepared {
  const Subject* subject = nullptr;
  VersionHistory history;
  VersionHistory combinations;  // for oracle attrs; without versions: no state can violate it
  Projection projection;
};

// A state that violates an oracle.
struct Kept {
  CaseSize size;
  Violation violation;
  CrashState state;
};

// One subject under one profile: independent of all others, so that they can run side by side and
// be merged in order.
struct Task {
  const Prepared* prepared = nullptr;
  const Profile* profile = nullptr;
  bool pedantic = false;

  Coverage coverage;
  std::unordered_set<Digest> pictures;
  // The smallest case of each kind; the rest only repeats it.
  std::map<std::pair<Oracle, Outcome>, Kept> violations;
};

void Keep(const Trace& trace, Violation violation, const CrashState& state, Task* task) {
  const std::pair key{violation.oracle, violation.outcome};
  const CaseSize size = SizeOf(trace, violation.oracle, state);
  const auto known = task->violations.find(key);
  if (known != task->violations.end() && !(size < known->second.size)) return;
  task->violations.insert_or_assign(key, Kept{size, std::move(violation), state});
}

void RunTask(const History& history, const SearchOptions& options, Task* task) {
  const Trace& trace = history.trace();
  const Prepared& p = *task->prepared;
  // A warning that holds only where POSIX promises nothing helps nobody: attrs is asked where it
  // was asked for.
  const bool attributes = !task->pedantic && !p.combinations.versions.empty();
  task->coverage = ForEachCrashState(
      history, *task->profile, p.projection, options.limits, [&](const CrashState& state) {
        task->pictures.insert(state.digest);
        const auto violation =
            JudgeState(trace, *p.subject, p.history, state.tree, state.last_point);
        if (violation && Asked(options, violation->oracle)) Keep(trace, *violation, state, task);
        if (!attributes || (violation && violation->oracle == Oracle::kAtomic)) return true;
        const auto mixed = JudgeAttributes(trace, *p.subject, p.combinations, state.tree);
        if (mixed) Keep(trace, *mixed, state, task);
        return true;
      });
}

void RunTasks(const History& history, const SearchOptions& options, std::vector<Task>* tasks) {
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  const size_t jobs = std::min<size_t>(
      options.jobs > 0 ? static_cast<size_t>(options.jobs) : processors, tasks->size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < tasks->size(); i = next++) RunTask(history, options, &(*tasks)[i]);
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

void SearchSubjects(const History& history, const SearchOptions& options,
                    const std::list<Prepared>& prepared, Collector* collector,
                    SearchResult* result) {
  std::vector<Task> tasks;
  for (const Prepared& p : prepared) {
    for (const auto& [profile, pedantic] : ProfilesToExplore(options)) {
      Task task;
      task.prepared = &p;
      task.profile = profile;
      task.pedantic = pedantic;
      tasks.push_back(std::move(task));
    }
  }
  RunTasks(history, options, &tasks);
  std::unordered_set<Digest> pictures;
  const Prepared* last = nullptr;
  for (const Task& task : tasks) {
    const Prepared& p = *task.prepared;
    if (&p != last) {
      result->coverage.states_distinct += std::exchange(pictures, {}).size();
      last = &p;
    }
    pictures.insert(task.pictures.begin(), task.pictures.end());
    collector->StartSubject(*p.subject, &p.history, p.projection);
    for (const auto& [kind, found] : task.violations) {
      collector->Add(found.violation, found.state, *task.profile, task.pedantic);
    }
    AddCoverage(task.coverage, *task.profile, task.pedantic, result);
  }
  result->coverage.states_distinct += pictures.size();
}

// What was found becomes what a person reads: which effects matter, what repairs it, what belongs
// together.
std::vector<Finding> Refine(const Trace& trace, const SearchOptions& options,
                            const std::list<Prepared>& prepared, ProbeSearch* probes,
                            std::vector<Finding> findings) {
  const auto subject_of = [&](const Finding& finding) -> const Subject* {
    const auto same = [&](const Prepared& p) { return p.subject->name == finding.path; };
    const auto found = std::find_if(prepared.begin(), prepared.end(), same);
    return found == prepared.end() ? nullptr : found->subject;
  };
  const auto test_under = [&](const Finding& finding,
                              const std::vector<const Profile*>& profiles) -> RepairTest {
    if (finding.pedantic) return {};
    if (const Subject* subject = subject_of(finding))
      return SubjectTest(*subject, options, profiles, finding);
    return probes != nullptr ? probes->Test(profiles, finding) : RepairTest{};
  };
  const TestFor test_for = [&](const Finding& finding) {
    return test_under(finding, options.profiles);
  };
  for (Finding& finding : findings) {
    const Subject* subject = subject_of(finding);
    if (subject != nullptr) MarkNeeded(trace, *subject, options, &finding);
    // A probe may have to be asked again for each state: fewer sets are tried.
    constexpr size_t kMostInMemory = 10;
    constexpr size_t kMostProbed = 6;
    if (const RepairTest test = test_for(finding)) {
      SetRepair(trace,
                FindRepair(trace, finding, test, subject != nullptr ? kMostInMemory : kMostProbed),
                &finding);
    }
  }
  findings = JoinByCause(trace, std::move(findings), test_for);
  for (Finding& finding : findings) {
    // The repair is the smallest for what was asked for; whether it is enough for the hints is
    // said.
    for (const Profile* profile :
         finding.steps.empty() ? std::vector<const Profile*>{} : options.pedantic) {
      if (!test_under(finding, {profile})(WithSteps(trace, finding.steps)))
        finding.unproven.push_back(profile->name);
    }
    DescribeCause(trace, &finding);
  }
  return findings;
}

// Links that lead where nothing is judged.
std::vector<std::string> FindLinksAway(const Trace& trace, const std::vector<Subject>& subjects) {
  std::vector<std::string> out;
  for (const Subject& subject : subjects) {
    for (const Place& place : subject.places) {
      const std::string target = LeadsToTemporary(trace, place);
      if (target.empty()) continue;
      out.push_back(fmt::format(
          "{} now leads to {}, a temporary directory: what is there is not judged, and where "
          "/tmp is a tmpfs it is gone after a reboot",
          ShowPlace(trace, place), target));
    }
  }
  return out;
}

// oracles.md 11: after a crash litter is a note.
void NoteLitter(const Trace& trace, const SearchOptions& options, SearchResult* result) {
  const std::vector<std::string> litter = FindLitterAfterCrash(trace);
  if (litter.empty()) return;
  // Of names that differ only in what is random, one stands for all.
  std::vector<std::string> patterns;
  std::vector<std::string> shown;
  for (const std::string& path : litter) {
    const std::string pattern = SubjectPattern(trace, path);
    if (std::find(patterns.begin(), patterns.end(), pattern) != patterns.end()) continue;
    patterns.push_back(pattern);
    constexpr size_t kMost = 4;
    if (shown.size() < kMost) shown.push_back(path);
  }
  std::string named = Join(shown, ", ");
  if (patterns.size() > shown.size())
    named += fmt::format(" and {} more", patterns.size() - shown.size());
  const char* what = !options.kill   ? "a power cut"
                     : options.power ? "a power cut or a kill"
                                     : "a kill";
  result->notes.push_back(fmt::format("{} can leave {} behind", what, named));
}

void SortForReport(std::vector<Finding>* findings) {
  std::stable_sort(findings->begin(), findings->end(), [](const Finding& a, const Finding& b) {
    return std::tuple(a.pedantic, a.severity) < std::tuple(b.pedantic, b.severity);
  });
}

}  // namespace

Result<std::vector<Subject>> SubjectsToJudge(const Trace& trace, const SearchOptions& options) {
  ASSIGN_OR_RETURN(std::vector<Subject> subjects, ChooseSubjects(trace, options.watch));
  std::erase_if(subjects,
                [&](const Subject& subject) { return Volatile(subject, options.volatile_globs); });
  return subjects;
}

Result<SearchResult> Search(const Trace& trace, const SearchOptions& options) {
  SearchResult result;
  result.coverage.grain = options.limits.grain;
  result.coverage.crash_points = trace.ops.size() + 1;
  if (options.power) {
    for (const auto& [profile, pedantic] : ProfilesToExplore(options))
      result.profiles.push_back(profile->name);
  }
  ASSIGN_OR_RETURN(const std::vector<Subject> subjects, SubjectsToJudge(trace, options));
  for (const Subject& subject : subjects) result.subjects.push_back(subject.name);
  result.unsupported = FindLinksAway(trace, subjects);
  if (!result.unsupported.empty()) return result;
  const History history(trace, options.limits.grain);
  Collector collector(history, options);
  std::list<Prepared> prepared;  // Stable addresses: the collector describes findings at the end.
  VersionHistory promises;
  promises.acks = FindAcks(trace, options.ack);
  std::optional<ProbeSearch> probes;
  if (!options.probes.empty()) {
    probes.emplace(history, options, promises, &collector, &result);
    RETURN_IF_ERROR(probes->Learn());
    if (options.power) RETURN_IF_ERROR(probes->RunAll());
  } else {
    result.unsupported = FindInPlaceDatabases(trace, subjects);
  }
  const bool views = probes && options.probes[0].view;
  // With --check alone the ordinary questions are asked too only where paths were named.
  const bool ask =
      !views && (!probes || !options.watch.watch.empty() || !options.watch.together.empty());
  const bool attributes = Asked(options, Oracle::kAttrs);
  if (ask && options.power && result.unsupported.empty()) {
    for (const Subject& subject : subjects) {
      Prepared& p = prepared.emplace_back();
      p.subject = &subject;
      p.history = TraceVersions(trace, subject, options.ack);
      if (attributes && HasAttributeQuestion(trace, subject, p.history.new_view))
        p.combinations = TraceVersions(trace, subject, options.ack, Value::kCombination);
      p.projection = ProjectionOf(trace, subject);
    }
    SearchSubjects(history, options, prepared, &collector, &result);
  }
  result.findings = Refine(trace, options, prepared, probes ? &*probes : nullptr, collector.Take());
  if (options.kill && result.unsupported.empty()) {
    ASSIGN_OR_RETURN(KillFindings kills,
                     SearchKills(trace, options, ask ? subjects : std::vector<Subject>{},
                                 probes ? &*probes : nullptr));
    result.kills = kills.count;
    for (Finding& finding : kills.findings) result.findings.push_back(std::move(finding));
  }
  for (Finding& finding : FindLiveFindings(trace, options, subjects))
    result.findings.push_back(std::move(finding));
  SortForReport(&result.findings);
  if (options.power || options.kill) NoteLitter(trace, options, &result);
  return result;
}

}  // namespace oldornew
