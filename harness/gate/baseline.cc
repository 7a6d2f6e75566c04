#include "gate/baseline.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "base/toml.h"
#include "model/profile.h"

namespace oldornew {

namespace {

bool Matches(const std::string& pattern, const std::string& text) {
  return pattern.empty() || fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

AcceptedFinding ReadEntry(const TomlTable& table, const std::string& file, uint32_t line,
                          const AxisTable& axes, TomlProblems* problems) {
  TomlReader reader(table, "[[accepted]]", file, line, problems);
  AcceptedFinding out;
  out.line = line;
  const std::string name = reader.Text("oracle").value_or("");
  const auto oracle = ParseOracle(name);
  if (!oracle)
    reader.Complain("oracle",
                    name.empty() ? "an accepted finding needs an oracle" : oracle.error().message);
  out.oracle = oracle.value_or(Oracle::kAtomic);
  out.path = reader.Text("path").value_or("");
  if (out.path.empty()) reader.Complain("path", "an accepted finding needs a path (\"*\" for any)");
  for (const std::string& word : reader.Texts("outcomes")) {
    const auto outcome = ParseOutcome(word);
    if (outcome) {
      out.outcomes.push_back(*outcome);
    } else {
      reader.Complain("outcomes", outcome.error().message);
    }
  }
  std::vector<std::string> profiles = reader.Texts("profiles");
  const auto is_key = [&](const std::string& word) { return axes.IsKey(word); };
  std::copy_if(profiles.begin(), profiles.end(), std::back_inserter(out.profiles), is_key);
  std::erase_if(profiles, is_key);
  if (const auto known = SelectProfiles(profiles); !profiles.empty() && !known) {
    reader.Complain("profiles", known.error().message);
  } else if (!profiles.empty()) {
    for (const Profile* profile : *known) out.profiles.emplace_back(profile->name);
  }
  out.scenario = reader.Text("scenario").value_or("");
  out.reason = reader.Text("reason").value_or("");
  if (out.reason.empty()) reader.Complain("reason", "an accepted finding needs a reason");
  reader.Finish();
  return out;
}

bool Covers(const AcceptedFinding& entry, const std::string& scenario, Oracle oracle,
            const std::string& path, Outcome outcome, const std::string& profile) {
  const auto lists = [](const auto& list, const auto& value) {
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
  };
  return entry.oracle == oracle && Matches(entry.scenario, scenario) &&
         Matches(entry.path, path.empty() ? "." : path) && lists(entry.outcomes, outcome) &&
         lists(entry.profiles, profile);
}

// A glob for the subject. A star stands for itself and for what is random in the name.
std::string PatternOf(const FindingSubject& subject) {
  std::string out;
  for (const char c : subject.stable_path) {
    if (c == '\\' || c == '[' || c == '?') out += '\\';
    out += c;
  }
  return out.empty() ? "." : out;
}

// TOML's basic strings.
std::string TomlString(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string TomlList(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(TomlString(word));
  return "[" + Join(quoted, ", ") + "]";
}

}  // namespace

Result<Baseline> ReadBaseline(const std::string& path, const AxisTable& axes) {
  const auto text = ReadFile(path);
  if (!text) return FailWith(ExitCode::kUsage, "--baseline: {}", text.error().message);
  ASSIGN_OR_RETURN(const TomlTable table, ParseToml(*text, path));
  TomlProblems problems;
  TomlReader reader(table, "a baseline", path, 1, &problems);
  Baseline out;
  out.file = path;
  for (const auto& [entry, line] : reader.Tables("accepted"))
    out.accepted.push_back(ReadEntry(*entry, path, line, axes, &problems));
  reader.Finish();
  RETURN_IF_ERROR(problems.ToStatus());
  return out;
}

std::vector<size_t> Accept(const Baseline& baseline, const std::string& scenario,
                           std::vector<Finding>* findings) {
  std::vector<size_t> used;
  for (Finding& finding : *findings) {
    std::vector<std::string> reasons;
    // True when some entry accepts this; every path, outcome and profile of a finding must be
    // accepted.
    const auto covered = [&](const std::string& path, Outcome outcome, const std::string& profile) {
      bool any = false;
      for (size_t i = 0; i < baseline.accepted.size(); ++i) {
        const AcceptedFinding& entry = baseline.accepted[i];
        if (!Covers(entry, scenario, finding.oracle, path, outcome, profile)) continue;
        any = true;
        used.push_back(i);
        if (std::find(reasons.begin(), reasons.end(), entry.reason) == reasons.end())
          reasons.push_back(entry.reason);
      }
      return any;
    };
    bool whole = true;
    for (const FindingSubject& subject : finding.subjects) {
      for (const auto& [outcome, profiles] : subject.outcomes) {
        for (const std::string& profile : Under(finding, profiles))
          whole &= covered(subject.path, outcome, profile);
      }
    }
    if (whole && !reasons.empty()) finding.accepted = Join(reasons, "; ");
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  return used;
}

std::vector<std::string> StaleEntries(const Baseline& baseline, const std::vector<size_t>& used) {
  std::vector<std::string> out;
  for (size_t i = 0; i < baseline.accepted.size(); ++i) {
    if (std::find(used.begin(), used.end(), i) != used.end()) continue;
    const AcceptedFinding& entry = baseline.accepted[i];
    out.push_back(fmt::format("{}:{} accepts {} of {}, which is no longer found: remove the entry",
                              baseline.file, entry.line, OracleName(entry.oracle), entry.path));
  }
  return out;
}

std::string WriteBaselineText(const std::string& scenario, const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    if (finding.pedantic || !finding.accepted.empty()) continue;
    for (const FindingSubject& subject : finding.subjects) {
      std::vector<std::string> outcomes;
      std::vector<std::string> profiles;
      for (const auto& [outcome, under] : subject.outcomes) {
        outcomes.emplace_back(OutcomeName(outcome));
        for (const std::string& profile : Under(finding, under)) profiles.push_back(profile);
      }
      out += fmt::format(
          "\n# {}\n[[accepted]]\noracle = \"{}\"\npath = {}\noutcomes = {}\nprofiles = {}\n",
          finding.message, OracleName(finding.oracle), TomlString(PatternOf(subject)),
          TomlList(outcomes), TomlList(InTableOrder(std::move(profiles))));
      if (!scenario.empty()) out += fmt::format("scenario = {}\n", TomlString(scenario));
      out += "reason = \"\"\n";
    }
  }
  return out;
}

}  // namespace oldornew
