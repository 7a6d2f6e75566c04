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

Json OutcomesJson(const Finding& finding, const Outcomes& outcomes) {
  Json out = Json::object();
  for (const auto& [outcome, profiles] : outcomes)
    out[OutcomeName(outcome)] = Under(finding, profiles);
  return out;
}

// Every path of the finding with its own outcomes, id and token (oracles.md 15).
Json SubjectsJson(const Finding& finding) {
  const std::vector<std::string> ids = FindingIds(finding);
  Json out = Json::array();
  const std::vector<FindingSubject>& subjects = finding.subjects;
  for (size_t i = 0; i < subjects.size(); ++i) {
    const FindingSubject& subject = subjects[i];
    out.push_back({{"path", subject.path},
                   {"at", subject.at},
                   {"id", ids[i]},
                   {"outcomes", OutcomesJson(finding, subject.outcomes)},
                   {"token", subject.token}});
  }
  return out;
}

// What was made to fail, as data.
Json InjectedJson(const std::vector<InjectedCall>& calls) {
  Json out = Json::array();
  for (const InjectedCall& call : calls) {
    Json entry{{"call", call.call}, {"path", call.path}};
    if (!call.path2.empty()) entry["path2"] = call.path2;
    entry["errno"] = call.error;
    entry["way"] = call.way;
    if (call.occurrence != 0) entry["occurrence"] = call.occurrence;
    out.push_back(std::move(entry));
  }
  return out;
}

Json ShownJson(const ShownCase& shown) {
  Json out{{"profile", ProfileOf(shown.which)},
           {"outcome", OutcomeName(shown.outcome)},
           {"first_point", shown.first_point},
           {"last_point", shown.last_point}};
  if (shown.call) {
    out["call"] = {{"op", shown.call->number},
                   {"call", shown.call->call},
                   {"path", shown.call->path},
                   {"path2", shown.call->path2}};
  }
  return out;
}

Json FindingJson(const Trace& trace, const Finding& finding, const std::string& bundle) {
  Json on_disk = Json::array();
  for (const uint32_t op : finding.shown.on_disk) on_disk.push_back(CallJson(trace, op));
  Json repair = Json::array();
  for (const RepairStep& step : finding.repair.steps) repair.push_back(step.text);
  Json out{{"id", FindingId(finding)},
           {"oracle", OracleName(finding.oracle)},
           {"axis", finding.axis},
           {"severity", SeverityName(finding.severity)},
           {"pedantic", finding.pedantic},
           {"outcomes", OutcomesJson(finding, finding.outcomes)},
           {"profiles", finding.profiles},
           {"path", finding.path()},
           {"at", finding.at()},
           {"subjects", SubjectsJson(finding)},
           {"token", finding.token()},
           {"shown", ShownJson(finding.shown)},
           {"ops",
            {{"lost", LostJson(trace, finding.shown.lost, finding.shown.needed)},
             {"on_disk", std::move(on_disk)}}},
           {"message", finding.message},
           {"explanation", finding.explanation},
           {"repair", std::move(repair)},
           {"source", finding.source}};
  if (!finding.shown.marks.empty()) {
    Json marks = Json::array();
    for (const auto& [op, remark] : finding.shown.marks) {
      Json entry = CallJson(trace, op);
      if (!remark.empty()) entry["detail"] = remark;
      marks.push_back(std::move(entry));
    }
    out["ops"]["marked"] = std::move(marks);
  }
  if (!finding.repair.unproven.empty()) out["repair_unproven"] = finding.repair.unproven;
  if (!finding.repair.advice.empty()) out["cure"] = finding.repair.advice;
  if (!finding.window.empty()) out["window"] = finding.window;
  if (!finding.scene.empty()) out["scene"] = finding.scene;
  if (!finding.injected.empty()) out["injected"] = InjectedJson(finding.injected);
  if (!finding.again.empty()) out["again"] = finding.again;
  if (!finding.accepted.empty()) out["accepted"] = finding.accepted;
  if (!finding.shown.evidence.empty()) out["evidence"] = finding.shown.evidence;
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

Json AxesJson(const std::vector<AxisResult>& axes) {
  Json out = Json::array();
  for (const AxisResult& axis : axes)
    out.push_back({{"axis", axis.axis}, {"cases", axis.cases}, {"exhaustive", axis.exhaustive}});
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

Json CoverageJson(const CheckResult& result) {
  const Coverage& c = result.coverage;
  Json subjects = Json::array();
  for (const Subject& subject : result.subjects) subjects.push_back(subject.name);
  return Json{{"crash_points", c.crash_points},
              {"states_total", c.states_total},
              {"states_visited", c.states_visited},
              {"states_distinct", c.states_distinct},
              {"grain", GrainName(c.grain)},
              {"exhaustive", c.exhaustive},
              {"orders", c.orders},
              {"profiles", result.profiles},
              {"subjects", std::move(subjects)}};
}

}  // namespace

std::string JsonReport(const Report& report) {
  const CheckResult& result = *report.result;
  Json findings = Json::array();
  const bool judged = result.judgement.exit_code != ExitCode::kCannotJudge;
  for (size_t i = 0; judged && i < result.findings.size(); ++i) {
    const Finding& finding = result.findings[i];
    findings.push_back(FindingJson(result.TraceOf(finding), finding,
                                   i < report.bundles.size() ? report.bundles[i] : ""));
  }
  std::vector<std::string> notes = result.trace().notes;
  notes.insert(notes.end(), result.notes.begin(), result.notes.end());

  Json json{{"schema_version", kReportSchemaVersion},
            {"command", result.trace().command},
            {"verdict", VerdictName(result.judgement.verdict)},
            {"exit_code", static_cast<int>(result.judgement.exit_code)},
            {"reasons", result.judgement.reasons},
            {"axes", AxesJson(result.axes)},
            {"findings", std::move(findings)},
            {"coverage", result.searched ? CoverageJson(result) : Json(nullptr)},
            {"profile_table", result.profile_table},
            {"recording", RecordingJson(result.trace())},
            {"notes", notes},
            {"seconds", result.seconds}};
  if (!result.further.empty()) json["further_runs"] = FurtherJson(result.further);
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
