#include "interpose/funnel/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/funnel/memory.h"

namespace oldornew::preload {

namespace {

// Directories that were found to lie below a root, by identity: a small cache, cleared when a
// directory is removed.
constexpr uint32_t kKnownSlots = 256;
wire::FileId g_known_inside[kKnownSlots];

struct CurrentDirectory {
  wire::FileId id;  // written under the FileLock
  uint32_t known;
};

bool Same(const wire::FileId& a, const wire::FileId& b) { return a.dev == b.dev && a.ino == b.ino; }

bool IsRoot(const wire::FileId& id) {
  for (uint32_t i = 0; i < g_header->root_count; i++) {
    if (Same(g_header->roots[i], id)) return true;
  }
  return false;
}

/// `fd` is an O_PATH descriptor of a directory; it is closed.
bool DirectoryInsideRoots(long fd) {
  wire::FileState state;
  wire::FileId first = {0, 0};
  bool inside = false;
  for (int depth = 0; depth < 512 && fd >= 0; depth++) {
    if (StatDescriptor((int)fd, &state) != 0) break;
    wire::FileId id = {state.dev, state.ino};
    if (depth == 0) first = id;
    if (IsRoot(id) || Same(g_known_inside[id.ino % kKnownSlots], id)) {
      inside = true;
      break;
    }
    long up = Gate(SYS_openat, fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    wire::FileState above;
    bool at_top = up < 0 || StatDescriptor((int)up, &above) != 0 ||
                  (above.dev == id.dev && above.ino == id.ino);
    Gate(SYS_close, fd);
    fd = up;
    if (at_top) break;
  }

  if (fd >= 0) Gate(SYS_close, fd);
  if (inside) g_known_inside[first.ino % kKnownSlots] = first;
  return inside;
}

/// Devices, pipes and the kernel's own file systems may be opened for writing anywhere.
bool HarmlessKind(uint32_t mode) { return S_ISCHR(mode) || S_ISFIFO(mode) || S_ISSOCK(mode); }

bool IsBelow(const char* path, const char* directory) {
  size_t length = strlen(directory);
  return StartsWith(path, directory) && (path[length] == '/' || path[length] == 0);
}

}  // namespace

/// What a relative path starts from. The current directory's identity is remembered between calls
/// that may change it.
long StartingDirectory(int dirfd, wire::FileState* dir) {
  if (dirfd != AT_FDCWD) return StatDescriptor(dirfd, dir);
  bool remember = !SharesDescriptorsOrMemory();
  CurrentDirectory& current = Mine<CurrentDirectory>();
  if (remember && __atomic_load_n(&current.known, __ATOMIC_ACQUIRE) != 0) {
    dir->dev = current.id.dev;
    dir->ino = current.id.ino;
    return 0;
  }

  long result = StatAt(AT_FDCWD, ".", 0, dir);
  if (result == 0 && remember) {
    current.id = {dir->dev, dir->ino};
    __atomic_store_n(&current.known, 1, __ATOMIC_RELEASE);
  }

  return result;
}

/// Splits off the last component; everything but Place::dir.
Place LastComponent(char* path) {
  Place place;
  size_t end = strlen(path);
  while (end > 0 && path[end - 1] == '/') end--;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/') start--;
  size_t length = end - start;
  if (length == 0 || length > 255) return place;
  if (path[start] == '.' && (length == 1 || (length == 2 && path[start + 1] == '.'))) return place;
  place.name = path + start;
  place.name_length = (uint32_t)length;
  return place;
}

Place FindPlace(int dirfd, char* path) {
  Place place = LastComponent(path);
  if (!place.valid()) return place;
  size_t start = (size_t)(place.name - path);
  wire::FileState dir;
  long result;
  if (start == 0) {
    result = StartingDirectory(dirfd, &dir);
  } else {
    char first = path[start];
    path[start] = 0;
    result = StatAt(dirfd, path, 0, &dir);
    path[start] = first;
  }

  if (result != 0) return Place();
  place.dir = {dir.dev, dir.ino};

  return place;
}

Place FindPlaceBeside(const Place& known, int dirfd, const char* path, int dirfd2, char* path2) {
  Place place = LastComponent(path2);
  size_t start = known.valid() ? (size_t)(known.name - path) : 0;
  bool same_start = place.valid() && known.valid() && (size_t)(place.name - path2) == start;
  if (!same_start || memcmp(path, path2, start) != 0) return FindPlace(dirfd2, path2);
  bool absolute = start > 0 && path[0] == '/';
  if (!absolute && dirfd != dirfd2) return FindPlace(dirfd2, path2);
  place.dir = known.dir;
  return place;
}

Place FindPlaceOfDescriptor(int fd, char* buffer) {
  char link[32];
  long length = Gate(SYS_readlink, ProcFdPath(fd, link), buffer, kPathMax - 1);
  if (length <= 0 || buffer[0] != '/') return Place();
  buffer[length] = 0;
  return FindPlace(AT_FDCWD, buffer);
}

void ResolveForMessage(int dirfd, char* path, char* out) {
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/') start--;
  char first = path[start];
  path[start] = 0;
  long fd = Gate(SYS_openat, dirfd, start == 0 ? "." : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  path[start] = first;
  char link[32];
  long length = fd >= 0 ? Gate(SYS_readlink, ProcFdPath((int)fd, link), out, kPathMax - 300) : -1;
  if (fd >= 0) Gate(SYS_close, fd);
  if (length <= 0 || end - start > 255) {
    memcpy(out, path, strlen(path) + 1);
    return;
  }

  if (out[length - 1] != '/') out[length++] = '/';
  memcpy(out + length, path + start, end - start);
  out[length + (long)(end - start)] = 0;
}

long OpenAtMeetingPlace(int dirfd, char* path, const wire::FileId& dir) {
  ResolveForMessage(dirfd, path, g_scratch);
  uint64_t innermost = 0;  // length of the path of the root that holds it
  char digit = '0';
  char digit_of_root = 0;
  for (const char* root = g_header->root_paths; *root != 0; root += strlen(root) + 1, digit++) {
    const uint64_t length = strlen(root);
    // The directory itself has the component after it; another root below is an innermost one of
    // its own.
    if (!IsBelow(g_scratch, root) || g_scratch[length] != '/' || length <= innermost) continue;
    innermost = length;
    digit_of_root = digit;
  }

  if (innermost == 0 || digit_of_root > '9') return -EXDEV;
  char* rest = g_scratch + innermost;
  uint64_t end = strlen(rest);
  while (end > 0 && rest[end - 1] != '/') end--;  // the component goes; the slash before it stays
  constexpr uint64_t kStart = sizeof wire::kMeetingPlace - 1 + 2;  // and "/0"
  if (kStart + end >= kPathMax) return -EXDEV;
  memmove(g_scratch + kStart, rest, end);
  memcpy(g_scratch, wire::kMeetingPlace, kStart - 2);
  g_scratch[kStart - 2] = '/';
  g_scratch[kStart - 1] = digit_of_root;
  g_scratch[kStart + end] = 0;
  const long fd = Gate(SYS_openat, AT_FDCWD, g_scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -EXDEV;
  wire::FileState state;
  if (StatDescriptor((int)fd, &state) == 0 && Same({state.dev, state.ino}, dir)) return fd;
  Gate(SYS_close, fd);

  return -EXDEV;
}

void ForgetCurrentDirectory() {
  __atomic_store_n(&Mine<CurrentDirectory>().known, 0, __ATOMIC_RELEASE);
}

void ForgetDirectories() { memset(g_known_inside, 0, sizeof g_known_inside); }

bool InsideRoots(int dirfd, char* path, bool whole) {
  if ((g_header->flags & wire::kCheckRoots) == 0) return true;
  wire::FileState state;
  long fd = -1;
  if (whole && StatAt(dirfd, path, 0, &state) == 0) {
    if (HarmlessKind(state.mode)) return true;
    // The file itself, symlinks followed: its directory is found through the path that /proc shows.
    long file = Gate(SYS_openat, dirfd, path, O_PATH | O_CLOEXEC);
    if (file < 0) return true;  // Then the call fails as well.
    bool inside = DescriptorInsideRoots((int)file);
    Gate(SYS_close, file);
    return inside;
  }

  size_t end = strlen(path);
  while (end > 0 && path[end - 1] == '/') end--;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/') start--;
  char first = path[start];
  path[start] = 0;
  fd = Gate(SYS_openat, dirfd, start == 0 ? "." : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  path[start] = first;

  return fd < 0 || DirectoryInsideRoots(fd);
}

bool DescriptorInsideRoots(int fd) {
  if ((g_header->flags & wire::kCheckRoots) == 0) return true;
  wire::FileState state;
  if (StatDescriptor(fd, &state) != 0 || HarmlessKind(state.mode)) return true;
  if (S_ISDIR(state.mode))
    return DirectoryInsideRoots(Gate(SYS_openat, fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  char link[32];
  long length = Gate(SYS_readlink, ProcFdPath(fd, link), g_scratch, kPathMax - 1);
  if (length <= 0 || g_scratch[0] != '/') return true;  // memfd and the like have no place
  g_scratch[length] = 0;
  if (IsBelow(g_scratch, "/proc") || IsBelow(g_scratch, "/memfd:") || state.nlink == 0) return true;
  size_t start = (size_t)length;
  while (start > 1 && g_scratch[start - 1] != '/') start--;
  g_scratch[start] = 0;
  long dir = Gate(SYS_openat, AT_FDCWD, g_scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);

  return dir < 0 || DirectoryInsideRoots(dir);
}

[[noreturn]] void Refuse(const Call& call, int dirfd, char* path) {
  __atomic_store_n(&g_header->stop, 1, __ATOMIC_RELAXED);
  {
    RecordWriter record(wire::RecordKind::kRefused, call, TakeTicket(),
                        wire::SectionSize(kPathMax) + 256);
    if (path != nullptr) {
      ResolveForMessage(dirfd, path, g_scratch);
    } else {
      char link[32];
      long length = Gate(SYS_readlink, ProcFdPath(dirfd, link), g_scratch, kPathMax - 1);
      g_scratch[length > 0 ? length : 0] = 0;
    }
    record.AddText(wire::SectionType::kPath, g_scratch);
    record.Begun();
    record.Done(-EROFS);
  }
  for (;;) Gate(SYS_kill, ProcessId(), SIGKILL);
}

}  // namespace oldornew::preload
