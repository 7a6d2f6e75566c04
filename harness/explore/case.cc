#include "explore/case.h"

#include <charconv>

#include "base/text.h"
#include "explore/kill_states.h"

namespace oldornew {

namespace {

constexpr std::string_view kPower = "power/";
constexpr std::string_view kEnd = "end/";
constexpr std::string_view kLive = "live/";
constexpr std::string_view kKill = "kill/";

Status CheckTrace(const Trace& trace, const std::string& trace_id) {
  const std::string id = trace.Identity().Short();
  if (trace_id == id) return {};
  return FailWith(ExitCode::kUsage, "this token belongs to trace {}, not to this one ({})",
                  trace_id, id);
}

}  // namespace

std::string FormatToken(const PowerCase& power_case) {
  return fmt::format("{}{}/{}/{}", kPower, power_case.profile, power_case.choice,
                     power_case.trace_id);
}

std::string FormatToken(const EndCase& end_case) {
  return fmt::format("{}{}/{}", kEnd, end_case.run, end_case.trace_id);
}

std::optional<EndCase> ParseEndToken(std::string_view token) {
  const size_t last = token.rfind('/');
  if (!token.starts_with(kEnd) || last < kEnd.size() || token.size() - last - 1 != 8)
    return std::nullopt;
  return EndCase{std::string(token.substr(kEnd.size(), last - kEnd.size())),
                 std::string(token.substr(last + 1))};
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

Result<CrashState> Realise(const Trace& trace, const PowerCase& power_case,
                           const Projection& projection, const Profile* profile) {
  RETURN_IF_ERROR(CheckTrace(trace, power_case.trace_id));
  if (profile != nullptr) return RealiseChoice(trace, *profile, power_case.choice, projection);
  ASSIGN_OR_RETURN(const auto profiles, SelectProfiles({power_case.profile}));
  if (profiles.size() != 1)
    return FailWith(ExitCode::kUsage, "a token names one profile, not {}", power_case.profile);
  return RealiseChoice(trace, *profiles[0], power_case.choice, projection);
}

std::string FormatToken(const LiveCase& live_case) {
  return fmt::format("{}{}/{}", kLive, live_case.point, live_case.trace_id);
}

bool IsLiveToken(std::string_view token) { return token.starts_with(kLive); }

Result<LiveCase> ParseLiveToken(std::string_view token) {
  const auto malformed = [&] {
    return FailWith(ExitCode::kUsage,
                    "not a token: {} (expected live/POINT/TRACE, as a report prints it)",
                    Quote(token));
  };
  if (!IsLiveToken(token)) return malformed();
  const std::string_view rest = token.substr(kLive.size());
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || rest.size() - slash != 9) return malformed();
  LiveCase live_case;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + slash, live_case.point);
  if (error != std::errc() || end != rest.data() + slash) return malformed();
  live_case.trace_id = rest.substr(slash + 1);
  return live_case;
}

Result<CrashState> Realise(const Trace& trace, const LiveCase& live_case) {
  RETURN_IF_ERROR(CheckTrace(trace, live_case.trace_id));
  if (live_case.point > trace.ops.size()) {
    return FailWith(ExitCode::kUsage, "this token names a moment after call {}, the trace has {}",
                    live_case.point, trace.ops.size());
  }
  LiveTree live(trace);
  for (uint32_t i = 0; i < live_case.point; ++i) live.Apply(trace.ops[i]);
  CrashState state;
  state.first_point = state.last_point = live_case.point;
  state.points = {{live_case.point, live_case.point}};
  state.tree = live.tree();
  state.digest = state.tree.RootDigest(/*attributes=*/true);
  return state;
}

std::string FormatToken(const KillCase& kill_case) {
  const std::string inside = kill_case.bytes == 0 ? "" : fmt::format(".{}", kill_case.bytes);
  return fmt::format("{}{}{}/{}", kKill, kill_case.point, inside, kill_case.trace_id);
}

bool IsKillToken(std::string_view token) { return token.starts_with(kKill); }

Result<KillCase> ParseKillToken(std::string_view token) {
  const auto malformed = [&] {
    return FailWith(ExitCode::kUsage,
                    "not a token: {} (expected kill/POINT/TRACE or kill/POINT.BYTES/TRACE, as a "
                    "report prints it)",
                    Quote(token));
  };
  if (!IsKillToken(token)) return malformed();
  const std::string_view rest = token.substr(kKill.size());
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || rest.size() - slash != 9) return malformed();
  KillCase kill_case;
  const char* end = rest.data() + slash;
  auto read = std::from_chars(rest.data(), end, kill_case.point);
  if (read.ec == std::errc() && read.ptr != end && *read.ptr == '.') {
    read = std::from_chars(read.ptr + 1, end, kill_case.bytes);
    if (kill_case.bytes == 0) return malformed();
  }
  if (read.ec != std::errc() || read.ptr != end) return malformed();
  kill_case.trace_id = rest.substr(slash + 1);
  return kill_case;
}

Result<CrashState> Realise(const Trace& trace, const KillCase& kill_case) {
  ASSIGN_OR_RETURN(CrashState state, Realise(trace, LiveCase{kill_case.point, kill_case.trace_id}));
  if (kill_case.bytes == 0) return state;
  KillWalk walk(trace);
  while (walk.Next() && walk.point() <= kill_case.point) {
  }
  const Op* op = kill_case.point < trace.ops.size() ? &trace.ops[kill_case.point] : nullptr;
  const bool inside = op != nullptr && walk.point() == kill_case.point + 1 &&
                      op->kind == OpKind::kWrite && op->error == 0 && kill_case.bytes < op->length;
  if (!inside) {
    return FailWith(ExitCode::kUsage,
                    "this token names a moment {} B into call {}, which is no such write",
                    kill_case.bytes, kill_case.point + 1);
  }
  state.tree = walk.TreeInside(kill_case.bytes);
  state.digest = state.tree.RootDigest(/*attributes=*/true);
  return state;
}

Result<Realised> RealiseToken(const Trace& trace, std::string_view token,
                              const Projection& projection, const Profile* profile) {
  if (IsLiveToken(token)) {
    ASSIGN_OR_RETURN(const LiveCase live_case, ParseLiveToken(token));
    ASSIGN_OR_RETURN(CrashState state, Realise(trace, live_case));
    return Realised{std::move(state), kLiveProfile};
  }
  if (IsKillToken(token)) {
    ASSIGN_OR_RETURN(const KillCase kill_case, ParseKillToken(token));
    ASSIGN_OR_RETURN(CrashState state, Realise(trace, kill_case));
    return Realised{std::move(state), kKillProfile};
  }
  ASSIGN_OR_RETURN(const PowerCase power_case, ParseToken(token));
  ASSIGN_OR_RETURN(CrashState state, Realise(trace, power_case, projection, profile));
  return Realised{std::move(state), power_case.profile};
}

}  // namespace oldornew
