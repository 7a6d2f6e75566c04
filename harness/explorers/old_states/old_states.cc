#include "explorers/old_states/old_states.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "explorers/old_states/variant.h"
#include "finding/builder.h"
#include "lab/new_claims.h"
#include "lab/run_again.h"
#include "oracle/end_state.h"
#include "oracle/path_patterns.h"

namespace oldornew {

namespace {

using End = FurtherRun::End;

constexpr const char* kAxis = "vary-old";

bool IsOrBelow(const std::string& path, const std::string& top) {
  return path == top || path.starts_with(top + "/");
}

// One exploration.
class Session {
 public:
  explicit Session(const Given& given)
      : given_(given), plain_(given.plain), runs_(given.lab, given.plain) {
    if (const Exploration* power = given.earlier.Of(Finding::kPowerAxis))
      claims_ = ClaimsOf(power->findings);
  }

  Result<Exploration> Run() {
    ASSIGN_OR_RETURN(again_, runs_.Run(plain_.command, &plain_.old_tree));
    if (!given_.question.Succeeded(again_)) {
      result_.notes.push_back(fmt::format(
          "old states were not varied: a second run from the same one exits {} and says {}",
          again_.exit_status, FirstWords(again_)));
      return std::move(result_);
    }

    ASSIGN_OR_RETURN(const auto subjects, ChooseSubjects(plain_, {}));
    JudgePlain(subjects);
    VariantPlan plan = MakeVariants(plain_, again_, subjects, given_.lab.working_directory());
    result_.notes = std::move(plan.notes);
    for (const Trace* trace : {&plain_, static_cast<const Trace*>(&again_)}) {
      for (const std::string& path : ChangedPaths(*trace))
        plain_changes_.push_back({path, SubjectPattern(*trace, path)});
    }

    for (const Variant& variant : plan.variants) RETURN_IF_ERROR(Try(variant));
    JudgePlainModes(plan.variants);
    Conclude();
    return std::move(result_);
  }

 private:
  // The plain run says that all is well: does everything it changed lead somewhere?
  void JudgePlain(const std::vector<Subject>& subjects) {
    for (const Subject& subject : subjects) {
      for (const Place& place : subject.places) {
        const ReaderView after = ViewOf(plain_, plain_.new_tree, place.path);
        if (place.root != 0 || after.kind != ReaderView::Kind::kDangling) continue;
        if (!StaysInside(place)) continue;
        result_.findings.push_back(
            FindingBuilder(plain_, kAxis, Oracle::kHonest, Outcome::kNotDone)
                .At(place.path)
                .StablePath(place.path)
                .Case(CaseOf(plain_, EndOfRun{"plain"}))
                .Message(fmt::format(
                    "the command reports success, and {} is a link that leads to nothing",
                    place.path))
                .Build());
      }
    }
  }

  // A link to somewhere outside the judged directory may well lead to something.
  bool StaysInside(const Place& place) const {
    const auto inode = plain_.new_tree.Lookup(place.path);
    return inode && !plain_.new_tree.at(*inode).target.starts_with("/");
  }

  Status Try(const Variant& variant) {
    variant_ = &variant;
    auto trace = runs_.Run(variant.command, &variant.old, variant.directory);
    if (!trace) {
      if (trace.error().exit_code != ExitCode::kUsage) return tl::unexpected(trace.error());
      result_.notes.push_back(fmt::format("not run {}: {}", variant.title, trace.error().message));
      return {};
    }
    result_.runs.push_back({variant.id, variant.title, std::move(*trace), End::kAsPlain, {}});
    const size_t before = result_.findings.size();
    const std::string temporary = LeadsToTemporary(run().trace, Place{0, variant.target});
    if (!temporary.empty()) {
      Report(Oracle::kContained, Outcome::kInTemporary, Severity::kError,
             fmt::format("{} leads to {}: a temporary directory does not outlive a reboot",
                         variant.target, temporary));
    } else if (!run().trace.obstacles.empty()) {
      run().end = End::kNotJudged;
      run().said = run().trace.obstacles.front().reason;
    } else if (given_.question.Succeeded(run().trace)) {
      RETURN_IF_ERROR(JudgeSuccess());
    } else {
      RETURN_IF_ERROR(JudgeFailure());
    }
    if (result_.findings.size() > before) run().end = End::kFindings;
    return {};
  }

  FurtherRun& run() { return result_.runs.back(); }
  ReaderView Before() { return ViewOf(run().trace, run().trace.old_tree, variant_->target); }
  ReaderView After() { return ViewOf(run().trace, run().trace.new_tree, variant_->target); }

  void Report(Oracle oracle, Outcome outcome, Severity severity, const std::string& what) {
    ReportOf(result_.runs.size() - 1, oracle, outcome, severity, what);
  }

  void ReportOf(size_t index, Oracle oracle, Outcome outcome, Severity severity,
                const std::string& what) {
    const Trace& trace = result_.runs[index].trace;
    result_.findings.push_back(FindingBuilder(trace, kAxis, oracle, outcome)
                                   .Severe(severity)
                                   .At(variant_->target)
                                   .StablePath(variant_->target)
                                   .Case(CaseOf(trace, EndOfRun{variant_->id}))
                                   .Message(fmt::format("{}: {}", variant_->title, what))
                                   .Run(index, variant_->title)
                                   .Build());
  }

  // ---- the run reported an error

  Status JudgeFailure() {
    run().end = End::kFails;
    run().said = FirstWords(run().trace);
    const bool plain_ends_there =
        After() == ViewOf(plain_, plain_.new_tree, variant_->plain_target);
    if (!(After() == Before())) {
      Report(Oracle::kHonest, Outcome::kChangedThoughFailed,
             plain_ends_there || variant_->kind == VariantKind::kContent ? Severity::kWarning
                                                                         : Severity::kError,
             fmt::format("exits {} and says {}, but {} has changed", run().trace.exit_status,
                         run().said, variant_->target));
    }
    JudgeLitter();
    if (variant_->kind == VariantKind::kStale) return JudgeWedge();
    // A program may refuse what it is not made for, as long as it changes nothing; a legal name is
    // no such thing.
    if (variant_->id.starts_with("long-name:") || variant_->kind == VariantKind::kUmask) {
      Report(Oracle::kRecoverable, Outcome::kFails, Severity::kWarning,
             fmt::format("the command fails and says {}", run().said));
    }
    return {};
  }

  // What a failed run leaves although neither it nor a run that succeeds found or leaves it.
  void JudgeLitter() {
    std::vector<std::string> litter;
    for (const std::string& path : ChangedPaths(run().trace)) {
      const bool added = !run().trace.old_tree.Lookup(path) && run().trace.new_tree.Lookup(path);
      if (added && !IsOrBelow(path, variant_->target) && !ChangedByPlain(path))
        litter.push_back(path);
    }
    if (litter.empty()) return;
    Report(Oracle::kClean, Outcome::kLitter, Severity::kWarning,
           fmt::format("the command fails and leaves {} behind", Join(litter, ", ")));
  }

  // Something stands in the way: does it stay there, run after run (oracles.md 10)?
  Status JudgeWedge() {
    size_t entries = run().trace.new_tree.Walk().size();
    bool grows = entries > run().trace.old_tree.Walk().size();
    for (int more = 0; more < 2; ++more) {
      ASSIGN_OR_RETURN(const Trace next,
                       runs_.Run(variant_->command, nullptr, variant_->directory));
      if (given_.question.Succeeded(next)) return {};
      const size_t now = next.new_tree.Walk().size();
      grows = grows && now > entries;
      entries = now;
    }
    const Severity severity = variant_->hostile ? Severity::kWarning : Severity::kError;
    Report(Oracle::kRecoverable, Outcome::kWedged, severity,
           fmt::format("every run fails, three in a row, and says {}", run().said));
    if (grows) {
      Report(Oracle::kClean, Outcome::kLitter, severity, "each failed run leaves more behind");
    }
    return {};
  }

  // ---- the run reported success

  Status JudgeSuccess() {
    RETURN_IF_ERROR(JudgeReaders());
    JudgeVictim();
    JudgeCollateral();
    JudgeLink();
    JudgeMode();
    return AsksPower() ? JudgePower() : Status();
  }

  // Do readers find what they find after a plain run?
  Status JudgeReaders() {
    const ReaderView plain = ViewOf(plain_, plain_.new_tree, variant_->plain_target);
    const ReaderView now = After();
    const char* found = now.kind == ReaderView::Kind::kNothing    ? "nothing"
                        : now.kind == ReaderView::Kind::kDangling ? "a link that leads to nothing"
                        : now == Before()                         ? "the old content"
                                          : "other content than after a plain run";
    const bool lost =
        plain.kind == ReaderView::Kind::kThere && now.kind != ReaderView::Kind::kThere;
    const bool other = variant_->same_content && plain.kind == ReaderView::Kind::kThere &&
                       Comparable() && !(now == plain);
    if (!lost && !other) return {};
    if (!lost) {
      ASSIGN_OR_RETURN(const bool stable, IsStable());
      if (!stable) return {};
    }
    Report(Oracle::kHonest, Outcome::kNotDone, Severity::kError,
           fmt::format("the command reports success, and readers of {} find {}", variant_->target,
                       found));
    return {};
  }

  // Does a plain run still end alike? What carries the time does not (oracles.md 7).
  Result<bool> IsStable() {
    ASSIGN_OR_RETURN(const Trace later, runs_.RunNow(plain_.command));
    return ViewOf(again_, again_.new_tree, variant_->plain_target) ==
           ViewOf(later, later.new_tree, variant_->plain_target);
  }

  // False when even two plain runs end differently, or the content may depend on what the variant
  // changed.
  bool Comparable() {
    const ReaderView plain = ViewOf(plain_, plain_.new_tree, variant_->plain_target);
    if (!(plain == ViewOf(again_, again_.new_tree, variant_->plain_target))) return false;
    if (variant_->kind != VariantKind::kNamed) return true;
    const Sight sight = Look(plain_, plain_.new_tree, Place{0, variant_->plain_target});
    const InodeIndex end = sight.leads_to != kNoInode ? sight.leads_to : sight.inode;
    if (end == kNoInode || plain_.new_tree.at(end).kind != FileKind::kFile) return true;
    const Content& content = plain_.new_tree.at(end).content;
    const std::string name = variant_->plain_target.substr(variant_->plain_target.rfind('/') + 1);
    return content.size() < (1u << 20) &&
           content.Read(0, content.size()).find(name) == std::string::npos;
  }

  void JudgeVictim() {
    if (variant_->victim.empty()) return;
    const Trace& trace = run().trace;
    const auto before = trace.old_tree.Lookup(variant_->victim);
    const auto after = trace.new_tree.Lookup(variant_->victim);
    if (!before) return;
    const bool same =
        after && trace.old_tree.KeyDigest(*before) == trace.new_tree.KeyDigest(*after);
    if (same) return;
    Report(Oracle::kContained, Outcome::kChangedOutside, Severity::kError,
           fmt::format("the command {} {}, which is not its own", after ? "changes" : "removes",
                       variant_->victim));
  }

  bool ChangedByPlain(const std::string& path) {
    const std::string pattern = SubjectPattern(run().trace, path);
    return std::any_of(plain_changes_.begin(), plain_changes_.end(),
                       [&](const PlainChange& change) {
                         return IsOrBelow(path, change.path) || change.pattern == pattern;
                       });
  }

  void JudgeCollateral() {
    std::vector<std::string> hurt;
    for (const std::string& path : ChangedPaths(run().trace)) {
      const bool there = run().trace.old_tree.Lookup(path).has_value();
      const auto below = [&](const std::string& top) {
        return !top.empty() && IsOrBelow(path, top);
      };
      const bool meant = below(variant_->target) || below(variant_->victim) ||
                         std::any_of(variant_->own.begin(), variant_->own.end(), below) ||
                         ChangedByPlain(path);
      if (there && !meant) hurt.push_back(path);
    }
    if (hurt.empty()) return;
    Report(Oracle::kContained, Outcome::kChangedOutside, Severity::kError,
           fmt::format("the command changes {}, which a plain run leaves alone", Join(hurt, ", ")));
  }

  void JudgeLink() {
    if (variant_->kind != VariantKind::kLinked || !Before().through_link || After().through_link)
      return;
    const std::string& other = *variant_->own.begin();
    const bool stale = ViewOf(run().trace, run().trace.old_tree, other) ==
                       ViewOf(run().trace, run().trace.new_tree, other);
    Report(
        Oracle::kAttrs, Outcome::kLinkReplaced, Severity::kWarning,
        fmt::format(
            "the symlink is replaced by a file{}",
            stale ? fmt::format("; {}, which it led to, still holds the old content", other) : ""));
  }

  // Whatever stood at the temporary's name must not lend the target its mode.
  void JudgeMode() {
    const ReaderView plain = ViewOf(plain_, plain_.new_tree, variant_->plain_target);
    const ReaderView now = After();
    if (now.kind != ReaderView::Kind::kThere || plain.kind != ReaderView::Kind::kThere) return;
    if (variant_->kind == VariantKind::kUmask) {
      umask_runs_[variant_->target].modes.insert(now.mode);
      umask_runs_[variant_->target].run = result_.runs.size() - 1;
    }
    if (variant_->kind != VariantKind::kStale || now.mode == plain.mode) return;
    Report(Oracle::kAttrs, Outcome::kModeChanged, Severity::kWarning,
           fmt::format("{} ends with mode {:04o}, not {:04o} as after a plain run",
                       variant_->target, now.mode, plain.mode));
  }

  // Readers who could open the old content and cannot open the new one, whatever the umask.
  void JudgePlainModes(const std::vector<Variant>& variants) {
    for (const Variant& variant : variants) {
      const auto runs = umask_runs_.find(variant.target);
      if (variant.kind != VariantKind::kUmask || runs == umask_runs_.end()) continue;
      const ReaderView before = ViewOf(plain_, plain_.old_tree, variant.target);
      const ReaderView after = ViewOf(plain_, plain_.new_tree, variant.target);
      const bool fixed = runs->second.modes == std::set<uint32_t>{after.mode};
      const size_t index = runs->second.run;
      umask_runs_.erase(runs);
      if (!fixed || before.kind != ReaderView::Kind::kThere ||
          (before.mode & 0077 & ~after.mode) == 0)
        continue;
      variant_ = &variant;
      result_.runs[index].end = End::kFindings;
      ReportOf(index, Oracle::kAttrs, Outcome::kModeChanged, Severity::kWarning,
               fmt::format("{} goes from mode {:04o} to {:04o}, under every umask: who could read "
                           "the old content "
                           "cannot read the new",
                           variant.target, before.mode, after.mode));
    }
  }

  // Power cuts during this run: what they do more than in the plain run.
  Status JudgePower() {
    Question question = given_.question;
    question.watch = {};
    question.watch.watch = {variant_->target};
    if (variant_->kind == VariantKind::kLinked)
      question.watch.watch.push_back(*variant_->own.begin());
    ASSIGN_OR_RETURN(NewClaims found, SearchNewClaims(run().trace, question, given_.space, {},
                                                      static_cast<int>(given_.lab.jobs()), claims_,
                                                      ClaimDetail::kEveryWay));
    exhaustive_ = exhaustive_ && found.exhaustive;
    if (!found.unsupported.empty()) {
      run().end = End::kNotJudged;
      run().said = found.unsupported.front();
      return {};
    }

    for (Finding& finding : found.findings) {
      finding.axis = kAxis;
      finding.scene = variant_->title;
      finding.run = static_cast<int>(result_.runs.size()) - 1;
      finding.message = variant_->title + ": " + finding.message;
      result_.findings.push_back(std::move(finding));
    }
    return {};
  }

  // What only --view or --check can judge is explored from the plain old state only.
  bool AsksPower() const {
    return given_.earlier.Explored(Finding::kPowerAxis) && !given_.question.ByCommand();
  }

  void Conclude() {
    result_.cases = result_.runs.size();
    if (given_.question.ByCommand())
      result_.notes.emplace_back("power cuts were explored from the plain old state only");
    if (!exhaustive_) {
      result_.bounds.emplace_back(
          "from other old states not all states that power cuts leave were visited: raise "
          "--max-states");
    }
  }

  const Given& given_;
  const Trace& plain_;
  std::set<Claim> claims_;  ///< of the plain run
  RunAgain runs_;
  Trace again_;  ///< a second plain run
  /// What the two plain runs changed: the path, and as it is in every run (SubjectPattern).
  struct PlainChange {
    std::string path;
    std::string pattern;
  };
  std::vector<PlainChange> plain_changes_;
  const Variant* variant_ = nullptr;
  /// By target: the modes it ended with under the umasks tried, and the last of these runs.
  struct UmaskRuns {
    std::set<uint32_t> modes;
    size_t run = 0;
  };
  std::map<std::string, UmaskRuns> umask_runs_;
  bool exhaustive_ = true;  ///< of the power cuts in all variants
  Exploration result_;
};

class OldStatesExplorer final : public Explorer {
 public:
  Result<Exploration> Explore(const Given& given) override { return Session(given).Run(); }
};

}  // namespace

std::unique_ptr<Explorer> MakeOldStatesExplorer() { return std::make_unique<OldStatesExplorer>(); }

}  // namespace oldornew
