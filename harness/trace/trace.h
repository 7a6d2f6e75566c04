// Trace: all that one recorded run left behind, a value that can be saved, printed and explored on
// another machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "trace/op.h"
#include "tree/file_tree.h"

namespace oldornew {

/// A file, directory, symlink, ... that existed at some time in the run. Objects
/// 0..old_tree.size()-1 are old_tree's inodes.
struct Object {
  FileKind kind = FileKind::kFile;
  DiskId disk;
  int32_t created_by = -1;  ///< index of the op that made it, or -1: it was there before
};

/// One loaded file of a process, to turn a return address into file + offset.
struct Module {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t file_offset = 0;
  std::string path;
};

struct Process {
  int32_t pid = 0;
  int32_t parent = -1;  ///< index into Trace::processes; -1 for the main process
  std::string program;  ///< path of the last image it executed
  std::vector<std::string> arguments;
  bool entered = true;  ///< the interposer announced itself in every image of it
  std::vector<Module> modules;
};

/// A file call of the run on something in the sandbox, whether it changed anything or not: what a
/// fault can hit. Noted only in a survey (interpose/plan.h), and where an injection happened.
struct FileCall {
  int32_t process = 0;  ///< index into Trace::processes
  uint32_t thread = 0;
  int32_t syscall = -1;         ///< number on the recording machine
  std::string call;             ///< its name
  int32_t descriptor = -1;      ///< that it was made on; -1: it took a path
  std::string path;             ///< relative to the judged directory, absolute in other roots
  std::string path2;            ///< rename, link: the other one
  uint32_t open_flags = 0;      ///< O_* of an open, or of the descriptor
  uint64_t requested = 0;       ///< bytes asked for, of calls that transfer
  int64_t result = 0;           ///< what the kernel gave; of a call that was not carried out: 0
  int64_t told = 0;             ///< what the program got
  uint64_t begin = 0;           ///< tickets, as of Op
  uint64_t end = 0;             ///< 0: never came back (killed in it)
  int32_t injection = -1;       ///< index into Trace::plan: what happened to it; -1: nothing
  std::vector<uint64_t> stack;  ///< as of Op
};

enum class RootRole : uint8_t { kJudged, kTemporary, kThrowAway };

/// A directory the program could change, at the path the program saw. Same order as
/// FileTree::roots().
struct Root {
  std::string path;
  RootRole role = RootRole::kJudged;
};

/// Why a recording cannot be judged. kIncomplete: something bypassed or overflowed the recorder.
/// kUnsupported: the program does what this version cannot model (shared writable mapping,
/// io_uring, static executable, ...). kRefused: it would have changed something outside; the call
/// was not carried out. kUnproven: nothing contradicts the recording, but nothing proves it
/// complete either (a log of strace without the tree after the run): findings are findings, but to
/// find nothing is no pass.
struct Obstacle {
  enum class Kind : uint8_t { kIncomplete, kUnsupported, kRefused, kUnproven };
  Kind kind = Kind::kIncomplete;
  std::string reason;  ///< one sentence, names the file, program or call
};

struct Trace {
  std::vector<std::string> command;
  std::string backend = "sud";  ///< what recorded it: "sud", "ptrace", or both: "sud+ptrace"
  std::string file_system;   ///< type of the sandbox's own file system, e.g. "ext2/ext3", "tmpfs"
  uint64_t started_at = 0;   ///< seconds since the epoch
  uint64_t duration_ns = 0;  ///< of the recorded run

  std::vector<Root> roots;
  FileTree old_tree;  ///< before the run. Inode i is object i
  FileTree new_tree;  ///< after the run, captured from disk; its inode numbers are its own
  std::vector<Object> objects;
  std::vector<Op> ops;  ///< in the order of their end tickets (in-flight ones last)
  std::vector<Process> processes;
  /// what was injected: texts of interpose/plan.h. Empty: a plain run
  std::vector<std::string> plan;
  std::vector<uint64_t> plan_matches;  ///< for each of `plan`: calls that it fitted; or empty
  std::vector<FileCall> file_calls;    ///< in the order of their begin tickets
  std::string payload;  ///< bytes of all writes, outputs and xattr values, end to end

  int32_t exit_status = 0;  ///< as a shell shows it
  std::string stdout_bytes;
  std::string stderr_bytes;
  std::vector<Obstacle> obstacles;  ///< empty: the recording is complete and can be judged
  /// environment that may change the verdict (oracles.md 19), shown in the report
  std::vector<std::string> notes;

  std::string_view Payload(const Op& op) const {
    return std::string_view(payload).substr(op.data, op.length);
  }
  /// No obstacle but of kind kUnproven.
  bool CanBeJudged() const;
  /// Identity of the recording: ops, payload, trees; not times, pids or notes.
  Digest Identity() const;
};

/// The page cache's view: what a reader of the running machine sees. Inode index == ObjectId,
/// whatever is unlinked stays in the table unreachable. Applying ops in order to the old tree must
/// give the tree that is really there.
class LiveTree {
 public:
  explicit LiveTree(const Trace& trace);
  /// Applies one op's effect. Failed and in-flight ops and those without effect on the tree do
  /// nothing.
  void Apply(const Op& op);
  /// Applies an op in flight as if it had been carried out: a write as far as `real`, the tree that
  /// is there, shows it (a process killed in write(2) leaves a prefix), sizes and attributes as
  /// they are there.
  void ApplyInFlight(const Op& op, const FileTree& real);
  /// Takes over the state of another one of the same trace.
  void Become(LiveTree&& other);
  const FileTree& tree() const { return tree_; }
  /// Where an op did not fit the tree it met (renamed what was not there, created what was): a call
  /// before it was missed.
  const std::vector<std::string>& surprises() const { return surprises_; }

 private:
  void Expect(ObjectId dir, const std::string& name, ObjectId object, const Op& op,
              const std::string& path);

  const Trace& trace_;
  FileTree tree_;
  std::vector<std::string> surprises_;
};

/// The bytes of a file after a kAllocate op: what each mode of fallocate(2) does to them.
Content AfterAllocate(const Content& before, const Op& op);

/// One sentence per path at which old tree + ops differs from the tree that is really there. Empty:
/// the trees agree. Times and, in directories of role kThrowAway, everything are left out. A call
/// in flight, which may or may not have happened, is taken to have happened if the trees agree
/// better then; `notes` gets a sentence that says so.
std::vector<std::string> FindTreeMismatches(const Trace& trace,
                                            std::vector<std::string>* notes = nullptr);

/// strace-like one-liner: `write(4 config.toml, "x = \"new\"\n", 10) = 10`. `index` is the op's
/// place in the trace.
std::string Describe(const Trace& trace, const Op& op);

/// The same for a file call: `read(3 config.toml, 4096 B) = -1 Input/output error (EIO)
/// (injected)`.
std::string Describe(const Trace& trace, const FileCall& call);

/// Short form for findings: `write(sedB3xK9a, 4096 B)`, `rename(sedB3xK9a → config.toml)`.
std::string DescribeShort(const Op& op);

}  // namespace oldornew
