#include "finding/kill_search.h"

#include <algorithm>
#include <map>

#include "base/spread.h"
#include "base/text.h"
#include "explore/case.h"
#include "explore/kill_states.h"
#include "finding/cause.h"
#include "finding/source.h"

namespace oldornew {

namespace {

// Once it is known that a subject is broken within a write, so many moments of it show what it
// looks like.
constexpr size_t kMostInside = 64;
// A probe costs a process: of a large write it is asked the first, the middle and the last moment.
constexpr size_t kMostProbedInside = 3;

// A moment: so many calls done, and so many bytes of the next.
struct Moment {
  uint32_t point = 0;
  uint64_t bytes = 0;
};

// What kills leave of one subject.
struct Broken {
  Moment first;
  Violation shown;
  std::map<Outcome, Moment> outcomes;
  uint32_t whole_again = 0;  // number of the call behind which it is a version again; 0: not yet
};

class KillSearch {
 public:
  KillSearch(const Trace& trace, const SearchOptions& options, ProbeSearch* probes)
      : trace_(trace), options_(options), probes_(probes) {}

  Result<KillFindings> Run(const std::vector<Subject>& subjects) {
    for (const Subject& subject : subjects) {
      watched_.push_back({&subject, TraceVersions(trace_, subject, options_.ack), {}, {}});
      watched_.back().key = KeyOf(trace_, trace_.old_tree, subject);
    }
    KillWalk walk(trace_);
    while (walk.Next()) Visit(walk);
    for (const Watched& watched : watched_) {
      for (const auto& [oracle, broken] : watched.broken)
        Add(oracle, watched.subject->name, broken);
    }
    if (probes_ != nullptr) RETURN_IF_ERROR(Probe());
    return std::move(result_);
  }

 private:
  struct Watched {
    const Subject* subject = nullptr;
    VersionHistory history;
    Digest key;  // at the moment looked at last
    std::map<Oracle, Broken> broken;
  };

  void Visit(const KillWalk& walk) {
    ++result_.count.moments;
    for (Watched& watched : watched_) {
      const Digest key = KeyOf(trace_, walk.tree(), *watched.subject);
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
    for (const uint64_t bytes :
         Spread(std::vector<uint64_t>(inside.begin() + static_cast<ptrdiff_t>(next), inside.end()),
                kMostInside))
      JudgeInside(walk, bytes, watched);
  }

  void JudgeInside(const KillWalk& walk, uint64_t bytes, Watched* watched) {
    ++result_.count.moments;
    Judge(walk.TreeInside(bytes), {walk.point() - 1, bytes}, watched);
  }

  void Judge(const FileTree& tree, const Moment& moment, Watched* watched) {
    const auto violation =
        JudgeState(trace_, *watched->subject, watched->history, tree, moment.point);
    for (auto& [oracle, broken] : watched->broken) {
      const bool still = violation && violation->oracle == oracle;
      if (!still && broken.whole_again == 0) broken.whole_again = moment.point;
    }
    if (violation && Asked(options_, violation->oracle)) Note(*violation, moment, &watched->broken);
  }

  static void Note(const Violation& violation, const Moment& moment,
                   std::map<Oracle, Broken>* broken) {
    const auto known =
        broken->try_emplace(violation.oracle, Broken{moment, violation, {}, 0}).first;
    known->second.outcomes.try_emplace(violation.outcome, moment);
  }

  // ---- the user's own command

  Status Probe() {
    std::vector<CrashState> states;
    std::map<Digest, size_t> seen;
    std::vector<Moment> moments;
    const auto add = [&](FileTree tree, const Moment& moment) {
      CrashState state;
      state.first_point = state.last_point = moment.point;
      state.digest = tree.RootDigest(/*attributes=*/true);
      if (!seen.emplace(state.digest, states.size()).second) return;
      if (states.size() >= options_.limits.max_states) {
        result_.count.exhaustive = false;
        return;
      }
      state.tree = std::move(tree);
      states.push_back(std::move(state));
      moments.push_back(moment);
    };
    KillWalk walk(trace_);
    while (walk.Next()) {
      for (const uint64_t bytes : Spread(walk.Inside(), kMostProbedInside))
        add(walk.TreeInside(bytes), {walk.point() - 1, bytes});
      add(walk.tree(), {walk.point(), 0});
    }
    std::map<Oracle, Broken> broken;
    RETURN_IF_ERROR(
        probes_->JudgeStates(states, [&](const Violation& violation, const CrashState& state) {
          Note(violation, moments[seen.at(state.digest)], &broken);
        }));
    result_.count.moments = std::max<uint64_t>(result_.count.moments, states.size());
    for (const auto& [oracle, found] : broken) Add(oracle, ".", found);
    return {};
  }

  // ---- what is found becomes what a person reads

  std::string Scene(const Moment& moment) const {
    if (moment.bytes == 0) {
      const Op& op = trace_.ops[moment.point - 1];
      return fmt::format("after a kill behind {} {}", moment.point, DescribeShort(op));
    }
    return fmt::format("after a kill within {} {}", moment.point + 1,
                       DescribeShort(trace_.ops[moment.point]));
  }

  // The call that leaves it so.
  static uint32_t GuiltyOp(const Moment& moment) {
    return moment.bytes == 0 ? moment.point - 1 : moment.point;
  }

  void Add(Oracle oracle, const std::string& path, const Broken& broken) {
    const uint32_t guilty = GuiltyOp(broken.first);
    Finding finding;
    finding.oracle = oracle;
    if (oracle == Oracle::kDurable && !options_.durable_is_error)
      finding.severity = Severity::kWarning;
    finding.axis = Axis::kKill;
    finding.path = path;
    finding.at = broken.shown.at;
    finding.shown = broken.shown.outcome;
    finding.profile = kKillProfile;
    finding.profiles = {kKillProfile};
    finding.evidence = broken.shown.evidence;
    finding.token =
        FormatToken(KillCase{broken.first.point, broken.first.bytes, trace_.Identity().Short()});
    finding.first_point = finding.last_point = broken.first.point;
    for (const auto& [outcome, moment] : broken.outcomes)
      finding.outcomes[outcome] = {kKillProfile};
    finding.marks[guilty] =
        broken.first.bytes == 0
            ? "killed behind this"
            : fmt::format("killed after {} of {} B", broken.first.bytes, trace_.ops[guilty].length);
    if (broken.whole_again > guilty + 1)
      finding.marks[broken.whole_again - 1] = "from here on it is whole again";
    finding.explanation =
        "No power needs to be lost: the file is in this state while the program runs.";
    if (oracle == Oracle::kAtomic && path != ".")
      finding.cure = "no sync helps: write a new file and rename it over this one";
    finding.source = SourceOrProgram(trace_, guilty);
    finding.stable_path = SubjectPattern(trace_, path);
    Describe(broken, &finding);
    finding.subjects = {
        {finding.path, finding.at, finding.outcomes, finding.token, finding.stable_path}};
    AddOrJoin(std::move(finding),
              fmt::format("{} {}", OracleName(oracle), SiteOf(trace_, trace_.ops[guilty])));
  }

  void Describe(const Broken& broken, Finding* finding) const {
    std::vector<std::string> phrases;
    for (const auto& [outcome, moment] : broken.outcomes) phrases.push_back(OutcomePhrase(outcome));
    const std::string& name =
        phrases.size() == 1 && !finding->at.empty() ? finding->at : finding->path;
    finding->message = fmt::format("{} can {} {}", name == "." ? "the directory" : name,
                                   Join(phrases, " or "), Scene(broken.first));
  }

  // One line of the program that leaves several files so is one finding (oracles.md 15).
  void AddOrJoin(Finding finding, const std::string& site) {
    const auto known = by_site_.find(site);
    if (site.ends_with(' ') || known == by_site_.end()) {
      by_site_.emplace(site, result_.findings.size());
      result_.findings.push_back(std::move(finding));
      return;
    }
    Finding& first = result_.findings[known->second];
    for (const auto& [outcome, profiles] : finding.outcomes) first.outcomes[outcome] = profiles;
    first.subjects.push_back(std::move(finding.subjects[0]));
  }

  const Trace& trace_;
  const SearchOptions& options_;
  ProbeSearch* probes_;
  std::vector<Watched> watched_;
  std::map<std::string, size_t> by_site_;
  KillFindings result_;
};

}  // namespace

Result<KillFindings> SearchKills(const Trace& trace, const SearchOptions& options,
                                 const std::vector<Subject>& subjects, ProbeSearch* probes) {
  return KillSearch(trace, options, probes).Run(subjects);
}

}  // namespace oldornew
