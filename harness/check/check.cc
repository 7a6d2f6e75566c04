#include "check/check.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/text.h"
#include "trace/format.h"

namespace oldornew {

bool CheckResult::Explored(const std::string& axis) const {
  return std::any_of(axes.begin(), axes.end(),
                     [&](const AxisResult& result) { return result.axis == axis; });
}

void CheckResult::JudgeAgain() {
  JudgedFacts facts;
  facts.trace = &trace();
  facts.unsupported = &unsupported;
  facts.findings = searched ? &findings : nullptr;
  facts.coverage = coverage;
  facts.bounds = &bounds;
  judgement = Judge(facts, rules);
}

namespace {

using Clock = std::chrono::steady_clock;

// A command costs a process; a judgement in memory costs microseconds.
constexpr uint64_t kDefaultStates = 50'000;
constexpr uint64_t kDefaultAskedStates = 5'000;

// What one state costs grows with the pages of the files in it. So many pages are looked at for
// each profile and subject: a few seconds' worth.
constexpr uint64_t kDefaultPages = 4'000'000;

// The bound for this trace, when none was given.
uint64_t DefaultStates(const Trace& trace, const Question& question) {
  uint64_t largest = 0;
  for (size_t i = 0; i < trace.old_tree.size(); ++i)
    largest = std::max(largest, trace.old_tree.at(static_cast<InodeIndex>(i)).content.size());
  for (const Op& op : trace.ops) largest = std::max(largest, op.size_after);
  const uint64_t most = question.ByCommand() ? kDefaultAskedStates : kDefaultStates;
  return std::min(most, std::max<uint64_t>(100, kDefaultPages / (largest / kPageSize + 1)));
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<Recording> Obtain(const CheckPlan& plan) {
  Recording recording;
  if (const auto* import = std::get_if<ImportSpec>(&plan.source)) {
    ASSIGN_OR_RETURN(recording.trace, ImportStrace(*import));
    return recording;
  }
  if (const auto* saved = std::get_if<SavedTrace>(&plan.source)) {
    ASSIGN_OR_RETURN(recording.trace, ReadTrace(saved->path));
    return recording;
  }
  return Record(std::get<RecordSpec>(plan.source));
}

LabSpec LabSpecOf(const CheckPlan& plan) {
  LabSpec out;
  if (const auto* record = std::get_if<RecordSpec>(&plan.source)) {
    out.sandbox = record->sandbox;
    out.run = record->run;
  }
  out.view = plan.question.view;
  out.check = plan.question.check;
  out.jobs = plan.jobs;
  return out;
}

// Carries out one plan.
class Checking {
 public:
  Checking(CheckPlan plan, const AxisTable& axes)
      : plan_(std::move(plan)), axes_(axes), out_(std::make_unique<CheckResult>()) {}

  Result<std::unique_ptr<CheckResult>> Run() {
    const Clock::time_point start = Clock::now();
    out_->rules = plan_.rules;
    out_->rules.ok_exit = plan_.question.ack.ok_exit;
    out_->profile_table = plan_.space.table.Version();
    ASSIGN_OR_RETURN(out_->recording, Obtain(plan_));

    out_->JudgeAgain();
    if (out_->judgement.verdict == Verdict::kClean) {
      RETURN_IF_ERROR(ExploreAll());
      out_->JudgeAgain();
    }
    out_->seconds = SecondsSince(start);
    return std::move(out_);
  }

 private:
  const Trace& trace() const { return out_->recording.trace; }

  Status ExploreAll() {
    if (!plan_.states_given) plan_.space.limits.max_states = DefaultStates(trace(), plan_.question);
    out_->searched = true;
    out_->coverage.grain = plan_.space.limits.grain;
    out_->coverage.crash_points = trace().ops.size() + 1;
    if (plan_.axes.contains(Finding::kPowerAxis)) {
      for (const auto& [profile, pedantic] : plan_.space.Rows())
        out_->profiles.push_back(profile->name);
    }

    Lab lab(LabSpecOf(plan_), out_->recording.sandbox.get());
    ASSIGN_OR_RETURN(const CheckerPool* pool, lab.Checkers());
    ASSIGN_OR_RETURN(const JudgedTrace judged, PrepareToJudge(trace(), plan_.question, *pool));
    out_->subjects = judged.subjects;
    out_->unsupported = judged.unsupported;
    if (!judged.unsupported.empty()) return {};
    if (judged.by_command != nullptr) Append(judged.by_command->notes(), &out_->notes);

    RETURN_IF_ERROR(LeaveOutWhatNeedsRuns(lab));
    for (const Axis& axis : axes_.rows()) {
      if (axis.use != AxisUse::kAlways && !plan_.axes.contains(axis.name)) continue;
      RETURN_IF_ERROR(ExploreOne(axis, judged, lab));
    }
    SortForReport();
    return {};
  }

  // What needs further runs cannot be asked of a saved trace: an error only for what was asked for
  // by name.
  Status LeaveOutWhatNeedsRuns(const Lab& lab) {
    if (lab.CanRun()) return {};
    std::set<std::string> lost;
    for (const Axis& axis : axes_.rows()) {
      if (axis.runs != AxisRuns::kNeeds || !plan_.axes.contains(axis.name)) continue;
      if (plan_.named.contains(axis.name)) {
        return FailWith(ExitCode::kUsage,
                        "{} needs a run; it cannot be asked of a saved trace or a log", axis.name);
      }
      lost.insert(axis.name);
      plan_.axes.erase(axis.name);
    }
    if (!lost.empty()) {
      out_->notes.push_back(
          fmt::format("not explored, since there is no run: {}", axes_.Names(lost)));
    }
    return {};
  }

  Status ExploreOne(const Axis& axis, const JudgedTrace& judged, Lab& lab) {
    const bool runs = axis.runs != AxisRuns::kNever && lab.CanRun();
    if (runs) RETURN_IF_ERROR(lab.PrepareRuns());
    const Clock::time_point start = Clock::now();
    const Given given{trace(), judged, plan_.question, plan_.space, earlier_, lab};
    // Where nothing runs meanwhile, nobody would look whether a signal has come.
    std::optional<InterruptsKill> killable;
    if (!runs && !plan_.question.ByCommand()) killable.emplace();
    ASSIGN_OR_RETURN(Exploration part, axis.make(plan_)->Explore(given));
    killable.reset();

    if (axis.name == Finding::kPowerAxis) out_->explore_seconds = SecondsSince(start);
    Take(axis, std::move(part));
    return {};
  }

  // Indices of runs move after those that are there.
  void Take(const Axis& axis, Exploration part) {
    const auto offset = static_cast<int>(out_->further.size());
    for (FurtherRun& run : part.runs) out_->further.push_back(std::move(run));
    part.runs.clear();
    for (const Finding& finding : part.findings) {
      Finding& mine = out_->findings.emplace_back(finding);
      if (mine.run >= 0) mine.run += offset;
    }
    Append(part.notes, &out_->notes);
    Append(part.bounds, &out_->bounds);
    if (part.coverage) out_->coverage = *part.coverage;
    if (axis.use != AxisUse::kAlways)
      out_->axes.push_back({axis.name, part.cases, part.exhaustive(), part.words});
    parts_.push_back(std::make_unique<Exploration>(std::move(part)));
    earlier_.Add(axis.name, parts_.back().get());
  }

  static void Append(const std::vector<std::string>& more, std::vector<std::string>* list) {
    list->insert(list->end(), more.begin(), more.end());
  }

  void SortForReport() {
    std::stable_sort(
        out_->findings.begin(), out_->findings.end(), [](const Finding& a, const Finding& b) {
          return std::tuple(a.pedantic, a.severity) < std::tuple(b.pedantic, b.severity);
        });
  }

  CheckPlan plan_;
  const AxisTable& axes_;
  std::unique_ptr<CheckResult> out_;
  std::vector<std::unique_ptr<Exploration>> parts_;
  Earlier earlier_;
};

}  // namespace

Result<std::unique_ptr<CheckResult>> Check(CheckPlan plan, const AxisTable& axes) {
  return Checking(std::move(plan), axes).Run();
}

}  // namespace oldornew
