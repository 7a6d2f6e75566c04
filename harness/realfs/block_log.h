// BlockLog: what a file system asked of its disk, in order, and the disks that a power cut can
// leave of it.
//
// A recorder (recorder_main.cc) serves a disk image. It logs every write when it is done and every
// flush when it arrives (persistence-model.md 2 and 5). A write that was done before a flush
// arrived is on the disk from the moment that flush is answered; of the writes since, any subset
// can be. Sectors are not taken apart: a unit is 4096 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oldornew {

struct BlockEvent {
  enum class Kind : uint8_t { kWrite = 1, kFlush = 2, kMark = 3 };
  Kind kind = Kind::kWrite;
  uint64_t offset = 0;
  std::string data;  ///< kMark: its name
};

/// Bytes of one event, as the recorder appends them to the log file: kind, offset, length (little
/// endian), data.
std::string EncodeEvent(BlockEvent::Kind kind, uint64_t offset, std::string_view data);

/// Errors: a log that ends in the middle of an event, or holds an unknown one; names the offset.
/// Writes of file data longer than a unit are split into units.
Result<std::vector<BlockEvent>> DecodeBlockLog(std::string_view bytes);

/// Is this block file data of a litmus test: one letter all over?
bool IsLetterData(std::string_view block);

/// One disk that a power cut can leave: the base image with these writes of the log (indices,
/// ascending).
struct CrashImage {
  uint32_t position = 0;  ///< events [0, position) had happened
  std::vector<uint32_t> writes;
};

struct ImageBounds {
  /// images in all; more are thinned out evenly, first and last stay
  size_t most = 120;
  /// random ones, in addition to none, all but one, and one alone
  size_t subsets_per_epoch = 6;
  uint64_t seed = 1;
};

/// Every prefix of the log from event `start` on, and at the end of each epoch (before a flush, a
/// mark, the end) subsets of the writes that no flush has covered. Deterministic; no two alike.
std::vector<CrashImage> CrashImages(const std::vector<BlockEvent>& log, uint32_t start,
                                    const ImageBounds& bounds);

}  // namespace oldornew
