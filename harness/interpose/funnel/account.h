// The account that every process image keeps in the recording of the calls that matter: begun, come
// back, let by without a record. The decoder holds it against the records (completeness.h). It lies
// in the shared file, so that it is there however the process ends.
#pragma once

#include <stdint.h>

#include "interpose/funnel/seam.h"

namespace oldornew::preload {

/// Why a call on files leaves no record.
enum class Pass : uint8_t {
  /// what it acts on, as was looked up, is no file that anybody could judge; or it changes nothing
  kNoMatter,
  /// as things stood the kernel must refuse it. If it does not, the call is not passed by: a hole
  kFails,
};

/// Carries out a call that needs no record, and says so in the account.
long PassBy(const Call& call, Pass why);
/// The same for one that was not carried out at all.
void PassedBy(const Call& call);

/// Number of the account in which the calls of this process are counted; 0: none yet.
uint32_t AccountNumber();
/// From now on no account: a forked child must not write into its parent's.
void LeaveAccount();
/// An account of its own for this process image.
void OpenAccount();

/// Where the call stands in the account, or -1: calls that never matter, as far as the arguments
/// tell.
int AccountedAt(const Call& call);
void NoteEntered(int index);
/// The call came back. `result`: counted as written if it is a call that writes.
void NoteReturned(int index, const Call& call, long result);

/// We have written ourselves, in the program's name, to nothing of the program's: the kernel counts
/// it.
void NoteWrittenByUs(uint64_t bytes);

/// A thread is about to be made (+1), or could not be (-1); a thread has announced itself.
void NoteThreadCloned(int delta);
void NoteThreadStarted();
/// Before the threads of this process end together (exit_group, exec): waits, at most two seconds,
/// until those that were made have announced themselves. Who has not by then never will.
void SettleThreads();

/// What the kernel counts as written by this process and by the children it has waited for (wchar
/// of /proc/self/io). False: it cannot be read here, or something was being written meanwhile.
/// `*written` is what the account says of this image.
bool CountedByKernel(uint64_t* count, uint64_t* written);

}  // namespace oldornew::preload
