// In-place databases (oracles.md 3): files that are torn bytewise by design and must be judged
// through --view or --check.
#pragma once

#include <string>
#include <vector>

#include "oracle/watch.h"
#include "trace/trace.h"

namespace oldornew {

/// One sentence for each subject that is a database changed in place (SQLite, LMDB, LevelDB by
/// their files; any other file whose bytes are overwritten under its own name after another file
/// was synced), with the option to use. Empty: none.
std::vector<std::string> FindInPlaceDatabases(const Trace& trace,
                                              const std::vector<Subject>& subjects);

}  // namespace oldornew
