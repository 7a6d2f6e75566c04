// record_command CMD...: records a command in an empty directory and prints what was seen. For
// looking at things by hand. TRACED=1: by ptrace; SURVEY=1, INJECT=SPEC: a plan.
#include <stdio.h>
#include <stdlib.h>

#include "interpose/testing/recorded_run.h"

int main(int argc, char** argv) {
  oldornew::RecordedRun run;
  run.traced = getenv("TRACED") != nullptr;
  run.options.plan.survey = getenv("SURVEY") != nullptr;
  if (const char* text = getenv("INJECT"); text != nullptr) {
    const auto injection = oldornew::ParseInjection(text);
    if (!injection) return fprintf(stderr, "%s\n", injection.error().message.c_str()), 2;
    run.options.plan.injections.push_back(*injection);
  }
  run.Run(std::vector<std::string>(argv + 1, argv + argc));
  std::vector<std::string> lines = run.Summary();
  for (size_t i = 0; i < lines.size(); i++) {
    printf("%s\n", lines[i].c_str());
    if (getenv("STACKS") == nullptr) continue;
    const oldornew::Op& op = run.trace.ops[i];
    for (uint64_t address : op.stack) {
      for (const oldornew::Module& m :
           run.trace.processes[static_cast<size_t>(op.process)].modules) {
        if (address < m.start || address >= m.end) continue;
        printf("    %s+0x%llx\n", m.path.c_str(),
               (unsigned long long)(address - m.start + m.file_offset));
      }
    }
  }
  for (const oldornew::FileCall& call : run.trace.file_calls) {
    printf(
        "call %d.%u %s fd %d \"%s\" \"%s\" flags %x bytes %llu = %lld told %lld injection %d stack "
        "%zu\n",
        call.process, call.thread, call.call.c_str(), call.descriptor, call.path.c_str(),
        call.path2.c_str(), call.open_flags, (unsigned long long)call.requested,
        (long long)call.result, (long long)call.told, call.injection, call.stack.size());
  }
  for (const oldornew::Process& p : run.trace.processes) {
    printf("process %d parent %d %s (%zu modules)\n", p.pid, p.parent, p.program.c_str(),
           p.modules.size());
  }
  for (const std::string& problem : run.Problems()) printf("PROBLEM %s\n", problem.c_str());
  printf("status %x, %llu records, %llu outside, %llu in flight, %llu calls, output %zu bytes\n",
         (unsigned)run.wait_status, (unsigned long long)run.statistics.records,
         (unsigned long long)run.statistics.outside, (unsigned long long)run.statistics.in_flight,
         (unsigned long long)run.statistics.calls, run.output.size());
  return 0;
}
