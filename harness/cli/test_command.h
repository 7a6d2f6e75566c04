// The built program, run as a user runs it, in the folder "w" of a fresh directory.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/files.h"
#include "base/text.h"

namespace oldornew::testing {

struct CommandOutcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class CommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("oldornew-cli-");
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    ASSERT_TRUE(MakeDirectories(Path("w")));
  }

  std::string Path(const std::string& name) const { return dir_->path() + "/" + name; }

  // Runs `oldornew ARGUMENTS` in the directory w. ARGUMENTS are shell text.
  CommandOutcome Run(const std::string& arguments) const {
    const std::string program = std::string(OLDORNEW_BINARY_DIR) + "/harness/oldornew";
    const std::string line = fmt::format("cd {} && {} {} >{} 2>{} </dev/null",
                                         ShellQuote(Path("w")), ShellQuote(program), arguments,
                                         ShellQuote(Path("out")), ShellQuote(Path("err")));
    const int status = std::system(line.c_str());
    CommandOutcome outcome;
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.out = ReadFile(Path("out")).value_or("");
    outcome.err = ReadFile(Path("err")).value_or("");
    return outcome;
  }

  std::string FirstBundle() const {
    const auto json = nlohmann::json::parse(ReadFile(Path("w/oldornew.out/report.json")).value());
    return json["findings"][0]["bundle"];
  }

  std::unique_ptr<TempDir> dir_;
};

}  // namespace oldornew::testing
