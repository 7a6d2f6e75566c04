#include "gate/expectation.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "model/profile.h"

namespace oldornew {

namespace {

using Pair = std::pair<Oracle, Outcome>;
// Findings under one profile: subject -> what is wrong with it.
using Seen = std::map<std::string, std::set<Pair>>;

std::string Show(const std::set<Pair>& pairs) {
  std::vector<std::string> words;
  for (const auto& [oracle, outcome] : pairs) {
    words.push_back(fmt::format("{}:{}", OracleName(oracle), OutcomeName(outcome)));
  }
  return Join(words, " ");
}

std::optional<Verdict> VerdictNamed(const std::string& name) {
  for (const Verdict verdict : kAllVerdicts) {
    if (name == VerdictName(verdict)) return verdict;
  }
  return std::nullopt;
}

std::string VerdictNames() {
  std::vector<std::string> names;
  for (const Verdict verdict : kAllVerdicts) names.emplace_back(VerdictName(verdict));
  return Join(names, ", ");
}

void ReadOutcome(TomlReader& reader, const std::string& pattern, std::string word,
                 ExpectedPath* path) {
  if (word == "*") {
    path->anything = true;
    return;
  }
  ExpectedOutcome expected;
  expected.optional = !word.empty() && word.back() == '?';
  if (expected.optional) word.pop_back();
  const size_t colon = word.find(':');
  const auto oracle = ParseOracle(word.substr(0, colon));
  const auto outcome = ParseOutcome(colon == std::string::npos ? "" : word.substr(colon + 1));
  if (!oracle || !outcome) {
    reader.Complain(pattern,
                    fmt::format("{} is not ORACLE:OUTCOME, as in \"atomic:zeros\": {}", Quote(word),
                                !oracle ? oracle.error().message : outcome.error().message));
    return;
  }
  expected.oracle = *oracle;
  expected.outcome = *outcome;
  path->outcomes.push_back(expected);
}

std::vector<ExpectedPath> ReadPaths(const TomlTable& table, const std::string& file, uint32_t line,
                                    TomlProblems* problems) {
  TomlReader reader(table, "a profile's table", file, line, problems);
  std::vector<ExpectedPath> out;
  for (const auto& [pattern, value] : table) {
    ExpectedPath path;
    path.pattern = pattern;
    for (const std::string& word : reader.Texts(pattern)) ReadOutcome(reader, pattern, word, &path);
    out.push_back(std::move(path));
  }
  return out;
}

Seen FindingsUnder(const std::string& profile, const std::vector<Finding>& findings) {
  Seen seen;
  for (const Finding& finding : findings) {
    for (const FindingSubject& subject : finding.subjects) {
      for (const auto& [outcome, profiles] : subject.outcomes) {
        const std::vector<std::string> under = Under(finding, profiles);
        if (std::find(under.begin(), under.end(), profile) == under.end()) continue;
        seen[subject.path.empty() ? "." : subject.path].insert({finding.oracle, outcome});
      }
    }
  }
  return seen;
}

void ComparePath(const std::string& profile, const ExpectedPath& expected, Seen* seen,
                 std::vector<std::string>* out) {
  std::set<Pair> required;
  std::set<Pair> allowed;
  for (const ExpectedOutcome& one : expected.outcomes) {
    if (!one.optional) required.insert({one.oracle, one.outcome});
    allowed.insert({one.oracle, one.outcome});
  }
  bool matched = false;
  for (auto it = seen->begin(); it != seen->end();) {
    if (fnmatch(expected.pattern.c_str(), it->first.c_str(), 0) != 0) {
      ++it;
      continue;
    }
    matched = true;
    std::set<Pair> missed;
    std::set<Pair> extra;
    std::set_difference(required.begin(), required.end(), it->second.begin(), it->second.end(),
                        std::inserter(missed, missed.end()));
    std::set_difference(it->second.begin(), it->second.end(), allowed.begin(), allowed.end(),
                        std::inserter(extra, extra.end()));
    if (!missed.empty())
      out->push_back(fmt::format("{}: missed {}: {}", profile, it->first, Show(missed)));
    if (!extra.empty() && !expected.anything)
      out->push_back(fmt::format("{}: not expected {}: {}", profile, it->first, Show(extra)));
    it = seen->erase(it);
  }
  if (!matched && !required.empty())
    out->push_back(fmt::format("{}: missed {}: {}", profile, expected.pattern, Show(required)));
}

void ReadProfiles(const std::string& key, const TomlValue& value, const std::string& file,
                  const AxisTable& axes, TomlProblems* problems, Expectation* out) {
  const auto* table = std::get_if<TomlTable>(&value.value);
  if (table == nullptr) {
    problems->Add(
        file, value.line,
        fmt::format("unknown key {} in [expect]: verdict, says, or a table named after profiles",
                    Quote(key)));
    return;
  }
  const std::vector<ExpectedPath> paths = ReadPaths(*table, file, value.line, problems);
  for (const std::string& name : Split(key, ' ')) {
    if (name.empty()) continue;
    const auto twice = [&](const ProfileExpectation& other) { return other.profile == name; };
    if (axes.IsKey(name) && !std::any_of(out->profiles.begin(), out->profiles.end(), twice)) {
      out->profiles.push_back({name, /*is_axis=*/true, paths});
    } else if (const auto known = SelectProfiles({name}); !known && !axes.IsKey(name)) {
      problems->Add(file, value.line, known.error().message);
    } else if (known && known->size() != 1) {
      problems->Add(file, value.line,
                    fmt::format("{} names a set: name its profiles", Quote(name)));
    } else if (std::any_of(out->profiles.begin(), out->profiles.end(), twice)) {
      problems->Add(file, value.line, fmt::format("profile {} stands twice in [expect]", name));
    } else {
      out->profiles.push_back({name, /*is_axis=*/false, paths});
    }
  }
}

}  // namespace

Expectation ReadExpectation(const TomlTable& table, const std::string& file, uint32_t line,
                            const AxisTable& axes, TomlProblems* problems) {
  TomlReader reader(table, "[expect]", file, line, problems);
  Expectation out;
  if (const auto name = reader.Text("verdict")) {
    out.verdict = VerdictNamed(*name);
    if (!out.verdict)
      reader.Complain("verdict",
                      fmt::format("unknown verdict {} (known: {})", Quote(*name), VerdictNames()));
  }
  out.says = reader.Text("says").value_or("");
  for (const auto& [key, value] : table) {
    if (key != "verdict" && key != "says") ReadProfiles(key, value, file, axes, problems, &out);
  }
  if (!out.verdict && out.profiles.empty()) out.verdict = Verdict::kClean;
  return out;
}

std::vector<std::string> Differences(const Expectation& expected, const CheckAnswer& answer) {
  std::vector<std::string> out;
  const bool judged = HasAnswer(answer.verdict);
  if (expected.verdict && *expected.verdict != answer.verdict) {
    out.push_back(fmt::format("verdict {}, not {}{}{}", VerdictName(answer.verdict),
                              VerdictName(*expected.verdict), answer.reasons.empty() ? "" : ": ",
                              Join(answer.reasons, "; ")));
  } else if (!expected.verdict && !judged) {
    out.push_back(
        fmt::format("verdict {}: {}", VerdictName(answer.verdict), Join(answer.reasons, "; ")));
  }
  if (!expected.says.empty() &&
      Join(answer.reasons, "; ").find(expected.says) == std::string::npos) {
    out.push_back(
        fmt::format("the reasons do not say {}: {}", Quote(expected.says),
                    answer.reasons.empty() ? "there are none" : Join(answer.reasons, "; ")));
  }
  for (const ProfileExpectation& one : expected.profiles) {
    if (!judged) break;
    if (std::find(answer.profiles.begin(), answer.profiles.end(), one.profile) ==
        answer.profiles.end()) {
      out.push_back(fmt::format("{} was not explored: add it to the scenario's {}", one.profile,
                                one.is_axis ? "only" : "profiles"));
      continue;
    }
    Seen seen = FindingsUnder(one.profile, answer.findings);
    for (const ExpectedPath& path : one.paths) ComparePath(one.profile, path, &seen, &out);
    for (const auto& [path, pairs] : seen)
      out.push_back(fmt::format("{}: not expected {}: {}", one.profile, path, Show(pairs)));
  }
  return out;
}

}  // namespace oldornew
