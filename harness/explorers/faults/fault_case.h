// Fault cases: everything that is to go wrong in turn, made from a survey: a plain run with all its
// file calls (Plan::survey).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "explorers/faults/fault_table.h"
#include "interpose/plan.h"
#include "oracle/path_patterns.h"
#include "run/sandbox.h"
#include "trace/trace.h"

namespace oldornew {

/// How a fault comes and goes.
enum class FaultWay : uint8_t {
  kOnce,           ///< the call fails once
  kFromThenOn,     ///< and so does every later one that can meet this error
  kAfter,          ///< the call is carried out, and then reported to have failed
  kShort,          ///< part of the bytes are transferred; the next call works again
  kShortThenFull,  ///< part of the bytes, and no room from then on: a disk that fills up
  kFullDisk,       ///< a real disk with so much room
  kByHand,         ///< --inject
};
inline constexpr int kFaultWays = static_cast<int>(FaultWay::kByHand) + 1;

struct FaultCase {
  FaultWay way = FaultWay::kOnce;
  int error = 0;      ///< 0: short counts and full disks have none of their own
  std::string fault;  ///< "ENOSPC", "EIO from then on", "a short count", "EIO, though done"
  /// the last one is the case's own; before it what led to it (--fault-depth)
  std::vector<Injection> plan;
  std::optional<SpaceLimit> space;  ///< kFullDisk
  /// what the last injection is aimed at: index into the survey's file_calls; -1: no one call
  int call = -1;
};

/// The texts that --inject takes: of each injection, and "disk:free=BYTES" or "disk:inodes=N".
std::vector<std::string> PlanTexts(const FaultCase& fault);
/// Errors (usage): a text that --inject does not take.
Result<FaultCase> ParseFaultCase(const std::vector<std::string>& texts);

struct CaseOptions {
  bool all_errors = false;    ///< every row of both tables, and calls that fail in the survey too
  bool full_disks = true;     ///< cases of kFullDisk, which need a sandbox in memory
  uint64_t after_ticket = 0;  ///< only calls that began later (--fault-depth)
  std::vector<Injection> first;  ///< --fault-depth: the plan of the run that was surveyed
  /// Of so many calls that are alike (same call, path and place in the program) some are left out:
  /// the first two, those in the middle and the last are hit.
  size_t most_alike = 8;
  /// the same of calls at one place of the program, whatever their paths
  size_t most_in_a_loop = 16;
  /// of looks at one path, wherever they are made: the first, one between, the last
  size_t most_looks = 3;
};

struct FaultCases {
  std::vector<FaultCase> cases;  ///< in the order of the calls; full disks last
  uint64_t calls = 0;            ///< that are hit
  uint64_t left_out = 0;         ///< calls that are alike others
};

FaultCases MakeFaultCases(const Trace& survey, const PathPatterns& patterns,
                          const CaseOptions& options);

}  // namespace oldornew
