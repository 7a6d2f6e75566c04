#include "explorers/old_states/variant_judge.h"

#include <algorithm>

#include "base/text.h"
#include "oracle/contained.h"
#include "oracle/end_state.h"
#include "oracle/litter.h"
#include "oracle/path_patterns.h"
#include "oracle/plain_ends.h"
#include "oracle/recoverable.h"

namespace oldornew {

VariantJudge::VariantJudge(const Given& given, RunAgain& runs, const Trace& again)
    : given_(given),
      plain_(given.plain),
      again_(again),
      runs_(runs),
      plain_changes_(SubjectPattern) {
  plain_changes_.LearnChanged(plain_);
  plain_changes_.LearnChanged(again_);
}

Result<std::vector<VariantWrong>> VariantJudge::Judge(const VariantRun& run) const {
  return given_.question.Succeeded(run.trace) ? JudgeSuccess(run) : JudgeFailure(run);
}

Readers VariantJudge::ReadersOf(const VariantRun& run) const {
  return {ViewOf(run.trace, run.trace.old_tree, run.variant.target),
          ViewOf(run.trace, run.trace.new_tree, run.variant.target),
          ViewOf(plain_, plain_.new_tree, run.variant.plain_target)};
}

bool VariantJudge::ChangedByPlain(const Trace& trace, const std::string& path) const {
  return plain_changes_.Covers(path) || plain_changes_.Has(trace, path);
}

// ---- the run reported an error

Result<std::vector<VariantWrong>> VariantJudge::JudgeFailure(const VariantRun& run) const {
  std::vector<VariantWrong> out;
  const Variant& variant = run.variant;
  const std::string said = FirstWords(run.trace);

  // 12 Honest. What the plain run makes of it is no loss, nor of a target that was not there.
  const Readers readers = ReadersOf(run);
  if (ChangedThoughFailed(readers)) {
    const bool harmless = readers.after == readers.plain || variant.kind == VariantKind::kContent;
    out.push_back({Oracle::kHonest, Outcome::kChangedThoughFailed,
                   harmless ? Severity::kWarning : Severity::kError,
                   fmt::format("exits {} and says {}, but {} has changed", run.trace.exit_status,
                               said, variant.target)});
  }

  JudgeLitter(run, &out);
  if (variant.kind == VariantKind::kStale) {
    RETURN_IF_ERROR(JudgeWedge(run, &out));
    return out;
  }

  // 10 Recoverable. A program may refuse what it is not made for, as long as it changes nothing; a
  // legal name is no such thing.
  if (variant.id.starts_with("long-name:") || variant.kind == VariantKind::kUmask) {
    out.push_back({Oracle::kRecoverable, Outcome::kFails, Severity::kWarning,
                   fmt::format("the command fails and says {}", said)});
  }
  return out;
}

// 11 Litter.
void VariantJudge::JudgeLitter(const VariantRun& run, std::vector<VariantWrong>* out) const {
  LitterRule rule;
  rule.is_known = [&](const std::string& path) {
    return IsOrBelow(path, run.variant.target) || ChangedByPlain(run.trace, path);
  };
  rule.temporary_roots = false;
  rule.caches = true;
  rule.inside_known = false;
  std::vector<std::string> litter;
  for (const Place& place : FindLitter(run.trace, rule)) litter.push_back(place.path);
  if (litter.empty()) return;

  std::sort(litter.begin(), litter.end());
  out->push_back({Oracle::kClean, Outcome::kLitter, Severity::kWarning,
                  fmt::format("the command fails and leaves {} behind", Join(litter, ", "))});
}

// 10 Recoverable: something stands in the way. Does it stay there, run after run?
Status VariantJudge::JudgeWedge(const VariantRun& run, std::vector<VariantWrong>* out) const {
  const Variant& variant = run.variant;
  const auto once_more = [&] { return runs_.Run(variant.command, nullptr, variant.directory); };
  const auto succeeded = [&](const Trace& trace) { return given_.question.Succeeded(trace); };
  const auto leaves_more = [](const Trace& trace) {
    return trace.new_tree.Walk().size() > trace.old_tree.Walk().size();
  };
  ASSIGN_OR_RETURN(const Wedge wedge, FindWedge(run.trace, once_more, succeeded, leaves_more));
  if (!wedge.wedged) return {};

  const Severity severity = variant.hostile ? Severity::kWarning : Severity::kError;
  out->push_back(
      {Oracle::kRecoverable, Outcome::kWedged, severity,
       fmt::format("every run fails, three in a row, and says {}", FirstWords(run.trace))});
  if (wedge.piles_up) {
    out->push_back(
        {Oracle::kClean, Outcome::kLitter, severity, "each failed run leaves more behind"});
  }
  return {};
}

// ---- the run reported success

Result<std::vector<VariantWrong>> VariantJudge::JudgeSuccess(const VariantRun& run) const {
  std::vector<VariantWrong> out;
  RETURN_IF_ERROR(JudgeReaders(run, &out));
  JudgeOthers(run, &out);
  JudgeLink(run, &out);

  // 6 Key. Whatever stood at the temporary's name must not lend the target its mode.
  const Readers readers = ReadersOf(run);
  if (run.variant.kind == VariantKind::kStale && ModeChanged(readers.after, readers.plain)) {
    out.push_back({Oracle::kAttrs, Outcome::kModeChanged, Severity::kWarning,
                   fmt::format("{} ends with mode {:04o}, not {:04o} as after a plain run",
                               run.variant.target, readers.after.mode, readers.plain.mode)});
  }
  return out;
}

// 12 Honest: do readers find what they find after a plain run?
Status VariantJudge::JudgeReaders(const VariantRun& run, std::vector<VariantWrong>* out) const {
  const Variant& variant = run.variant;
  const auto wrong = HonestToReaders(ReadersOf(run), variant.same_content && IsComparable(variant));
  if (!wrong) return {};

  // 7 RunToRunDifferences: timestamps have changed by themselves since.
  if (!wrong->lost) {
    ASSIGN_OR_RETURN(const Trace later, runs_.RunNow(plain_.command));
    if (!IsStablePath(again_, later, variant.plain_target)) return {};
  }
  out->push_back({Oracle::kHonest, Outcome::kNotDone, Severity::kError,
                  fmt::format("the command reports success, and readers of {} find {}",
                              variant.target, wrong->found)});
  return {};
}

// False when even two plain runs end differently, or the content may depend on what the variant
// changed.
bool VariantJudge::IsComparable(const Variant& variant) const {
  if (!IsStablePath(plain_, again_, variant.plain_target)) return false;
  if (variant.kind != VariantKind::kNamed) return true;

  // The file may hold its own name.
  const Sight sight = Look(plain_, plain_.new_tree, Place{0, variant.plain_target});
  const InodeIndex end = sight.leads_to != kNoInode ? sight.leads_to : sight.inode;
  if (end == kNoInode || plain_.new_tree.at(end).kind != FileKind::kFile) return true;
  const Content& content = plain_.new_tree.at(end).content;
  const std::string name = variant.plain_target.substr(variant.plain_target.rfind('/') + 1);
  return content.size() < (1u << 20) &&
         content.Read(0, content.size()).find(name) == std::string::npos;
}

// 14 Contained.
void VariantJudge::JudgeOthers(const VariantRun& run, std::vector<VariantWrong>* out) const {
  const Variant& variant = run.variant;
  const auto report = [&](std::string what) {
    out->push_back(
        {Oracle::kContained, Outcome::kChangedOutside, Severity::kError, std::move(what)});
  };

  // What the variant put there as another's is compared with all that is in it.
  const auto before =
      variant.victim.empty() ? std::nullopt : run.trace.old_tree.Lookup(variant.victim);
  if (before) {
    const auto after = run.trace.new_tree.Lookup(variant.victim);
    if (!after || run.trace.old_tree.KeyDigest(*before) != run.trace.new_tree.KeyDigest(*after))
      report(fmt::format("the command {} {}, which is not its own", after ? "changes" : "removes",
                         variant.victim));
  }

  const auto meant = [&](const std::string& path, bool /*gone*/) {
    const auto below = [&](const std::string& top) { return !top.empty() && IsOrBelow(path, top); };
    return below(variant.target) || below(variant.victim) ||
           std::any_of(variant.own.begin(), variant.own.end(), below) ||
           ChangedByPlain(run.trace, path);
  };
  const std::vector<std::string> hurt = FindChangedOthers(run.trace, meant);
  if (!hurt.empty())
    report(fmt::format("the command changes {}, which a plain run leaves alone", Join(hurt, ", ")));
}

// A symlink stays one.
void VariantJudge::JudgeLink(const VariantRun& run, std::vector<VariantWrong>* out) const {
  const Readers readers = ReadersOf(run);
  if (run.variant.kind != VariantKind::kLinked || !readers.before.through_link ||
      readers.after.through_link)
    return;
  const std::string& other = *run.variant.own.begin();
  const bool stale =
      ViewOf(run.trace, run.trace.old_tree, other) == ViewOf(run.trace, run.trace.new_tree, other);
  out->push_back(
      {Oracle::kAttrs, Outcome::kLinkReplaced, Severity::kWarning,
       fmt::format(
           "the symlink is replaced by a file{}",
           stale ? fmt::format("; {}, which it led to, still holds the old content", other) : "")});
}

}  // namespace oldornew
