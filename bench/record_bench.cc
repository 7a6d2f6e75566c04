// What recording costs, for two programs: one replaces small files (create, write, fsync, close,
// rename), the other writes 64 bytes at a time. Each runs alternately alone and under the preload
// library. The files are on tmpfs, so that no disk hides the cost.
//
// The counters of a row:
//   native_us, recorded_us   medians of the processor time per call sequence
//   ratio                    median of the ratios of pairs of neighbouring runs. Other work on the
//                            machine slows both of a pair, so it hardly shows.
//
// The program under test is this one, started again with --loop.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "interpose/launch.h"
#include "interpose/recording.h"

namespace oldornew {
namespace {

constexpr char kMemory[] = "/dev/shm";

/// The workloads, by the name the child gets. Each does `count` rounds in the current directory.
void ReplaceLoop(int count) {
  char data[512];
  std::memset(data, 'n', sizeof(data));
  for (int i = 0; i < count; ++i) {
    const int fd = open("f.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(write(fd, data, sizeof(data)) == static_cast<ssize_t>(sizeof(data)));
    CHECK(fsync(fd) == 0);
    CHECK(close(fd) == 0);
    CHECK(rename("f.new", "f") == 0);
  }
}

void WriteLoop(int count) {
  char data[64];
  std::memset(data, 'n', sizeof(data));
  const int fd = open("f", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  for (int i = 0; i < count; ++i) {
    CHECK(pwrite(fd, data, sizeof(data), (i % 1024) * 64) == static_cast<ssize_t>(sizeof(data)));
  }
  CHECK(close(fd) == 0);
}

double ProcessorTime() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The child: runs the loop and prints the nanoseconds of processor time it took, start-up not
/// counted.
int RunChild(const std::string& loop, int count, const char* directory) {
  CHECK(chdir(directory) == 0);
  const double start = ProcessorTime();
  loop == "replace" ? ReplaceLoop(count) : WriteLoop(count);
  std::printf("%.0f\n", ProcessorTime() - start);
  return 0;
}

/// Seconds that the loop took in a child with this environment.
double TimeChild(const std::string& loop, int count, const std::vector<std::string>& environment) {
  Result<TempDir> directory = TempDir::Create("oldornew-bench-", kMemory);
  CHECK(directory.has_value());
  std::string program = "/proc/self/exe";
  std::vector<std::string> words = {program, "--loop", loop, std::to_string(count),
                                    directory->path()};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables = environment;
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = -1;
  CHECK(posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), envp.data()) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  char text[64] = {};
  CHECK(read(ends[0], text, sizeof(text) - 1) > 0);
  close(ends[0]);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  return std::strtod(text, nullptr) * 1e-9;
}

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> result;
  for (char** variable = environ; *variable != nullptr; ++variable) result.emplace_back(*variable);
  return result;
}

double TimeRecorded(const std::string& loop, int count) {
  Result<TempDir> directory = TempDir::Create("oldornew-bench-recording-", kMemory);
  CHECK(directory.has_value());
  Result<std::string> preload = FindPreload();
  CHECK(preload.has_value());
  const std::string recording = directory->path() + "/recording";
  CHECK(CreateRecordingFile(recording).has_value());
  return TimeChild(loop, count, PreloadEnvironment(OwnEnvironment(), *preload, recording));
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void RecordingCost(benchmark::State& state, const std::string& loop, int count) {
  std::vector<double> native;
  std::vector<double> recorded;
  std::vector<double> ratios;
  for (auto _ : state) {
    native.push_back(TimeChild(loop, count, OwnEnvironment()));
    recorded.push_back(TimeRecorded(loop, count));
    ratios.push_back(recorded.back() / native.back());
    state.SetIterationTime(recorded.back());
  }
  state.counters["native_us"] = Median(native) / count * 1e6;
  state.counters["recorded_us"] = Median(recorded) / count * 1e6;
  state.counters["ratio"] = Median(ratios);
}

BENCHMARK_CAPTURE(RecordingCost, replace_512_bytes, "replace", 5000)
    ->UseManualTime()
    ->Iterations(25);
BENCHMARK_CAPTURE(RecordingCost, pwrite_64_bytes, "write", 50000)->UseManualTime()->Iterations(25);

}  // namespace
}  // namespace oldornew

int main(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "--loop") == 0) {
    return oldornew::RunChild(argv[2], std::atoi(argv[3]), argv[4]);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
