#include "oracle/oracle.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {

namespace {

// Those of further runs are asked by exploring what makes the runs.
constexpr Oracle kAskedOracles[] = {Oracle::kAtomic, Oracle::kDurable, Oracle::kCheck,
                                    Oracle::kAttrs,  Oracle::kPrivate, Oracle::kContained};
constexpr const char* kNames[] = {"atomic",    "durable", "check",       "attrs", "private",
                                  "contained", "honest",  "recoverable", "clean"};

}  // namespace

std::vector<Oracle> DefaultOracles() {
  std::vector<Oracle> out(std::begin(kAskedOracles), std::end(kAskedOracles));
  std::erase(out, Oracle::kContained);
  return out;
}

const char* OracleName(Oracle oracle) { return kNames[static_cast<size_t>(oracle)]; }

const char* SeverityName(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

Result<Oracle> ParseOracle(const std::string& name) {
  const auto* known = std::find(std::begin(kNames), std::end(kNames), name);
  if (known != std::end(kNames)) return static_cast<Oracle>(known - std::begin(kNames));
  return FailWith(ExitCode::kUsage, "unknown oracle {} (known: {})", Quote(name),
                  Join({std::begin(kNames), std::end(kNames)}, ", "));
}

Result<std::vector<Oracle>> ParseOracles(const std::string& text) {
  std::vector<Oracle> out;
  for (const std::string& name : Split(text, ',')) {
    const auto oracle = ParseOracle(name);
    if (oracle && std::find(std::begin(kAskedOracles), std::end(kAskedOracles), *oracle) !=
                      std::end(kAskedOracles)) {
      out.push_back(*oracle);
      continue;
    }
    std::vector<std::string> asked;
    for (const Oracle known : kAskedOracles) asked.emplace_back(OracleName(known));
    return FailWith(ExitCode::kUsage, "--expect: {} {} (known: {})",
                    oracle ? "not a question of its own:" : "unknown oracle", Quote(name),
                    Join(asked, ", "));
  }
  return out;
}

}  // namespace oldornew
