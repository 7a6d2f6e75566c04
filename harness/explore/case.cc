#include "explore/case.h"

#include "base/text.h"

namespace oldornew {

namespace {

constexpr std::string_view kPower = "power/";
constexpr std::string_view kEnd = "end/";

}  // namespace

std::string FormatToken(const PowerCase& power_case) {
  return fmt::format("{}{}/{}/{}", kPower, power_case.profile, power_case.choice, power_case.trace_id);
}

std::string FormatToken(const EndCase& end_case) {
  return fmt::format("{}{}/{}", kEnd, end_case.run, end_case.trace_id);
}

std::optional<EndCase> ParseEndToken(std::string_view token) {
  const size_t last = token.rfind('/');
  if (!token.starts_with(kEnd) || last < kEnd.size() || token.size() - last - 1 != 8) return std::nullopt;
  return EndCase{std::string(token.substr(kEnd.size(), last - kEnd.size())), std::string(token.substr(last + 1))};
}

Result<PowerCase> ParseToken(std::string_view token) {
  const auto malformed = [&] {
    return FailWith(ExitCode::kUsage,
                    "not a token: {} (expected power/PROFILE/CHOICE/TRACE, as a report prints it)",
                    Quote(token));
  };
  if (!token.starts_with(kPower)) return malformed();
  const std::string_view rest = token.substr(kPower.size());
  const size_t first = rest.find('/');
  const size_t last = rest.rfind('/');
  if (first == std::string_view::npos || last == first) return malformed();
  PowerCase power_case;
  power_case.profile = rest.substr(0, first);
  power_case.choice = rest.substr(first + 1, last - first - 1);
  power_case.trace_id = rest.substr(last + 1);
  if (power_case.profile.empty() || power_case.trace_id.size() != 8) return malformed();
  return power_case;
}

Result<CrashState> Realise(const Trace& trace, const PowerCase& power_case, const Projection& projection,
                           const Profile* profile) {
  const std::string id = trace.Identity().Short();
  if (power_case.trace_id != id) {
    return FailWith(ExitCode::kUsage, "this token belongs to trace {}, not to this one ({})",
                    power_case.trace_id, id);
  }
  if (profile != nullptr) return RealiseChoice(trace, *profile, power_case.choice, projection);
  ASSIGN_OR_RETURN(const auto profiles, SelectProfiles({power_case.profile}));
  if (profiles.size() != 1)
    return FailWith(ExitCode::kUsage, "a token names one profile, not {}", power_case.profile);
  return RealiseChoice(trace, *profiles[0], power_case.choice, projection);
}

}  // namespace oldornew
