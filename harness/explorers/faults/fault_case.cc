#include "explorers/faults/fault_case.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"
#include "cases/call_kind.h"
#include "cases/file_call.h"
#include "explorers/faults/space_use.h"
#include "lab/injection_at.h"

namespace oldornew {

namespace {

constexpr std::string_view kDiskFree = "disk:free=";
constexpr std::string_view kDiskInodes = "disk:inodes=";

class Enumeration {
 public:
  Enumeration(const Trace& survey, const PathPatterns& patterns, const CaseOptions& options)
      : survey_(survey), patterns_(patterns), options_(options) {}

  FaultCases Run() {
    for (const Op& op : survey_.ops) made_.insert({op.path, op.path2});
    ChooseCalls();
    for (const int index : chosen_) AddCasesOf(index);
    if (options_.full_disks) AddFullDisks();
    out_.calls = chosen_.size();
    return std::move(out_);
  }

 private:
  const FileCall& call(int index) const { return survey_.file_calls[static_cast<size_t>(index)]; }

  bool CanBeHit(const FileCall& call) const {
    if (KindOfCall(call) == CallKind::kOther || call.end == 0) return false;
    if (options_.after_ticket != 0) {
      // That cleaning up fails is asked at depth; not what becomes of looks on the way.
      const CallKind kind = KindOfCall(call);
      if (call.begin <= options_.after_ticket || OnlyLooks(kind) || kind == CallKind::kRead)
        return false;
    }
    // Closing what was only read has nothing to report (close(2) speaks of earlier writes).
    if (KindOfCall(call) == CallKind::kClose && (call.open_flags & O_ACCMODE) == O_RDONLY)
      return false;
    // On the way to the judged directory nothing is the program's.
    const std::string& judged = survey_.roots[0].path;
    if (call.path.starts_with("/") && (judged == call.path || judged.starts_with(call.path + "/")))
      return false;
    if (IsTheMachines(call)) return false;
    return call.injection < 0 && (call.result >= 0 || options_.all_errors);
  }

  // Private temporary directories begin empty: what is only looked at there is shown from the
  // machine, such as the program itself (SandboxSpec::visible).
  bool IsTheMachines(const FileCall& call) const {
    const CallKind kind = KindOfCall(call);
    if (Changes(kind) || kind == CallKind::kSync || made_.contains(call.path)) return false;
    return std::any_of(survey_.roots.begin(), survey_.roots.end(), [&](const Root& root) {
      return root.role == RootRole::kTemporary &&
             (call.path == root.path || call.path.starts_with(root.path + "/"));
    });
  }

  // A loop of hundreds of calls says hundreds of times the same.
  void ChooseCalls() {
    std::map<std::tuple<std::string, std::string, std::string>, std::vector<int>> alike;
    for (int i = 0; i < static_cast<int>(survey_.file_calls.size()); ++i) {
      if (!CanBeHit(call(i))) continue;
      // Looks are many and alike, wherever they are made.
      const std::string site = OnlyLooks(KindOfCall(call(i))) ? "look" : PlaceOf(survey_, call(i));
      alike[{call(i).call, patterns_.Of(call(i).path), site}].push_back(i);
    }
    for (const auto& [key, calls] : alike) {
      const bool look = std::get<2>(key) == "look";
      if (calls.size() <= (look ? options_.most_looks : options_.most_alike)) {
        chosen_.insert(calls.begin(), calls.end());
        continue;
      }
      std::set<size_t> some = {0, calls.size() / 2, calls.size() - 1};
      if (!look) some.insert({1, calls.size() / 3, calls.size() * 2 / 3, calls.size() - 2});
      for (const size_t i : some) chosen_.insert(calls[i]);
      out_.left_out += calls.size() - some.size();
    }
    ThinOutLoops();
  }

  // A loop over hundreds of files as well: the same call at the same place of one process. Of many
  // processes those of one program count as one.
  void ThinOutLoops() {
    constexpr size_t kManyProcesses = 40;
    const bool many = survey_.processes.size() > kManyProcesses;
    std::map<std::tuple<std::string, std::string, std::string>, std::vector<int>> loops;
    for (const int index : chosen_) {
      const auto process = static_cast<size_t>(call(index).process);
      const std::string who = many && process < survey_.processes.size()
                                  ? survey_.processes[process].program
                                  : std::to_string(process);
      const std::string site =
          OnlyLooks(KindOfCall(call(index))) ? "look" : PlaceOf(survey_, call(index));
      loops[{call(index).call, site, who}].push_back(index);
    }
    for (const auto& [key, calls] : loops) {
      if (calls.size() <= options_.most_in_a_loop) continue;
      const size_t last = calls.size() - 1;
      const std::set<size_t> some = {0,        1,   2, last / 4, last / 3, last / 2, last * 2 / 3,
                                     last - 1, last};
      for (size_t i = 0; i <= last; ++i) {
        if (!some.contains(i)) chosen_.erase(calls[i]);
      }
      out_.left_out += calls.size() - some.size();
    }
  }

  // ---- plans

  Injection At(int index) const { return InjectionAt(survey_, patterns_, index); }

  // From call `index` on all calls of a class (interpose/plan.h), whatever their paths.
  Injection From(int index, std::string_view call_class, int error) const {
    Injection injection;
    injection.calls = CallsOfClass(call_class);
    injection.error = error;
    injection.first = OccurrenceOf(survey_, injection, index);
    return injection;
  }

  void Add(FaultWay way, int index, int error, std::string fault, std::vector<Injection> plan) {
    FaultCase out{way, error, std::move(fault), options_.first, std::nullopt, index};
    out.plan.insert(out.plan.end(), plan.begin(), plan.end());
    out_.cases.push_back(std::move(out));
  }

  // ---- what goes wrong at one call

  void AddCasesOf(int index) {
    const CallKind kind = KindOfCall(call(index));
    for (const FaultRow& row : FaultsOf(kind, options_.all_errors)) {
      Injection once = At(index);
      once.error = row.error;
      // A close that fails has closed (close(2)).
      once.after = kind == CallKind::kClose;
      Add(FaultWay::kOnce, index, row.error, ErrnoName(row.error), {once});
    }
    if (kind == CallKind::kCreate && (call(index).open_flags & O_EXCL) != 0) {
      Injection taken = At(index);
      taken.error = EEXIST;
      Add(FaultWay::kOnce, index, EEXIST, "EEXIST", {taken});
    }
    if (kind == CallKind::kWrite) AddShortCounts(index);
    if (kind == CallKind::kRead && options_.all_errors) AddShortRead(index);
    // The later calls of a run that has met its fault only fail one at a time.
    if (!options_.first.empty()) return;
    // Only a server's lost answer leaves a file that open(2) did not make: hardly anybody looks for
    // it.
    const bool usual = kind != CallKind::kCreate || options_.all_errors;
    if (CanFailAfterwards(kind) && kind != CallKind::kClose && usual) {
      Injection after = At(index);
      after.error = EIO;
      after.after = true;
      Add(FaultWay::kAfter, index, EIO, "EIO, though done", {after});
    }
    AddFromThenOn(index, kind);
  }

  void AddShortCounts(int index) {
    const uint64_t transferred = static_cast<uint64_t>(std::max<int64_t>(call(index).result, 0));
    if (transferred < 2) return;
    Injection part = At(index);
    part.kind = Injection::Kind::kShorten;
    part.value = static_cast<int64_t>(transferred / 2);
    Add(FaultWay::kShort, index, 0, "a short count", {part});
    if (!options_.first.empty()) return;
    Injection rest = From(index, "%write", ENOSPC);
    ++rest.first;
    Add(FaultWay::kShortThenFull, index, ENOSPC, "a short count and then ENOSPC", {part, rest});
  }

  // Only where servers and signals cut reads of files short: a local disk does not (read(2)).
  void AddShortRead(int index) {
    if (call(index).result < 2) return;
    Injection part = At(index);
    part.kind = Injection::Kind::kShorten;
    part.value = call(index).result / 2;
    Add(FaultWay::kShort, index, 0, "a short count", {part});
  }

  void AddFromThenOn(int index, CallKind kind) {
    // Opens stay out: those for reading still work on such a disk, and a plan cannot tell them
    // apart.
    const auto is_of = [&](std::string_view call_class) {
      const std::vector<int>& calls = CallsOfClass(call_class);
      return std::binary_search(calls.begin(), calls.end(), call(index).syscall);
    };
    if (is_of("%disk"))
      Add(FaultWay::kFromThenOn, index, EIO, "EIO from then on", {From(index, "%disk", EIO)});
    if (is_of("%change"))
      Add(FaultWay::kFromThenOn, index, EROFS, "EROFS from then on",
          {From(index, "%change", EROFS)});
    if (kind == CallKind::kCreate || kind == CallKind::kOpen || kind == CallKind::kOpenToChange)
      Add(FaultWay::kFromThenOn, index, EMFILE, "EMFILE from then on",
          {From(index, "%open", EMFILE)});
  }

  // ---- full disks

  void AddFullDisks() {
    for (const SpaceLimit& limit : FullDisks(survey_)) {
      FaultCase out{FaultWay::kFullDisk, ENOSPC, "", options_.first, limit, -1};
      out.fault = limit.free_bytes
                      ? fmt::format("a disk with {} left", ByteSize(*limit.free_bytes))
                      : fmt::format("a disk with {} left", Count(*limit.free_inodes, "inode"));
      out_.cases.push_back(std::move(out));
    }
  }

  const Trace& survey_;
  const PathPatterns& patterns_;
  const CaseOptions& options_;
  std::set<int> chosen_;
  std::set<std::string> made_;  ///< paths of ops
  FaultCases out_;
};

Result<uint64_t> ParseNumber(std::string_view text, const std::string& whole) {
  uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || text.empty())
    return FailWith(ExitCode::kUsage, "--inject {}: {} is no number", Quote(whole), Quote(text));
  return value;
}

}  // namespace

std::vector<std::string> PlanTexts(const FaultCase& fault) {
  std::vector<std::string> out;
  for (const Injection& injection : fault.plan) out.push_back(FormatInjection(injection));
  if (fault.space && fault.space->free_bytes)
    out.push_back(fmt::format("{}{}", kDiskFree, *fault.space->free_bytes));
  if (fault.space && fault.space->free_inodes)
    out.push_back(fmt::format("{}{}", kDiskInodes, *fault.space->free_inodes));
  return out;
}

Result<FaultCase> ParseFaultCase(const std::vector<std::string>& texts) {
  FaultCase out;
  out.way = FaultWay::kByHand;
  out.fault = Join(texts, " and ");
  for (const std::string& text : texts) {
    const bool bytes = text.starts_with(kDiskFree);
    if (bytes || text.starts_with(kDiskInodes)) {
      if (!out.space) out.space.emplace();
      const size_t skip = bytes ? kDiskFree.size() : kDiskInodes.size();
      ASSIGN_OR_RETURN(const uint64_t value,
                       ParseNumber(std::string_view(text).substr(skip), text));
      (bytes ? out.space->free_bytes : out.space->free_inodes) = value;
      continue;
    }
    ASSIGN_OR_RETURN(Injection injection, ParseInjection(text));
    out.plan.push_back(std::move(injection));
  }
  return out;
}

FaultCases MakeFaultCases(const Trace& survey, const PathPatterns& patterns,
                          const CaseOptions& options) {
  return Enumeration(survey, patterns, options).Run();
}

}  // namespace oldornew
