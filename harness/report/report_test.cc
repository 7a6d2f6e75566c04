#include "report/report.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cases/case.h"
#include "check/check.h"
#include "model/testing/trace_builder.h"
#include "report/explain.h"
#include "trace/format.h"

namespace oldornew {
namespace {

// Golden files lie in harness/report/testdata. OLDORNEW_UPDATE_GOLDEN=1 in the environment rewrites
// them.
void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = std::string(OLDORNEW_SOURCE_DIR) + "/harness/report/testdata/" + name;
  if (std::getenv("OLDORNEW_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFile(path, text));
    return;
  }
  const auto golden = ReadFile(path);
  ASSERT_TRUE(golden) << golden.error().message;
  EXPECT_EQ(text, *golden) << "golden file " << name << "; OLDORNEW_UPDATE_GOLDEN=1 rewrites it";
}

class ReportTest : public ::testing::Test {
 protected:
  // A whole check of the trace, of power cuts alone, with times and table version that never
  // change.
  void Check(Trace trace) {
    trace.command = {"writer", "--in", "a b"};
    trace.processes = {{7, -1, "/usr/bin/writer", {"writer"}, true, {}}};
    trace.duration_ns = 1'500'000;
    trace.notes = {"running as root: permission errors (EACCES) never happen by themselves"};
    const auto dir = TempDir::Create("oldornew-report-");
    ASSERT_TRUE(dir);
    const std::string path = dir->path() + "/run.trace";
    ASSERT_TRUE(WriteTrace(trace, path));

    CheckPlan plan;
    plan.source = SavedTrace{path};
    plan.space.profiles = SelectProfiles({"ext4", "xfs", "btrfs"}).value();
    plan.space.pedantic = SelectProfiles({"posix"}).value();
    plan.axes = {Finding::kPowerAxis};
    plan.jobs = 1;
    auto result = oldornew::Check(std::move(plan));
    ASSERT_TRUE(result) << result.error().message;
    result_ = std::move(*result);
    result_->profile_table = "2-0123abcd";  // the real one changes with every cell of the table
    result_->seconds = 0.0125;
    result_->explore_seconds = 0.0021;
    for (AxisResult& axis : result_->axes) axis.cases = 0;

    report_ = {result_.get(), {}, "oldornew.out/report.json"};
    for (const Finding& finding : result_->findings)
      report_.bundles.push_back("oldornew.out/" + HashBytes(finding.token()).Short() + ".crash");
  }

  void ExpectAllGolden(const std::string& name) {
    ExpectGolden(name + ".txt", TextReport(report_, false));
    ExpectGolden(name + ".json", JsonReport(report_));
    ExpectGolden(name + ".xml", JunitReport(report_));
  }

  std::unique_ptr<CheckResult> result_;
  Report report_;
};

TraceBuilder Careless() {
  TraceBuilder builder;
  builder.OldFile("config.toml", "x = \"old\"\n")
      .Create("t")
      .Write("t", 0, "x = \"new\"\n")
      .Rename("t", "config.toml");
  return builder;
}

TEST_F(ReportTest, FindingsInAllFormats) {
  Check(Careless().Exit().Build());
  ExpectAllGolden("findings");
}

TEST_F(ReportTest, CleanInAllFormats) {
  Check(TraceBuilder()
            .OldFile("config.toml", "x = \"old\"\n")
            .Create("t")
            .Write("t", 0, "x = \"new\"\n")
            .Fsync("t")
            .Rename("t", "config.toml")
            .Fsync("")
            .Exit()
            .Build());
  ExpectAllGolden("clean");
}

TEST_F(ReportTest, CannotJudgeInAllFormats) {
  Trace trace = Careless().Exit().Build();
  trace.obstacles = {
      {Obstacle::Kind::kUnsupported,
       "static-writer is statically linked: it cannot load the recorder"},
      {Obstacle::Kind::kIncomplete, "f holds 3 B that no recorded call wrote (recorded: 0 B)"}};
  Check(std::move(trace));
  ExpectAllGolden("cannot_judge");
}

TEST_F(ReportTest, BaselineFailedInAllFormats) {
  Trace trace = Careless().Exit(2).Build();
  trace.exit_status = 2;
  trace.stderr_bytes = "writer: <no> such \"file\"\n";
  Check(std::move(trace));
  ExpectAllGolden("baseline_failed");
}

TEST_F(ReportTest, ColourAddsOnlyEscapeSequences) {
  Check(Careless().Exit().Build());
  std::string coloured = TextReport(report_, true);
  EXPECT_NE(coloured, TextReport(report_, false));
  for (size_t at = coloured.find('\033'); at != std::string::npos; at = coloured.find('\033')) {
    coloured.erase(at, coloured.find('m', at) + 1 - at);
  }
  EXPECT_EQ(coloured, TextReport(report_, false));
}

// What explain says of the finding of that number, as text and as Markdown.
void ExpectExplained(const CheckResult& result, size_t number, const std::string& name) {
  const Trace& trace = result.trace();
  ASSERT_LT(number, result.findings.size());
  const Finding& finding = result.findings[number];
  const Subject subject{finding.path(), {FindPlace(trace, finding.path()).value()}, false};
  const ExplainInput input{&trace, &finding, &subject, nullptr,
                           "oldornew replay oldornew.out/x.crash"};
  ExpectGolden(name + ".txt", ExplainFinding(input, false).value());
  ExpectGolden(name + ".md", ExplainFinding(input, true).value());
}

TEST_F(ReportTest, ExplainTellsWhatHappenedAndWhatToDo) {
  Check(Careless().Exit().Build());
  ExpectExplained(*result_, 0, "explain_atomic");
  ExpectExplained(*result_, 1, "explain_durable");
}

TEST_F(ReportTest, ExplainTellsWhoCouldReadASecret) {
  TraceBuilder builder;
  builder.OldFile("key", "password = old\n").OldMode("key", 0600);
  Check(builder.Create("t", 0644)
            .Write("t", 0, "password = new\n")
            .Chmod("t", 0600)
            .Fsync("t")
            .Rename("t", "key")
            .Fsync("")
            .Exit()
            .Build());
  ExpectExplained(*result_, 0, "explain_private");
}

// No line of a text explanation is broken in the middle of what it quotes, and Markdown never
// leaves a fence open.
TEST_F(ReportTest, ExplainsEveryFindingOfManyTraces) {
  std::vector<Trace> traces;
  traces.push_back(TraceBuilder()
                       .OldFile("f", "one\n")
                       .OpenTruncate("f")
                       .Write("f", 0, "two\n")
                       .Close("f")
                       .Exit()
                       .Build());
  traces.push_back(TraceBuilder().OldFile("f", "one\n").Append("f", "two\n").Exit().Build());
  traces.push_back(TraceBuilder().OldFile("f", "one\n").Unlink("f").Exit().Build());
  traces.push_back(
      TraceBuilder().OldSymlink("f", "a").Unlink("f").Symlink("f", "b").Exit().Build());
  traces.push_back(TraceBuilder()
                       .OldFile("f", "one\n")
                       .Create("t")
                       .Rename("t", "f")
                       .Chmod("f", 0600)
                       .Exit()
                       .Build());
  for (Trace& trace : traces) {
    Check(std::move(trace));
    EXPECT_FALSE(result_->findings.empty());
    for (const Finding& finding : result_->findings) {
      const Subject subject{
          finding.path(), {FindPlace(result_->trace(), finding.path()).value()}, false};
      const ExplainInput input{&result_->trace(), &finding, &subject, nullptr, "oldornew replay x"};
      const auto text = ExplainFinding(input, true);
      ASSERT_TRUE(text) << text.error().message;
      size_t fences = 0;
      for (size_t at = text->find("```"); at != std::string::npos; at = text->find("```", at + 3))
        ++fences;
      EXPECT_EQ(fences % 2, 0u) << *text;
      EXPECT_NE(text->find("## What to do"), std::string::npos);
    }
  }
}

// The fields that the schema requires, and no others than it knows, at each level.
void ExpectMatches(const nlohmann::json& schema, const nlohmann::json& node,
                   const nlohmann::json& value, const std::string& where) {
  if (node.contains("$ref")) {
    const std::string name = node["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
    return ExpectMatches(schema, schema["$defs"][name], value, where);
  }
  if (node.contains("oneOf")) {
    if (!value.is_null()) ExpectMatches(schema, node["oneOf"][1], value, where);
    return;
  }
  if (node.contains("enum")) {
    EXPECT_NE(std::find(node["enum"].begin(), node["enum"].end(), value), node["enum"].end())
        << where << " = " << value;
  }
  if (value.is_array() && node.contains("items")) {
    for (const auto& item : value) ExpectMatches(schema, node["items"], item, where + "[]");
  }
  if (!value.is_object() || !node.contains("properties")) return;
  for (const auto& field : node.value("required", nlohmann::json::array())) {
    EXPECT_TRUE(value.contains(field.get<std::string>())) << where << " lacks " << field;
  }
  for (const auto& [key, field] : value.items()) {
    if (!node["properties"].contains(key)) {
      ADD_FAILURE() << where << "." << key << " is not in the schema";
    } else {
      ExpectMatches(schema, node["properties"][key], field, where + "." + key);
    }
  }
}

TEST_F(ReportTest, EveryJsonReportMatchesTheWrittenSchema) {
  const auto schema = nlohmann::json::parse(
      ReadFile(std::string(OLDORNEW_SOURCE_DIR) + "/docs/report-schema.json").value());
  Check(Careless().Exit().Build());
  ExpectMatches(schema, schema, nlohmann::json::parse(JsonReport(report_)), "report");
  Trace trace = Careless().Exit().Build();
  trace.obstacles = {{Obstacle::Kind::kRefused, "would write /etc/passwd"}};
  Check(std::move(trace));
  ExpectMatches(schema, schema, nlohmann::json::parse(JsonReport(report_)), "report");
}

TEST_F(ReportTest, NamesThatAreNoTextSurviveAsReplacements) {
  Check(TraceBuilder()
            .Create("bad\xff"
                    "name")
            .Write("bad\xff"
                   "name",
                   0, "x")
            .Exit()
            .Build());
  EXPECT_TRUE(nlohmann::json::accept(JsonReport(report_)));
}

TEST_F(ReportTest, AStateIsOneLineOfJsonWithEveryPath) {
  Check(Careless().Exit().Build());
  const auto state = Realise(result_->trace(), ParseToken(result_->findings[0].token()).value());
  ASSERT_TRUE(state);
  const std::string line = JsonState(result_->trace(), *state, result_->findings[0].token(), "xfs");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto json = nlohmann::json::parse(line);
  EXPECT_TRUE(json["tree"].contains("config.toml"));
  EXPECT_EQ(json["tree"]["config.toml"]["kind"], "file");
}

}  // namespace
}  // namespace oldornew
