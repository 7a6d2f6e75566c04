#include "finding/bundle.h"

#include <cstdio>

#include "base/text.h"
#include "oracle/path_patterns.h"
#include "trace/format.h"

namespace oldornew {

namespace {

constexpr std::string_view kMagic = "OLDORNEW.CRASH ";

// One line per value: newlines and backslashes are escaped.
std::string Escape(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Unescape(std::string_view value) {
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) {
      ++i;
      out += value[i] == 'n' ? '\n' : value[i];
    } else {
      out += value[i];
    }
  }
  return out;
}

struct TextField {
  std::string_view name;
  std::string BundleHeader::* member;
};

constexpr TextField kTextFields[] = {
    {"message", &BundleHeader::message},
    {"token", &BundleHeader::token},
    {"oracle", &BundleHeader::oracle},
    {"path", &BundleHeader::path},
    {"axis", &BundleHeader::axis},
    {"outcome", &BundleHeader::outcome},
    {"ack", &BundleHeader::ack},
    {"ack-fd", &BundleHeader::ack_fd},
    {"view", &BundleHeader::view},
    {"check", &BundleHeader::check},
    {"profile-table", &BundleHeader::profile_table},
    {"row", &BundleHeader::row},
    {"cure", &BundleHeader::cure},
    {"evidence", &BundleHeader::evidence},
};

struct ListField {
  std::string_view name;
  std::vector<std::string> BundleHeader::* member;
};

constexpr ListField kListFields[] = {{"watch", &BundleHeader::watch},
                                     {"can-be", &BundleHeader::outcomes},
                                     {"repair", &BundleHeader::repair},
                                     {"also", &BundleHeader::subjects},
                                     {"unproven", &BundleHeader::unproven}};

struct FlagField {
  std::string_view name;
  bool BundleHeader::* member;
};

constexpr FlagField kFlagFields[] = {{"whole-directory", &BundleHeader::whole_directory},
                                     {"no-repair", &BundleHeader::repair_failed}};

// Returns false for a field this version does not know.
bool SetField(std::string_view name, std::string value, BundleHeader* header) {
  for (const ListField& field : kListFields) {
    if (field.name != name) continue;
    (header->*field.member).push_back(std::move(value));
    return true;
  }
  for (const FlagField& field : kFlagFields) {
    if (field.name != name) continue;
    header->*field.member = value == "yes";
    return true;
  }
  for (const TextField& field : kTextFields) {
    if (field.name != name) continue;
    header->*field.member = std::move(value);
    return true;
  }
  return false;
}

}  // namespace

std::string EncodeBundle(const BundleHeader& header, const Trace& trace) {
  std::string out = fmt::format("{}{}\n", kMagic, kBundleVersion);
  for (const TextField& field : kTextFields) {
    const std::string& value = header.*field.member;
    if (!value.empty()) out += fmt::format("{}: {}\n", field.name, Escape(value));
  }
  for (const ListField& field : kListFields) {
    for (const std::string& value : header.*field.member)
      out += fmt::format("{}: {}\n", field.name, Escape(value));
  }
  for (const FlagField& field : kFlagFields) {
    if (header.*field.member) out += fmt::format("{}: yes\n", field.name);
  }
  out += "\n";
  return out + EncodeTrace(trace);
}

Result<Bundle> DecodeBundle(std::string_view bytes) {
  if (!bytes.starts_with(kMagic))
    return FailWith(ExitCode::kUsage, "not a .crash bundle (bad magic at byte 0)");
  const size_t first_end = bytes.find('\n');
  const std::string version(bytes.substr(kMagic.size(), first_end - kMagic.size()));
  if (first_end == std::string_view::npos || version != std::to_string(kBundleVersion)) {
    return FailWith(ExitCode::kUsage, "line 1: bundle version {}, this program reads version {}",
                    Quote(version), kBundleVersion);
  }
  Bundle bundle;
  size_t at = first_end + 1;
  for (int number = 2;; ++number) {
    const size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos)
      return FailWith(ExitCode::kUsage, "line {}: the header does not end", number);
    const std::string_view line = bytes.substr(at, end - at);
    at = end + 1;
    if (line.empty()) break;
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos ||
        !SetField(line.substr(0, colon), Unescape(line.substr(colon + 2)), &bundle.header)) {
      return FailWith(ExitCode::kUsage, "line {}: unknown field {}", number, Quote(line, 40));
    }
  }
  if (bundle.header.token.empty()) return FailWith(ExitCode::kUsage, "the header lacks a token");
  ASSIGN_OR_RETURN(bundle.trace, DecodeTrace(bytes.substr(at)));
  return bundle;
}

BundleHeader HeaderOf(const Trace& trace, const Finding& finding, const Subject* subject) {
  BundleHeader header;
  header.token = finding.token();
  header.oracle = OracleName(finding.oracle);
  header.path = finding.path();
  header.axis = finding.axis;
  header.outcome = OutcomeName(finding.shown.outcome);
  header.message = finding.message;
  header.cure = finding.repair.advice;
  header.evidence = finding.shown.evidence;
  header.repair_failed = finding.repair.failed;
  header.unproven = finding.repair.unproven;
  if (subject != nullptr) {
    header.whole_directory = subject->whole_directory;
    for (const Place& place : subject->places) header.watch.push_back(ShowPlace(trace, place));
  }
  for (const auto& [outcome, profiles] : finding.outcomes)
    header.outcomes.push_back(
        fmt::format("{}: {}", OutcomeName(outcome), Join(Under(finding, profiles), " ")));
  for (const RepairStep& step : finding.repair.steps)
    header.repair.push_back(fmt::format("{} {} {}", step.object, step.after, step.text));
  for (size_t i = 1; i < finding.subjects.size(); ++i)
    header.subjects.push_back(finding.subjects[i].path);
  return header;
}

namespace {

tl::unexpected<Error> BadHeader(const char* field, const std::string& value) {
  return FailWith(ExitCode::kUsage, "the bundle's header: {} says nothing known: {}", field,
                  Quote(value));
}

Status ReadOutcomes(const BundleHeader& header, Finding* finding) {
  for (const std::string& line : header.outcomes) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) return BadHeader("can-be", line);
    ASSIGN_OR_RETURN(const Outcome outcome, ParseOutcome(line.substr(0, colon)));
    finding->outcomes[outcome];
    for (const std::string& profile : Split(line.substr(colon + 2), ' ')) {
      if (profile == finding->axis) continue;  // the file system does not matter
      finding->outcomes[outcome].push_back(profile);
      finding->profiles.push_back(profile);
    }
  }
  finding->profiles = InTableOrder(std::move(finding->profiles));
  return {};
}

Status ReadRepair(const Bundle& bundle, Finding* finding) {
  std::vector<RepairStep> steps;
  for (const std::string& line : bundle.header.repair) {
    RepairStep step;
    int length = 0;
    if (std::sscanf(line.c_str(), "%d %u %n", &step.object, &step.after, &length) != 2 ||
        step.object < 0 || static_cast<size_t>(step.object) >= bundle.trace.objects.size() ||
        step.after >= bundle.trace.ops.size())
      return BadHeader("repair", line);
    step.text = line.substr(static_cast<size_t>(length));
    steps.push_back(std::move(step));
  }
  if (!steps.empty()) SetRepair(bundle.trace, &steps, finding);
  return {};
}

}  // namespace

Result<AckRule> AckOf(const BundleHeader& header) {
  if (header.ack_fd.empty()) return ParseAck(header.ack);
  int fd = -1;
  if (std::sscanf(header.ack_fd.c_str(), "%d", &fd) != 1 || fd < 0)
    return BadHeader("ack-fd", header.ack_fd);
  return ParseAck(header.ack, header.ack != "exit", fd);
}

Result<std::optional<Subject>> SubjectOf(const Bundle& bundle) {
  if (bundle.header.watch.empty()) return std::nullopt;
  Subject subject;
  subject.name = bundle.header.path;
  subject.whole_directory = bundle.header.whole_directory;
  for (const std::string& path : bundle.header.watch) {
    ASSIGN_OR_RETURN(const Place place, FindPlace(bundle.trace, path));
    subject.places.push_back(place);
  }
  return subject;
}

namespace {

// Bundles that do not say it are of power cuts or of kills.
std::string AxisOf(const BundleHeader& header, const Case& which) {
  if (!header.axis.empty()) return header.axis;
  if (which.As<Kill>() != nullptr) return "kill";
  return which.As<Moment>() != nullptr ? Finding::kRunAxis : Finding::kPowerAxis;
}

}  // namespace

Result<Finding> FindingOf(const Bundle& bundle, const Profile* row) {
  const BundleHeader& header = bundle.header;
  const Trace& trace = bundle.trace;
  Finding finding;
  ASSIGN_OR_RETURN(finding.oracle, ParseOracle(header.oracle));
  ShownCase& shown = finding.shown;
  ASSIGN_OR_RETURN(shown.outcome, ParseOutcome(header.outcome));
  ASSIGN_OR_RETURN(shown.which, ParseToken(header.token));
  finding.axis = AxisOf(header, shown.which);

  ASSIGN_OR_RETURN(const std::optional<Subject> subject, SubjectOf(bundle));
  const Projection projection = subject ? ProjectionOf(trace, *subject) : Projection{{""}};
  ASSIGN_OR_RETURN(const CrashState state, Realise(trace, shown.which, projection, row));
  shown.first_point = state.first_point;
  shown.last_point = state.last_point;
  shown.lost = LostThatMatters(trace, finding.oracle, state.lost);
  shown.on_disk = state.named_by;
  shown.evidence = header.evidence;

  finding.message = header.message;
  finding.repair.advice = header.cure;
  finding.repair.failed = header.repair_failed;
  finding.repair.unproven = header.unproven;
  RETURN_IF_ERROR(ReadOutcomes(header, &finding));
  if (finding.outcomes.empty()) {
    finding.profiles = {ProfileOf(shown.which)};
    finding.outcomes[shown.outcome] = finding.profiles;
  }
  RETURN_IF_ERROR(ReadRepair(bundle, &finding));

  finding.subjects = {{header.path, header.path, finding.outcomes, header.token,
                       SubjectPattern(trace, header.path)}};
  for (const std::string& path : header.subjects)
    finding.subjects.push_back({path, path, {}, "", SubjectPattern(trace, path)});
  return finding;
}

}  // namespace oldornew
