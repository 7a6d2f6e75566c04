#include "finding/finding.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "finding/source.h"
#include "finding/window.h"

namespace oldornew {

const char* SeverityName(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

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

// mkstemp(3) and its like: six or more letters and digits that no word has. A run of digits that
// long is a pid, a time or a counter.
bool LooksRandom(std::string_view run) {
  if (run.size() < 6) return false;
  size_t lower = 0;
  size_t upper = 0;
  size_t digits = 0;
  for (const char c : run) {
    lower += c >= 'a' && c <= 'z';
    upper += c >= 'A' && c <= 'Z';
    digits += c >= '0' && c <= '9';
  }
  if (digits == run.size()) return true;
  const bool capitalised = upper == 1 && run[0] >= 'A' && run[0] <= 'Z';
  return (digits > 0 && upper > 0) || (lower > 0 && upper > 0 && !capitalised) ||
         (digits > 1 && lower > 0);
}

std::string WithoutRandom(const std::string& name) {
  const auto is_alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  std::string out;
  for (size_t i = 0; i < name.size();) {
    size_t end = i;
    while (end < name.size() && is_alnum(name[end])) ++end;
    if (end == i) {
      out += name[i++];
      continue;
    }
    // What is random may stand behind a word without anything between ("sedB3xK9a"): the whole run
    // gives way.
    out += LooksRandom(std::string_view(name).substr(i, end - i)) ? "*" : name.substr(i, end - i);
    i = end;
  }
  return out;
}

}  // namespace

std::string SubjectPattern(const Trace& trace, const std::string& path) {
  const auto place = FindPlace(trace, path);
  if (!place) return path;
  std::string so_far;
  std::vector<std::string> parts;
  for (const std::string& part : Split(place->path, '/')) {
    so_far = JoinPath(so_far, part);
    const bool old = trace.old_tree.Lookup(so_far, place->root).has_value();
    parts.push_back(old ? part : WithoutRandom(part));
  }
  const std::string pattern = Join(parts, "/");
  return place->root == 0 ? pattern : JoinPath(trace.roots[place->root].path, pattern);
}

namespace {

std::string IdOf(const Finding& finding, const std::string& path) {
  Hasher hasher;
  hasher.Add(OracleName(finding.oracle)).Add(path);
  for (const std::string& call : finding.repair_calls) hasher.Add(call);
  if (finding.axis != Axis::kPower) hasher.Add(AxisName(finding.axis)).Add(finding.cause);
  return hasher.Finish().Hex().substr(0, 16);
}

}  // namespace

bool IsLive(Oracle oracle) { return oracle == Oracle::kPrivate || oracle == Oracle::kContained; }

bool IsLive(const Finding& finding) {
  return IsLive(finding.oracle) || finding.axis != Axis::kPower;
}

std::string FindingId(const Finding& finding) {
  return IdOf(finding, finding.stable_path.empty() ? finding.path : finding.stable_path);
}

std::vector<FindingSubject> SubjectsOf(const Finding& finding) {
  if (!finding.subjects.empty()) return finding.subjects;
  const std::string& stable = finding.stable_path.empty() ? finding.path : finding.stable_path;
  return {{finding.path, finding.at, finding.outcomes, finding.token, stable}};
}

std::vector<std::string> FindingIds(const Finding& finding) {
  std::vector<std::string> out;
  for (const FindingSubject& subject : SubjectsOf(finding))
    out.push_back(IdOf(finding, subject.stable_path));
  return out;
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
  const std::string& name = same && !finding.at.empty() ? finding.at : finding.path;
  return fmt::format("{} can {} after a power cut", Named(name), what);
}

// What the state before the run was, in a word: a file that was made anew was not OLD but not
// there.
const char* OldPhrase(const Trace& trace, const Finding& finding, const VersionHistory* history) {
  const auto place = FindPlace(trace, finding.path);
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
      finding.path != "." && !finding.evidence.empty() ? finding.evidence : old;
  return fmt::format("{} can still be {} after {} ({})", Named(finding.path), which, said,
                     ShowProfiles(finding.profiles, all));
}

// One sentence on why; a second one on which of the lost calls matter, where that is not all of
// them.
std::string Explain(const Trace& trace, const Finding& finding) {
  if (finding.oracle == Oracle::kAttrs) {
    return finding.lost.empty() ? "The attributes are set when the content is already published."
                                : "The attributes are a change of their own, which can be lost "
                                  "while the content is there.";
  }
  std::string why;
  if (finding.oracle != Oracle::kDurable) {
    const bool data =
        std::any_of(finding.lost.begin(), finding.lost.end(),
                    [&](const Effect& effect) { return ChangesData(trace.ops[effect.op].kind); });
    if (data && NameBeforeData(trace, finding)) {
      why = "The new name reached the disk before the data it names.";
    } else if (data) {
      why = "The file is changed under its own name: the disk sees the steps in between.";
    } else if (finding.lost.empty()) {
      why = "Nothing needs to be lost: the file is in this state while the program runs.";
    }
  }
  const auto count =
      static_cast<size_t>(std::count(finding.needed.begin(), finding.needed.end(), true));
  if (count > 0 && count < finding.lost.size()) {
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
  for (size_t i = 0; i < finding.lost.size(); ++i) {
    if (finding.needed.empty() || finding.needed[i])
      return SourceOrProgram(trace, finding.lost[i].op);
  }
  if (!finding.lost.empty()) return SourceOrProgram(trace, finding.lost[0].op);
  return SourceOrProgram(trace, finding.first_point > 0 ? finding.first_point - 1 : 0);
}

// What to do where no added sync helps.
std::string CureOf(const Finding& finding) {
  if (!finding.repair_failed) return finding.cure;
  if (finding.outcomes.contains(Outcome::kMixed) && finding.oracle == Oracle::kAtomic)
    return "no added fsync makes several files change in one step: publish them through one "
           "rename, of a "
           "directory or a "
           "symlink";
  if (finding.oracle == Oracle::kAttrs)
    return "no added fsync cures it: set mode, owner and attributes of the new file before it is "
           "synced and "
           "renamed";
  if (finding.path == ".") return "no added fsync cures it";
  return "no added fsync cures it: write a new file, fsync it, rename it over the old one, fsync "
         "the "
         "directory";
}

}  // namespace

// Data was lost of an object that a later call, which is on disk, gave its name.
bool NameBeforeData(const Trace& trace, const Finding& finding) {
  for (const Effect& effect : finding.lost) {
    if (!ChangesData(trace.ops[effect.op].kind)) continue;
    for (const uint32_t named : finding.on_disk) {
      const Op& name = trace.ops[named];
      const bool binds = name.kind == OpKind::kRename || name.kind == OpKind::kLink ||
                         (name.kind == OpKind::kCreate && !name.path2.empty());
      if (binds && named > effect.op) return true;
    }
  }
  return false;
}

void DescribeCase(const Trace& trace, const VersionHistory* history, int ack,
                  size_t profiles_explored, Finding* finding) {
  switch (finding->oracle) {
    case Oracle::kDurable:
      finding->message = DurableMessage(trace, *finding, history, ack, profiles_explored);
      break;
    case Oracle::kAttrs:
      finding->message = fmt::format(
          "{} can have a content and a mode, owner or attributes that do not belong together "
          "after a power cut ({})",
          finding->at.empty() ? finding->path : finding->at,
          ShowProfiles(finding->profiles, profiles_explored));
      break;
    default:
      finding->message = AtomicMessage(*finding, profiles_explored);
  }
  finding->stable_path = SubjectPattern(trace, finding->path);
  finding->subjects = {
      {finding->path, finding->at, finding->outcomes, finding->token, finding->stable_path}};
}

void DescribeCause(const Trace& trace, Finding* finding) {
  if (IsLive(finding->oracle)) return;
  finding->explanation = Explain(trace, *finding);
  finding->source = SourceOf(trace, *finding);
  finding->cure = CureOf(*finding);
  finding->window = DescribeWindow(trace, *finding);
}

}  // namespace oldornew
