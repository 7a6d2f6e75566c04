#include <nlohmann/json.hpp>

#include "report/report.h"

namespace oldornew {

namespace {

using Json = nlohmann::ordered_json;

// File names and outputs are bytes; JSON wants UTF-8: what is not is replaced, never dropped.
std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

const char* ExtentName(Effect::Extent extent) {
  return extent == Effect::Extent::kWhole  ? "whole"
         : extent == Effect::Extent::kPart ? "part"
                                           : "torn";
}

Json CallJson(const Trace& trace, uint32_t op) {
  return Json{{"op", op + 1}, {"call", DescribeShort(trace.ops[op])}};
}

Json LostJson(const Trace& trace, const std::vector<Effect>& lost,
              const std::vector<bool>& needed = {}) {
  Json out = Json::array();
  for (size_t i = 0; i < lost.size(); ++i) {
    const Effect& effect = lost[i];
    Json entry = CallJson(trace, effect.op);
    entry["extent"] = ExtentName(effect.extent);
    if (!effect.detail.empty()) entry["detail"] = effect.detail;
    if (i < needed.size()) entry["needed"] = static_cast<bool>(needed[i]);
    out.push_back(std::move(entry));
  }
  return out;
}

Json OutcomesJson(const std::map<Outcome, std::vector<std::string>>& outcomes) {
  Json out = Json::object();
  for (const auto& [outcome, profiles] : outcomes) out[OutcomeName(outcome)] = profiles;
  return out;
}

// Every path of the finding with its own outcomes, id and token (oracles.md 15).
Json SubjectsJson(const Finding& finding) {
  const std::vector<std::string> ids = FindingIds(finding);
  Json out = Json::array();
  const std::vector<FindingSubject> subjects = SubjectsOf(finding);
  for (size_t i = 0; i < subjects.size(); ++i) {
    const FindingSubject& subject = subjects[i];
    out.push_back({{"path", subject.path},
                   {"at", subject.at},
                   {"id", ids[i]},
                   {"outcomes", OutcomesJson(subject.outcomes)},
                   {"token", subject.token}});
  }
  return out;
}

Json FindingJson(const Trace& trace, const Finding& finding, const std::string& bundle) {
  Json on_disk = Json::array();
  for (const uint32_t op : finding.on_disk) on_disk.push_back(CallJson(trace, op));
  Json out{
      {"id", FindingId(finding)},
      {"oracle", OracleName(finding.oracle)},
      {"axis", AxisName(finding.axis)},
      {"severity", SeverityName(finding.severity)},
      {"pedantic", finding.pedantic},
      {"outcomes", OutcomesJson(finding.outcomes)},
      {"profiles", finding.profiles},
      {"path", finding.path},
      {"at", finding.at},
      {"subjects", SubjectsJson(finding)},
      {"token", finding.token},
      {"shown",
       {{"profile", finding.profile},
        {"outcome", OutcomeName(finding.shown)},
        {"first_point", finding.first_point},
        {"last_point", finding.last_point}}},
      {"ops",
       {{"lost", LostJson(trace, finding.lost, finding.needed)}, {"on_disk", std::move(on_disk)}}},
      {"message", finding.message},
      {"explanation", finding.explanation},
      {"repair", finding.repair},
      {"source", finding.source}};
  if (!finding.marks.empty()) {
    Json marks = Json::array();
    for (const auto& [op, remark] : finding.marks) {
      Json entry = CallJson(trace, op);
      if (!remark.empty()) entry["detail"] = remark;
      marks.push_back(std::move(entry));
    }
    out["ops"]["marked"] = std::move(marks);
  }
  if (!finding.unproven.empty()) out["repair_unproven"] = finding.unproven;
  if (!finding.cure.empty()) out["cure"] = finding.cure;
  if (!finding.window.empty()) out["window"] = finding.window;
  if (!finding.scene.empty()) out["scene"] = finding.scene;
  if (!finding.again.empty()) out["again"] = finding.again;
  if (!finding.accepted.empty()) out["accepted"] = finding.accepted;
  if (!finding.evidence.empty()) out["evidence"] = finding.evidence;
  if (!bundle.empty()) out["bundle"] = bundle;
  return out;
}

const char* ObstacleName(Obstacle::Kind kind) {
  return kind == Obstacle::Kind::kIncomplete    ? "incomplete"
         : kind == Obstacle::Kind::kUnsupported ? "unsupported"
         : kind == Obstacle::Kind::kUnproven    ? "unproven"
                                                : "refused";
}

const char* EndName(FurtherRun::End end) {
  static constexpr const char* kNames[] = {"as-plain", "fails", "findings", "not-judged"};
  return kNames[static_cast<size_t>(end)];
}

Json FurtherJson(const std::vector<FurtherRun>& runs) {
  Json out = Json::array();
  for (const FurtherRun& run : runs) {
    out.push_back({{"run", run.id},
                   {"scene", run.title},
                   {"end", EndName(run.end)},
                   {"said", run.said},
                   {"exit_status", run.trace.exit_status}});
  }
  return out;
}

Json AxesJson(const std::vector<AxisReport>& axes) {
  Json out = Json::array();
  for (const AxisReport& axis : axes)
    out.push_back(
        {{"axis", AxisName(axis.axis)}, {"cases", axis.cases}, {"exhaustive", axis.exhaustive}});
  return out;
}

Json RecordingJson(const Trace& trace) {
  Json obstacles = Json::array();
  for (const Obstacle& obstacle : trace.obstacles) {
    obstacles.push_back({{"kind", ObstacleName(obstacle.kind)}, {"reason", obstacle.reason}});
  }
  return Json{
      {"backend", trace.backend},         {"complete", trace.obstacles.empty()},
      {"ops", trace.ops.size()},          {"processes", trace.processes.size()},
      {"exit_status", trace.exit_status}, {"seconds", static_cast<double>(trace.duration_ns) / 1e9},
      {"file_system", trace.file_system}, {"trace", trace.Identity().Short()},
      {"obstacles", std::move(obstacles)}};
}

Json CoverageJson(const SearchResult& search) {
  const Coverage& c = search.coverage;
  return Json{{"crash_points", c.crash_points},
              {"states_total", c.states_total},
              {"states_visited", c.states_visited},
              {"states_distinct", c.states_distinct},
              {"grain", GrainName(c.grain)},
              {"exhaustive", c.exhaustive},
              {"orders", c.orders},
              {"profiles", search.profiles},
              {"subjects", search.subjects}};
}

}  // namespace

std::string JsonReport(const Report& report) {
  Json findings = Json::array();
  Json coverage = nullptr;
  std::vector<std::string> notes = report.trace->notes;
  if (report.search != nullptr) {
    const auto& list = report.search->findings;
    const bool judged = report.judgement.exit_code != ExitCode::kCannotJudge;
    for (size_t i = 0; judged && i < list.size(); ++i) {
      findings.push_back(FindingJson(TraceOf(report, list[i]), list[i],
                                     i < report.bundles.size() ? report.bundles[i] : ""));
    }
    coverage = CoverageJson(*report.search);
    notes.insert(notes.end(), report.search->notes.begin(), report.search->notes.end());
  }
  Json json{{"schema_version", kReportSchemaVersion},
            {"command", report.trace->command},
            {"verdict", VerdictName(report.judgement.verdict)},
            {"exit_code", static_cast<int>(report.judgement.exit_code)},
            {"reasons", report.judgement.reasons},
            {"axes", AxesJson(report.axes)},
            {"findings", std::move(findings)},
            {"coverage", std::move(coverage)},
            {"profile_table", report.profile_table},
            {"recording", RecordingJson(*report.trace)},
            {"notes", notes},
            {"seconds", report.seconds}};
  if (report.further != nullptr) json["further_runs"] = FurtherJson(*report.further);
  return Dump(json, 2) + "\n";
}

std::string JsonState(const Trace& trace, const CrashState& state, const std::string& token,
                      const std::string& profile) {
  Json tree = Json::object();
  for (size_t root = 0; root < trace.roots.size() && root < state.tree.roots().size(); ++root) {
    if (trace.roots[root].role != RootRole::kJudged) continue;
    for (const auto& [path, index] : state.tree.Walk(root)) {
      if (path.empty()) continue;
      const Inode& inode = state.tree.at(index);
      Json entry{{"kind", KindName(inode.kind)}, {"mode", fmt::format("{:04o}", inode.mode)}};
      if (inode.kind == FileKind::kFile) {
        entry["size"] = inode.content.size();
        entry["digest"] = inode.content.digest().Hex();
      }
      if (inode.kind == FileKind::kSymlink) entry["target"] = inode.target;
      tree[root == 0 ? path : trace.roots[root].path + "/" + path] = std::move(entry);
    }
  }
  const Json json{{"token", token},
                  {"profile", profile},
                  {"first_point", state.first_point},
                  {"last_point", state.last_point},
                  {"digest", state.digest.Hex()},
                  {"lost", LostJson(trace, state.lost)},
                  {"tree", std::move(tree)}};
  return Dump(json, -1) + "\n";
}

}  // namespace oldornew
