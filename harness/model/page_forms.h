// How one page can read after a power cut: its versions, torn mixtures of two of them, and what of
// it a shorter file shows.
#pragma once

#include <cstdint>
#include <vector>

#include "model/data_timelines.h"
#include "model/space.h"

namespace oldornew {

/// Number of versions at or before `pos`, which is the index of the version the page has then.
uint32_t VersionAt(const PageLife& life, Position pos);

/// Version 0 is the base; null reads as zeros.
const PageRef& PageOf(const PageLife& life, uint32_t version);

/// Bit k: sector k (512 bytes) of the two pages differs.
uint32_t DifferingSectors(const PageRef& a, const PageRef& b);

/// The torn forms worth telling apart, as sets of sectors that have the new version (rule torn).
std::vector<uint32_t> TornMasks(uint32_t differing, Grain grain);
PageRef TornPage(const PageRef& under, const PageRef& over, uint32_t sectors);

/// Page number `index` as it reads in a file of this size.
PageRef CutToSize(const PageRef& page, uint64_t index, uint64_t size);

/// With META_ORDER=none a page is one cell through all its lives: its values in order of time, as
/// one life. `fresh` gets the indices of values that are a block in which nothing of this file has
/// landed.
PageLife Flatten(const std::vector<PageLife>& lives, std::vector<uint32_t>* fresh);

/// Do these pages change at the same positions?
bool ChangeTogether(const std::vector<PageVersion>& a, const std::vector<PageVersion>& b);

}  // namespace oldornew
