// Measures what one further run of a program costs in a sandbox in memory. Each run is paired with
// a run of the program alone. Other work on the machine slows both of a pair, so it hardly shows in
// the ratios. bench/rerun writes the table.
//
// usage: rerun_bench ROUNDS DIRECTORY STDIN PROGRAM [ARGUMENT...]
// Prints lines of "name median-us quartile quartile".
#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "lab/run_again.h"
#include "run/record.h"

namespace oldornew {
namespace {

double NowUs() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

[[noreturn]] void Stop(const std::string& why) {
  std::fprintf(stderr, "rerun_bench: %s\n", why.c_str());
  std::exit(1);
}

/// Fork, exec, wait: nothing else.
double AloneUs(const std::vector<std::string>& command, const std::string& directory,
               const std::string& input) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawn_file_actions_addopen(&actions, 0, input.c_str(), O_RDONLY, 0);
  const double start = NowUs();
  pid_t pid = 0;
  int status = -1;
  if (posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), environ) != 0 ||
      waitpid(pid, &status, 0) != pid || status != 0)
    Stop("the program does not run alone");
  const double end = NowUs();
  posix_spawn_file_actions_destroy(&actions);
  return end - start;
}

class Bench {
 public:
  Bench(int rounds, std::string directory, std::string input, std::vector<std::string> command)
      : rounds_(rounds), directory_(std::move(directory)), input_(std::move(input)) {
    spec_.sandbox.directory = directory_;
    spec_.sandbox.in_memory = true;
    spec_.run.command = std::move(command);
    spec_.run.stdin_path = input_;
  }

  void Measure() {
    auto recording = Record(spec_);
    if (!recording) Stop(recording.error().message);
    if (recording->trace.exit_status != 0 || !recording->trace.obstacles.empty())
      Stop("the recorded run cannot be judged");
    Sandbox& sandbox = *recording->sandbox;
    Lab lab({spec_.sandbox, spec_.run, {}, {}, 1}, &sandbox);
    RunAgain again(lab, recording->trace);
    auto place = TempDir::Create("rerun-bench-", "/dev/shm");
    if (!place) Stop(place.error().message);
    for (int round = 0; round < rounds_; ++round) {
      const double alone = AloneRun(place->path());
      Add("alone", alone);
      if (!sandbox.Present(recording->trace.old_tree)) Stop("no state");
      double start = NowUs();
      auto plain = Run(sandbox, spec_.run);
      Add("plain run in the sandbox", NowUs() - start);
      if (!plain) Stop(plain.error().message);
      Add("plain run: the program", static_cast<double>(plain->duration_ns) / 1000);
      start = NowUs();
      auto trace = again.Run(spec_.run.command, &recording->trace.old_tree);
      const double whole = NowUs() - start;
      if (!trace) Stop(trace.error().message);
      if (!trace->obstacles.empty()) Stop(trace->obstacles[0].reason);
      const double program = static_cast<double>(trace->duration_ns) / 1000;
      Add("recorded run: the program", program);
      Add("recorded run: all of it", whole);
      Add("ratio: the program", program / alone);
      Add("ratio: all of it", whole / alone);
    }
    for (auto& [name, values] : values_) {
      std::sort(values.begin(), values.end());
      const auto at = [&](double part) {
        return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
      };
      fmt::print("{}\t{:.2f}\t{:.2f}\t{:.2f}\n", name, at(0.5), at(0.25), at(0.75));
    }
  }

 private:
  double AloneRun(const std::string& place) {
    const std::string copy = place + "/copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(directory_, copy, std::filesystem::copy_options::recursive);
    return AloneUs(spec_.run.command, copy, input_);
  }
  void Add(const std::string& name, double value) { values_[name].push_back(value); }

  int rounds_;
  std::string directory_;
  std::string input_;
  RecordSpec spec_;
  std::map<std::string, std::vector<double>> values_;
};

}  // namespace
}  // namespace oldornew

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: rerun_bench ROUNDS DIRECTORY STDIN PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  oldornew::Bench bench(std::max(1, std::atoi(argv[1])), argv[2], argv[3],
                        std::vector<std::string>(argv + 4, argv + argc));
  bench.Measure();
}
