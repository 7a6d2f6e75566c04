#include "search/repair.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "model/history.h"

namespace oldornew {

namespace {

// Each trial enumerates anew: beyond this it would take longer than it is worth.
constexpr size_t kMostOps = 3000;
constexpr uint64_t kTrialStates = 20'000;

// What an fsync of the file itself forces.
bool ChangesFile(OpKind kind) { return ChangesData(kind) || ChangesAttributes(kind); }

bool IsFile(const Trace& trace, ObjectId id) {
  return id != kNoObject && trace.objects[static_cast<size_t>(id)].kind == FileKind::kFile;
}

std::string NameOf(const Trace& trace, ObjectId id, uint32_t at) {
  // The path it was last called by up to then.
  for (uint32_t i = at + 1; i-- > 0;) {
    const Op& op = trace.ops[i];
    if (op.object == id) return op.kind == OpKind::kRename ? op.path2 : op.path;
  }
  return "?";
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

class Candidates {
 public:
  Candidates(const Trace& trace, size_t most) : trace_(trace), most_(most) {}

  // After the last data op on the object before `limit`.
  void AddFile(ObjectId object, uint32_t limit) {
    if (!IsFile(trace_, object)) return;
    std::optional<uint32_t> last;
    for (uint32_t i = 0; i < limit && i < trace_.ops.size(); ++i) {
      const Op& op = trace_.ops[i];
      if (op.error == 0 && op.object == object && ChangesFile(op.kind)) last = i;
    }
    if (last) Add(object, *last, fmt::format("fsync({})", NameOf(trace_, object, *last)));
  }

  void AddDirectory(ObjectId dir, const std::string& path, uint32_t after) {
    if (dir != kNoObject) Add(dir, after, fmt::format("fsync({})", DirectoryOf(path)));
  }

  const std::vector<RepairStep>& list() const { return list_; }

 private:
  void Add(ObjectId object, uint32_t after, const std::string& call) {
    for (const RepairStep& step : list_) {
      if (step.object == object && step.after == after) return;
    }
    if (list_.size() >= most_) return;
    list_.push_back(
        {object, after,
         fmt::format("{} after {} {}", call, after + 1, DescribeShort(trace_.ops[after]))});
  }

  const Trace& trace_;
  size_t most_;
  std::vector<RepairStep> list_;
};

// Every object and directory that the shown case lost something of, and those of what gave the
// subject its name.
std::vector<RepairStep> ChooseCandidates(const Trace& trace, const Finding& finding, size_t most) {
  Candidates out(trace, most);
  std::set<uint32_t> ops(finding.shown.on_disk.begin(), finding.shown.on_disk.end());
  for (const Effect& effect : finding.shown.lost) ops.insert(effect.op);
  for (const uint32_t index : ops) {
    const Op& op = trace.ops[index];
    const bool publishes = op.kind == OpKind::kRename || op.kind == OpKind::kLink;
    if (publishes) out.AddFile(op.object, index);
    const bool made = op.kind == OpKind::kCreate && finding.oracle == Oracle::kDurable;
    if (ChangesFile(op.kind) || made)
      out.AddFile(op.object, static_cast<uint32_t>(trace.ops.size()));
  }
  for (const uint32_t index : ops) {
    const Op& op = trace.ops[index];
    if (!ChangesNames(op.kind)) continue;
    if (op.kind == OpKind::kRename) {
      out.AddDirectory(op.dir2, op.path2, index);
      if (op.dir != op.dir2) out.AddDirectory(op.dir, op.path, index);
    } else {
      out.AddDirectory(op.dir, op.path, index);
    }
  }
  return out.list();
}

}  // namespace

uint32_t RepairedTrace::RecordedBefore(uint32_t point) const {
  const auto before =
      std::count_if(added.begin(), added.end(), [&](uint32_t index) { return index < point; });
  return point - static_cast<uint32_t>(before);
}

RepairedTrace WithSteps(const Trace& trace, std::vector<RepairStep> steps) {
  RepairedTrace repaired{trace, {}};
  Trace& out = repaired.trace;
  // Room between the tickets: an added sync begins after its predecessor has ended, and ends before
  // all that came later.
  for (Op& op : out.ops) {
    op.begin *= 4;
    op.end *= 4;
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const auto& a, const auto& b) { return a.after > b.after; });
  for (size_t i = 0; i < steps.size(); ++i) {
    const RepairStep& step = steps[i];
    Op sync;
    sync.kind = OpKind::kFsync;
    sync.call = "fsync";
    sync.object = step.object;
    sync.process = trace.ops[step.after].process;
    sync.begin = trace.ops[step.after].end * 4 + 1;
    sync.end = sync.begin + 1;
    out.ops.insert(out.ops.begin() + step.after + 1, sync);
    for (Object& object : out.objects) {
      if (object.created_by > static_cast<int32_t>(step.after)) ++object.created_by;
    }
    // Those behind it in `steps` go in front of it in the trace.
    repaired.added.push_back(step.after + static_cast<uint32_t>(steps.size() - i));
  }
  std::sort(repaired.added.begin(), repaired.added.end());
  return repaired;
}

namespace {

// Whether the state breaks what the finding is about. What was acknowledged has to be there whole:
// a sync after which the name survives and its bytes do not makes nothing durable.
bool StillBroken(const Violation& violation, const Finding& finding, const VersionHistory& history,
                 uint32_t last_point) {
  if (violation.oracle == finding.oracle) return true;
  if (finding.oracle != Oracle::kDurable || violation.oracle != Oracle::kAtomic) return false;
  return std::any_of(history.acks.begin(), history.acks.end(),
                     [&](const Ack& ack) { return ack.point <= last_point; });
}

bool Gone(const RepairedTrace& repaired, StateJudge* judge, const Limits& limits,
          const std::vector<const Profile*>& profiles, const Finding& finding) {
  const History history(repaired.trace, limits.grain);
  for (const Profile* profile : profiles) {
    const auto& reachable = finding.profiles;
    if (std::find(reachable.begin(), reachable.end(), profile->name) == reachable.end()) continue;

    bool found = false;
    const StateJudge::Found note = [&](const Violation& violation, const CrashState& state) {
      found |= StillBroken(violation, finding, judge->history(), state.last_point);
    };
    const Coverage coverage = ForEachCrashState(
        history, *profile, judge->projection(), limits, [&](const CrashState& state) {
          // The judge knows the recorded run, which has no added syncs.
          CrashState recorded = state;
          recorded.last_point = repaired.RecordedBefore(state.last_point);
          const Status judged = judge->Judge({&recorded, 1}, note);
          found |= !judged.has_value();  // No answer is no cure.
          return !found;
        });
    if (found || !coverage.exhaustive) return false;
  }
  return true;
}

// All subsets of `size` candidates, in order; the first that repairs.
std::optional<std::vector<RepairStep>> TrySize(const Trace& trace, const RepairTest& test,
                                               const std::vector<RepairStep>& candidates,
                                               size_t size) {
  std::vector<size_t> odometer(size);
  for (size_t i = 0; i < size; ++i) odometer[i] = i;
  while (true) {
    std::vector<RepairStep> steps;
    for (const size_t i : odometer) steps.push_back(candidates[i]);
    if (test(WithSteps(trace, steps))) return steps;
    size_t digit = size;
    while (digit-- > 0 && odometer[digit] == candidates.size() - size + digit) {
    }
    if (digit == SIZE_MAX) return std::nullopt;
    ++odometer[digit];
    for (size_t i = digit + 1; i < size; ++i) odometer[i] = odometer[i - 1] + 1;
  }
}

}  // namespace

RepairTest MakeRepairTest(StateJudge* judge, const Limits& limits,
                          const std::vector<const Profile*>& profiles, const Finding& finding) {
  return [judge, limits, profiles, &finding](const RepairedTrace& repaired) {
    return Gone(repaired, judge, limits, profiles, finding);
  };
}

std::optional<std::vector<RepairStep>> FindRepair(const Trace& trace, const Finding& finding,
                                                  const RepairTest& test, size_t most_candidates) {
  if (trace.ops.size() > kMostOps) return std::nullopt;
  const std::vector<RepairStep> candidates = ChooseCandidates(trace, finding, most_candidates);
  for (size_t size = 1; size <= std::min<size_t>(candidates.size(), 2); ++size) {
    if (auto steps = TrySize(trace, test, candidates, size)) return steps;
  }
  // More than two: all of them, then without each that is not needed.
  const auto gone = [&](const std::vector<RepairStep>& steps) {
    return test(WithSteps(trace, steps));
  };
  std::vector<RepairStep> steps = candidates;
  if (steps.size() < 3 || !gone(steps)) return std::nullopt;
  for (size_t i = steps.size(); i-- > 0;) {
    std::vector<RepairStep> fewer = steps;
    fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
    if (gone(fewer)) steps = std::move(fewer);
  }
  return steps;
}

}  // namespace oldornew
