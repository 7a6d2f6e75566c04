#include "explorers/old_states/old_states.h"

#include <set>

#include "base/text.h"
#include "explorers/old_states/umask_modes.h"
#include "explorers/old_states/variant.h"
#include "explorers/old_states/variant_judge.h"
#include "finding/builder.h"
#include "lab/new_claims.h"
#include "lab/run_again.h"
#include "oracle/end_state.h"

namespace oldornew {

namespace {

using End = FurtherRun::End;

constexpr const char* kAxis = "vary-old";

// One exploration.
class Session {
 public:
  explicit Session(const Given& given)
      : given_(given), plain_(given.plain), runs_(given.lab, given.plain) {
    if (const Exploration* power = given.earlier.Of(Finding::kPowerAxis))
      claims_ = ClaimsOf(power->findings);
  }

  Result<Exploration> Run() {
    ASSIGN_OR_RETURN(const Trace again, runs_.Run(plain_.command, &plain_.old_tree));
    if (!given_.question.Succeeded(again)) {
      result_.notes.push_back(fmt::format(
          "old states were not varied: a second run from the same one exits {} and says {}",
          again.exit_status, FirstWords(again)));
      return std::move(result_);
    }

    ASSIGN_OR_RETURN(const auto subjects, ChooseSubjects(plain_, {}));
    JudgePlain(subjects);
    VariantPlan plan = MakeVariants(plain_, again, subjects, given_.lab.working_directory());
    result_.notes = std::move(plan.notes);

    const VariantJudge judge(given_, runs_, again);
    for (const Variant& variant : plan.variants) RETURN_IF_ERROR(Try(variant, judge));
    for (const UmaskModes::Narrowed& narrowed : modes_.FindNarrowed(plain_, plan.variants)) {
      result_.runs[narrowed.run].end = End::kFindings;
      Report(*narrowed.variant, narrowed.run,
             {Oracle::kAttrs, Outcome::kModeChanged, Severity::kWarning, narrowed.what});
    }
    Conclude();
    return std::move(result_);
  }

 private:
  // ---- the plain run

  // It says that all is well: does everything it changed lead somewhere?
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

  // ---- one variant

  Status Try(const Variant& variant, const VariantJudge& judge) {
    auto trace = runs_.Run(variant.command, &variant.old, variant.directory);
    if (!trace) {
      if (trace.error().exit_code != ExitCode::kUsage) return tl::unexpected(trace.error());
      result_.notes.push_back(fmt::format("not run {}: {}", variant.title, trace.error().message));
      return {};
    }

    result_.runs.push_back({variant.id, variant.title, std::move(*trace), End::kAsPlain, {}});
    const size_t before = result_.findings.size();
    RETURN_IF_ERROR(Judge(variant, judge));
    if (result_.findings.size() > before) run().end = End::kFindings;
    return {};
  }

  Status Judge(const Variant& variant, const VariantJudge& judge) {
    const size_t index = result_.runs.size() - 1;
    const Trace& trace = run().trace;
    if (const std::string at = LeadsToTemporary(trace, Place{0, variant.target}); !at.empty()) {
      Report(variant, index,
             {Oracle::kContained, Outcome::kInTemporary, Severity::kError,
              fmt::format("{} leads to {}: a temporary directory does not outlive a reboot",
                          variant.target, at)});
      return {};
    }
    if (!trace.obstacles.empty()) {
      run().end = End::kNotJudged;
      run().said = trace.obstacles.front().reason;
      return {};
    }

    const bool ok = given_.question.Succeeded(trace);
    if (!ok) {
      run().end = End::kFails;
      run().said = FirstWords(trace);
    }
    ASSIGN_OR_RETURN(const std::vector<VariantWrong> wrongs, judge.Judge({variant, trace}));
    for (const VariantWrong& wrong : wrongs) Report(variant, index, wrong);
    if (!ok) return {};

    NoteMode(variant, index);
    return AsksPower() ? JudgePower(variant) : Status();
  }

  // Only where a plain run leaves something as well.
  void NoteMode(const Variant& variant, size_t index) {
    const ReaderView plain = ViewOf(plain_, plain_.new_tree, variant.plain_target);
    const ReaderView now = ViewOf(run().trace, run().trace.new_tree, variant.target);
    if (variant.kind == VariantKind::kUmask && now.kind == ReaderView::Kind::kThere &&
        plain.kind == ReaderView::Kind::kThere)
      modes_.Add(variant.target, now.mode, index);
  }

  FurtherRun& run() { return result_.runs.back(); }

  void Report(const Variant& variant, size_t index, const VariantWrong& wrong) {
    const Trace& trace = result_.runs[index].trace;
    result_.findings.push_back(FindingBuilder(trace, kAxis, wrong.oracle, wrong.outcome)
                                   .Severe(wrong.severity)
                                   .At(variant.target)
                                   .StablePath(variant.target)
                                   .Case(CaseOf(trace, EndOfRun{variant.id}))
                                   .Message(fmt::format("{}: {}", variant.title, wrong.what))
                                   .Run(index, variant.title)
                                   .Build());
  }

  // ---- power cuts

  // During this run: what they do more than in the plain run.
  Status JudgePower(const Variant& variant) {
    Question question = given_.question;
    question.watch = {};
    question.watch.watch = {variant.target};
    if (variant.kind == VariantKind::kLinked) question.watch.watch.push_back(*variant.own.begin());
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
      finding.scene = variant.title;
      finding.run = static_cast<int>(result_.runs.size()) - 1;
      finding.message = variant.title + ": " + finding.message;
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
  UmaskModes modes_;
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
