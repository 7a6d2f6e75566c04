// Finding: one thing that is wrong, with all that a person needs to understand, reproduce and
// repair it. Plain data; finding/builder.h makes it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cases/case.h"
#include "model/crash_states.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "trace/trace.h"

namespace oldornew {

/// Outcome -> the profiles in which it can happen, in the table's order. An empty list: whatever
/// the file system.
using Outcomes = std::map<Outcome, std::vector<std::string>>;

/// One path that a finding is about. Findings with the same cause are one finding with several of
/// these.
struct FindingSubject {
  std::string path;
  std::string at;           ///< where in it the shown case goes wrong; often the same
  Outcomes outcomes;        ///< of this path
  std::string token;        ///< of a case that shows it
  std::string stable_path;  ///< the path as it is in every run (oracle/path_patterns.h)
};

/// One added sync of a repair: an fsync of `object` after op `after` (index into Trace::ops) has
/// returned.
struct RepairStep {
  ObjectId object = kNoObject;
  uint32_t after = 0;
  std::string text;  ///< "fsync(f.tmp) after 9 write(f.tmp, 4096 B)"
};

/// What to do about a finding.
struct Repair {
  /// Added syncs after which the finding is gone; empty: not looked for, or (with `failed`) there
  /// are none.
  std::vector<RepairStep> steps;
  /// The kinds of these syncs without names and places: "fsync file", "fsync directory".
  std::vector<std::string> calls;
  bool failed = false;
  /// Profiles, explored as a hint, in which the repair is not known to be enough.
  std::vector<std::string> unproven;
  std::string advice;  ///< what to do when no added sync helps; one sentence
};

/// One call that was made to fail, of the run that a finding is about.
struct InjectedCall {
  std::string call;   ///< "rename"
  std::string path;   ///< as of FileCall
  std::string path2;  ///< rename, link: the other one; else empty
  std::string error;  ///< "ENOSPC"; a signal: "SIGTERM"; empty: a short count or a full disk
  /// "once", "from-then-on", "though-done", "short", "filling", "full-disk", "by-hand", "signal"
  std::string way;
  uint32_t occurrence = 0;  ///< which of the calls of that kind on that path, from 1; 0: by hand
};

/// One call of a run, as data.
struct CallAt {
  uint32_t number = 0;  ///< as reports number it, from 1; 0: it left no op
  std::string call;     ///< "write"
  std::string path;
  std::string path2;  ///< rename, link: the other one; else empty
};

/// The case that reports show: of power cuts the smallest deviation from "nothing lost", in a
/// mainstream profile if there is one.
struct ShownCase {
  Case which;
  Outcome outcome = Outcome::kForeign;
  /// The call that the case happens at or after, where it is one: of kills, and of next runs the
  /// one that the state was left at.
  std::optional<CallAt> call;
  uint32_t first_point = 0;  ///< it can happen from this many ops on ...
  uint32_t last_point = 0;   ///< ... to this many
  std::vector<Effect> lost;
  /// For each of `lost`, where that could be computed: is the finding gone if this one alone had
  /// reached the disk?
  std::vector<bool> needed;
  std::vector<uint32_t> on_disk;          ///< ops that are on disk and give the subject its name
  std::map<uint32_t, std::string> marks;  ///< further ops to look at, each with a remark
  /// view, check: what the command printed; attrs: which attributes; private: the modes; contained:
  /// what changed.
  std::string evidence;
};

struct Finding {
  Oracle oracle = Oracle::kAtomic;
  std::string axis = kPowerAxis;  ///< what has to happen for it (explorers/explorer.h)
  Severity severity = Severity::kError;
  /// Reachable only in profiles that were explored but not asked for (posix): oracles.md 16.
  bool pedantic = false;
  /// All paths with this cause (oracles.md 15), the shown one first; never empty.
  std::vector<FindingSubject> subjects;
  Outcomes outcomes;                  ///< of all subjects
  std::vector<std::string> profiles;  ///< all in which it is reachable, in the table's order
  ShownCase shown;                    ///< of the first subject
  Repair repair;

  // How it came about, where the plain run does not show it.
  std::string scene;  ///< "with an empty config.toml"; empty: the recorded run
  int run = -1;       ///< index of that further run; -1: the recorded one
  /// What tells it from the others of its axis and path, the same in every run ("wedged", "write
  /// f.tmp"). May be empty.
  std::string cause;
  std::vector<InjectedCall> injected;  ///< every way that leads to it
  std::string again;                   ///< a command that makes the further run again; may be empty

  // In words.
  std::string message;      ///< one sentence: what can happen, to which file, in which profiles
  std::string explanation;  ///< one sentence: why; may be empty
  std::string window;       ///< how long the moment lasts in which the power must not go
  std::string source;       ///< program and place of the call to look at

  std::string accepted;  ///< not empty: a baseline accepts it, for this reason (gate/baseline.h)

  /// The axis of power cuts, and that of the recorded run itself (oracles private and contained).
  static constexpr const char* kPowerAxis = "power";
  static constexpr const char* kRunAxis = "run";

  const std::string& path() const { return subjects.front().path; }
  const std::string& at() const { return subjects.front().at; }
  std::string token() const { return FormatToken(shown.which); }
  /// No power needs to be lost for it.
  bool IsLive() const { return axis != kPowerAxis; }
};

/// The profiles of one entry of Outcomes as reports and expectations name them: those listed, or
/// the axis of the finding where the file system does not matter.
std::vector<std::string> Under(const Finding& finding, const std::vector<std::string>& profiles);

/// The same for the same finding in every run and on every machine, 16 hex digits: of the oracle,
/// the subject (stable_path), the kinds of the calls that repair it, and, unless it is of power
/// cuts or of the recorded run, axis and cause. Nothing of a recording is in it, no time, number,
/// address or token; nor the profiles, so that a new row of the table gives no new finding. Of
/// several paths the shown one counts; FindingIds gives the id that each path would have by itself.
std::string FindingId(const Finding& finding);
/// In the order of the subjects.
std::vector<std::string> FindingIds(const Finding& finding);

/// Data was lost of an object that a later call, which is on disk, gave its name.
bool NameBeforeData(const Trace& trace, const Finding& finding);

/// Puts the added syncs that FindRepair found, or none, into the finding.
void SetRepair(const Trace& trace, const std::vector<RepairStep>* steps, Finding* finding);

/// Place of a profile in the order of the table, for stable lists; none twice.
std::vector<std::string> InTableOrder(std::vector<std::string> names);

/// The effects that the oracle asks about (oracles.md 6).
std::vector<Effect> LostThatMatters(const Trace& trace, Oracle oracle, std::vector<Effect> lost);

}  // namespace oldornew
