// What the preload library has instead of libc: byte copying, and copying from and to the program's
// memory that fails with -EFAULT instead of crashing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef OLDORNEW_HOSTED
#include <string.h>  // lint: allow(preload-freestanding) because this is the tracer's side
#else
extern "C" {
void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int byte, size_t size);
int memcmp(const void* a, const void* b, size_t size);
size_t strlen(const char* text);
}
#endif

namespace oldornew::preload {

/// True if `text` starts with `prefix`.
bool StartsWith(const char* text, const char* prefix);

#ifndef OLDORNEW_HOSTED  // only the entry side of the preload library asks
bool Equal(const char* a, const char* b);

/// 0, or -EFAULT if any of the `size` bytes cannot be read. Costs one system call (rt_sigprocmask
/// with an impossible `how`, which reads eight bytes and then refuses: the cheapest question of
/// this kind, and one that every seccomp filter allows) per page; none for what lies above our own
/// frame on the main thread's stack, as far as that is known.
long CheckReadable(const void* from, size_t size);
#endif

/// The main thread's stack ends at `end`, as the kernel made it. What lies between a stack pointer
/// in it and its end need not be asked for, until the program itself maps, unmaps or protects
/// something there.
void SetMainStackEnd(uint64_t end);
/// To be called before the program changes mappings or protections in [start, start + size).
void NoteRemapped(uint64_t start, uint64_t size);

/// Copies from the program. 0 or -EFAULT. Nothing is to be assumed of `to` after a failure.
long CopyIn(void* to, const void* from, size_t size);

/// Copies as much as can be read, up to `size`: the number of bytes, which is what write(2) would
/// transfer from a buffer that ends in an unmapped page.
size_t CopyInUpTo(void* to, const void* from, size_t size);

/// Copies a NUL-terminated string. Its length, or -EFAULT, or -ENAMETOOLONG if it has no NUL within
/// `capacity` bytes.
long CopyInString(char* to, const char* from, size_t capacity);

/// Length of a string of the program, or -EFAULT, or -E2BIG beyond `limit`.
long LengthOfString(const char* from, size_t limit);

/// Looks at words of the program's stack where they are.
class StackView {
 public:
  /// From `start`, which is aligned, at most kRange bytes.
  explicit StackView(uint64_t start);
  static constexpr uint64_t kRange = 8192;
  /// True if the word at `address` can be read, given that the one before it in this range could.
  bool Reaches(uint64_t address) const;
  /// True if all words from the start to the one at `last` can be read.
  bool ReachesAll(uint64_t last) const;
  /// The word at `address`. REQUIRES: it can be read.
  uint64_t At(uint64_t address) const;

 private:
  uint64_t start_;
#ifdef OLDORNEW_HOSTED
  uint64_t size_;  // bytes that could be read
#endif
};

/// Copies to the program. 0 or -EFAULT.
long CopyOut(void* to, const void* from, size_t size);

/// Reads one value, e.g. a pointer of an argv array.
template <typename T>
inline long CopyIn(T* to, const T* from) {
  return CopyIn(static_cast<void*>(to), static_cast<const void*>(from), sizeof(T));
}

}  // namespace oldornew::preload
