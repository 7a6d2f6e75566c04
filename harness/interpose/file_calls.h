// The system calls that a fault plan can hit (plan.h): those that take a path or work on a file's
// descriptor, with where in their arguments these stand. The list is the column `shape` of
// syscalls.def. Shared with the preload library.
//
// Left out: what cannot fail for a reason of the file's (lseek, fcntl of flags), what is about all
// files (sync, close_range), and what ends or replaces the process.
#pragma once

#include <stdint.h>

#include "interpose/syscall_numbers.h"

namespace oldornew::wire {

/// What becomes of a symlink in the last component.
enum class LastLink : uint8_t {
  kFollowed,
  kNotFollowed,
  kByAtFlags,    ///< not followed if argument `flags` has AT_SYMLINK_NOFOLLOW
  kByLinkFlags,  ///< followed if argument `flags` has AT_SYMLINK_FOLLOW
  kByOpenFlags,  ///< not followed if argument `flags` has O_NOFOLLOW, or O_CREAT and O_EXCL
};

/// Indices of arguments; -1: none.
struct FileCallShape {
  int16_t nr = -1;
  int8_t path = -1;
  int8_t dirfd = -1;  ///< where `path` starts from; -1: the current directory
  int8_t path2 = -1;
  int8_t dirfd2 = -1;
  int8_t fd = -1;      ///< of calls that take no path. Of two, the one that is written to
  int8_t fd2 = -1;     ///< the one that is read
  int8_t bytes = -1;   ///< how much shall be transferred
  int8_t vector = -1;  ///< iovecs; their number is in the next argument
  LastLink last = LastLink::kFollowed;
  int8_t flags = -1;
};

using enum LastLink;  // as the rows of syscalls.def name them

constexpr FileCallShape OfPath(int path, int dirfd = -1, LastLink last = LastLink::kFollowed,
                               int flags = -1) {
  FileCallShape shape;
  shape.path = static_cast<int8_t>(path);
  shape.dirfd = static_cast<int8_t>(dirfd);
  shape.last = last;
  shape.flags = static_cast<int8_t>(flags);
  return shape;
}

constexpr FileCallShape OfTwoPaths(int path, int dirfd, int path2, int dirfd2, LastLink last,
                                   int flags = -1) {
  FileCallShape shape = OfPath(path, dirfd, last, flags);
  shape.path2 = static_cast<int8_t>(path2);
  shape.dirfd2 = static_cast<int8_t>(dirfd2);
  return shape;
}

constexpr FileCallShape OfDescriptor(int fd, int bytes = -1) {
  FileCallShape shape;
  shape.fd = static_cast<int8_t>(fd);
  shape.bytes = static_cast<int8_t>(bytes);
  return shape;
}

constexpr FileCallShape OfVector() {
  FileCallShape shape = OfDescriptor(0);
  shape.vector = 1;
  return shape;
}

constexpr FileCallShape OfTransfer(int to, int from, int bytes) {
  FileCallShape shape = OfDescriptor(to, bytes);
  shape.fd2 = static_cast<int8_t>(from);
  return shape;
}

/// Of calls that are no file calls.
inline constexpr FileCallShape OfNone = {};

constexpr FileCallShape WithNumber(int nr, FileCallShape shape) {
  shape.nr = static_cast<int16_t>(nr);
  return shape;
}

inline constexpr FileCallShape kShapes[] = {
#define SYSCALL(name, shape, ...) WithNumber(__NR_##name, Of##shape),
#include "interpose/syscalls.def"
};

constexpr bool IsFileCall(const FileCallShape& shape) { return shape.path >= 0 || shape.fd >= 0; }

constexpr int CountFileCalls() {
  int count = 0;
  for (const FileCallShape& shape : kShapes) count += IsFileCall(shape);
  return count;
}

inline constexpr int kFileCallCount = CountFileCalls();
static_assert(kFileCallCount < 128);

/// A plain array: the preload library has no std::array.
struct FileCallTable {
  FileCallShape rows[kFileCallCount];

  constexpr const FileCallShape* begin() const { return rows; }
  constexpr const FileCallShape* end() const { return rows + kFileCallCount; }
  constexpr const FileCallShape& operator[](int i) const { return rows[i]; }
};

constexpr FileCallTable SelectFileCalls() {
  FileCallTable table = {};
  int count = 0;
  for (const FileCallShape& shape : kShapes) {
    if (IsFileCall(shape)) table.rows[count++] = shape;
  }
  return table;
}

inline constexpr FileCallTable kFileCalls = SelectFileCalls();

inline constexpr int kFileCallLimit = 512;  // numbers below

struct FileCallIndex {
  int8_t at[kFileCallLimit];
};

constexpr FileCallIndex IndexFileCalls() {
  FileCallIndex index = {};
  for (int i = 0; i < kFileCallLimit; i++) index.at[i] = -1;
  for (int i = 0; i < kFileCallCount; i++) index.at[kFileCalls[i].nr] = static_cast<int8_t>(i);
  return index;
}

inline constexpr FileCallIndex kFileCallIndex = IndexFileCalls();

/// Null: no file call, whatever its arguments.
constexpr const FileCallShape* ShapeOf(long nr) {
  if (nr < 0 || nr >= kFileCallLimit || kFileCallIndex.at[nr] < 0) return nullptr;
  return &kFileCalls[kFileCallIndex.at[nr]];
}

}  // namespace oldornew::wire
