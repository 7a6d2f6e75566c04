// Rows of the user's own, from a TOML file:
//
//   [[profile]]
//   name = "appliance"
//   based-on = "ext4"             # any row, built-in or of the same file; left out: the row gives all cells
//   source = "vendor manual 4.2"  # why it is believed; required
//   mainstream = true             # optional: part of the default set
//   cells.FSYNC_DIR = "prefix"    # a cell: its value, or { value = "prefix", source = "..." }
//
// `oldornew profiles` lists the columns and their values (columns.h).
#pragma once

#include <string>
#include <string_view>

#include "model/profile.h"

namespace oldornew {

/// The built-in table and the rows in `text`, which came from `file`. Errors (usage): all that is
/// wrong in the file, "file:line: sentence" each, one to a line.
Result<ProfileTable> ParseProfileFile(std::string_view text, const std::string& file);

}  // namespace oldornew
