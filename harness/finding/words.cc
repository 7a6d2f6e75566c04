#include "finding/words.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "finding/source.h"
#include "finding/window.h"

namespace oldornew {

std::string ShowProfiles(const std::vector<std::string>& profiles, size_t all) {
  if (profiles.size() == all && all > 1) return "all profiles";
  const std::set<std::string> names(profiles.begin(), profiles.end());
  std::vector<std::string> out;
  for (const std::string& name : profiles) {
    const size_t end = name.find_first_of(",@:");
    const std::string family = name.substr(0, end);
    if (end == std::string::npos) {
      out.push_back(name);
    } else if (!names.contains(family)) {
      out.push_back(name[end] == ',' ? family + " with " + name.substr(end + 1) : name);
    }
  }
  return Join(out, ", ");
}

namespace {

std::string ProgramName(const Trace& trace) {
  if (trace.command.empty()) return "the program";
  const std::string& program = trace.command[0];
  return program.substr(program.rfind('/') + 1);
}

// "." is what --view and --check judge.
std::string Named(const std::string& path) { return path == "." ? "the directory" : path; }

std::string AtomicMessage(const Finding& finding, size_t all) {
  std::vector<std::string> parts;
  const bool same = finding.outcomes.size() == 1;
  for (const auto& [outcome, profiles] : finding.outcomes) {
    parts.push_back(fmt::format("{} ({})", OutcomePhrase(outcome), ShowProfiles(profiles, all)));
  }
  std::string what = parts[0];
  for (size_t i = 1; i < parts.size(); ++i)
    what += (i + 1 == parts.size() ? " or " : ", ") + parts[i];
  const std::string& name = same && !finding.at().empty() ? finding.at() : finding.path();
  return fmt::format("{} can {} after a power cut", Named(name), what);
}

// What the state before the run was, in a word: a file that was made anew was not OLD but not
// there.
const char* OldPhrase(const Trace& trace, const Finding& finding, const VersionHistory* history) {
  const auto place = FindPlace(trace, finding.path());
  if (history == nullptr || history->versions.size() != 2 || !place) return "OLD";
  const bool was = trace.old_tree.Lookup(place->path, place->root).has_value();
  const bool is = trace.new_tree.Lookup(place->path, place->root).has_value();
  return was == is ? "OLD" : was ? "THERE (old)" : "MISSING (old)";
}

std::string DurableMessage(const Trace& trace, const Finding& finding,
                           const VersionHistory* history, int ack, size_t all) {
  std::string said = "it was acknowledged";
  if (history != nullptr && ack >= 0) {
    const Ack& a = history->acks[static_cast<size_t>(ack)];
    said = a.said.starts_with("exited ")
               ? fmt::format("{} {}", ProgramName(trace), a.said)
               : fmt::format("{} said {}", ProgramName(trace), Quote(a.said));
  }
  const std::string old = OldPhrase(trace, finding, history);
  const std::string which =
      finding.path() != "." && !finding.shown.evidence.empty() ? finding.shown.evidence : old;
  return fmt::format("{} can still be {} after {} ({})", Named(finding.path()), which, said,
                     ShowProfiles(finding.profiles, all));
}

// One sentence on why; a second one on which of the lost calls matter, where that is not all of
// them.
std::string Explain(const Trace& trace, const Finding& finding) {
  if (finding.oracle == Oracle::kAttrs) {
    return finding.shown.lost.empty()
               ? "The attributes are set when the content is already published."
               : "The attributes are a change of their own, which can be lost "
                 "while the content is there.";
  }
  std::string why;
  if (finding.oracle != Oracle::kDurable) {
    const bool data =
        std::any_of(finding.shown.lost.begin(), finding.shown.lost.end(),
                    [&](const Effect& effect) { return ChangesData(trace.ops[effect.op].kind); });
    if (data && NameBeforeData(trace, finding)) {
      why = "The new name reached the disk before the data it names.";
    } else if (data) {
      why = "The file is changed under its own name: the disk sees the steps in between.";
    } else if (finding.shown.lost.empty()) {
      why = "Nothing needs to be lost: the file is in this state while the program runs.";
    }
  }
  const auto count = static_cast<size_t>(
      std::count(finding.shown.needed.begin(), finding.shown.needed.end(), true));
  if (count > 0 && count < finding.shown.lost.size()) {
    why += why.empty() ? "" : " ";
    why += count == 1
               ? "Of what is lost only one call matters; the rest goes with it."
               : fmt::format("Of what is lost {} calls matter; the rest goes with them.", count);
  }
  return why;
}

// The call to look at: what was lost first and matters, or what was carried out last before the
// power went.
std::string SourceOf(const Trace& trace, const Finding& finding) {
  for (size_t i = 0; i < finding.shown.lost.size(); ++i) {
    if (finding.shown.needed.empty() || finding.shown.needed[i])
      return SourceOrProgram(trace, finding.shown.lost[i].op);
  }
  if (!finding.shown.lost.empty()) return SourceOrProgram(trace, finding.shown.lost[0].op);
  return SourceOrProgram(trace, finding.shown.first_point > 0 ? finding.shown.first_point - 1 : 0);
}

// What to do where no added sync helps.
std::string AdviceOf(const Finding& finding) {
  if (!finding.repair.failed) return finding.repair.advice;
  if (finding.outcomes.contains(Outcome::kMixed) && finding.oracle == Oracle::kAtomic)
    return "no added fsync makes several files change in one step: publish them through one "
           "rename, of a "
           "directory or a "
           "symlink";
  if (finding.oracle == Oracle::kAttrs)
    return "no added fsync cures it: set mode, owner and attributes of the new file before it is "
           "synced and "
           "renamed";
  if (finding.path() == ".") return "no added fsync cures it";
  return "no added fsync cures it: write a new file, fsync it, rename it over the old one, fsync "
         "the "
         "directory";
}

}  // namespace

std::string DescribeCase(const Trace& trace, const VersionHistory* history, int ack,
                         size_t profiles_explored, const Finding& finding) {
  switch (finding.oracle) {
    case Oracle::kDurable:
      return DurableMessage(trace, finding, history, ack, profiles_explored);
    case Oracle::kAttrs:
      return fmt::format(
          "{} can have a content and a mode, owner or attributes that do not belong together "
          "after a power cut ({})",
          finding.at().empty() ? finding.path() : finding.at(),
          ShowProfiles(finding.profiles, profiles_explored));
    default:
      return AtomicMessage(finding, profiles_explored);
  }
}

void DescribeCause(const Trace& trace, Finding* finding) {
  if (finding->axis == Finding::kRunAxis) return;
  finding->explanation = Explain(trace, *finding);
  finding->source = SourceOf(trace, *finding);
  finding->repair.advice = AdviceOf(*finding);
  finding->window = DescribeWindow(trace, *finding);
}

}  // namespace oldornew
