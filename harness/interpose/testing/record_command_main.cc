// record_command CMD...: records a command in an empty directory and prints what was seen. For looking at
// things by hand.
#include <stdio.h>

#include "interpose/testing/recorded_run.h"

int main(int argc, char** argv) {
  oldornew::RecordedRun run;
  run.Run(std::vector<std::string>(argv + 1, argv + argc));
  for (const std::string& line : run.Summary()) printf("%s\n", line.c_str());
  for (const oldornew::Process& p : run.trace.processes) {
    printf("process %d parent %d %s (%zu modules)\n", p.pid, p.parent, p.program.c_str(), p.modules.size());
  }
  for (const std::string& problem : run.Problems()) printf("PROBLEM %s\n", problem.c_str());
  printf("status %x, %llu records, %llu outside, %llu in flight, %llu calls, output %zu bytes\n",
         (unsigned)run.wait_status, (unsigned long long)run.statistics.records,
         (unsigned long long)run.statistics.outside, (unsigned long long)run.statistics.in_flight,
         (unsigned long long)run.statistics.calls, run.output.size());
  return 0;
}
