#include "finding/window.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {

namespace {

enum class Kind : uint8_t {
  kNone,     // no crash is needed
  kRunning,  // while the program runs
  kName,     // until a change of names, sizes or attributes is on disk
  kData,     // from a name on disk to the data it names
  kInPlace,  // until all of the bytes written over are on disk
};

Kind KindOf(const Trace& trace, const Finding& finding) {
  if (finding.axis == Finding::kRunAxis) return Kind::kNone;
  if (finding.shown.lost.empty()) return Kind::kRunning;
  const bool data =
      std::any_of(finding.shown.lost.begin(), finding.shown.lost.end(),
                  [&](const Effect& effect) { return ChangesData(trace.ops[effect.op].kind); });
  if (!data) return Kind::kName;
  if (finding.oracle == Oracle::kDurable)
    return finding.shown.on_disk.empty() ? Kind::kInPlace : Kind::kName;
  return NameBeforeData(trace, finding) ? Kind::kData : Kind::kInPlace;
}

struct Family {
  const char* name;
  int until_name;  // seconds; 0: without bound
  int until_data;
  const char* why_name;
  const char* why_data;
};

constexpr Family kFamilies[] = {
    {"ext4", 5, 25, "the journal is committed every 5 s (mount option commit=)",
     "the name is in the journal after 5 s, the data is written back after 30 s "
     "(vm.dirty_expire_centisecs)"},
    {"xfs", 30, 30, "the log is written back within 30 s, or with the next fsync of anything",
     "the log with the name can be written long before the data, and the next fsync of anything "
     "writes it at "
     "once"},
    {"btrfs", 30, 30, "a transaction is committed every 30 s",
     "the transaction with the name is committed every 30 s and does not wait for the data"},
    {"f2fs", 60, 60, "a checkpoint is written every 60 s",
     "the checkpoint does not wait for the data"},
    {"posix", 0, 0, "POSIX promises nothing before a sync has returned",
     "POSIX promises nothing before a sync has returned"},
};
constexpr int kWriteback = 30;

std::vector<const Family*> Reached(const Finding& finding) {
  std::vector<const Family*> out;
  for (const Family& family : kFamilies) {
    const auto is_of = [&](const std::string& profile) {
      return profile.substr(0, profile.find_first_of(",@:")) == family.name;
    };
    if (std::any_of(finding.profiles.begin(), finding.profiles.end(), is_of))
      out.push_back(&family);
  }
  return out;
}

int SecondsOf(const Family& family, Kind kind) {
  if (family.until_name == 0) return 0;
  return kind == Kind::kName   ? family.until_name
         : kind == Kind::kData ? family.until_data
                               : kWriteback;
}

}  // namespace

std::string DescribeWindow(const Trace& trace, const Finding& finding) {
  const Kind kind = KindOf(trace, finding);
  if (kind == Kind::kNone) return {};
  if (kind == Kind::kRunning)
    return "while the program is between these calls; a kill leaves it like this too";
  // Families with the same time share a word: "30 s on xfs and btrfs".
  std::vector<std::pair<int, std::vector<std::string>>> groups;
  for (const Family* family : Reached(finding)) {
    const int seconds = SecondsOf(*family, kind);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& g) { return g.first == seconds; });
    if (group == groups.end()) group = groups.insert(groups.end(), {seconds, {}});
    group->second.emplace_back(family->name);
  }
  std::vector<std::string> parts;
  for (const auto& [seconds, names] : groups) {
    parts.push_back(fmt::format("{} on {}",
                                seconds == 0 ? "without bound" : fmt::format("up to {} s", seconds),
                                Join(names, " and ")));
  }
  return Join(parts, ", ");
}

std::vector<std::string> ExplainWindow(const Trace& trace, const Finding& finding) {
  const Kind kind = KindOf(trace, finding);
  if (kind == Kind::kNone) return {};
  if (kind == Kind::kRunning) return {"It lasts " + DescribeWindow(trace, finding) + "."};
  std::vector<std::string> out;
  for (const Family* family : Reached(finding)) {
    const int seconds = SecondsOf(*family, kind);
    const char* why = kind == Kind::kName ? family->why_name
                      : kind == Kind::kData
                          ? family->why_data
                          : "changed bytes are written back after 30 s (vm.dirty_expire_centisecs)";
    out.push_back(fmt::format("{}: {}, for {} [persistence-model.md 3 (f)]", family->name,
                              seconds == 0 ? "without bound" : fmt::format("up to {} s", seconds),
                              why));
  }
  return out;
}

}  // namespace oldornew
