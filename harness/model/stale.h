// Stale bytes: what a page reads as when its disk block was allocated but never written
// (model.md, rule stale-pattern).
#pragma once

#include <cstdint>

#include "tree/content.h"

namespace oldornew {

/// The fixed pattern that stands for "whatever the disk block held before": no text (each byte is
/// one that valid UTF-8 never has, 0xF5 to 0xFF), different for each (object, page).
PageRef StalePage(uint64_t object, uint64_t page);

/// True when some 512-byte sector of the page consists of such bytes and shows at least two
/// different ones.
bool ContainsStaleBytes(const PageRef& page);

}  // namespace oldornew
