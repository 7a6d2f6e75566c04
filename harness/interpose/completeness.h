// The proof that a recording is complete (interposition.md 13.3), as far as one can be had without
// the trees. Each of these is an equation that holds for every complete recording, whatever the
// program does and however its processes end. Where one does not hold, something ran unseen or a
// record was lost.
//
//   calls     Per process image and system call: recorded + passed by >= returned (wire::Account).
//   bytes     Per process: what the kernel counted as written is at most what the account of the
//             process and those of the children it waited for say. (The kernel's count is wchar of
//             /proc/PID/io, which includes these children.)
//   ends      A child whose exit was reported to its parent has announced that exit.
//   threads   A thread that was made has announced itself before its process ended by exit_group or
//             exec.
//   tickets   Each is in one record, or was dropped. Asked only if no call was cut off.
//
// Forks and execs without an announcement are found by ProcessTable. Missed changes of names and
// bytes are found by FindTreeMismatches and LiveTree::surprises.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "interpose/record_view.h"
#include "interpose/wire.h"

namespace oldornew {

class Completeness {
 public:
  explicit Completeness(const wire::Header& header)
      : header_(header), tickets_(header.ticket + 1) {}

  /// Every record, in the order of the decoder.
  void Count(const RecordView& record);
  /// The records of processes, after they were counted. `who` names the process: "/bin/foo".
  static bool IsOfProcesses(wire::RecordKind kind);
  void Note(const RecordView& record, const std::string& who);

  /// The main process was seen to exit (not to be killed): its exit must have been announced.
  void MainExited() { main_exited_ = true; }

  /// One sentence for each equation that does not hold.
  std::vector<std::string> Finish();

 private:
  struct Image {  // one account
    std::string who;
    int32_t pid = 0;
    const char* counters = nullptr;  // wire::Account, in the recording
    std::array<uint32_t, wire::kAccountRoom> recorded{};
  };
  /// What is known of the kernel's count for a process.
  struct Bytes {
    bool known = false;     // base is
    uint64_t base = 0;      // the kernel's count when this image began
    uint64_t children = 0;  // of those it has waited for since
    uint32_t account = 0;
    bool shares = false;  // its parent's memory and account, until it executes something
    bool left = false;    // it said that it would not be recorded any more, or executes something
    bool ended = false;
    uint64_t last = 0;  // the kernel's count at its end
  };
  /// By thread id: made minus announced.
  using Threads = std::map<int32_t, int>;

  void NoteStart(const RecordView& record, const std::string& who);
  void NoteReaped(const RecordView& record, const std::string& who);
  void NoteExit(const RecordView& record, const std::string& who);
  void EndThreads(int32_t pid, const std::string& who);
  /// Compares the kernel's count with the accounts. `written`: of the image that ends.
  void CompareBytes(const Bytes& bytes, uint64_t written, uint64_t count, int32_t pid,
                    const std::string& who);
  wire::Account AccountOf(uint32_t number) const;
  bool Quiet(uint32_t account) const;
  void CheckCalls();

  std::map<uint32_t, Image> images_;
  std::map<int32_t, Bytes> bytes_;
  std::map<int32_t, Threads> threads_;
  std::set<int32_t> exited_;  // announced their exit, not yet reported to a parent
  const wire::Header& header_;
  std::vector<bool> tickets_;  // seen
  uint64_t tickets_seen_ = 0;
  std::set<std::string> reasons_;
  int32_t main_ = 0;
  std::string main_who_;
  bool main_exited_ = false;
  bool cut_off_ = false;  // some call was begun and never came back
};

}  // namespace oldornew
