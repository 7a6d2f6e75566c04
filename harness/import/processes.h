// The processes of a replayed run: which threads there are, and what each process has open, where
// it stands and what it maps.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "import/world.h"
#include "interpose/strace_log.h"

namespace oldornew::replay {

/// An open file description.
struct Description {
  InodeIndex inode = kNoInode;
  uint64_t offset = 0;
  bool offset_known = true;
  uint64_t flags = 0;
  int channel = -1;  ///< an output that may be listened to: 1 stdout, 2 stderr, else its number

  bool writable() const { return (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0; }
};

struct FdTable {
  struct Slot {
    std::shared_ptr<Description> file;
    bool close_on_exec = false;
  };
  std::map<int, Slot> slots;
  std::set<int> closed;  ///< were open once, and are not now
};

/// What CLONE_FS shares.
struct FsContext {
  InodeIndex cwd = kNoInode;
  uint32_t umask = 022;
  bool umask_set = false;  ///< by a call of the log: no longer what the program was started with
};

/// A shared mapping of a file that is open for writing, not writable now.
struct Mapping {
  uint64_t start;
  uint64_t end;
  InodeIndex inode;
};

struct ProcessState {
  int32_t pid = 0;
  uint32_t threads = 0;  ///< that it has had
  int living = 0;        ///< of them
  std::shared_ptr<FdTable> files = std::make_shared<FdTable>();
  std::shared_ptr<FsContext> place = std::make_shared<FsContext>();
  std::vector<Mapping> mappings;
  std::string program;
  bool started = false;  ///< its first image was announced
};

struct ReplayedThread {
  std::shared_ptr<ProcessState> process;
  uint32_t number = 0;  ///< within the process
};

class Processes {
 public:
  /// `main`: the thread of the log's first line.
  explicit Processes(int32_t main) : main_(AddProcess(main)) {}

  const std::shared_ptr<ProcessState>& main() const { return main_; }
  /// The words of the first exec: how the program was started.
  void NoteCommand(const std::vector<std::string>& words) {
    if (command_.empty()) command_ = words;
  }
  const std::vector<std::string>& command() const { return command_; }

  const std::map<int32_t, ReplayedThread>& threads() const { return threads_; }

  /// Null: there is no such thread (now).
  const ReplayedThread* Find(int32_t tid) const;
  /// REQUIRES: the thread that makes the call is there.
  const ReplayedThread& ThreadOf(const StraceCall& call) const { return threads_.at(call.tid); }
  ProcessState& Of(const StraceCall& call) const { return *ThreadOf(call).process; }

  /// A new process whose first thread has its number.
  std::shared_ptr<ProcessState> AddProcess(int32_t pid);
  void AddThread(int32_t tid, const std::shared_ptr<ProcessState>& process);
  /// The process, if that was its last thread, else null.
  std::shared_ptr<ProcessState> RemoveThread(int32_t tid);

  /// A process that no call of the log made. False: it is known as such already.
  bool AddUnfollowed(int32_t pid);
  bool Unfollowed(int32_t pid) const { return unfollowed_.count(pid) != 0; }

 private:
  std::map<int32_t, ReplayedThread> threads_;
  std::set<int32_t> unfollowed_;
  std::vector<std::string> command_;
  std::shared_ptr<ProcessState> main_;
};

/// The calls that make processes, by the number of the child, until the child is born: when its
/// first line comes, or when the call returns.
class Births {
 public:
  explicit Births(const StraceLog& log);

  /// The call that made the child and that nobody has taken yet.
  std::optional<size_t> Take(int32_t child);
  /// Takes this very call. False: it was taken before.
  bool TakeCall(int32_t child, size_t call);

  /// Whether the thread has a line in the log.
  bool Seen(int32_t tid) const { return seen_.count(tid) != 0; }
  /// Child and call: those that were never taken.
  const std::multimap<int32_t, size_t>& left() const { return births_; }

 private:
  std::multimap<int32_t, size_t> births_;
  std::set<int32_t> seen_;
};

}  // namespace oldornew::replay
