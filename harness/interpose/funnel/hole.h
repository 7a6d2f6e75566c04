// Holes on purpose, for the tests of the proof of completeness (holes_test.cc): one call, child or
// thread is let through as if our code had missed it. Only in the library that is built for those
// tests, with OLDORNEW_HOLE; in the product this header says "no" at compile time.
#pragma once

#include "interpose/funnel/seam.h"

namespace oldornew::preload {

enum class Hole : char {
  kNone = 0,
  kCounted = 'c',    ///< a call reaches the funnel and is counted, but no handler sees it
  kUncounted = 'u',  ///< a call does not even reach the funnel
  kLost = 'l',       ///< the record of a call is wiped out afterwards
  kDisarmed = 'd',   ///< from a call on, dispatch is off for that thread
  kThread = 't',     ///< a thread never arms itself
  kChild = 'f',      ///< a forked child never arms itself
  kHidden = 'h',     ///< the same, and its parent does not tell of it either
  kExec = 'e',       ///< an image is executed without our environment
  kStart = 's',      ///< an image arms itself, but does not announce itself
};

#ifdef OLDORNEW_HOLE

/// Reads OLDORNEW_HOLE=KIND:NUMBER:K ("c:74:2": the second fsync of each image is counted but not
/// handled).
void LearnHole(char** envp);
/// True for the K-th time that this kind (and this call) passes.
bool IsHole(Hole kind, long nr = 0);
/// The record written last.
void NoteRecord(void* record, uint64_t size);
void WipeLastRecord();

#else

inline void LearnHole(char**) {}
constexpr bool IsHole(Hole, long = 0) { return false; }
inline void NoteRecord(void*, uint64_t) {}
inline void WipeLastRecord() {}

#endif

}  // namespace oldornew::preload
