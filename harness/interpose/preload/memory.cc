#include "interpose/funnel/memory.h"

#include <asm/unistd.h>
#include <linux/errno.h>

#include "interpose/funnel/seam.h"

extern "C" {

// Up to this size words are moved one by one: the microcode behind `rep` takes longer to start.
constexpr size_t kSmall = 128;

void* memcpy(void* to, const void* from, size_t size) {
  void* result = to;
  if (size <= kSmall) {
    char* out = static_cast<char*>(to);
    const char* in = static_cast<const char*>(from);
    for (; size >= 8; size -= 8, out += 8, in += 8) {
      uint64_t word;
      __builtin_memcpy(&word, in, sizeof word);
      __builtin_memcpy(out, &word, sizeof word);
    }
    for (; size > 0; --size) *out++ = *in++;
    return result;
  }

  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");

  return result;
}

void* memmove(void* to, const void* from, size_t size) {
  char* out = static_cast<char*>(to);
  const char* in = static_cast<const char*>(from);
  if (out <= in || out >= in + size) return memcpy(to, from, size);
  while (size > 0) {
    --size;
    out[size] = in[size];
  }
  return to;
}

void* memset(void* to, int byte, size_t size) {
  void* result = to;
  if (size <= kSmall) {
    char* out = static_cast<char*>(to);
    const uint64_t word = static_cast<uint8_t>(byte) * 0x0101010101010101u;
    for (; size >= 8; size -= 8, out += 8) __builtin_memcpy(out, &word, sizeof word);
    for (; size > 0; --size) *out++ = static_cast<char>(byte);
    return result;
  }

  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
  return result;
}

int memcmp(const void* a, const void* b, size_t size) {
  const unsigned char* left = static_cast<const unsigned char*>(a);
  const unsigned char* right = static_cast<const unsigned char*>(b);
  for (size_t i = 0; i < size; ++i) {
    if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
  }
  return 0;
}

size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

}  // extern "C"

namespace oldornew::preload {
namespace {

constexpr uint64_t kPage = 4096;
// rt_sigprocmask reads the set first and then refuses this with EINVAL
constexpr int kNoSuchHow = 0x6f6e;

// The main thread's stack ends here (0: not known). Nothing else lies in the 8 MiB below (mmap(2)'s
// area begins 128 MiB further down), and all that lies between a stack pointer there and this end
// is mapped.
uint64_t g_stack_end = 0;
bool g_stack_changed = false;  // The program has remapped something there: never known again.
constexpr uint64_t kMainStack = uint64_t{8} << 20;

/// True if [first, last] is known to be readable without asking: it lies above our own frame on the
/// main thread's stack.
bool InMainStack(uint64_t first, uint64_t last) {
  const uint64_t end = __atomic_load_n(&g_stack_end, __ATOMIC_RELAXED);
  const uint64_t here = reinterpret_cast<uint64_t>(__builtin_frame_address(0));
  return here < end && end - here < kMainStack && here <= first && first <= last && last < end;
}

bool WordReadable(uint64_t address) {
  // An aligned word never crosses into the next page. The first one is not asked for: to the kernel
  // it is "no set at all".
  const uint64_t word = address < kPage ? 8 : address & ~uint64_t{7};
  return Gate(__NR_rt_sigprocmask, kNoSuchHow, word, 0, 8) != -EFAULT;
}

}  // namespace

bool StartsWith(const char* text, const char* prefix) {
  while (*prefix != 0) {
    if (*text++ != *prefix++) return false;
  }
  return true;
}

bool Equal(const char* a, const char* b) {
  while (*a != 0 && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

void SetMainStackEnd(uint64_t end) {
  if (!__atomic_load_n(&g_stack_changed, __ATOMIC_RELAXED))
    __atomic_store_n(&g_stack_end, end, __ATOMIC_RELAXED);
}

void NoteRemapped(uint64_t start, uint64_t size) {
  const uint64_t end = __atomic_load_n(&g_stack_end, __ATOMIC_RELAXED);
  const bool touches = start < end && (size >= end - start || start + size + kMainStack > end);
  if (!touches) return;
  __atomic_store_n(&g_stack_changed, true, __ATOMIC_SEQ_CST);
  __atomic_store_n(&g_stack_end, 0, __ATOMIC_SEQ_CST);
}

long CheckReadable(const void* from, size_t size) {
  if (size == 0) return 0;
  const uint64_t first = reinterpret_cast<uint64_t>(from);
  const uint64_t last = first + size - 1;
  if (InMainStack(first, last)) return 0;
  if (last < first || !WordReadable(first)) return -EFAULT;
  const uint64_t last_page = last & ~(kPage - 1);
  for (uint64_t page = first & ~(kPage - 1); page != last_page;) {
    page += kPage;
    if (!WordReadable(page)) return -EFAULT;
  }

  return 0;
}

long CopyIn(void* to, const void* from, size_t size) {
  const long error = CheckReadable(from, size);
  if (error != 0) return error;
  memcpy(to, from, size);
  return 0;
}

size_t CopyInUpTo(void* to, const void* from, size_t size) {
  size_t done = 0;
  const uint64_t start = reinterpret_cast<uint64_t>(from);
  if (size > 0 && InMainStack(start, start + size - 1)) {
    memcpy(to, from, size);
    return size;
  }

  while (done < size) {
    const char* in = static_cast<const char*>(from) + done;
    size_t part = kPage - (reinterpret_cast<uint64_t>(in) & (kPage - 1));
    if (part > size - done) part = size - done;
    if (CopyIn(static_cast<char*>(to) + done, in, part) != 0) break;
    done += part;
  }

  return done;
}

long LengthOfString(const char* from, size_t limit) {
  size_t length = 0;
  while (length < limit) {
    const char* in = from + length;
    if (CheckReadable(in, 1) != 0) return -EFAULT;
    size_t part = kPage - (reinterpret_cast<uint64_t>(in) & (kPage - 1));
    if (part > limit - length) part = limit - length;
    for (size_t i = 0; i < part; ++i) {
      if (in[i] == 0) return static_cast<long>(length + i);
    }
    length += part;
  }

  return -E2BIG;
}

long CopyInString(char* to, const char* from, size_t capacity) {
  const long length = LengthOfString(from, capacity);
  if (length == -E2BIG) return -ENAMETOOLONG;
  if (length < 0) return length;
  memcpy(to, from, static_cast<size_t>(length));
  to[length] = 0;
  return length;
}

StackView::StackView(uint64_t start) : start_(start) {}

bool StackView::Reaches(uint64_t address) const {
  bool first_of_page = address == start_ || address % kPage == 0;
  return !first_of_page || CheckReadable(reinterpret_cast<const void*>(address), 8) == 0;
}

bool StackView::ReachesAll(uint64_t last) const {
  return last / kPage == start_ / kPage ||
         CheckReadable(reinterpret_cast<const void*>(last), 8) == 0;
}

uint64_t StackView::At(uint64_t address) const {
  return *reinterpret_cast<const volatile uint64_t*>(address);
}

long CopyOut(void* to, const void* from, size_t size) {
  struct {
    const void* base;
    size_t size;
  } const local = {from, size}, remote = {to, size};
  const long copied = Gate(__NR_process_vm_writev, Gate(__NR_getpid), &local, 1, &remote, 1, 0);
  if (copied == static_cast<long>(size)) return 0;
  if (copied >= 0 || copied == -EFAULT) return -EFAULT;

  // Forbidden here (a container's or the program's own filter): the page can be read, then it is
  // written as it is.
  const long error = CheckReadable(to, size);
  if (error != 0) return error;
  memcpy(to, from, size);
  return 0;
}

}  // namespace oldornew::preload
