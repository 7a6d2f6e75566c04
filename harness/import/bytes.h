// The content of files: what the writing calls of a log put where, and how large files are.
#pragma once

#include <optional>
#include <string>

#include "import/call_records.h"
#include "import/complaints.h"
#include "import/processes.h"
#include "import/world.h"

namespace oldornew::replay {

/// Larger than what people judge, small enough that a damaged log cannot fill the memory.
inline constexpr uint64_t kMostSize = uint64_t{16} << 30;
inline constexpr const char* kTooLarge = "the file would be larger than 16 GiB";

class Bytes {
 public:
  Bytes(const Processes* processes, World* world, CallRecords* records, Complaints* complaints)
      : processes_(*processes), world_(*world), records_(*records), complaints_(*complaints) {}

  /// A write: changes the file, completes `draft` and emits it, if the file is judged. `offset`:
  /// null for writes at the position of the description.
  void WriteBytes(const StraceCall& call, RecordDraft draft, Description* file,
                  const std::string& bytes, std::optional<uint64_t> offset, bool append);

  /// Bytes that the kernel moves from file to file.
  void Transfer(const StraceCall& call, const Description& from, uint64_t from_offset,
                Description* to, std::optional<uint64_t> to_offset, uint64_t asked);

  /// A write to an output that may be listened to.
  void WriteOutput(const StraceCall& call, int fd, const Description& file,
                   const std::string& bytes, uint64_t asked);

  /// Says that what the call does depends on a size that is not known, if the file is judged.
  void SizeUnknown(const StraceCall& call, InodeIndex inode);
  void SetSize(const StraceCall& call, InodeIndex inode, uint64_t size);
  /// What the kernel does to set-user-id files that somebody without privileges writes to.
  void DropPrivileges(InodeIndex inode);

  /// What the run wrote: 1 to stdout, 2 to stderr.
  const std::string& output(int channel) const { return outputs_[channel - 1]; }

 private:
  const Processes& processes_;
  World& world_;
  CallRecords& records_;
  Complaints& complaints_;
  std::string outputs_[2];
};

}  // namespace oldornew::replay
