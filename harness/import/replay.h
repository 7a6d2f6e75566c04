// Replay: all that the calls of a log are replayed on. Each part has one job; the handlers
// (handlers.h) are functions over the whole of it.
#pragma once

#include <string>

#include "import/arguments.h"
#include "import/bytes.h"
#include "import/call_records.h"
#include "import/complaints.h"
#include "import/descriptors.h"
#include "import/learner.h"
#include "import/names.h"
#include "import/processes.h"
#include "import/world.h"
#include "interpose/strace_log.h"

namespace oldornew::replay {

struct ReplaySpec {
  const FileTree* old_tree = nullptr;  ///< --old; null: only the log tells
  const FileTree* new_tree = nullptr;  ///< --new, or null
  std::string root;  ///< absolute path of the judged directory, as the log names it
  std::string cwd;   ///< where the program started; empty: unknown
};

struct Replay {
  /// `log` has at least one event.
  Replay(const StraceLog& from, const ReplaySpec& spec, const Knowledge& knowledge);
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  const StraceLog& log;
  Complaints complaints;
  Arguments arguments;

  FileTree old_tree;
  World world;
  Learner learner;

  Processes processes;
  Births births;
  CallRecords records;

  Descriptors descriptors;
  Names names;
  Bytes bytes;
};

}  // namespace oldornew::replay
