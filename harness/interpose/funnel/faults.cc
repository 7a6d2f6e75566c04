// The plan (plan.h): what shall go wrong, and the survey of all that could. One place for both
// backends, at the system call: the handlers do what they do about any call, and where they carry
// it out the answer of the plan stands for the kernel's. So records and accounts say what really
// happened.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "interpose/file_calls.h"
#include "interpose/funnel/descriptors.h"
#include "interpose/funnel/glob.h"
#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"
#include "interpose/funnel/stack.h"

namespace oldornew::preload {

using wire::FileCallShape;
using wire::Rule;

namespace {

constexpr uint32_t kFail = 0, kReturn = 1, kShorten = 2;  // Injection::Kind
constexpr uint64_t kMostAtOnce = 0x7ffff000;              // MAX_RW_COUNT
constexpr int kShortened = 8;                             // vectors of a call that is cut short

bool HasBit(const uint64_t* bits, long nr) { return (bits[nr / 64] >> (nr % 64) & 1) != 0; }

/// Of calls that only by an argument are about a file.
bool IsAboutFile(const Call& call) {
  switch (call.nr) {
    case SYS_fcntl:
      switch (call.args[1]) {
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
        case F_GETLK:
        case F_SETLK:
        case F_SETLKW:
        case F_OFD_GETLK:
        case F_OFD_SETLK:
        case F_OFD_SETLKW:
          return true;
        default:
          return false;
      }
    case SYS_ioctl:
      return (unsigned)call.args[1] == FICLONE || (unsigned)call.args[1] == FICLONERANGE;
    case SYS_mmap:
      return (call.args[3] & MAP_ANONYMOUS) == 0;
    default:
      return true;
  }
}

uint64_t BytesAsked(const Call& call, const FileCallShape& shape) {
  if (shape.bytes >= 0) return (uint64_t)call.args[(int)shape.bytes];
  if (shape.vector < 0) return 0;
  const auto* parts = (const iovec*)call.args[(int)shape.vector];
  const long count = call.args[shape.vector + 1];
  uint64_t sum = 0;
  iovec part;
  for (long i = 0; i < count && i < 1024 && CopyIn(&part, parts + i) == 0; i++) sum += part.iov_len;
  return sum < kMostAtOnce ? sum : kMostAtOnce;
}

bool FollowsLast(const Call& call, const FileCallShape& shape) {
  const long flags = shape.flags >= 0 ? call.args[(int)shape.flags] : 0;
  switch (shape.last) {
    case wire::LastLink::kFollowed:
      return true;
    case wire::LastLink::kNotFollowed:
      return false;
    case wire::LastLink::kByAtFlags:
      return (flags & AT_SYMLINK_NOFOLLOW) == 0;
    case wire::LastLink::kByLinkFlags:
      return (flags & AT_SYMLINK_FOLLOW) != 0;
    case wire::LastLink::kByOpenFlags:
      return (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
  }

  return true;
}

// ---- where it is

/// The path of what is open as `fd`, into `out` (kPathMax bytes). False: it has none.
bool PathOfDescriptor(long fd, char* out) {
  char link[32];
  long length = fd >= 0 ? Gate(SYS_readlink, ProcFdPath((int)fd, link), out, kPathMax - 1) : -1;
  if (length <= 0 || out[0] != '/') return false;
  out[length] = 0;
  constexpr long kMark = 10;  // " (deleted)"
  wire::FileState state;
  if (length > kMark && memcmp(out + length - kMark, " (deleted)", (size_t)kMark) == 0 &&
      StatDescriptor((int)fd, &state) == 0 && state.nlink == 0) {
    out[length - kMark] = 0;
  }

  return true;
}

/// The same for what `path`, in g_path, names, or would name if it were there.
bool PathOfPath(int dirfd, bool follow, char* out) {
  if (g_path[0] == 0 && dirfd != AT_FDCWD) return PathOfDescriptor(dirfd, out);
  const char* path = g_path[0] == 0 ? "." : g_path;
  long fd = Gate(SYS_openat, dirfd, path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  if (fd >= 0) {
    bool found = PathOfDescriptor(fd, out);
    Gate(SYS_close, fd);
    return found;
  }

  ResolveForMessage(dirfd, g_path, out);
  return out[0] == '/';
}

bool PathOfArgument(const Call& call, int path, int dirfd, bool follow, char* out) {
  const int from = dirfd >= 0 ? (int)call.args[dirfd] : AT_FDCWD;
  if (call.args[path] == 0) return from != AT_FDCWD && PathOfDescriptor(from, out);
  return CopyInString(g_path, (const char*)call.args[path], kPathMax) >= 0 &&
         PathOfPath(from, follow, out);
}

/// What a call is about, as absolute paths: in g_scratch and g_path2. Empty: nothing that has a
/// path.
struct Subjects {
  bool inside = false;   // the first lies in the sandbox
  bool inside2 = false;  // the second does
  int descriptor = -1;
};

/// The path below the root in which it lies: relative for the judged one, else `path` itself.
/// Null: it lies in none.
const char* WithinRoots(const char* path) {
  for (const char* root = g_header->root_paths; *root != 0; root += strlen(root) + 1) {
    size_t length = strlen(root);
    if (!StartsWith(path, root) || (path[length] != 0 && path[length] != '/')) continue;
    if (root != g_header->root_paths) return path;
    return path[length] == 0 ? "." : path + length + 1;
  }
  return nullptr;
}

Subjects FindSubjects(const Call& call, const FileCallShape& shape) {
  Subjects found;
  g_scratch[0] = g_path2[0] = 0;
  bool first = false;
  bool second = false;
  if (shape.path >= 0) {
    first = PathOfArgument(call, shape.path, shape.dirfd, FollowsLast(call, shape), g_scratch);
    if (shape.path2 >= 0) second = PathOfArgument(call, shape.path2, shape.dirfd2, false, g_path2);
    // An empty path, or none at all, is the descriptor.
    char byte = 0;
    const auto* path = (const char*)call.args[(int)shape.path];
    if (shape.dirfd >= 0 && (path == nullptr || (CopyIn(&byte, path) == 0 && byte == 0)))
      found.descriptor = (int)call.args[(int)shape.dirfd];
  } else {
    found.descriptor = (int)call.args[(int)shape.fd];
    first = PathOfDescriptor(found.descriptor, g_scratch);
    if (shape.fd2 >= 0) second = PathOfDescriptor((int)call.args[(int)shape.fd2], g_path2);
  }

  if (!first) g_scratch[0] = 0;
  if (!second) g_path2[0] = 0;
  found.inside = first && WithinRoots(g_scratch) != nullptr;
  found.inside2 = second && WithinRoots(g_path2) != nullptr;

  return found;
}

// ---- what happens

bool Fits(const Rule& rule, const Call& call, const Subjects& subjects) {
  if (!HasBit(rule.calls, call.nr)) return false;
  if (rule.path[0] == 0) return true;
  return (subjects.inside && MatchesGlob(rule.path, WithinRoots(g_scratch))) ||
         (subjects.inside2 && MatchesGlob(rule.path, WithinRoots(g_path2)));
}

/// Counts the call for every rule that it fits. The first one that is to happen now, or null.
Rule* Choose(const Call& call, const Subjects& subjects, uint64_t asked) {
  Rule* chosen = nullptr;
  for (uint32_t i = 0; i < g_header->rule_count; i++) {
    Rule& rule = g_header->rules[i];
    if (!Fits(rule, call, subjects)) continue;
    const uint32_t count = __atomic_add_fetch(&rule.matched, 1, __ATOMIC_RELAXED);
    if (chosen != nullptr || count < rule.first || count > rule.last ||
        (count - rule.first) % rule.step != 0)
      continue;
    if (rule.kind == kShorten && asked <= (uint64_t)rule.value) continue;
    __atomic_fetch_add(&rule.happened, 1, __ATOMIC_RELAXED);
    chosen = &rule;
  }

  return chosen;
}

/// Linux lets go of the descriptor whatever close reports, and a mapping that nobody was told of
/// would stay for ever.
bool HappensAfter(const Call& call, const Rule& rule) {
  return call.nr == SYS_close || (rule.after != 0 && call.nr != SYS_mmap);
}

Fault FaultOf(const Call& call, const Rule& rule) {
  Fault fault = {0, 0, (uint32_t)(&rule - g_header->rules) + 1, 0, false};
  if (rule.kind == kReturn) fault.instead = -ECANCELED;
  if (rule.kind == kFail && HappensAfter(call, rule)) {
    fault.told = rule.error;
  } else if (rule.kind == kFail) {
    fault.instead = -rule.error;
  }
  return fault;
}

/// Cuts the call down to `limit` bytes; `parts` is room for the vectors that are left.
void Shorten(Call& call, const FileCallShape& shape, uint64_t limit, iovec (&parts)[kShortened]) {
  if (shape.bytes >= 0) {
    call.args[(int)shape.bytes] = (long)limit;
    return;
  }

  const auto* from = (const iovec*)call.args[(int)shape.vector];
  const long count = call.args[shape.vector + 1];
  int kept = 0;
  for (long i = 0; i < count && kept < kShortened && limit > 0; i++) {
    if (CopyIn(&parts[kept], from + i) != 0) break;
    if (parts[kept].iov_len > limit) parts[kept].iov_len = limit;
    limit -= parts[kept].iov_len;
    if (parts[kept].iov_len != 0) kept++;
  }

  call.args[(int)shape.vector] = (long)parts;
  call.args[shape.vector + 1] = kept;
}

/// The program does not learn of the descriptor that it got, so it cannot close it.
void CloseUntold(const Call& call, long result) {
  const bool dup = call.nr == SYS_dup || call.nr == SYS_fcntl;
  const bool opens = call.nr == SYS_open || call.nr == SYS_openat || call.nr == SYS_openat2 ||
                     call.nr == SYS_creat;
  if (result < 0 || (!dup && !opens)) return;
  if (call.nr == SYS_fcntl && call.args[1] != F_DUPFD && call.args[1] != F_DUPFD_CLOEXEC) return;
  const Fault mark = {0, 0, call.fault->injection, 0, false};
  Call close = {SYS_close, {result}, call.ip, call.sp, call.bp, call.via, &mark};
  Handled(close);
}

// ---- the record

wire::Record* BeginRecord(const FileLock& lock, const Call& call, const FileCallShape& shape,
                          const Subjects& subjects, uint64_t asked) {
  const uint64_t room =
      wire::SectionSize(strlen(g_scratch)) + wire::SectionSize(strlen(g_path2)) + kNamesRoom;

  RecordWriter record(lock, wire::RecordKind::kFileCall, call, TakeTicket(), room);
  record->descriptor = subjects.descriptor;
  record->length = asked;
  if (shape.last == wire::LastLink::kByOpenFlags) {
    record->open_flags = (uint32_t)call.args[(int)shape.flags];
  } else if (call.nr == SYS_creat) {
    record->open_flags = O_CREAT | O_WRONLY | O_TRUNC;
  } else if (call.nr == SYS_openat2) {
    uint64_t flags = 0;
    if (CopyIn(&flags, (const uint64_t*)call.args[2]) == 0) record->open_flags = (uint32_t)flags;
  } else if (DescriptorFacts facts;
             subjects.descriptor >= 0 && LookUpDescriptor(subjects.descriptor, &facts) == 0) {
    record->open_flags = facts.flags;
  }

  if (g_scratch[0] != 0) record.AddText(wire::SectionType::kPath, g_scratch);
  if (g_path2[0] != 0) record.AddText(wire::SectionType::kPath2, g_path2);
  return record.Leave();
}

void EndRecord(wire::Record* record, long result, long told) {
  if (record == nullptr) return;
  record->ret = result;
  record->offset = (uint64_t)told;
  record->end = TakeTicket();
  __atomic_store_n(&record->state, (uint32_t)wire::RecordState::kDone, __ATOMIC_RELEASE);
}

/// What is to be done about one call.
struct Decision {
  const Rule* rule = nullptr;
  wire::Record* record = nullptr;
  uint64_t asked = 0;
};

Decision Decide(Call& call, const FileCallShape& shape, Fault* fault) {
  Decision decision;
  FileLock lock;
  const Subjects subjects = FindSubjects(call, shape);
  if (!subjects.inside && !subjects.inside2) return decision;
  decision.asked = BytesAsked(call, shape);
  decision.rule = Choose(call, subjects, decision.asked);
  if (decision.rule != nullptr) {
    *fault = FaultOf(call, *decision.rule);
    call.fault = fault;
  } else if ((g_header->planned & wire::kSurvey) == 0) {
    return decision;
  }

  decision.record = BeginRecord(lock, call, shape, subjects, decision.asked);

  return decision;
}

long LetHappen(Call& call, const FileCallShape& shape, const Decision& decision, Fault* fault) {
  const Rule& rule = *decision.rule;
  if (rule.after == 0 && rule.signal != 0 && !fault->signalled) {
    fault->signalled = true;
    if (!SignalBefore(rule.signal, *fault)) {
      EndRecord(decision.record, 0, 0);
      return 0;
    }
  }

  iovec parts[kShortened];
  if (rule.kind == kShorten) {
    fault->asked = decision.asked;
    Shorten(call, shape, (uint64_t)rule.value, parts);
  }

  const long result = Handled(call);
  long told = result;
  if (rule.kind == kReturn) told = (long)rule.value;
  if (rule.kind == kFail) told = -rule.error;
  if (rule.kind == kFail && fault->instead == 0) CloseUntold(call, result);
  EndRecord(decision.record, fault->instead != 0 ? 0 : result, told);
  if (rule.after != 0 && rule.signal != 0) SignalAfter(rule.signal);
  return told;
}

}  // namespace

long WithPlan(Call& call) {
  const FileCallShape* shape = wire::ShapeOf(call.nr);
  if (shape == nullptr || !HasBit(g_header->planned_calls, call.nr) || !IsAboutFile(call) ||
      UnderProgramFilter())
    return Handled(call);
  Fault fault = {};
  Decision decision;
  if (call.fault == nullptr) {
    if (TakeNewCode()) RecordModules();  // first: the stack may go through it
    decision = Decide(call, *shape, &fault);
  } else {  // it comes anew
    fault = *call.fault;
    call.fault = &fault;
    decision.rule = &g_header->rules[fault.injection - 1];
    decision.asked = BytesAsked(call, *shape);
  }

  if (decision.rule != nullptr) return LetHappen(call, *shape, decision, &fault);
  const long result = Handled(call);
  EndRecord(decision.record, result, result);

  return result;
}

}  // namespace oldornew::preload
