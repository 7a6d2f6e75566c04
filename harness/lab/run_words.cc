#include "lab/run_words.h"

#include <algorithm>

#include "base/text.h"
#include "cases/file_call.h"
#include "finding/source.h"

namespace oldornew {

std::string SourceOf(const Trace& trace, const FileCall& call) {
  std::string source = DescribeSource(trace, OpOf(call));
  const auto process = static_cast<size_t>(call.process);
  if (source.empty() && call.process >= 0 && process < trace.processes.size())
    source = trace.processes[process].program;
  return source;
}

CallAt AsData(const Trace& trace, const FileCall& call) {
  return {static_cast<uint32_t>(OpNumberOf(trace, call)), call.call, call.path, call.path2};
}

std::string CallText(const Trace& trace, const FileCall& call) {
  const size_t number = OpNumberOf(trace, call);
  return number == 0 ? DescribeShort(call) : fmt::format("{} {}", number, DescribeShort(call));
}

std::string RunIdOf(const std::string& what, const std::vector<std::string>& plan) {
  std::string id = what + ":" + Join(plan, "+");
  std::replace(id.begin(), id.end(), ' ', '_');
  return id;
}

std::string CheckAgain(const std::vector<std::string>& plan,
                       const std::vector<std::string>& command) {
  std::string out = "oldornew check";
  for (const std::string& text : plan) out += " --inject " + ShellQuote(text);
  return out + " -- " + ShellQuote(command);
}

}  // namespace oldornew
