#include "search/kill_search.h"

#include <algorithm>
#include <map>

#include "base/spread.h"
#include "base/text.h"
#include "cases/call_site.h"
#include "cases/kill_states.h"
#include "finding/builder.h"
#include "finding/source.h"

namespace oldornew {

namespace {

// Once it is known that a subject is broken within a write, so many moments of it show what it
// looks like.
constexpr size_t kMostInside = 64;
// A command costs a process: of a large write it is asked about the first, the middle and the last
// moment.
constexpr size_t kMostAskedInside = 3;

// What kills leave of one subject.
struct Broken {
  Kill first;
  Violation shown;
  std::map<Outcome, Kill> outcomes;
  uint32_t whole_again = 0;  // number of the call after which it is a version again; 0: not yet
};

class KillSearch {
 public:
  KillSearch(const JudgedTrace& judged, const Question& question, const std::string& axis,
             uint64_t most_asked)
      : judged_(judged),
        trace_(*judged.trace),
        question_(question),
        axis_(axis),
        most_asked_(most_asked) {}

  Result<KillFindings> Run() {
    for (const auto& judge : judged_.by_bytes)
      watched_.push_back({judge.get(), KeyOf(trace_, trace_.old_tree, judge->subject()), {}});
    KillWalk walk(trace_);
    while (walk.Next()) Visit(walk);
    for (const Watched& watched : watched_) {
      for (const auto& [oracle, broken] : watched.broken)
        Add(oracle, watched.judge->subject().name, broken);
    }

    if (judged_.by_command != nullptr) RETURN_IF_ERROR(AskCommand());
    return std::move(result_);
  }

 private:
  struct Watched {
    const BytesJudge* judge = nullptr;
    Digest key;  // at the moment looked at last
    std::map<Oracle, Broken> broken;
  };

  void Visit(const KillWalk& walk) {
    ++result_.moments;
    for (Watched& watched : watched_) {
      const Digest key = KeyOf(trace_, walk.tree(), watched.judge->subject());
      // What this call did not change is as it was, within the call too.
      if (key == watched.key) continue;
      watched.key = key;
      VisitInside(walk, &watched);
      Judge(walk.tree(), {walk.point(), 0}, &watched);
    }
  }

  void VisitInside(const KillWalk& walk, Watched* watched) {
    const std::vector<uint64_t> inside = walk.Inside();
    size_t next = 0;
    // Whether it is broken at all is asked of every moment, what it looks like of some.
    for (; next < inside.size() && watched->broken.empty(); ++next)
      JudgeInside(walk, inside[next], watched);

    const std::vector<uint64_t> rest(inside.begin() + static_cast<ptrdiff_t>(next), inside.end());
    for (const uint64_t bytes : Spread(rest, kMostInside)) JudgeInside(walk, bytes, watched);
  }

  void JudgeInside(const KillWalk& walk, uint64_t bytes, Watched* watched) {
    ++result_.moments;
    Judge(walk.TreeInside(bytes), {walk.point() - 1, bytes}, watched);
  }

  void Judge(const FileTree& tree, const Kill& kill, Watched* watched) {
    const BytesJudge& judge = *watched->judge;
    const auto violation = JudgeState(trace_, judge.subject(), judge.history(), tree, kill.point);
    for (auto& [oracle, broken] : watched->broken) {
      const bool still = violation && violation->oracle == oracle;
      if (!still && broken.whole_again == 0) broken.whole_again = kill.point;
    }
    if (violation) Note(*violation, kill, &watched->broken);
  }

  void Note(const Violation& violation, const Kill& kill, std::map<Oracle, Broken>* broken) const {
    if (!question_.Asks(violation.oracle)) return;
    const auto known = broken->try_emplace(violation.oracle, Broken{kill, violation, {}, 0}).first;
    known->second.outcomes.try_emplace(violation.outcome, kill);
  }

  // ---- the user's own command

  Status AskCommand() {
    std::vector<CrashState> states;
    std::vector<Kill> kills;
    std::map<Digest, size_t> seen;
    const auto add = [&](FileTree tree, const Kill& kill) {
      CrashState state;
      state.first_point = state.last_point = kill.point;
      state.digest = tree.RootDigest(/*attributes=*/true);
      if (!seen.emplace(state.digest, states.size()).second) return;
      if (states.size() >= most_asked_) {
        result_.exhaustive = false;
        return;
      }
      state.tree = std::move(tree);
      states.push_back(std::move(state));
      kills.push_back(kill);
    };
    KillWalk walk(trace_);
    while (walk.Next()) {
      for (const uint64_t bytes : Spread(walk.Inside(), kMostAskedInside))
        add(walk.TreeInside(bytes), {walk.point() - 1, bytes});
      add(walk.tree(), {walk.point(), 0});
    }

    std::map<Oracle, Broken> broken;
    RETURN_IF_ERROR(
        judged_.by_command->Judge(states, [&](const Violation& violation, const CrashState& state) {
          Note(violation, kills[seen.at(state.digest)], &broken);
        }));
    result_.moments = std::max<uint64_t>(result_.moments, states.size());
    for (const auto& [oracle, found] : broken) Add(oracle, ".", found);
    return {};
  }

  // ---- what is found becomes what a person reads

  // "after a kill after 3 rename(a → b)".
  std::string Scene(const Kill& kill) const {
    const Op& op = trace_.ops[CallOf(kill)];
    return fmt::format("when all is killed {} {} {}",
                       kill.bytes == 0 ? "after" : "in the middle of", CallOf(kill) + 1,
                       DescribeShort(op));
  }

  // The call that leaves it so.
  static uint32_t CallOf(const Kill& kill) { return kill.bytes == 0 ? kill.point - 1 : kill.point; }

  std::string Message(const std::string& path, const Broken& broken) const {
    std::vector<std::string> phrases;
    for (const auto& [outcome, kill] : broken.outcomes) phrases.push_back(OutcomePhrase(outcome));
    const std::string& at = broken.shown.at;
    const std::string& name = phrases.size() == 1 && !at.empty() ? at : path;
    return fmt::format("{} can {} {}", name == "." ? "the directory" : name, Join(phrases, " or "),
                       Scene(broken.first));
  }

  void Add(Oracle oracle, const std::string& path, const Broken& broken) {
    const uint32_t call = CallOf(broken.first);
    FindingBuilder builder(trace_, axis_, oracle, broken.shown.outcome);
    builder.At(path, broken.shown.at)
        .Case(CaseOf(trace_, broken.first))
        .At(CallAt{call + 1, trace_.ops[call].call, trace_.ops[call].path, trace_.ops[call].path2})
        .Points(broken.first.point, broken.first.point)
        .Message(Message(path, broken))
        .Evidence(broken.shown.evidence)
        .Explanation("No power needs to be lost: the file is in this state while the program runs.")
        .Source(SourceOrProgram(trace_, call))
        .Mark(call, broken.first.bytes == 0
                        ? "killed after this"
                        : fmt::format("killed after {} of {} B", broken.first.bytes,
                                      trace_.ops[call].length));
    for (const auto& [outcome, kill] : broken.outcomes) builder.Also(outcome);
    if (oracle == Oracle::kDurable && !question_.durable_is_error)
      builder.Severe(Severity::kWarning);
    if (broken.whole_again > call + 1)
      builder.Mark(broken.whole_again - 1, "from here on it is whole again");
    if (oracle == Oracle::kAtomic && path != ".")
      builder.Advice("no sync helps: write a new file and rename it over this one");

    const std::string site = SiteOf(trace_, trace_.ops[call]);
    AddOrJoin(builder.Build(),
              site.empty() ? site : fmt::format("{} {}", OracleName(oracle), site));
  }

  // One line of the program that leaves several files so is one finding (oracles.md 15).
  void AddOrJoin(Finding finding, const std::string& site) {
    const auto known = by_site_.find(site);
    if (site.empty() || known == by_site_.end()) {
      by_site_.emplace(site, result_.findings.size());
      result_.findings.push_back(std::move(finding));
      return;
    }
    Finding& first = result_.findings[known->second];
    for (const auto& [outcome, profiles] : finding.outcomes) first.outcomes[outcome] = profiles;
    first.subjects.push_back(std::move(finding.subjects[0]));
  }

  const JudgedTrace& judged_;
  const Trace& trace_;
  const Question& question_;
  const std::string& axis_;
  uint64_t most_asked_;
  std::vector<Watched> watched_;
  std::map<std::string, size_t> by_site_;
  KillFindings result_;
};

}  // namespace

Result<KillFindings> SearchKills(const JudgedTrace& judged, const Question& question,
                                 const std::string& axis, uint64_t most_asked) {
  return KillSearch(judged, question, axis, most_asked).Run();
}

}  // namespace oldornew
