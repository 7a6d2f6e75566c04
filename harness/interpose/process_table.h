// Processes of a run as the records tell of them, and the proof that none ran unseen
// (interposition.md 13.3).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "interpose/record_view.h"
#include "trace/trace.h"

namespace oldornew {

/// An open file description for writing, as far as we know who holds it.
struct OpenFile {
  ObjectId object = kNoObject;
  bool truncated = false;  ///< opened with O_TRUNC
  int references = 0;      ///< descriptors in all processes
  /// may have references that we do not know of: its last close is never reported
  bool uncertain = false;
};

class ProcessTable {
 public:
  explicit ProcessTable(Trace* trace) : trace_(trace) {}

  /// Handles kProcessStart, kForked, kClone, kExec, kExecFailed, and unsupported images. Returns
  /// the open files whose last descriptor went away (close on exec).
  std::vector<std::shared_ptr<OpenFile>> Handle(const RecordView& record);

  /// Index into Trace::processes. A process that never announced itself gets an entry with entered
  /// = false.
  int32_t IndexOf(int32_t pid);

  // Descriptors open for writing on regular files.
  void Open(int32_t process, int fd, ObjectId object, bool truncated, bool close_on_exec);
  void Duplicate(int32_t process, int from, int to, bool close_on_exec);
  /// Something that we do not follow (a mapping) holds the open file: its last close is never
  /// reported.
  void Hold(int32_t process, int fd);
  void SetCloseOnExec(int32_t process, int fd, bool on);
  /// The open file if this was its last descriptor, else null.
  std::shared_ptr<OpenFile> Close(int32_t process, int fd);
  std::vector<int> DescriptorsIn(int32_t process, uint32_t first, uint32_t last) const;

  /// Adds the obstacles: started but never entered.
  void Finish();

 private:
  struct Descriptor {
    std::shared_ptr<OpenFile> file;
    bool close_on_exec = false;
  };
  struct Pending {
    std::string program;
    std::vector<std::string> unsupported;
  };

  int32_t Add(int32_t pid, int32_t parent);
  void Image(const RecordView& record, int32_t process);
  void Forked(const RecordView& record);

  Trace* trace_;
  std::map<int32_t, int32_t> by_pid_;
  std::map<int32_t, int> clones_;     // by child pid: seen by parents minus announced
  std::map<int32_t, int> killed_;     // by child pid: ends by a signal, as reported to parents
  std::map<int32_t, Pending> execs_;  // by pid: tried, and neither a new image nor a failure since
  std::map<int32_t, std::map<int, Descriptor>> descriptors_;  // by process
};

/// Splits NUL-terminated strings.
std::vector<std::string> SplitNul(std::string_view bytes);

/// The executable mappings of /proc/PID/maps.
std::vector<Module> ParseMaps(std::string_view maps);

}  // namespace oldornew
