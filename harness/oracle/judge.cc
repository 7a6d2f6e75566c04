#include "oracle/judge.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {

namespace {

constexpr Oracle kAllOracles[] = {Oracle::kAtomic, Oracle::kDurable, Oracle::kCheck};

}  // namespace

const char* OracleName(Oracle oracle) {
  static constexpr const char* kNames[] = {"atomic",    "durable", "check",       "attrs",
                                           "contained", "honest",  "recoverable", "clean"};
  return kNames[static_cast<size_t>(oracle)];
}

Result<std::vector<Oracle>> ParseOracles(const std::string& text) {
  std::vector<Oracle> out;
  for (const std::string& name : Split(text, ',')) {
    const auto* known = std::find_if(std::begin(kAllOracles), std::end(kAllOracles),
                                     [&](Oracle oracle) { return name == OracleName(oracle); });
    if (known == std::end(kAllOracles)) {
      return FailWith(ExitCode::kUsage, "--expect: unknown oracle {} (known: atomic, durable, check)",
                      Quote(name));
    }
    out.push_back(*known);
  }
  return out;
}

std::optional<Violation> JudgeState(const Trace& trace, const Subject& subject, const VersionHistory& history,
                                    const FileTree& state, uint32_t last_point) {
  const Digest key = KeyOf(trace, state, subject);
  const auto is_version = [&](uint32_t after) {
    return std::any_of(history.versions.begin(), history.versions.end(),
                       [&](const Version& v) { return v.key == key && (after == 0 || v.point > after); });
  };
  const bool was_promised =
      std::find(history.promised.begin(), history.promised.end(), key) != history.promised.end();
  if (!is_version(0) && !was_promised) {
    const Classified classified = Classify(trace, state, subject, history);
    return Violation{Oracle::kAtomic, classified.outcome, classified.at, {}, -1};
  }
  // The latest promise given before the power went is the strictest one.
  for (size_t i = history.acks.size(); i-- > 0;) {
    if (history.acks[i].point > last_point) continue;
    if (history.promised[i] == key || is_version(history.acks[i].point)) return std::nullopt;
    return Violation{Oracle::kDurable, Outcome::kOldAfterAck, subject.name, {}, static_cast<int>(i)};
  }
  return std::nullopt;
}

}  // namespace oldornew
