// Programs must not notice that they are interposed: every case of the torture program (testing/)
// prints the same and ends the same natively, armed only, recorded from inside, and traced.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "interpose/decode.h"
#include "interpose/launch.h"
#include "interpose/recording.h"

namespace oldornew {
namespace {

struct Seen {
  std::string output;
  int status = -1;
};

Seen RunCase(const std::string& name, const std::vector<std::string>& environment,
             const std::string& traced_into = "") {
  Seen seen;
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return seen;
  std::vector<char*> variables;
  for (const std::string& variable : environment)
    variables.push_back(const_cast<char*>(variable.c_str()));
  variables.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(fds[1], 1);
    dup2(fds[1], 2);
    alarm(60);  // a case that hangs dies, and its status shows it
    if (!traced_into.empty()) {
      execle(OLDORNEW_TRACE_COMMAND, OLDORNEW_TRACE_COMMAND, traced_into.c_str(), OLDORNEW_TORTURE,
             name.c_str(), nullptr, variables.data());
      _exit(127);
    }
    execle(OLDORNEW_TORTURE, OLDORNEW_TORTURE, name.c_str(), nullptr, variables.data());
    _exit(127);
  }
  close(fds[1]);
  char buffer[65536];
  ssize_t size;
  while ((size = read(fds[0], buffer, sizeof buffer)) > 0)
    seen.output.append(buffer, static_cast<size_t>(size));
  close(fds[0]);
  waitpid(child, &seen.status, 0);
  return seen;
}

std::vector<std::string> BaseEnvironment() { return {"PATH=/usr/bin:/bin", "HOME=/nonexistent"}; }

std::string FirstDifference(const std::string& expected, const std::string& got) {
  const std::vector<std::string> left = Split(expected, '\n'), right = Split(got, '\n');
  for (size_t i = 0; i < left.size() || i < right.size(); ++i) {
    const std::string a = i < left.size() ? left[i] : "(end)",
                      b = i < right.size() ? right[i] : "(end)";
    if (a == b) continue;
    std::string text =
        "line " + std::to_string(i + 1) + "\n  native:     " + a + "\n  interposed: " + b;
    for (size_t back = i; back > 0 && back + 4 > i; --back)
      text += "\n  before:     " + left[back - 1];
    return text;
  }
  return "none";
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  FILE* list = popen(OLDORNEW_TORTURE " --list", "r");
  char line[256];
  while (list != nullptr && fgets(line, sizeof line, list) != nullptr)
    names.push_back(std::string(line, strcspn(line, "\n")));
  if (list != nullptr) pclose(list);
  return names;
}

/// What these do on purpose: one reason each that a recording of it cannot be judged.
const std::map<std::string, std::string> kNotJudged = {
    {"own-filter",
     "(strict mode of seccomp|wrote 7 B that no recorded call wrote)"},  // in that mode
};

/// Whatever the case did, nothing of it was missed, and nothing is said to have been missed that
/// was not.
void ExpectComplete(const std::string& recording, const std::string& name, bool exited) {
  Trace trace;
  const CapturedTree nothing;
  ASSERT_TRUE(DecodeRecording(recording, nothing, &trace, nullptr, exited).has_value());
  for (const Obstacle& obstacle : trace.obstacles) {
    const auto known = kNotJudged.find(name);
    const bool expected =
        known != kNotJudged.end() && std::regex_search(obstacle.reason, std::regex(known->second));
    EXPECT_TRUE(expected) << obstacle.reason;
  }
}

class Torture : public ::testing::TestWithParam<std::string> {};

TEST_P(Torture, RunsAsNativelyWhenArmed) {
  for (const char* patch : {"OLDORNEW_PATCH=0", "OLDORNEW_PATCH=1"}) {
    const Seen native = RunCase(GetParam(), BaseEnvironment());
    std::vector<std::string> environment =
        PreloadEnvironment(BaseEnvironment(), OLDORNEW_PRELOAD_LIBRARY, "");
    environment.push_back(patch);
    const Seen armed = RunCase(GetParam(), environment);
    EXPECT_EQ(FirstDifference(native.output, armed.output), "none") << patch;
    EXPECT_EQ(native.status, armed.status) << patch;
    EXPECT_FALSE(native.output.empty());
  }
}

TEST_P(Torture, RunsAsNativelyWhenRecorded) {
  Result<TempDir> directory = TempDir::Create("torture");
  ASSERT_TRUE(directory.has_value());
  const std::string path = directory->path() + "/recording";
  ASSERT_TRUE(CreateRecordingFile(path).has_value());
  const Seen native = RunCase(GetParam(), BaseEnvironment());
  const Seen recorded =
      RunCase(GetParam(), PreloadEnvironment(BaseEnvironment(), OLDORNEW_PRELOAD_LIBRARY, path));
  EXPECT_EQ(FirstDifference(native.output, recorded.output), "none");
  EXPECT_EQ(native.status, recorded.status);
  const Result<RecordingFile> recording = RecordingFile::Open(path);
  ASSERT_TRUE(recording.has_value());
  EXPECT_GT(recording->calls_seen(), 0u)
      << "the library did not enter the program: the comparison proves nothing";
  ExpectComplete(path, GetParam(), WIFEXITED(recorded.status));
}

TEST_P(Torture, RunsAsNativelyWhenTraced) {
  Result<TempDir> directory = TempDir::Create("torture");
  ASSERT_TRUE(directory.has_value());
  const std::string path = directory->path() + "/recording";
  ASSERT_TRUE(CreateRecordingFile(path).has_value());
  const Seen native = RunCase(GetParam(), BaseEnvironment());
  const Seen traced = RunCase(GetParam(), BaseEnvironment(), path);
  EXPECT_EQ(FirstDifference(native.output, traced.output), "none");
  EXPECT_EQ(native.status, traced.status);
  const Result<RecordingFile> recording = RecordingFile::Open(path);
  ASSERT_TRUE(recording.has_value());
  EXPECT_GT(recording->calls_seen(), 0u) << "nothing was traced: the comparison proves nothing";
}

INSTANTIATE_TEST_SUITE_P(Case, Torture, ::testing::ValuesIn(CaseNames()), [](const auto& test) {
  std::string name;
  for (const char c : test.param) name += c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace oldornew
