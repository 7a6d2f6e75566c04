#include "finding/bundle.h"

#include "base/text.h"
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
    {"outcome", &BundleHeader::outcome},
    {"ack", &BundleHeader::ack},
    {"view", &BundleHeader::view},
    {"check", &BundleHeader::check},
    {"profile-table", &BundleHeader::profile_table},
    {"row", &BundleHeader::row},
};

// Returns false for a field this version does not know.
bool SetField(std::string_view name, std::string value, BundleHeader* header) {
  if (name == "watch") {
    header->watch.push_back(std::move(value));
    return true;
  }
  if (name == "whole-directory") {
    header->whole_directory = value == "yes";
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
  for (const std::string& path : header.watch) out += fmt::format("watch: {}\n", Escape(path));
  out += fmt::format("whole-directory: {}\n\n", header.whole_directory ? "yes" : "no");
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

}  // namespace oldornew
