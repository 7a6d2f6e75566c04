// show: a trace for people, one call a line.
#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "finding/bundle.h"
#include "trace/format.h"

namespace oldornew {

Result<ExitCode> RunShow(const Options& options) {
  ASSIGN_OR_RETURN(const std::string bytes, [&]() -> Result<std::string> {
    auto read = ReadFile(options.input);
    if (!read) return FailWith(ExitCode::kUsage, "{}", read.error().message);
    return read;
  }());
  Trace trace;
  if (bytes.starts_with("OLDORNEW.CRASH")) {
    auto bundle = DecodeBundle(bytes);
    if (!bundle) return FailWith(ExitCode::kUsage, "{}: {}", options.input, bundle.error().message);
    std::fputs(
        fmt::format("{}\ntoken {}\n\n", bundle->header.message, bundle->header.token).c_str(),
        stdout);
    trace = std::move(bundle->trace);
  } else {
    auto decoded = DecodeTrace(bytes);
    if (!decoded)
      return FailWith(ExitCode::kUsage, "{}: {}", options.input, decoded.error().message);
    trace = std::move(*decoded);
  }
  std::string out = fmt::format("{}\n", ShellQuote(trace.command));
  for (size_t i = 0; i < trace.processes.size(); ++i) {
    const Process& process = trace.processes[i];
    out += fmt::format("process {}  pid {}  {}{}\n", i, process.pid, process.program,
                       process.entered ? "" : "  (not entered)");
  }
  for (const std::string& note : trace.notes) out += fmt::format("note  {}\n", note);
  for (const Obstacle& obstacle : trace.obstacles) {
    out += fmt::format("{}: {}\n",
                       obstacle.kind == Obstacle::Kind::kUnproven ? "not proved" : "cannot judge",
                       obstacle.reason);
  }
  for (size_t i = 0; i < trace.plan.size(); ++i) {
    out += fmt::format("plan  {}  ({} matched)\n", trace.plan[i],
                       Count(trace.plan_matches.at(i), "call"));
    for (const FileCall& call : trace.file_calls) {
      if (call.injection == static_cast<int32_t>(i))
        out += fmt::format("      {}\n", Describe(trace, call));
    }
  }
  const bool several = trace.processes.size() > 1;
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    const std::string who = several
                                ? fmt::format("[{}{}] ", op.process,
                                              op.thread == 0 ? "" : fmt::format(".{}", op.thread))
                                : "";
    out += fmt::format("{:>5}  {}{}\n", i + 1, who, Describe(trace, op));
  }
  std::fputs(out.c_str(), stdout);
  return ExitCode::kClean;
}

}  // namespace oldornew
