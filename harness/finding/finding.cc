#include "finding/finding.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "finding/source.h"

namespace oldornew {

const char* SeverityName(Severity severity) { return severity == Severity::kError ? "error" : "warning"; }

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

// mkstemp(3) and its like: six or more letters and digits that no word has. A run of digits that long is a
// pid, a time or a counter.
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
  return (digits > 0 && upper > 0) || (lower > 0 && upper > 0 && !capitalised) || (digits > 1 && lower > 0);
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
    // What is random may stand behind a word without anything between ("sedB3xK9a"): the whole run gives way.
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

std::string FindingId(const Finding& finding) {
  Hasher hasher;
  hasher.Add(OracleName(finding.oracle));
  hasher.Add(finding.stable_path.empty() ? finding.path : finding.stable_path);
  for (const std::string& call : finding.repair_calls) hasher.Add(call);
  return hasher.Finish().Hex().substr(0, 16);
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
  for (size_t i = 1; i < parts.size(); ++i) what += (i + 1 == parts.size() ? " or " : ", ") + parts[i];
  const std::string& name = same && !finding.at.empty() ? finding.at : finding.path;
  return fmt::format("{} can {} after a power cut", Named(name), what);
}

// What the state before the run was, in a word: a file that was made anew was not OLD but not there.
const char* OldPhrase(const Trace& trace, const Finding& finding, const VersionHistory* history) {
  const auto place = FindPlace(trace, finding.path);
  if (history == nullptr || history->versions.size() != 2 || !place) return "OLD";
  const bool was = trace.old_tree.Lookup(place->path, place->root).has_value();
  const bool is = trace.new_tree.Lookup(place->path, place->root).has_value();
  return was == is ? "OLD" : was ? "THERE (old)" : "MISSING (old)";
}

std::string DurableMessage(const Trace& trace, const Finding& finding, const VersionHistory* history, int ack,
                           size_t all) {
  std::string said = "it was acknowledged";
  if (history != nullptr && ack >= 0) {
    const Ack& a = history->acks[static_cast<size_t>(ack)];
    said = a.said.starts_with("exited ") ? fmt::format("{} {}", ProgramName(trace), a.said)
                                         : fmt::format("{} said {}", ProgramName(trace), Quote(a.said));
  }
  return fmt::format("{} can still be {} after {} ({})", Named(finding.path),
                     OldPhrase(trace, finding, history), said, ShowProfiles(finding.profiles, all));
}

bool IsData(const Op& op) {
  return op.kind == OpKind::kWrite || op.kind == OpKind::kAllocate || op.kind == OpKind::kTruncate;
}

std::string Explain(const Trace& trace, const Finding& finding) {
  if (finding.oracle == Oracle::kDurable) return {};
  const auto op_of = [&](uint32_t index) -> const Op& { return trace.ops[index]; };
  for (const Effect& effect : finding.lost) {
    if (!IsData(op_of(effect.op))) continue;
    for (const uint32_t named : finding.on_disk) {
      const Op& name = op_of(named);
      const bool binds = name.kind == OpKind::kRename || name.kind == OpKind::kLink ||
                         (name.kind == OpKind::kCreate && !name.path2.empty());
      if (binds && named > effect.op) return "The new name reached the disk before the data it names.";
    }
  }
  const bool in_place = std::any_of(finding.lost.begin(), finding.lost.end(),
                                    [&](const Effect& effect) { return IsData(op_of(effect.op)); });
  if (in_place) return "The file is changed under its own name: the disk sees the steps in between.";
  if (finding.lost.empty())
    return "Nothing needs to be lost: the file is in this state while the program runs.";
  return {};
}

// The call to look at: what was lost first, or what was carried out last before the power went.
std::string SourceOf(const Trace& trace, const Finding& finding) {
  uint32_t guilty = 0;
  if (!finding.lost.empty()) {
    guilty = finding.lost[0].op;
  } else if (finding.first_point > 0) {
    guilty = finding.first_point - 1;
  }
  if (guilty >= trace.ops.size()) return {};
  const Op& op = trace.ops[guilty];
  std::string source = DescribeSource(trace, op);
  if (source.empty() && op.process >= 0 && static_cast<size_t>(op.process) < trace.processes.size()) {
    source = trace.processes[static_cast<size_t>(op.process)].program;
  }
  return source;
}

}  // namespace

void Describe(const Trace& trace, const VersionHistory* history, int ack, size_t profiles_explored,
              Finding* finding) {
  finding->message = finding->oracle == Oracle::kDurable
                         ? DurableMessage(trace, *finding, history, ack, profiles_explored)
                         : AtomicMessage(*finding, profiles_explored);
  finding->explanation = Explain(trace, *finding);
  finding->source = SourceOf(trace, *finding);
  finding->stable_path = SubjectPattern(trace, finding->path);
}

}  // namespace oldornew
