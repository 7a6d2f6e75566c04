// The recording file, from the launcher's side: create it before the run, look into it while and
// after it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "interpose/plan.h"
#include "interpose/wire.h"
#include "tree/file_tree.h"

namespace oldornew {

struct RecordingOptions {
  /// of the sparse file. Also the address space each process maps
  uint64_t size = wire::kDefaultSize;
  /// What is had at once, so that small runs never meet a full file system. 0: nothing, for a file
  /// system that has room.
  uint64_t first_room = uint64_t{1} << 20;
  /// EROFS means outside the sandbox: the run is stopped (set when the mount namespace makes all
  /// else read-only).
  bool refuse_read_only = false;
  /// Without a mount namespace: directories below which the program may change files, checked
  /// before each call.
  std::vector<DiskId> allowed_roots;
  /// Open descriptors of the launcher whose writes are acknowledgements; first = the number they
  /// have for people (1 stdout, 2 stderr), second = a descriptor open on the same pipe, tty or
  /// file. Empty: by the numbers 1 and 2.
  std::vector<std::pair<int, int>> channels;
  /// What shall go wrong, to calls on something at or below `roots`: directories, absolute, as the
  /// program sees them, the judged one first. REQUIRES: none of them is empty or ends in a slash.
  Plan plan;
  std::vector<std::string> roots;
};

/// Creates `path` (it may not exist) as an empty recording. Mode 0666 so that a program that drops
/// its privileges can still record. Errors: the path and why.
Status CreateRecordingFile(const std::string& path, const RecordingOptions& options = {});

/// A recording mapped for reading. Works on one that is still being written.
class RecordingFile {
 public:
  static Result<RecordingFile> Open(const std::string& path);
  RecordingFile(RecordingFile&& other) noexcept;
  RecordingFile& operator=(RecordingFile&& other) noexcept;
  ~RecordingFile();

  const wire::Header& header() const { return *reinterpret_cast<const wire::Header*>(base_); }
  const char* records() const { return base_ + wire::kHeaderSize; }
  /// Bytes of records that may be looked at: tail, cut at the file's size.
  uint64_t records_size() const;
  /// Sum of Header::calls.
  uint64_t calls_seen() const;

 private:
  RecordingFile(char* base, uint64_t size) : base_(base), size_(size) {}
  char* base_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace oldornew
