// Can the preload library enter what an exec of this path would start? Decided from the file alone,
// by reading what the kernel and the loader will read. Header-only and free of libc, because both
// sides ask it: the preload library before each exec of the program (system calls through its
// gate), the launcher before the first one (launch.h).
//
// Facts: the loader honours LD_PRELOAD only in images with PT_INTERP and without AT_SECURE; a
// static image never loads it. The kernel sets AT_SECURE when the ids after exec differ from the
// real ones (set-id bits count unless the mount is nosuid or no_new_privs is set), and for a real
// uid other than 0 when file capabilities are granted (security/commoncap.c). A script's first line
// names its interpreter within 256 bytes, and the chain of scripts ends after five.
#pragma once

#include <asm/unistd.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <stddef.h>
#include <stdint.h>

namespace oldornew::image {

struct ImageVerdict {
  /// nullptr: it can be entered (or the exec will fail, or cannot be foreseen). Else "is ..."
  const char* obstacle = nullptr;
  bool traceable = false;       ///< despite the obstacle, a tracer can follow (a static program)
  bool links_asan = false;      ///< needs verify_asan_link_order=0 to start with any preload
  char interpreter[256] = {0};  ///< of a script: the image that was looked at last; else empty
};

namespace internal {

// <linux/stat.h>, <linux/statfs.h> and <sys/stat.h> cannot be had together with both libc's and the
// kernel's headers.
struct Stat {
  uint64_t dev, ino, nlink;
  uint32_t mode, uid, gid, padding;
  uint64_t rest[16];
};
struct StatFs {
  uint64_t head[10];
  uint64_t flags;
  uint64_t rest[5];
};
inline constexpr uint32_t kSetUid = 04000, kSetGid = 02000, kGroupExecutes = 010;
inline constexpr uint64_t kNoSuid = 2;
inline constexpr int kReadOnly = 0, kCloseOnExec = 02000000, kEmptyPath = 0x1000;
inline constexpr int kGetNoNewPrivs = 39, kCurrentDirectory = -100;
inline constexpr uint64_t kFlags1 = 0x6ffffffb, kPie = 0x08000000;

inline bool SamePrefix(const char* text, const char* prefix) {
  while (*prefix != 0) {
    if (*text++ != *prefix++) return false;
  }
  return true;
}

template <typename Sys>
bool ReadAt(Sys& sys, long fd, void* to, uint64_t size, uint64_t offset) {
  return sys(__NR_pread64, fd, reinterpret_cast<long>(to), static_cast<long>(size),
             static_cast<long>(offset), 0) == static_cast<long>(size);
}

template <typename Sys>
const char* IdentityObstacle(Sys& sys, long fd) {
  const long uid = sys(__NR_getuid, 0, 0, 0, 0, 0), gid = sys(__NR_getgid, 0, 0, 0, 0, 0);
  long new_uid = sys(__NR_geteuid, 0, 0, 0, 0, 0), new_gid = sys(__NR_getegid, 0, 0, 0, 0, 0);
  Stat stat;
  if (sys(__NR_fstat, fd, reinterpret_cast<long>(&stat), 0, 0, 0) != 0) return nullptr;
  const bool set_uid = (stat.mode & kSetUid) != 0;
  const bool set_gid = (stat.mode & (kSetGid | kGroupExecutes)) == (kSetGid | kGroupExecutes);
  bool capabilities = false;
  if (uid != 0) {
    capabilities =
        sys(__NR_fgetxattr, fd, reinterpret_cast<long>("security.capability"), 0, 0, 0) > 0;
  }
  if (set_uid || set_gid || capabilities) {
    StatFs mount;
    const bool ignored = (sys(__NR_fstatfs, fd, reinterpret_cast<long>(&mount), 0, 0, 0) == 0 &&
                          (mount.flags & kNoSuid) != 0) ||
                         sys(__NR_prctl, kGetNoNewPrivs, 0, 0, 0, 0) == 1;
    if (!ignored) {
      if (set_uid) new_uid = stat.uid;
      if (set_gid) new_gid = stat.gid;
      if (capabilities) return "has file capabilities";
    }
  }
  if (new_uid != uid)
    return set_uid ? "is setuid" : "would run with an effective user other than the real one";
  if (new_gid != gid)
    return set_gid ? "is setgid" : "would run with an effective group other than the real one";
  return nullptr;
}

/// The dynamic section: whether it is marked as a position-independent executable, and whether it
/// needs ASan's runtime.
template <typename Sys>
void LookAtDynamic(Sys& sys, long fd, const Elf64_Ehdr& elf, const Elf64_Phdr& dynamic, bool* pie,
                   bool* asan) {
  Elf64_Dyn entries[8];
  uint64_t strings = 0;
  uint64_t needed[32];
  int needs = 0;
  bool ended = false;
  for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= dynamic.p_filesz && !ended;
       at += sizeof entries) {
    uint64_t size = dynamic.p_filesz - at < sizeof entries ? dynamic.p_filesz - at : sizeof entries;
    size -= size % sizeof(Elf64_Dyn);
    if (!ReadAt(sys, fd, entries, size, dynamic.p_offset + at)) return;
    for (uint64_t i = 0; i < size / sizeof(Elf64_Dyn) && !ended; ++i) {
      const uint64_t tag = static_cast<uint64_t>(entries[i].d_tag), value = entries[i].d_un.d_val;
      if (tag == DT_NULL) ended = true;
      if (tag == DT_NEEDED && needs < 32) needed[needs++] = value;
      if (tag == DT_STRTAB) strings = value;
      if (tag == kFlags1 && (value & kPie) != 0) *pie = true;
    }
  }
  if (strings == 0 || needs == 0) return;
  Elf64_Phdr segment;
  for (int i = 0; i < elf.e_phnum && i < 64; ++i) {
    if (!ReadAt(sys, fd, &segment, sizeof segment,
                elf.e_phoff + static_cast<uint64_t>(i) * sizeof segment))
      return;
    if (segment.p_type != PT_LOAD || strings < segment.p_vaddr ||
        strings - segment.p_vaddr >= segment.p_filesz)
      continue;
    for (int k = 0; k < needs; ++k) {
      char name[16] = {0};
      if (!ReadAt(sys, fd, name, sizeof name - 1,
                  segment.p_offset + (strings - segment.p_vaddr) + needed[k]))
        continue;
      if (SamePrefix(name, "libasan.so") || SamePrefix(name, "libclang_rt.asa")) *asan = true;
    }
    return;
  }
}

template <typename Sys>
const char* ElfObstacle(Sys& sys, long fd, const Elf64_Ehdr& elf, ImageVerdict* verdict) {
  if (elf.e_ident[EI_CLASS] != ELFCLASS64)
    return elf.e_machine == EM_X86_64 ? "is an x32 program" : "is a 32-bit program";
  if (elf.e_machine != EM_X86_64) return "is a program of another architecture";
  if (elf.e_phentsize != sizeof(Elf64_Phdr)) return nullptr;  // the kernel refuses it
  bool has_loader = false, has_dynamic = false;
  Elf64_Phdr segment, dynamic = {};
  for (int i = 0; i < elf.e_phnum && i < 64; ++i) {
    if (!ReadAt(sys, fd, &segment, sizeof segment,
                elf.e_phoff + static_cast<uint64_t>(i) * sizeof segment))
      return nullptr;
    if (segment.p_type == PT_INTERP) has_loader = true;
    if (segment.p_type == PT_DYNAMIC) {
      has_dynamic = true;
      dynamic = segment;
    }
  }
  bool pie = elf.e_type == ET_EXEC;
  if (has_dynamic) LookAtDynamic(sys, fd, elf, dynamic, &pie, &verdict->links_asan);
  // A shared object without a loader that is no executable is the loader itself, run by hand; it
  // honours LD_PRELOAD.
  const char* obstacle = IdentityObstacle(sys, fd);
  if (obstacle != nullptr || has_loader || !pie) return obstacle;
  verdict->traceable = true;
  return "is statically linked";
}

/// Cuts the interpreter's path out of "#! /path argument". False if there is none.
inline bool ScriptInterpreter(const char* line, long size, char* out) {
  long from = 2;
  while (from < size && (line[from] == ' ' || line[from] == '\t')) ++from;
  long length = 0;
  while (from + length < size && length < 255) {
    const char c = line[from + length];
    if (c == 0 || c == ' ' || c == '\t' || c == '\n') break;
    out[length++] = c;
  }
  out[length] = 0;
  return length > 0;
}

}  // namespace internal

/// `sys(number, a, b, c, d, e)` returns the result or -errno. (dirfd, path, flags) as for execveat;
/// `path` must be readable.
template <typename Sys>
void Inspect(Sys& sys, long dirfd, const char* path, int flags, ImageVerdict* verdict) {
  using namespace internal;  // NOLINT: the helpers above
  for (int depth = 0; depth < 6; ++depth) {
    const bool by_descriptor = depth == 0 && path[0] == 0 && (flags & kEmptyPath) != 0;
    const long fd = by_descriptor ? dirfd
                                  : sys(__NR_openat, dirfd, reinterpret_cast<long>(path),
                                        kReadOnly | kCloseOnExec, 0, 0);
    if (fd < 0) return;
    union {
      char bytes[256];
      Elf64_Ehdr elf;
    } head;
    const long size = sys(__NR_pread64, fd, reinterpret_cast<long>(&head), sizeof head, 0, 0);
    bool script = false;
    if (size >= static_cast<long>(sizeof(Elf64_Ehdr)) && SamePrefix(head.bytes, "\177ELF")) {
      verdict->obstacle = ElfObstacle(sys, fd, head.elf, verdict);
    } else if (size > 2 && head.bytes[0] == '#' && head.bytes[1] == '!') {
      script = ScriptInterpreter(head.bytes, size, verdict->interpreter);
    }
    if (!by_descriptor) sys(__NR_close, fd, 0, 0, 0, 0);
    if (!script) return;
    path = verdict->interpreter;
    dirfd = kCurrentDirectory;
  }
}

}  // namespace oldornew::image
