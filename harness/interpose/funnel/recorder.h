// The recorder inside the program: the mapped recording, tickets, the lock that puts calls on files
// into one order, and the writer of one record. See interpose/wire.h for the format and seam.h for
// the laws of this library.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "interpose/funnel/seam.h"
#include "interpose/wire.h"

namespace oldornew::preload {

/// The mapped recording; null: this process is not recorded.
extern wire::Header* g_header;

/// Sets g_header. `mapped` bytes of the recording are mapped from there on.
void UseRecording(wire::Header* header, uint64_t mapped);

/// What a tracer maps into a traced program, which the preload library has to know about as well.
inline constexpr uint64_t kTracedRoom = uint64_t{64} << 20;

/// Widens RLIMIT_AS by what a recording of `size` bytes and the rest of us take. The bytes to map
/// at most: all, or, where a hard limit forbids widening, a part that leaves the program the most
/// of its room.
uint64_t MakeRoomFor(uint64_t size);  // handle_limit.cc

/// Asks whether this process has a limit on the size of files (RLIMIT_FSIZE): at its start, and
/// when it changes.
void LearnFileSizeLimit();  // handle_limit.cc
/// A call that meets the limit comes back with EFBIG and a SIGXFSZ that may end the process there
/// and then. While signals are blocked it waits until the call is recorded as what it is: failed.
bool FileSizeLimited();

/// The next ticket. Tickets order the begins and ends of all calls of the run.
uint64_t TakeTicket();

/// The ticket of a call that begins. Every ticket is in some record or counted as dropped, so that
/// a lost record shows.
class BeginTicket {
 public:
  BeginTicket() : value_(TakeTicket()) {}
  ~BeginTicket();
  BeginTicket(const BeginTicket&) = delete;
  BeginTicket& operator=(const BeginTicket&) = delete;
  /// For the record that it goes into.
  uint64_t Use() const {
    used_ = true;
    return value_;
  }
  /// That record was abandoned.
  void TakeBack() const { used_ = false; }

 private:
  uint64_t value_;
  mutable bool used_ = false;
};

/// Order of creation of the calling thread in its process.
uint32_t ThreadNumber(int tid);
/// gettid, without a system call where the thread is known by its thread pointer.
int CurrentThread();
/// To be called once: the processor lets programs read their thread pointer (AT_HWCAP2).
void UseThreadPointer(const uint64_t* auxv);
/// The program has set its thread pointer itself: it may move them between threads.
void DistrustThreadPointer();

/// Gives the calling thread the next number; the first thread of a process or image starts over at
/// 0.
void NumberThread(int tid, bool first);

/// Holds, for its lifetime, the lock that serialises calls which change files, with all signals of
/// this thread blocked (a handler that came in between and changed a file would wait for itself).
/// Survives the death of a holder: the lock is a PI futex, and the kernel knows whether its owner
/// lives. REQUIRES: nothing done meanwhile can block on another process.
class FileLock {
 public:
  FileLock();
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  /// Id of the thread that holds it.
  int tid() const { return tid_; }

 private:
  uint64_t old_mask_;
  int tid_;
  bool blocked_;
};

/// Two path buffers for the holder of the FileLock.
inline constexpr size_t kPathMax = 4096;
#ifdef OLDORNEW_HOSTED  // the kernel has to find them in the traced program as well
extern char* const g_path;
extern char* const g_path2;
extern char* const g_scratch;
#else
extern char g_path[kPathMax];
extern char g_path2[kPathMax];
extern char g_scratch[kPathMax];
#endif

/// Writes one record. When there is no room the record goes nowhere, Header::overflowed says so,
/// and everything still works.
class RecordWriter {
 public:
  /// Reserves the fixed part and room for sections of `extra` bytes (their headers and padding
  /// included).
  RecordWriter(wire::RecordKind kind, const Call& call, uint64_t begin, uint64_t extra)
      : RecordWriter(kind, call, begin, extra, CurrentThread()) {}
  /// The same for the holder of the lock: saves a system call, and adds the call stack.
  RecordWriter(const FileLock& lock, wire::RecordKind kind, const Call& call, uint64_t begin,
               uint64_t extra);
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  wire::Record* operator->() { return record_; }
  /// False: the record goes nowhere.
  bool ok() const { return capacity_ != 0; }

  void Add(wire::SectionType type, const void* bytes, uint64_t length);
  void AddText(wire::SectionType type, const char* text);
  void AddState(wire::SectionType type, const wire::FileState& state);
  /// Opens a section of `length` bytes and returns where they go, or null when there is no room.
  char* Open(wire::SectionType type, uint64_t length);
  /// The section opened last, at `bytes`, holds `length` bytes; up to `dirty` bytes of its room
  /// were written to. Every section that was opened needs this (or DropLast): it is how we know
  /// what to clear before room is given back.
  void ShrinkTo(char* bytes, uint64_t length, uint64_t dirty);
  void ShrinkTo(char* bytes, uint64_t length) { ShrinkTo(bytes, length, length); }
  /// The section opened last, at `bytes`, is none.
  void DropLast(char* bytes);

  /// What is in the record so far is visible as "begun". Call it before the system call is carried
  /// out.
  void Begun();
  /// Nothing was carried out after all, and nothing changed: the record is none.
  void Abandon();
  /// The record stays open although this writer goes: the room that it does not use is given back
  /// now. What it gets later is written into it, its state last. Null: it goes nowhere.
  wire::Record* Leave();
  /// The call returned `result`. Gives back unused room. Returns `result`.
  long Done(long result);

 private:
  RecordWriter(wire::RecordKind kind, const Call& call, uint64_t begin, uint64_t extra, int tid);
  void GiveBack();

  wire::Record* record_;
  uint64_t capacity_ = 0;
  uint64_t touched_ = 0;  // bytes of the reserved room that may be other than zero
};

/// fstat and newfstatat into the wire's form. 0 or -errno; *state is all zeros on failure.
long StatDescriptor(int fd, wire::FileState* state);
long StatAt(int dirfd, const char* path, int flags, wire::FileState* state);

/// Records that the run cannot be judged: "<path> <reason>" becomes the obstacle. `fd` >= 0 names
/// the file; else `path`.
void RecordUnsupported(const Call& call, const char* reason, int fd, const char* path);

/// Writes "/proc/self/fd/N" into `out` (at least 32 bytes) and returns it.
const char* ProcFdPath(int fd, char* out);

}  // namespace oldornew::preload
