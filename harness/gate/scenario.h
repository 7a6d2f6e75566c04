// Scenario: a program, the files it finds, how it is to be judged, and what is known to be true of
// it, as one TOML file that people write and keep beside their code (docs/scenarios.md).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/toml.h"
#include "gate/expectation.h"
#include "tree/file_tree.h"

namespace oldornew {

/// An option of `oldornew check`, as [options] names it: without the dashes.
struct ScenarioOption {
  std::string name;
  std::vector<std::string> values;  ///< for flags: empty (true); false is left out
  uint32_t line = 0;
};

struct Scenario {
  std::string file;  ///< as given
  std::string name;  ///< unique among those loaded together; default: the file's name without .toml
  /// programs that must be installed; else the scenario is skipped
  std::vector<std::string> needs;
  /// shell text, run un-recorded in an empty directory: skipped unless it exits 0
  std::string only_if;
  std::string setup;  ///< shell text run first, un-recorded, in the directory; may be empty
  std::vector<std::string> run;  ///< program and arguments
  /// judge a copy of this one, relative to the file; empty: one made of `old`
  std::string directory;
  FileTree old;  ///< files before setup
  std::vector<ScenarioOption> options;
  Expectation expect;
};

/// Loads files and, of directories, all *.toml in them in byte order (not deeper). Errors (usage):
/// every mistake in every file with its line; a path that does not exist; a directory without
/// scenarios; a name that stands twice.
Result<std::vector<Scenario>> LoadScenarios(const std::vector<std::string>& paths,
                                            const AxisTable& axes);

/// One scenario from text. Mistakes go to `problems`.
Scenario ReadScenario(const TomlTable& table, const std::string& file, const AxisTable& axes,
                      TomlProblems* problems);

}  // namespace oldornew
