// exec: the new image starts without us until its loader has loaded us again, so the environment
// must say so whatever the program passes. Foreign entries of LD_PRELOAD stay; what the program
// shall not see (HideFromProgram) is put back here.
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "interpose/funnel/hole.h"
#include "interpose/image.h"
#include "interpose/preload/entry.h"

namespace oldornew::preload {
namespace {

constexpr const char* kLibraryName = "/liboldornew_preload.so";
constexpr const char* kPreload = "LD_PRELOAD=";
constexpr const char* kOurs = "OLDORNEW_";
constexpr const char* kAsan = "ASAN_OPTIONS=";
constexpr const char* kAsanOption = "verify_asan_link_order=0";
constexpr const char* kAsanAlone = "ASAN_OPTIONS=verify_asan_link_order=0";

// Copies, because a program may overwrite its environment block (setproctitle). Written once, by
// the constructor.
char saved_text[20480];
size_t saved_text_size;
char* saved_variables[24];  ///< "OLDORNEW_NAME=value"
size_t saved_count;
char* library_path;
bool saved_everything;

char* Keep(const char* text, size_t size) {
  if (saved_text_size + size + 1 > sizeof saved_text) {
    saved_everything = false;
    return nullptr;
  }

  char* at = saved_text + saved_text_size;
  memcpy(at, text, size);
  at[size] = 0;
  saved_text_size += size + 1;
  return at;
}

/// Our entry in the value of LD_PRELOAD (separated by colons or spaces): where it begins and its
/// length, or nullptr.
const char* FindLibrary(const char* value, size_t* size) {
  const size_t name_size = strlen(kLibraryName);
  while (*value != 0) {
    size_t length = 0;
    while (value[length] != 0 && value[length] != ':' && value[length] != ' ') ++length;
    if (length > name_size && memcmp(value + length - name_size, kLibraryName, name_size) == 0) {
      *size = length;
      return value;
    }
    value += length;
    if (*value != 0) ++value;
  }

  return nullptr;
}

/// Reads pointers and strings of the program, asking the kernel once per page.
class ProgramReader {
 public:
  bool Readable(const void* address) {
    const uint64_t page = reinterpret_cast<uint64_t>(address) & ~uint64_t{4095};
    if (page == page_ && page != 0) return true;
    if (CheckReadable(address, 1) != 0) return false;
    page_ = page;
    return true;
  }
  /// `text` starts with `prefix`; *fault is set if it cannot be read that far.
  bool Begins(const char* text, const char* prefix, bool* fault) {
    for (; *prefix != 0; ++text, ++prefix) {
      if (!Readable(text)) {
        *fault = true;
        return false;
      }
      if (*text != *prefix) return false;
    }
    return true;
  }

 private:
  uint64_t page_ = 0;
};

/// Does `text` (NAME=...) name the same variable as one that was saved?
bool IsSaved(ProgramReader& reader, const char* text, bool* fault) {
  for (size_t i = 0; i < saved_count; ++i) {
    char name[64];
    size_t length = 0;
    while (saved_variables[i][length] != '=' && length < sizeof name - 2) ++length;
    memcpy(name, saved_variables[i], length);
    name[length] = '=';
    name[length + 1] = 0;
    if (reader.Begins(text, name, fault)) return true;
  }

  return false;
}

// ---- memory for one exec's environment
// ----------------------------------------------------------------------------------- Mapped,
// because an environment may have megabytes. A child that shares its parent's memory (posix_spawn)
// cannot unmap it after the exec, so there the parent, asleep until then, marks the block free for
// the next one.

struct Scratch {
  int owner;  ///< 0: free
  uint64_t size;
  char* memory;
};
Scratch scratches[8];

Scratch* AcquireScratch(uint64_t size, Scratch* unshared) {
  size = (size + 65535) & ~uint64_t{65535};
  Scratch* slot = unshared;
  if (InSharedMemoryChild()) {
    const int me = static_cast<int>(Gate(__NR_getpid));
    slot = nullptr;
    for (Scratch& candidate : scratches) {
      int free = 0;
      if (!__atomic_compare_exchange_n(&candidate.owner, &free, me, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED))
        continue;
      if (candidate.memory != nullptr && candidate.size >= size) return &candidate;
      slot = &candidate;
      if (candidate.memory != nullptr) Gate(__NR_munmap, candidate.memory, candidate.size);
      candidate.memory = nullptr;
      break;
    }
    if (slot == nullptr) slot = unshared;  // nine at once: this block is not freed
  }

  const long memory =
      Gate(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  slot->memory = memory < 0 && memory > -4096 ? nullptr : reinterpret_cast<char*>(memory);
  slot->size = size;

  return slot;
}

void ReleaseScratch(Scratch* slot, const Scratch* unshared) {
  if (slot == unshared) {
    if (slot->memory != nullptr) Gate(__NR_munmap, slot->memory, slot->size);
  } else {
    __atomic_store_n(&slot->owner, 0, __ATOMIC_RELEASE);
  }
}

// ---- the environment

struct Survey {
  uint64_t count = 0;  ///< variables
  uint64_t bytes = 0;  ///< of those that will be rewritten
  bool has_asan = false;
  bool has_preload = false;
};

/// Counts. False if the array or the start of a string cannot be read: the kernel shall say so
/// itself.
bool SurveyEnvironment(char* const* envp, bool want_asan, Survey* survey) {
  ProgramReader array, text;
  bool fault = false;
  for (; envp != nullptr; ++envp) {
    if (!array.Readable(envp)) return false;
    if (*envp == nullptr) break;
    ++survey->count;
    const bool preload = text.Begins(*envp, kPreload, &fault);
    const bool asan = !preload && want_asan && text.Begins(*envp, kAsan, &fault);
    if (fault) return false;
    if (!preload && !asan) continue;
    const long length = LengthOfString(*envp, 1 << 20);
    if (length < 0) return false;
    survey->bytes += static_cast<uint64_t>(length) + 1;
    survey->has_preload |= preload;
    survey->has_asan |= asan;
  }

  return true;
}

struct Builder {
  char** next;  ///< in the new array
  char* text;   ///< free room for strings
  void Begin() { *next++ = text; }
  void Add(const char* part) {
    const size_t size = strlen(part);
    memcpy(text, part, size + 1);
    text += size;
  }
  void End() { ++text; }
};

void AddPreload(Builder& builder, const char* value) {
  size_t size;
  builder.Begin();
  builder.Add(kPreload);
  if (library_path != nullptr && FindLibrary(value, &size) == nullptr) {
    builder.Add(library_path);
    if (*value != 0) builder.Add(":");
  }

  builder.Add(value);
  builder.End();
}

bool MentionsOption(const char* value) {
  for (; *value != 0; ++value) {
    if (StartsWith(value, "verify_asan_link_order")) return true;
  }
  return false;
}

void AddAsan(Builder& builder, const char* value) {
  builder.Begin();
  builder.Add(kAsan);
  builder.Add(value);
  if (!MentionsOption(value)) {
    if (*value != 0) builder.Add(":");
    builder.Add(kAsanOption);
  }
  builder.End();
}

void BuildEnvironment(char* const* envp, bool want_asan, const Survey& survey, char* memory) {
  Builder builder = {reinterpret_cast<char**>(memory),
                     memory + (survey.count + saved_count + 8) * sizeof(char*)};
  ProgramReader reader;
  bool fault = false;
  for (uint64_t i = 0; i < survey.count; ++i) {
    char* variable = envp[i];
    if (StartsWith(variable, kPreload)) {
      AddPreload(builder, variable + strlen(kPreload));
    } else if (want_asan && StartsWith(variable, kAsan)) {
      AddAsan(builder, variable + strlen(kAsan));
    } else if (!IsSaved(reader, variable, &fault)) {
      *builder.next++ = variable;
    }
  }

  if (!survey.has_preload && library_path != nullptr) AddPreload(builder, "");
  if (want_asan && !survey.has_asan) AddAsan(builder, "");
  for (size_t i = 0; i < saved_count; ++i) *builder.next++ = saved_variables[i];
  *builder.next = nullptr;
}

struct Target {
  long dirfd;
  const char* path;
  char* const* argv;
  char* const* envp;
  int flags;
};

Target TargetOf(const Call& call) {
  const long* a = call.args;
  if (call.nr == __NR_execve) {
    return {AT_FDCWD, reinterpret_cast<const char*>(a[0]), reinterpret_cast<char* const*>(a[1]),
            reinterpret_cast<char* const*>(a[2]), 0};
  }
  return {static_cast<int>(a[0]), reinterpret_cast<const char*>(a[1]),
          reinterpret_cast<char* const*>(a[2]), reinterpret_cast<char* const*>(a[3]),
          static_cast<int>(a[4])};
}

struct GateCaller {
  long operator()(long nr, long a, long b, long c, long d, long e) const {
    return GateSyscall(nr, a, b, c, d, e, 0);
  }
};

/// Hands the thread over if the image cannot be entered, or tells the funnel if that is not
/// possible. Returns whether it links ASan's runtime. Not inlined: its buffers should not stand on
/// the stack during the rest.
__attribute__((noinline)) bool LookAtImage(const Target& target, wire::HandOver** handed_over) {
  if (LengthOfString(target.path, 4096) < 0) return false;  // the kernel will say why
  GateCaller caller;
  image::ImageVerdict verdict;
  image::Inspect(caller, target.dirfd, target.path, target.flags, &verdict);
  if (verdict.obstacle != nullptr && verdict.traceable) *handed_over = HandOverToTracer();
  if (verdict.obstacle != nullptr && *handed_over == nullptr && settings.recording) {
    FunnelUnsupportedImage(verdict.interpreter[0] != 0 ? verdict.interpreter : target.path,
                           verdict.obstacle);
  }
  return verdict.links_asan;
}

long CarryOutExec(const Call& call, const Target& target, char* const* envp) {
  if (call.nr == __NR_execve) return GateProgram(call.nr, target.path, target.argv, envp);
  return GateProgram(call.nr, target.dirfd, target.path, target.argv, envp, target.flags);
}

}  // namespace

void SaveEnvironment(char** envp) {
  saved_everything = true;
  for (; *envp != nullptr; ++envp) {
    if (StartsWith(*envp, kOurs) &&
        saved_count < sizeof saved_variables / sizeof *saved_variables) {
      char* copy = Keep(*envp, strlen(*envp));
      if (copy != nullptr) saved_variables[saved_count++] = copy;
    }
    if (StartsWith(*envp, kPreload)) {
      size_t size;
      const char* path = FindLibrary(*envp + strlen(kPreload), &size);
      if (path != nullptr) library_path = Keep(path, size);
    }
  }
}

void AddToEnvironment(const char* variable) {
  for (size_t i = 0; i < saved_count; ++i) {
    if (Equal(saved_variables[i], variable)) return;
  }
  char* copy = saved_count < sizeof saved_variables / sizeof *saved_variables
                   ? Keep(variable, strlen(variable))
                   : nullptr;
  if (copy != nullptr) saved_variables[saved_count++] = copy;
}

const char* SavedValue(const char* name) {
  for (size_t i = 0; i < saved_count; ++i) {
    if (StartsWith(saved_variables[i], name)) return saved_variables[i] + strlen(name);
  }
  return nullptr;
}

const char* LibraryPath() { return library_path; }

bool SavedEnvironmentIsComplete() { return saved_everything && library_path != nullptr; }

void HideFromProgram(char** envp) {
  char** out = envp;
  for (char** in = envp; *in != nullptr; ++in) {
    char* variable = *in;
    if (StartsWith(variable, kOurs) || Equal(variable, kAsanAlone)) continue;
    if (StartsWith(variable, kPreload)) {
      // The launcher and Exec put us first: "LD_PRELOAD=ours:theirs" becomes "LD_PRELOAD=theirs",
      // written over our part.
      size_t size;
      char* value = variable + strlen(kPreload);
      if (FindLibrary(value, &size) == value) {
        if (value[size] == 0) continue;
        variable = value + size + 1 - strlen(kPreload);
        memmove(variable, kPreload, strlen(kPreload));
      }
    }
    *out++ = variable;
  }

  *out = nullptr;
}

void ReleaseScratchOf(int process) {
  for (Scratch& slot : scratches) {
    int owner = process;
    __atomic_compare_exchange_n(&slot.owner, &owner, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
  }
}

long Exec(const Call& call) {
  const Target target = TargetOf(call);
  if (settings.recording)
    FunnelExecAttempt(static_cast<int>(target.dirfd), target.path, target.argv, target.flags);
  wire::HandOver* handed_over = nullptr;
  const bool want_asan = LookAtImage(target, &handed_over);
  Survey survey;
  long result;
  if (handed_over != nullptr) {
    result = CarryOutExec(call, target, target.envp);
    TakeBackFromTracer(handed_over);
  } else if (IsHole(Hole::kExec) || !SurveyEnvironment(target.envp, want_asan, &survey)) {
    result = CarryOutExec(call, target, target.envp);
  } else {
    const uint64_t room = (survey.count + saved_count + 8) * sizeof(char*) + survey.bytes +
                          strlen(library_path) + 256;
    Scratch unshared = {};
    Scratch* scratch = AcquireScratch(room, &unshared);
    if (scratch->memory == nullptr) {
      result = -ENOMEM;
    } else {
      BuildEnvironment(target.envp, want_asan, survey, scratch->memory);
      result = CarryOutExec(call, target, reinterpret_cast<char* const*>(scratch->memory));
    }
    ReleaseScratch(scratch, &unshared);
  }

  if (settings.recording) FunnelExecFailed(static_cast<int>(-result));
  return result;
}

}  // namespace oldornew::preload
