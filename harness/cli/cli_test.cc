// The command line as a user meets it: the built program, run in a fresh directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/test_command.h"

namespace oldornew {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Outcome = testing::CommandOutcome;

class CliTest : public testing::CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ASSERT_TRUE(WriteFile(Path("w/config.toml"), "x = \"old\"\n"));
  }
};

constexpr const char* kCareless = "-- sed -i s/old/new/ config.toml";
constexpr const char* kCareful =
    "-- python3 -c 'import os\n"
    "f = open(\"t\", \"w\"); f.write(\"new\"); f.flush(); os.fsync(f.fileno()); os.rename(\"t\", "
    "\"config.toml\")\n"
    "os.fsync(os.open(\".\", os.O_RDONLY))'";

TEST_F(CliTest, CheckFindsWhatSedLeavesAndLeavesTheUsersFileAlone) {
  const Outcome run = Run(std::string("check --only power ") + kCareless);
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_THAT(run.out, HasSubstr("config.toml can be EMPTY (ext4 with noauto_da_alloc, xfs, btrfs, "
                                 "posix), read as ZEROS (ext4"));
  EXPECT_THAT(run.out, HasSubstr("still be OLD after sed exited 0"));
  EXPECT_EQ(ReadFile(Path("w/config.toml")).value(), "x = \"old\"\n");
}

TEST_F(CliTest, ACarefulProgramIsCleanAndLeavesNothingBehind) {
  const Outcome run = Run(std::string("check --only power ") + kCareful);
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("clean: old or new in every state"));
  EXPECT_NE(access(Path("w/oldornew.out").c_str(), F_OK), 0)
      << "nothing to keep, so nothing is made";
}

TEST_F(CliTest, ReplayBringsTheStateBackFromTheBundleAlone) {
  ASSERT_EQ(Run(std::string("check --only power ") + kCareless).exit_code, 1);
  const std::string bundle = FirstBundle();
  const Outcome replay = Run("replay --keep state " + bundle);
  EXPECT_EQ(replay.exit_code, 1) << replay.err;
  EXPECT_THAT(replay.out, HasSubstr("atomic: config.toml would "));
  const auto state = ReadFile(Path("w/state/config.toml"));
  ASSERT_TRUE(state);
  EXPECT_NE(*state, "x = \"old\"\n");
  EXPECT_NE(*state, "x = \"new\"\n");
  EXPECT_EQ(Run("replay --keep state " + bundle).exit_code, 2)
      << "a directory with something in it is not overwritten";
}

TEST_F(CliTest, ATokenReplaysBesideItsTrace) {
  ASSERT_EQ(Run(std::string("check --only power ") + kCareless).exit_code, 1);
  const auto json = nlohmann::json::parse(ReadFile(Path("w/oldornew.out/report.json")).value());
  const std::string token = json["findings"][0]["token"];
  EXPECT_EQ(Run("replay " + ShellQuote(token)).exit_code, 1);
  const Outcome other = Run("replay " + ShellQuote(token.substr(0, token.size() - 8) + "00000000"));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("belongs to trace 00000000"));
}

TEST_F(CliTest, TheNextCheckDoesNotCopyOurOwnOutput) {
  ASSERT_EQ(Run(std::string("check --only power ") + kCareless).exit_code, 1);
  ASSERT_EQ(Run(std::string("check --only power ") + kCareless).exit_code, 1);
  const Outcome shown = Run("states --profile xfs -- true");
  EXPECT_THAT(shown.out, Not(HasSubstr("oldornew.out")));
}

TEST_F(CliTest, RecordThenCheckOfTheTraceGivesTheSameFindings) {
  const Outcome record = Run("record -o run.trace " + std::string(kCareless));
  EXPECT_EQ(record.exit_code, 0) << record.err;
  EXPECT_THAT(record.err, HasSubstr("complete"));
  const Outcome check = Run("check --trace run.trace");
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_THAT(check.out, HasSubstr("EMPTY"));
  const Outcome show = Run("show run.trace");
  EXPECT_EQ(show.exit_code, 0);
  EXPECT_THAT(show.out, HasSubstr("→ config.toml)"));
}

TEST_F(CliTest, AnInjectionHappensInTheRunAndIsShown) {
  const Outcome record =
      Run("record -q -o run.trace --inject /^rename:path=config.toml:error=EXDEV "
          "--inject write:error=ENOSPC:effect=full:when=1 -- sh -c 'echo x > t; mv t config.toml; "
          "exit 3'");
  EXPECT_EQ(record.exit_code, 0) << record.err << "the command fails, which is what was asked";
  EXPECT_THAT(record.err, HasSubstr("exit status 3, complete"));
  const Outcome show = Run("show run.trace");
  EXPECT_THAT(show.out,
              HasSubstr("plan  rename,renameat,renameat2:path=config.toml:error=EXDEV  ("));
  EXPECT_THAT(show.out,
              HasSubstr("(t → config.toml) = -1 Invalid cross-device link (EXDEV) (injected)"));
  EXPECT_THAT(show.out, HasSubstr("= -1 No space left on device (ENOSPC) (injected, though done)"));
  EXPECT_THAT(show.out,
              Not(HasSubstr("failed with EXDEV")));  // which would be a note about the sandbox
  const Outcome never =
      Run("record -q -o run.trace --inject unlinkat:error=EIO:when=3 -- sh -c '>a; >b; rm a b'");
  EXPECT_EQ(never.exit_code, 2);
  EXPECT_THAT(never.err,
              HasSubstr("the injection unlinkat:error=EIO:when=3 never happened: 2 calls matched"));
  const Outcome wrong = Run("record --inject unlinked:error=EIO -- true");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("there is no system call unlinked"));
}

TEST_F(CliTest, StatesListsEachStateOnceWithItsTreeAndMakesThemReal) {
  const Outcome states = Run("states --profile xfs --write made " + std::string(kCareless));
  EXPECT_EQ(states.exit_code, 0) << states.err;
  std::set<std::string> digests;
  int lines = 0;
  for (const std::string& line : Split(states.out, '\n')) {
    if (line.empty()) continue;
    ++lines;
    digests.insert(nlohmann::json::parse(line)["digest"]);
    EXPECT_EQ(access(Path(fmt::format("w/made/{:06}", lines)).c_str(), F_OK), 0);
  }
  EXPECT_EQ(digests.size(), static_cast<size_t>(lines));
  EXPECT_GE(lines, 3);
}

TEST_F(CliTest, ReportsGoWhereTheyAreAskedForAndAWrongPathCostsNoRun) {
  const Outcome run =
      Run("check --only power --json --report junit=j.xml --report text=t.txt --report json=r.json "
          "--output o " +
          std::string(kCareless));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(run.out)["verdict"], "findings");
  EXPECT_THAT(ReadFile(Path("w/j.xml")).value(), HasSubstr("<failure"));
  EXPECT_EQ(access(Path("w/o/run.trace").c_str(), F_OK), 0);
  const Outcome wrong = Run("check --only power --report json=/nonexistent/r.json -- touch ran");
  EXPECT_EQ(wrong.exit_code, 2);
}

TEST_F(CliTest, ExitCodesAreThoseOfTheManual) {
  EXPECT_EQ(Run("check --only power -- true").exit_code, 0);
  EXPECT_EQ(Run("check --only power -- false").exit_code, 3);
  EXPECT_EQ(Run("check --only power --ok-exit 1 -- false").exit_code, 0);
  EXPECT_EQ(Run("check --only power --strict -- mv config.toml other").exit_code, 1)
      << "warnings fail only when strict";
  EXPECT_EQ(Run("check --only power -- mv config.toml other").exit_code, 0);
  EXPECT_EQ(Run("check --only power --ack exit -- mv config.toml other").exit_code, 1)
      << "an explicit --ack makes durability an error";
  EXPECT_EQ(
      Run("check --only power --max-states 2 --expect durable --ack none -- cp config.toml other")
          .exit_code,
      4);
  EXPECT_EQ(
      Run("check --only power --max-states 2 --expect durable --ack none --accept-bounded -- cp "
          "config.toml other")
          .exit_code,
      0);
  EXPECT_EQ(Run("--version").exit_code, 0);
  EXPECT_EQ(Run("check --help").exit_code, 0);
}

TEST_F(CliTest, DoctorAnswersInWordsAndInJsonWithTheSameExitCode) {
  const std::pair<const char*, int> cases[] = {{"doctor", 0},
                                               {"doctor sed", 0},
                                               {"doctor -- sed -i s/old/new/ config.toml", 0},
                                               {"doctor nosuchprogram", 2},
                                               {"doctor --work-dir /no/such/place", 5}};
  for (const auto& [arguments, exit_code] : cases) {
    const Outcome text = Run(arguments);
    EXPECT_EQ(text.exit_code, exit_code) << arguments << text.out << text.err;
    const std::string words(arguments);
    const Outcome json = Run("doctor --json" + words.substr(6));
    EXPECT_EQ(json.exit_code, exit_code) << arguments;
    const auto report = nlohmann::json::parse(json.out);
    EXPECT_EQ(report["exit_code"], exit_code);
    EXPECT_EQ(report["can_judge"], exit_code == 0);
    EXPECT_EQ(report["next"].get<std::string>().empty(), exit_code != 0);
    for (const auto& answer : report["answers"])
      EXPECT_THAT(text.out, HasSubstr(answer["question"].get<std::string>()));
  }
  EXPECT_THAT(Run("doctor -- sed -i s/old/new/ config.toml").out,
              HasSubstr("oldornew check -- sed -i s/old/new/ config.toml"));
}

TEST_F(CliTest, EveryUsageErrorIsOneLineAndExitsWith2) {
  for (const char* arguments : {"",
                                "check",
                                "chek -- true",
                                "check --frob -- true",
                                "check --profile nope -- true",
                                "check --expect nope -- true",
                                "check --ack '(' -- true",
                                "check --watch nowhere -- true",
                                "check --watch ../x -- true",
                                "check --dir / -- true",
                                "check --dir nowhere -- true",
                                "check --report nope=x -- true",
                                "check --report json -- true",
                                "check --grain no -- true",
                                "check --max-states 0 -- true",
                                "check --timeout -1 -- true",
                                "check --trace config.toml",
                                "check --trace t -- true",
                                "check -- nosuchprogram",
                                "doctor sed -- sed",
                                "doctor sed -i",
                                "doctor --try",
                                "show config.toml",
                                "show nowhere",
                                "replay nowhere",
                                "replay power/x",
                                "replay config.toml",
                                "show config.toml -- true"}) {
    const Outcome run = Run(arguments);
    EXPECT_EQ(run.exit_code, 2) << arguments << "\n" << run.out << run.err;
    EXPECT_THAT(run.err, ::testing::StartsWith("oldornew: ")) << arguments;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << arguments << "\n" << run.err;
  }
  EXPECT_EQ(ReadFile(Path("w/config.toml")).value(), "x = \"old\"\n");
}

TEST_F(CliTest, AViewIsAskedOfEveryStateAndReplayed) {
  ASSERT_EQ(std::system(fmt::format("sqlite3 {} 'create table t(x); insert into t values(1)'",
                                    ShellQuote(Path("w/a.db")))
                            .c_str()),
            0);
  const Outcome blind = Run("check --only power -- sqlite3 a.db 'insert into t values(2)'");
  EXPECT_EQ(blind.exit_code, 5);
  EXPECT_THAT(blind.out, HasSubstr("--view 'sqlite3 a.db .dump'"));
  const std::string view =
      "check --only power --profile ext4 --profile xfs --view 'sqlite3 a.db .dump' -- ";
  const Outcome full =
      Run(view + "sqlite3 a.db 'pragma synchronous=extra; insert into t values(2)'");
  EXPECT_EQ(full.exit_code, 0) << full.out << full.err;
  EXPECT_THAT(full.out, HasSubstr("clean"));
  const Outcome off = Run(view + "sqlite3 a.db 'pragma synchronous=off; insert into t values(2)'");
  EXPECT_EQ(off.exit_code, 1) << off.out << off.err;
  EXPECT_EQ(Run("replay " + FirstBundle()).exit_code, 1);
}

TEST_F(CliTest, TheSourceLineOfTheGuiltyCallIsNamed) {
  ASSERT_TRUE(WriteFile(Path("w/writer.c"),
                        "#include <stdio.h>\n"
                        "int main(void) {\n"
                        "  FILE* f = fopen(\"t\", \"w\");\n"
                        "  fputs(\"new\", f);\n"
                        "  fclose(f);\n"
                        "  return rename(\"t\", \"config.toml\");\n"
                        "}\n"));
  const std::string compile =
      fmt::format("cd {} && cc -g -o writer writer.c", ShellQuote(Path("w")));
  ASSERT_EQ(std::system(compile.c_str()), 0);
  const Outcome run = Run("check --only power -- ./writer");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, HasSubstr("writer.c:5 (main)"))
      << "the data is written when the stream is closed";
}

TEST_F(CliTest, AProgramThatOnlyShellTextNamesIsFoundWhereverItLies) {
  ASSERT_TRUE(WriteFile(Path("prog"), "#!/bin/sh\necho new > config.toml\n"));
  ASSERT_EQ(chmod(Path("prog").c_str(), 0755), 0);
  const Outcome run = Run("check --only power --check " + ShellQuote("test -x " + Path("prog")) +
                          " -- sh -c " + ShellQuote("true; '" + Path("prog") + "'"));
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
}

TEST_F(CliTest, EverythingIsExploredByDefaultAndNamed) {
  const Outcome run = Run("check --json -- mv config.toml other");
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  std::vector<std::string> axes;
  const auto report = nlohmann::json::parse(run.out);
  for (const auto& axis : report["axes"]) {
    axes.push_back(axis["axis"]);
    EXPECT_TRUE(axis["exhaustive"]);
    // What mv leaves when it is killed is old or new: there is nothing to start from.
    EXPECT_EQ(axis["cases"] > 0, axes.back() != "next-run") << axes.back();
  }
  EXPECT_THAT(axes, ::testing::UnorderedElementsAre("power", "kill", "faults", "next-run"));
}

TEST_F(CliTest, WhatAKillLeavesIsReportedReplayedAndExplained) {
  const std::string command = "-- sh -c 'echo new > config.toml'";
  const Outcome run = Run("check --only kill " + command);
  EXPECT_EQ(run.exit_code, 1) << run.out << run.err;
  EXPECT_THAT(run.out,
              HasSubstr("config.toml can be EMPTY when all is killed after 1 openat(config.toml"));
  const std::string bundle = FirstBundle();
  const Outcome replay = Run("replay --keep state " + bundle);
  EXPECT_EQ(replay.exit_code, 1) << replay.err;
  EXPECT_THAT(replay.out, HasSubstr("killed after 1 of"));
  EXPECT_EQ(ReadFile(Path("w/state/config.toml")).value(), "");
  const Outcome explain = Run("explain " + bundle);
  EXPECT_EQ(explain.exit_code, 0) << explain.err;
  EXPECT_THAT(explain.out, HasSubstr("is killed while it works"));
  const auto json = nlohmann::json::parse(ReadFile(Path("w/oldornew.out/report.json")).value());
  EXPECT_EQ(json["findings"][0]["axis"], "kill");
  const std::string token = json["findings"][0]["token"];
  EXPECT_EQ(Run("replay " + token).exit_code, 1);
  EXPECT_EQ(Run("explain " + token).exit_code, 0);
  EXPECT_EQ(Run("check --only power --expect check " + command).exit_code, 0)
      << "nothing of kills is asked";
}

TEST_F(CliTest, ASavedTraceTellsOfKillsAndOfNothingThatNeedsARun) {
  ASSERT_EQ(Run("record -q -o t.trace -- sh -c 'echo new > config.toml'").exit_code, 0);
  const Outcome run = Run("check --trace t.trace");
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_THAT(run.out, HasSubstr("when all is killed after"));
  EXPECT_THAT(run.out, HasSubstr("not explored, since there is no run: faults, next-run"));
  for (const char* axis : {"faults", "next-run"}) {
    const Outcome named = Run(fmt::format("check --trace t.trace --only power,{}", axis));
    EXPECT_EQ(named.exit_code, 2) << axis;
    EXPECT_THAT(named.err, HasSubstr("needs a run"));
  }
}

TEST_F(CliTest, FindingsOfKillsAndNextRunsCanBeAccepted) {
  const std::string command =
      " -- sh -ec 'set -C; echo new > t; mv t config.toml; set +C; echo newer > config.toml'";
  ASSERT_EQ(Run("check --only kill --write-baseline b.toml" + command).exit_code, 1);
  std::string text = ReadFile(Path("w/b.toml")).value();
  EXPECT_THAT(text, HasSubstr("profiles = [\"kill\"]"));
  EXPECT_THAT(text, HasSubstr("profiles = [\"next-run\"]"));
  for (size_t at = 0; (at = text.find("reason = \"\"", at)) != std::string::npos;)
    text.replace(at, 11, "reason = \"known\"");
  ASSERT_TRUE(WriteFile(Path("w/b.toml"), text));
  const Outcome run = Run("check --only kill --baseline b.toml" + command);
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("accepted"));
}

TEST_F(CliTest, AcknowledgedLinesArePromises) {
  const std::string script =
      "-- sh -c 'echo new > t; sync t; mv t config.toml; echo saved; sync .'";
  EXPECT_EQ(Run("check --only power --profile ext4 " + script).exit_code, 0);
  const Outcome run = Run("check --only power --profile ext4 --ack '^saved$' " + script);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, HasSubstr("said \"saved\""));
}

TEST(ParseCommandLine, TakesProfileNamesWithCommasAndTheCommandUntouched) {
  const char* argv[] = {
      "oldornew", "check", "--profile", "ext4,data=journal", "--profile=xfs", "--", "prog",
      "--json",   "--",    "-x"};
  const auto parsed = ParseCommandLine(10, argv, AxisTable::BuiltIn());
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(parsed->options.profiles, ::testing::ElementsAre("ext4,data=journal", "xfs"));
  EXPECT_THAT(parsed->options.command, ::testing::ElementsAre("prog", "--json", "--", "-x"));
  EXPECT_FALSE(parsed->options.json);
}

std::set<std::string> AxesOf(std::vector<const char*> words) {
  words.insert(words.begin(), {"oldornew", "check"});
  words.insert(words.end(), {"--", "true"});
  const auto parsed =
      ParseCommandLine(static_cast<int>(words.size()), words.data(), AxisTable::BuiltIn());
  return parsed ? parsed->options.axes : std::set<std::string>{};
}

TEST(ParseCommandLine, WhatIsExploredIsChosenByName) {
  const std::set<std::string> all = {"power", "faults", "kill", "next-run"};
  EXPECT_EQ(AxesOf({}), AxisTable::BuiltIn().Defaults());
  EXPECT_EQ(AxesOf({"--only", "power"}), std::set<std::string>{"power"});
  EXPECT_EQ(AxesOf({"--only", "power,faults,kill"}), all)
      << "the next run starts from what kills leave";
  EXPECT_EQ(AxesOf({"--only=power", "--only=kill", "--no-next-run"}),
            (std::set<std::string>{"power", "kill"}));
  EXPECT_EQ(AxesOf({"--only", "next-run"}), std::set<std::string>{"next-run"});
  EXPECT_EQ(AxesOf({"--only", "power", "--next-run", "kill"}),
            (std::set<std::string>{"power", "next-run"}));
  for (const std::string& axis : AxisTable::BuiltIn().Defaults()) {
    const std::string without = "--no-" + axis;
    EXPECT_FALSE(AxesOf({without.c_str()}).contains(axis)) << without;
  }
}

TEST(ParseCommandLine, NonsenseAboutWhatIsExploredIsRefused) {
  const std::vector<std::vector<const char*>> cases = {
      {"--only", "pwer"},
      {"--only", ""},
      {"--only", "power", "--no-power"},
      {"--only", "power", "--no-kill"},
      {"--no-next-run", "--next-run", "kill"},
      {"--only", "power", "--recover", "true"},
      {"--no-power", "--no-faults", "--no-kill", "--no-next-run"}};
  for (const auto& words : cases) EXPECT_THAT(AxesOf(words), ::testing::IsEmpty()) << words[1];
}

class ScenarioCliTest : public CliTest {
 protected:
  void Scenario(const std::string& name, const std::string& text) {
    ASSERT_TRUE(MakeDirectories(Path("w/s")));
    ASSERT_TRUE(WriteFile(Path("w/s/" + name + ".toml"), text));
  }
};

constexpr const char* kSedScenario =
    "run = ['sed', '-i', 's/old/new/', 'f']\n[old]\nf = \"old\\n\"\n[expect.xfs]\n"
    "f = ['atomic:empty', 'durable:old-after-ack']\n";

TEST_F(ScenarioCliTest, AFolderOfScenariosPassesWhenEachIsAsItSays) {
  Scenario("sed", kSedScenario);
  Scenario("touch", "run = ['touch', 'f']\n[old]\nf = 'x'\n");
  Scenario("other", "run = ['no-such-program-x']\nneeds = 'no-such-program-x'\n");
  Scenario("never", "run = ['false']\nonly-if = 'false'\n");
  const Outcome run = Run("check s");
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("2 scenarios as expected, 0 not, 2 skipped"));
  EXPECT_THAT(run.out, HasSubstr("no-such-program-x is not installed"));
  EXPECT_NE(access(Path("w/oldornew.out").c_str(), F_OK), 0)
      << "nothing differs, so nothing is kept";
}

TEST_F(ScenarioCliTest, ScenariosExpectOfEachAxisWhatIsToBeFound) {
  const std::string head =
      "only = ['kill']\nrun = 'set -eC; echo new > t; mv t f; : >> g; set +C; echo x > g'\n"
      "[old]\nf = 'old'\ng = 'old'\n[expect]\nverdict = 'findings'\n";
  Scenario(
      "both",
      head + "[expect.kill]\ng = 'atomic:empty'\n[expect.next-run]\nf = 'recoverable:wedged'\n");
  EXPECT_EQ(Run("check s").exit_code, 0) << Run("check s").out;
  Scenario("both", head + "[expect.kill]\n[expect.next-run]\nf = 'recoverable:wedged'\n");
  EXPECT_THAT(Run("check s").out, HasSubstr("kill: not expected g: atomic:empty"));
  Scenario("both", head + "[expect.faults]\ng = 'atomic:empty'\n");
  EXPECT_THAT(Run("check s").out,
              HasSubstr("faults was not explored: add it to the scenario's only"));
}

TEST_F(ScenarioCliTest, AMismatchInEitherDirectionFailsTheGateAndIsKept) {
  Scenario("better", "run = ['touch', 'f']\n[old]\nf = 'x'\n[expect.xfs]\nf = 'atomic:empty'\n");
  Scenario("worse", "run = ['sed', '-i', 's/old/new/', 'f']\n[old]\nf = \"old\\n\"\n");
  const Outcome run = Run("check s --report junit=j.xml --report table=t.md");
  EXPECT_EQ(run.exit_code, 1) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("xfs: missed f: atomic:empty"));
  EXPECT_THAT(run.out, HasSubstr("verdict findings, not clean"));
  EXPECT_EQ(access(Path("w/oldornew.out/worse/report.json").c_str(), F_OK), 0);
  EXPECT_THAT(ReadFile(Path("w/j.xml")).value(), HasSubstr("tests=\"2\" failures=\"2\""));
  EXPECT_THAT(ReadFile(Path("w/t.md")).value(), HasSubstr("| worse | findings |"));
}

TEST_F(ScenarioCliTest, WhatCannotBeJudgedWeighsMoreThanAFinding) {
  Scenario("worse", "run = ['sed', '-i', 's/old/new/', 'f']\n[old]\nf = \"old\\n\"\n");
  Scenario("outside", "run = ['mv', '/etc/hostname', 'f']\n");
  EXPECT_EQ(Run("check s").exit_code, 5);
}

TEST_F(ScenarioCliTest, AllMistakesInAllScenariosAreNamedBeforeAnythingRuns) {
  Scenario("a", "run = 'touch here'\n[options]\nprofil = 'xfs'\nack = '['\ndir = 'x'\n");
  Scenario("b", "runn = 'true'\n");
  const Outcome run = Run("check s");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out, "");
  for (const char* part : {"s/b.toml:1: unknown key", "s/b.toml:1: a scenario needs run"})
    EXPECT_THAT(run.err, HasSubstr(part));
  Scenario("b", "run = 'true'\n");
  const Outcome options = Run("check s");
  EXPECT_EQ(options.exit_code, 2);
  EXPECT_THAT(options.err, HasSubstr("s/a.toml:3: "));
  EXPECT_THAT(options.err, HasSubstr("s/a.toml:5: dir cannot be an option of a scenario"));
}

TEST_F(ScenarioCliTest, ABaselineLetsOnlyNewFindingsFail) {
  const std::string check = "check --only power --write-baseline b.toml ";
  ASSERT_EQ(Run(check + kCareless).exit_code, 1);
  std::string text = ReadFile(Path("w/b.toml")).value();
  EXPECT_EQ(Run(std::string("check --only power --baseline b.toml ") + kCareless).exit_code, 2)
      << "no reason is given yet";
  for (size_t at; (at = text.find("reason = \"\"")) != std::string::npos;)
    text.replace(at, 11, "reason = \"it is a cache\"");
  ASSERT_TRUE(WriteFile(Path("w/b.toml"), text));
  const Outcome accepted = Run(std::string("check --only power --baseline b.toml ") + kCareless);
  EXPECT_EQ(accepted.exit_code, 0) << accepted.out;
  EXPECT_THAT(accepted.out, HasSubstr("accepted  it is a cache"));
  const Outcome other = Run("check --only power --baseline b.toml -- sh -c 'echo new >other.toml'");
  EXPECT_EQ(other.exit_code, 1) << "a finding of another file is new";
  EXPECT_THAT(other.out, HasSubstr("no longer found"));
}

TEST_F(CliTest, ProfilesSaysWhatACellMeansAndWhereItComesFrom) {
  const Outcome list = Run("profiles");
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("ext4,data=journal  [observed, mainstream], as ext4"));
  EXPECT_THAT(list.out, HasSubstr("f2fs  [from documentation]"));
  const Outcome row = Run("profiles xfs");
  EXPECT_THAT(row.out, HasSubstr("NEWDATA = after_io"));
  EXPECT_THAT(row.out, HasSubstr("DIRMOVE = -"));
  EXPECT_EQ(Run("profiles ext5").exit_code, 2);
  EXPECT_THAT(Run("profiles mainstream").err, HasSubstr("a set of 13 rows"));
  const auto json = nlohmann::json::parse(Run("profiles --json xfs").out);
  EXPECT_EQ(json["rows"].size(), 1u);
  EXPECT_EQ(json["rows"][0]["cells"]["REPL"]["value"], "none");
  EXPECT_TRUE(json["rows"][0]["cells"]["DIRMOVE"]["value"].is_null());
}

TEST_F(CliTest, ARowOfTheUsersOwnIsJudgedReportedAndReplayed) {
  ASSERT_TRUE(WriteFile(Path("own.toml"),
                        "[[profile]]\nname = \"kind\"\nbased-on = \"xfs\"\nsource = \"made "
                        "up\"\ncells.REPL = \"wait\"\n"));
  // What xfs loses, a file system that waits before a rename over does not: only durability is left
  // to complain about.
  const std::string own = " --profiles-file ../own.toml";
  const Outcome xfs = Run(std::string("check --only power --profile xfs ") + kCareless);
  EXPECT_THAT(xfs.out, HasSubstr("EMPTY"));
  const Outcome kind =
      Run("check --only power --profile kind --output out1 --strict" + own + " " + kCareless);
  EXPECT_EQ(kind.exit_code, 1) << kind.err;
  EXPECT_THAT(kind.out, Not(HasSubstr("EMPTY")));
  const auto json = nlohmann::json::parse(ReadFile(Path("w/out1/report.json")).value());
  const std::string table = json["profile_table"];
  EXPECT_THAT(table, HasSubstr("+"));
  const std::string bundle = json["findings"][0]["bundle"];
  const Outcome same = Run("replay " + bundle + own);
  EXPECT_EQ(same.exit_code, 1) << same.err;
  EXPECT_EQ(same.err, "");
  const Outcome gone = Run("replay " + bundle);
  EXPECT_EQ(gone.exit_code, 1) << gone.err;
  EXPECT_THAT(gone.err, HasSubstr("this table has no row kind"));
  ASSERT_TRUE(
      WriteFile(Path("own.toml"),
                "[[profile]]\nname = \"kind\"\nbased-on = \"xfs\"\nsource = \"made up\"\n"));
  EXPECT_THAT(Run("replay " + bundle + own).err,
              HasSubstr("its row kind differs: REPL wait, now none"));
  ASSERT_TRUE(WriteFile(Path("own.toml"), "[[profile]]\nname = \"kind\"\n"));
  const Outcome wrong = Run("check --only power --profile kind" + own + " " + kCareless);
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("own.toml:1: a row without a source"));
}

TEST_F(CliTest, ASignalEndsTheExplorationAtOnce) {
  // So many states of so large a file take minutes.
  ASSERT_EQ(Run("record -o t -- dd if=/dev/urandom of=f bs=1M count=16 status=none").exit_code, 0);
  const Outcome run =
      Run("check --only power --max-states 100000 --trace t & sleep 0.5; kill -TERM $!; wait $!");
  EXPECT_EQ(run.exit_code, 130) << run.out << run.err;
}

TEST_F(CliTest, AServerIsJudgedUpToTheLineThatEndsTheRun) {
  // It waits for somebody to open the pipe, which nobody does.
  const auto serve = [&](const std::string& update) {
    return Run(
        "check --only power --until '^ready$' --ack '^ready$' --setup 'mkfifo pipe' -- sh -c '" +
        update + "; echo ready; read line <pipe'");
  };
  const Outcome run = serve("echo new >t; sync t; mv t config.toml; sync .");
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  const Outcome careless = serve("echo new >config.toml");
  EXPECT_EQ(careless.exit_code, 1) << careless.out << careless.err;
  EXPECT_EQ(Run("check --only power --until '[' -- true").exit_code, 2);
}

TEST_F(CliTest, ExplainTakesABundleAndATokenAndSaysTheSame) {
  Run(std::string("check --only power ") + kCareless);
  const Outcome bundle = Run("explain " + FirstBundle());
  EXPECT_EQ(bundle.exit_code, 0) << bundle.err;
  for (const char* part :
       {"What happens, call by call", "LOST", "+      fsync(", "oldornew replay oldornew.out/"})
    EXPECT_THAT(bundle.out, HasSubstr(part));
  const auto json = nlohmann::json::parse(ReadFile(Path("w/oldornew.out/report.json")).value());
  const Outcome token =
      Run("explain --markdown '" + json["findings"][0]["token"].get<std::string>() + "'");
  EXPECT_EQ(token.exit_code, 0) << token.err;
  EXPECT_THAT(token.out, HasSubstr("## What to do"));
  EXPECT_EQ(Run("explain nothing.crash").exit_code, 2);
}

TEST_F(CliTest, WhatChangesBesideWhatIsWatchedIsFoundWhenAsked) {
  const std::string command = " -- sh -c 'echo new > config.toml; echo x > stray; echo y > a.log'";
  EXPECT_THAT(Run("check --only power --watch config.toml" + command).out,
              Not(HasSubstr("contained")));
  const Outcome run = Run("check --only power --watch config.toml --allow '*.log'" + command);
  EXPECT_THAT(run.out, HasSubstr("stray is CHANGED by the run"));
  EXPECT_THAT(run.out, Not(HasSubstr("a.log")));
}

TEST_F(CliTest, LinesOnADescriptorOfTheirOwnArePromises) {
  const std::string command =
      " -- sh -c 'echo saved >&7; echo new > t; sync t; mv t config.toml; sync . ; echo done >&7'";
  const Outcome run = Run("check --only power --json --ack-fd 7 --ack done" + command);
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  const Outcome early = Run("check --only power --json --ack-fd 7 --ack saved" + command);
  EXPECT_EQ(early.exit_code, 0) << "what was there when it was said was old: " << early.out;
  const Outcome lying =
      Run("check --only power --ack-fd 7 --ack done -- sh -c 'echo new > t; sync t; mv t "
          "config.toml; echo "
          "done >&7; sync .'");
  EXPECT_EQ(lying.exit_code, 1) << lying.out << lying.err;
  EXPECT_THAT(lying.out, HasSubstr("said \"done\""));
}

}  // namespace
}  // namespace oldornew
