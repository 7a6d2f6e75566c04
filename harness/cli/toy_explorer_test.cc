// A new kind of failure in fewer than 60 lines: an explorer and a row of the table of axes. All
// else, from the command line to the reports and the replay, knows it without being told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/text.h"
#include "cases/kill_states.h"
#include "cli/commands.h"
#include "finding/builder.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- the toy begins here

// Somebody trips over the power cord of a toy machine that keeps its page cache.
class ToyExplorer final : public Explorer {
 public:
  Result<Exploration> Explore(const Given& given) override {
    Exploration out;
    KillWalk walk(given.plain);
    while (walk.Next()) {
      ++out.cases;
      for (const Subject& subject : given.judged.subjects) {
        const auto inode = walk.tree().Lookup(subject.name);
        const bool empty = inode && walk.tree().at(*inode).content.empty();
        if (empty) out.findings.push_back(FindingOf(given.plain, subject.name, walk.point()));
      }
    }
    out.words = Count(out.cases, "stumble");
    return out;
  }

 private:
  static Finding FindingOf(const Trace& trace, const std::string& path, uint32_t point) {
    return FindingBuilder(trace, "toy", Oracle::kAtomic, Outcome::kEmpty)
        .At(path)
        .Case(CaseOf(trace, Kill{point}))
        .Points(point, point)
        .Message(path + " is EMPTY when somebody stumbles")
        .Build();
  }
};

AxisTable WithToy() {
  std::vector<Axis> rows = AxisTable::BuiltIn().rows();
  rows.push_back({"toy", AxisUse::kOnRequest, AxisRuns::kNever, "",
                  [](const CheckPlan&) { return std::make_unique<ToyExplorer>(); }});
  return AxisTable(std::move(rows));
}

// ---- the toy ends here

class ToyExplorerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("oldornew-toy-");
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    ASSERT_TRUE(MakeDirectories(Path("w")));
    ASSERT_TRUE(WriteFile(Path("w/f"), "old\n"));
  }

  std::string Path(const std::string& name) const { return dir_->path() + "/" + name; }

  // As the program does with these arguments; `out_` is what it prints.
  int Run(std::vector<std::string> arguments, const AxisTable& axes = WithToy()) {
    arguments.insert(arguments.begin(), "oldornew");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int exit_code = RunCommandLine(static_cast<int>(argv.size()), argv.data(), axes);
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return exit_code;
  }

  int Check(std::vector<std::string> options, const AxisTable& axes = WithToy()) {
    options.insert(options.begin(), {"check", "--dir", Path("w"), "--output", Path("o")});
    options.insert(options.end(), {"--", "sh", "-c", ": >f; echo new >f"});
    return Run(std::move(options), axes);
  }

  std::unique_ptr<TempDir> dir_;
  std::string out_;
  std::string err_;
};

TEST_F(ToyExplorerTest, IsShorterThanSixtyLines) {
  const auto text =
      ReadFile(std::string(OLDORNEW_SOURCE_DIR) + "/harness/cli/toy_explorer_test.cc");
  ASSERT_TRUE(text);
  const std::vector<std::string> lines = Split(*text, '\n');
  const auto begin = std::find(lines.begin(), lines.end(), "// ---- the toy begins here");
  const auto end = std::find(lines.begin(), lines.end(), "// ---- the toy ends here");
  ASSERT_LT(begin, end);
  EXPECT_LT(end - begin, 60);
}

TEST_F(ToyExplorerTest, ItsFindingIsInEveryReport) {
  EXPECT_EQ(Check({"--only", "toy", "--report", "json=" + Path("r.json"), "--report",
                   "junit=" + Path("r.xml")}),
            1)
      << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("f is EMPTY when somebody stumbles"), HasSubstr("stumbles")));

  const auto json = nlohmann::json::parse(ReadFile(Path("r.json")).value());
  ASSERT_EQ(json["findings"].size(), 1u);
  EXPECT_EQ(json["findings"][0]["axis"], "toy");
  EXPECT_EQ(json["axes"][0]["axis"], "toy");
  EXPECT_EQ(json["axes"][0]["cases"], 2);
  EXPECT_EQ(json["verdict"], "findings");

  EXPECT_THAT(ReadFile(Path("r.xml")).value(),
              AllOf(HasSubstr("<failure message=\"f is EMPTY when somebody stumbles\""),
                    HasSubstr("name=\"axes\" value=\"toy\"")));
}

TEST_F(ToyExplorerTest, IsExploredOnlyWhereItIsAskedFor) {
  Check({"--only", "power"});
  EXPECT_THAT(out_, Not(HasSubstr("stumble")));
  EXPECT_EQ(Check({"--only", "toy"}, AxisTable::BuiltIn()), 2);
  EXPECT_THAT(err_, HasSubstr("unknown word"));
  EXPECT_EQ(Check({"--only", "tyo"}), 2);
  EXPECT_THAT(err_, HasSubstr("toy")) << "the known words are named";
  EXPECT_EQ(Run({"check", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("toy"));
}

TEST_F(ToyExplorerTest, AScenarioExpectsIt) {
  const std::string scenario =
      "run = ': >f; echo new >f'\nonly = ['toy']\n[old]\nf = 'old'\n[expect.toy]\n";
  ASSERT_TRUE(WriteFile(Path("good.toml"), scenario + "f = 'atomic:empty'\n"));
  EXPECT_EQ(Run({"check", Path("good.toml"), "--output", Path("o")}), 0) << out_ << err_;
  ASSERT_TRUE(WriteFile(Path("wrong.toml"), scenario + "f = 'atomic:torn'\n"));
  EXPECT_EQ(Run({"check", Path("wrong.toml"), "--output", Path("o")}), 1) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("toy"));
}

TEST_F(ToyExplorerTest, ABaselineAcceptsIt) {
  EXPECT_EQ(Check({"--only", "toy", "--write-baseline", Path("b.toml")}), 1);
  std::string baseline = ReadFile(Path("b.toml")).value();
  EXPECT_THAT(baseline, HasSubstr("toy"));
  const std::string unknown = "reason = \"\"";
  const size_t at = baseline.find(unknown);
  ASSERT_NE(at, std::string::npos) << baseline;
  baseline.replace(at, unknown.size(), "reason = \"it is a toy\"");
  ASSERT_TRUE(WriteFile(Path("b.toml"), baseline));
  EXPECT_EQ(Check({"--only", "toy", "--baseline", Path("b.toml")}), 0) << out_ << err_;
  EXPECT_EQ(Check({"--only", "toy", "--baseline", Path("b.toml")}, AxisTable::BuiltIn()), 2);
}

TEST_F(ToyExplorerTest, ItsBundleReplays) {
  ASSERT_EQ(Check({"--only", "toy", "--json"}), 1);
  const std::string bundle = nlohmann::json::parse(out_)["findings"][0]["bundle"];
  EXPECT_EQ(Run({"replay", bundle}), 1) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("f is EMPTY when somebody stumbles"),
                          HasSubstr("killed after 1 of "), HasSubstr("atomic: f would be EMPTY")));
}

}  // namespace
}  // namespace oldornew
