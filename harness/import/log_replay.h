// LogReplay: carries out the calls of a strace log on a World, and writes what the recorder would
// have recorded of them. The decoder (interpose/decode.h) makes the ops from that: an imported
// trace is made by the same rules as a recorded one.
//
// Method. Calls take effect in the order in which they ended; descriptors that are closed are gone
// when the close begins. A child takes over its parent's descriptors when its first line comes, or
// when the call that made it returns, whichever is first. What a log cannot know is learnt from
// later lines where they tell (a umask from the mode that fstat shows, an old size from what lseek
// returns): then everything is replayed once more from the start with what was learnt (Knowledge),
// until nothing new is learnt. What stays unknown and matters is an obstacle that says what would
// have told it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "import/record_buffer.h"
#include "import/world.h"
#include "interpose/strace_log.h"
#include "interpose/strace_value.h"
#include "trace/trace.h"

namespace oldornew {

/// Something of the old tree that only the log tells of (no --old).
struct OldEntry {
  /// index of the directory: 0 the judged one, then by place in Knowledge::old + 1
  size_t dir = 0;
  std::string name;
  FileKind kind = FileKind::kFile;
  std::optional<uint32_t> mode;
  std::string target;
  std::string prefix;  ///< its first bytes, as far as the log shows them
  std::optional<uint64_t> size;
};

/// What one replay learnt for the next.
struct Knowledge {
  std::vector<OldEntry> old;
  std::set<size_t> not_created;  ///< calls with O_CREAT whose file turned out to have been there
  std::optional<uint32_t> umask;
  std::optional<std::pair<uint32_t, uint32_t>> owner;  ///< of what the run creates
};

struct ReplaySpec {
  const FileTree* old_tree = nullptr;  ///< --old; null: only the log tells
  const FileTree* new_tree = nullptr;  ///< --new, or null
  std::string root;  ///< absolute path of the judged directory, as the log names it
  std::string cwd;   ///< where the program started; empty: unknown
};

class LogReplay {
 public:
  LogReplay(const StraceLog& log, const ReplaySpec& spec, Knowledge* knowledge);

  /// One replay. Errors (kUsage): a line that cannot be understood, named. True: something was
  /// learnt, and everything has to be replayed again, by a new LogReplay.
  Result<bool> Run();

  // What the last replay found.
  const RecordBuffer& records() const { return records_; }
  const FileTree& old_tree() const { return old_tree_; }
  const std::vector<Obstacle>& obstacles() const { return obstacles_; }
  const std::vector<std::string>& command() const { return command_; }
  int32_t exit_status() const { return exit_status_; }
  const std::string& output(int channel) const { return outputs_[channel - 1]; }
  const std::set<std::string>& changed_outside() const { return changed_outside_; }
  const std::set<std::string>& assumed_new() const { return assumed_new_; }
  const std::set<std::string>& placeholders() const { return placeholders_; }

 private:
  struct Description {  // an open file description
    InodeIndex inode = kNoInode;
    uint64_t offset = 0;
    bool offset_known = true;
    uint64_t flags = 0;
    int channel = -1;
  };
  struct Slot {
    std::shared_ptr<Description> file;
    bool close_on_exec = false;
  };
  struct FdTable {
    std::map<int, Slot> slots;
    std::set<int> closed;  // were open once, and are not now
  };
  struct Place {  // what CLONE_FS shares
    InodeIndex cwd = kNoInode;
    uint32_t umask = 022;
    bool umask_set = false;  // by a call of the log: no longer what the program was started with
  };
  struct Mapping {
    uint64_t start;
    uint64_t end;
    InodeIndex inode;
  };
  struct ProcessState {
    int32_t pid = 0;
    uint32_t threads = 0;
    int living = 0;
    std::shared_ptr<FdTable> files;
    std::shared_ptr<Place> place;
    std::vector<Mapping> mappings;  // shared, of files open for writing, not writable now
    std::string program;
    bool started = false;  // its first image was announced
  };
  struct Thread {
    std::shared_ptr<ProcessState> process;
    uint32_t number = 0;
  };
  using Handler = void (LogReplay::*)(const StraceCall&);
  static const std::map<std::string, Handler>& Handlers();

  // log_replay.cc: the loop, arguments, records.
  void OnEvent(const StraceEvent& event);
  void OnEnd(const StraceEvent& event);
  void Finish();
  void Bad(const StraceCall& call, const std::string& what);
  void Obstruct(Obstacle::Kind kind, const std::string& reason);
  void Missed(const StraceCall& call, const std::string& what);
  std::string_view Argument(const StraceCall& call, size_t i);
  std::optional<int64_t> Number(const StraceCall& call, size_t i);
  std::optional<uint64_t> Flags(const StraceCall& call, size_t i,
                                const std::vector<PrintedSymbol>& table);
  std::optional<std::string> Text(const StraceCall& call, size_t i);
  RecordDraft Draft(wire::RecordKind kind, const StraceCall& call);
  void Emit(RecordDraft draft, const StraceCall& call);

  // log_paths.cc: descriptors and paths.
  ProcessState& Process(const StraceCall& call) { return *threads_.at(call.tid).process; }
  std::shared_ptr<Description> File(const StraceCall& call, size_t i, int* number = nullptr);
  std::shared_ptr<Description> Inherit(const StraceCall& call, const PrintedDescriptor& printed);
  void CheckAnnotation(const StraceCall& call, const PrintedDescriptor& printed,
                       const Description& file);
  InodeIndex StartOf(const StraceCall& call, int dirfd_index);
  Found Walk(const StraceCall& call, int dirfd_index, size_t path_index, bool follow);
  Found WalkText(const StraceCall& call, int dirfd_index, const std::string& path, bool follow);
  std::optional<Found> WalkDescriptorLink(const StraceCall& call, const std::string& path);
  /// The call succeeded, so there was something: discovers it, or says that a call is missing.
  /// False: nothing there.
  bool MustBeThere(const StraceCall& call, Found* found, FileKind kind);
  /// Learns what the World discovered since it was asked last.
  void TakeDiscoveries();
  /// Whether the path leads to a place; if not although the call succeeded, it is said.
  bool Resolved(const StraceCall& call, const Found& found);
  /// What was opened: where the path leads, or where -y says that it led.
  Found Opened(const StraceCall& call, const Found& found);
  void Install(const StraceCall& call, int fd, std::shared_ptr<Description> file,
               bool close_on_exec);
  bool Writable(const Description& file) const;
  bool JudgedFile(const Description& file) const;
  std::string PathOf(const Found& found) const;
  void NoteOutside(const Found& found);

  // replay_open.cc
  void OnOpen(const StraceCall& call);
  void OpenReading(const StraceCall& call, Found found, uint64_t flags);
  void OpenChanging(const StraceCall& call, Found found, uint64_t flags, uint32_t mode);
  void FinishOpen(const StraceCall& call, InodeIndex inode, uint64_t flags);
  InodeIndex CreateInode(const StraceCall& call, const Found& at, FileKind kind, uint32_t mode);
  void OnClose(const StraceCall& call);
  void OnCloseRange(const StraceCall& call);
  void OnDup(const StraceCall& call);
  void OnFcntl(const StraceCall& call);
  void Duplicate(const StraceCall& call, int from, int to, bool close_on_exec);
  void OnNewDescriptor(const StraceCall& call);
  void OnPipe(const StraceCall& call);
  void OnReceive(const StraceCall& call);

  // replay_data.cc
  void OnRead(const StraceCall& call);
  void OnWrite(const StraceCall& call);
  void WriteOutput(const StraceCall& call, int fd, const Description& file,
                   const std::string& bytes, uint64_t asked);
  std::optional<PrintedBytes> Gather(const StraceCall& call, bool vector, uint64_t* asked);
  void WriteBytes(const StraceCall& call, RecordDraft draft, Description* file,
                  const std::string& bytes, std::optional<uint64_t> offset, bool append);
  void OnSeek(const StraceCall& call);
  void OnTransfer(const StraceCall& call);
  void OnReflink(const StraceCall& call);
  void Transfer(const StraceCall& call, const Description& from, uint64_t from_offset,
                Description* to, std::optional<uint64_t> to_offset, uint64_t asked);
  void OnTruncate(const StraceCall& call);
  void OnAllocate(const StraceCall& call);
  void OnSync(const StraceCall& call);
  void SizeUnknown(const StraceCall& call, InodeIndex inode);
  void SetSize(const StraceCall& call, InodeIndex inode, uint64_t size);
  void DropPrivileges(InodeIndex inode);

  // replay_names.cc
  void OnMake(const StraceCall& call);
  void OnBind(const StraceCall& call);
  void OnUnlink(const StraceCall& call);
  void OnLink(const StraceCall& call);
  void OnRename(const StraceCall& call);
  bool Holds(InodeIndex directory, InodeIndex inside) const;

  // replay_metadata.cc
  void OnMetadata(const StraceCall& call);
  void OnXattr(const StraceCall& call);
  void OnStat(const StraceCall& call);
  void OnAccess(const StraceCall& call);
  void OnReadlink(const StraceCall& call);
  void LearnStat(InodeIndex inode, std::string_view stat, const char* prefix);
  void LearnBytes(InodeIndex inode, uint64_t offset, const std::string& bytes, bool end);
  OldEntry* OldOf(InodeIndex inode);
  void LearnOwnersAndModes();

  // replay_process.cc
  void OnClone(const StraceCall& call);
  void OnExec(const StraceCall& call);
  void OnExit(const StraceCall& call);
  void OnChdir(const StraceCall& call);
  void OnGetcwd(const StraceCall& call);
  void OnUmask(const StraceCall& call);
  void OnMmap(const StraceCall& call);
  void OnMprotect(const StraceCall& call);
  void OnUnsupported(const StraceCall& call);
  void OnIoctl(const StraceCall& call);
  void OnIoSubmit(const StraceCall& call);
  bool Born(int32_t tid);
  void BearChild(const StraceCall& call, int32_t tid);
  void ReportUnsupported(const StraceCall& call, const std::string& reason, InodeIndex inode);

  const StraceLog& log_;
  const ReplaySpec& spec_;
  Knowledge* knowledge_;
  Knowledge learnt_;  // starts as *knowledge_
  FileTree old_tree_;
  std::unique_ptr<World> world_;
  std::optional<Error> error_;
  bool again_ = false;

  std::map<int32_t, Thread> threads_;
  std::multimap<int32_t, size_t> births_;  // child's number -> the call that made it, not born yet
  std::set<int32_t> unfollowed_;
  std::set<int32_t> seen_;             // threads that have a line in the log
  std::map<size_t, uint64_t> begins_;  // call -> ticket
  uint64_t ticket_ = 0;
  size_t current_ = 0;  // index of the call being carried out
  std::shared_ptr<ProcessState> main_;

  RecordBuffer records_;
  std::vector<Obstacle> obstacles_;
  std::set<std::string> said_;
  std::vector<std::string> command_;
  int32_t exit_status_ = 0;
  std::string outputs_[2];
  std::set<std::string> changed_outside_;
  std::set<std::string> assumed_new_;
  std::set<std::string> placeholders_;
  size_t discoveries_taken_ = 0;
  size_t turned_taken_ = 0;
  std::map<InodeIndex, size_t> discovered_;  // World inode -> place in learnt_.old
};

/// A tree of what the log tells of the old state: unknown bytes are placeholders.
FileTree TreeOf(const std::vector<OldEntry>& old);

/// The first current directory that the log shows of its first process; empty: it does not.
std::string FirstDirectory(const StraceLog& log);

}  // namespace oldornew
