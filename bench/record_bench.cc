// What recording costs: a program that replaces small files (create, write, fsync, close, rename) and one
// that writes 64 bytes at a time, each run alone and under the preload library, alternately, on tmpfs, so
// that no disk hides the cost. The counters of one row come from one run: native_us and recorded_us per call
// sequence, and their ratio.
//
// The program under test is this one, started again with --loop.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
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

/// The child: runs the loop and prints the nanoseconds it took, start-up not counted.
int RunChild(const std::string& loop, int count, const char* directory) {
  CHECK(chdir(directory) == 0);
  const auto start = std::chrono::steady_clock::now();
  loop == "replace" ? ReplaceLoop(count) : WriteLoop(count);
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
  std::printf("%lld\n", static_cast<long long>(took.count()));
  return 0;
}

/// Seconds that the loop took in a child with this environment.
double TimeChild(const std::string& loop, int count, const std::vector<std::string>& environment) {
  Result<TempDir> directory = TempDir::Create("oldornew-bench-", kMemory);
  CHECK(directory.has_value());
  std::string program = "/proc/self/exe";
  std::vector<std::string> words = {program, "--loop", loop, std::to_string(count), directory->path()};
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

void RecordingCost(benchmark::State& state, const std::string& loop, int count) {
  double native = 0;
  double recorded = 0;
  for (auto _ : state) {
    native += TimeChild(loop, count, OwnEnvironment());
    const double seconds = TimeRecorded(loop, count);
    recorded += seconds;
    state.SetIterationTime(seconds);
  }
  const double rounds = static_cast<double>(state.iterations()) * count;
  state.counters["native_us"] = native / rounds * 1e6;
  state.counters["recorded_us"] = recorded / rounds * 1e6;
  state.counters["ratio"] = recorded / native;
}

BENCHMARK_CAPTURE(RecordingCost, replace_512_bytes, "replace", 5000)->UseManualTime()->Iterations(5);
BENCHMARK_CAPTURE(RecordingCost, pwrite_64_bytes, "write", 100000)->UseManualTime()->Iterations(5);

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
