#include "cases/case.h"

#include <charconv>

#include "base/text.h"
#include "cases/kill_states.h"

namespace oldornew {

namespace {

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

// A token is KIND/BODY/TRACE. The body may hold slashes.
struct Parts {
  std::string_view kind;
  std::string_view body;
  std::string_view trace_id;
};

std::optional<Parts> Take(std::string_view token) {
  constexpr size_t kIdLength = 8;
  const size_t first = token.find('/');
  const size_t last = token.rfind('/');
  if (first == std::string_view::npos || last == first) return std::nullopt;
  if (token.size() - last - 1 != kIdLength) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, last - first - 1),
               token.substr(last + 1)};
}

template <typename Number>
bool ReadNumber(std::string_view text, Number* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

// Each returns false for a body that is none of its kind.

bool ReadPowerCut(std::string_view body, Case* out) {
  const size_t slash = body.find('/');
  if (slash == 0 || slash == std::string_view::npos) return false;
  out->what = PowerCut{std::string(body.substr(0, slash)), std::string(body.substr(slash + 1))};
  return true;
}

bool ReadKill(std::string_view body, Case* out) {
  Kill kill;
  const size_t dot = body.find('.');
  if (!ReadNumber(body.substr(0, dot), &kill.point)) return false;
  if (dot != std::string_view::npos &&
      (!ReadNumber(body.substr(dot + 1), &kill.bytes) || kill.bytes == 0))
    return false;
  out->what = kill;
  return true;
}

bool ReadMoment(std::string_view body, Case* out) {
  Moment moment;
  if (!ReadNumber(body, &moment.point)) return false;
  out->what = moment;
  return true;
}

bool ReadEndOfRun(std::string_view body, Case* out) {
  if (body.empty()) return false;
  out->what = EndOfRun{std::string(body)};
  return true;
}

struct Kind {
  std::string_view name;
  const char* form;  ///< for people
  bool (*read)(std::string_view body, Case* out);
};

constexpr Kind kKinds[] = {
    {"power", "power/PROFILE/CHOICE/TRACE", ReadPowerCut},
    {"kill", "kill/POINT/TRACE or kill/POINT.BYTES/TRACE", ReadKill},
    {"live", "live/POINT/TRACE", ReadMoment},
    {"end", "end/RUN/TRACE", ReadEndOfRun},
};

}  // namespace

std::string FormatToken(const Case& which) {
  const auto body = std::visit(
      Overloaded{
          [](const PowerCut& cut) { return fmt::format("power/{}/{}", cut.profile, cut.choice); },
          [](const Kill& kill) {
            const std::string inside = kill.bytes == 0 ? "" : fmt::format(".{}", kill.bytes);
            return fmt::format("kill/{}{}", kill.point, inside);
          },
          [](const Moment& moment) { return fmt::format("live/{}", moment.point); },
          [](const EndOfRun& end) { return "end/" + end.run; },
      },
      which.what);
  return body + "/" + which.trace_id;
}

Result<Case> ParseToken(std::string_view token) {
  const auto parts = Take(token);
  std::vector<std::string> forms;
  for (const Kind& kind : kKinds) {
    forms.emplace_back(kind.form);
    const std::string prefix = std::string(kind.name) + "/";
    if (!token.starts_with(prefix)) continue;
    Case out;
    if (parts && kind.read(parts->body, &out)) {
      out.trace_id = parts->trace_id;
      return out;
    }
    return FailWith(ExitCode::kUsage, "not a token: {} (expected {}, as a report prints it)",
                    Quote(token), kind.form);
  }
  return FailWith(ExitCode::kUsage, "not a token: {} (expected one of {}, as a report prints it)",
                  Quote(token), Join(forms, ", "));
}

std::string ProfileOf(const Case& which) {
  return std::visit(Overloaded{
                        [](const PowerCut& cut) { return cut.profile; },
                        [](const Kill&) { return std::string("kill"); },
                        [](const Moment&) { return std::string("live"); },
                        [](const EndOfRun&) { return std::string(); },
                    },
                    which.what);
}

namespace {

Result<CrashState> RealisePowerCut(const Trace& trace, const PowerCut& cut,
                                   const Projection& projection, const Profile* profile) {
  if (profile != nullptr) return RealiseChoice(trace, *profile, cut.choice, projection);
  ASSIGN_OR_RETURN(const auto profiles, SelectProfiles({cut.profile}));
  if (profiles.size() != 1)
    return FailWith(ExitCode::kUsage, "a token names one profile, not {}", cut.profile);
  return RealiseChoice(trace, *profiles[0], cut.choice, projection);
}

CrashState StateOf(FileTree tree, uint32_t point) {
  CrashState state;
  state.first_point = state.last_point = point;
  state.points = {{point, point}};
  state.tree = std::move(tree);
  state.digest = state.tree.RootDigest(/*attributes=*/true);
  return state;
}

Result<CrashState> RealiseMoment(const Trace& trace, uint32_t point) {
  if (point > trace.ops.size()) {
    return FailWith(ExitCode::kUsage, "this token names a moment after call {}, the trace has {}",
                    point, trace.ops.size());
  }
  LiveTree live(trace);
  for (uint32_t i = 0; i < point; ++i) live.Apply(trace.ops[i]);
  return StateOf(live.tree(), point);
}

Result<CrashState> RealiseKill(const Trace& trace, const Kill& kill) {
  if (kill.bytes == 0) return RealiseMoment(trace, kill.point);
  KillWalk walk(trace);
  while (walk.Next() && walk.point() <= kill.point) {
  }
  const Op* op = kill.point < trace.ops.size() ? &trace.ops[kill.point] : nullptr;
  const bool inside = op != nullptr && walk.point() == kill.point + 1 &&
                      op->kind == OpKind::kWrite && op->error == 0 && kill.bytes < op->length;
  if (!inside) {
    return FailWith(ExitCode::kUsage,
                    "this token names a moment {} B into call {}, which is no such write",
                    kill.bytes, kill.point + 1);
  }
  return StateOf(walk.TreeInside(kill.bytes), kill.point);
}

}  // namespace

Result<CrashState> Realise(const Trace& trace, const Case& which, const Projection& projection,
                           const Profile* profile) {
  const std::string id = trace.Identity().Short();
  if (which.trace_id != id) {
    return FailWith(ExitCode::kUsage, "this token belongs to trace {}, not to this one ({})",
                    which.trace_id, id);
  }
  using Answer = Result<CrashState>;
  return std::visit(
      Overloaded{
          [&](const PowerCut& cut) { return RealisePowerCut(trace, cut, projection, profile); },
          [&](const Kill& kill) { return RealiseKill(trace, kill); },
          [&](const Moment& moment) { return RealiseMoment(trace, moment.point); },
          [&](const EndOfRun&) {
            return Answer(StateOf(trace.new_tree, static_cast<uint32_t>(trace.ops.size())));
          },
      },
      which.what);
}

}  // namespace oldornew
