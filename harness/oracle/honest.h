// Honest (oracles.md 12, "Honest"): does a run claim what is not so? And what stands next to it in
// the judgement of one run's end: 1 "Versions" after an error, 6 "Key" of modes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "oracle/ended_run.h"
#include "oracle/plain_ends.h"

namespace oldornew {

/// Rule 12 Honest: the run did not end.
EndViolation Hangs(const EndedRun& run, const std::string& path);
/// Rule 12 Honest: the run died of `signal` instead of reporting the error.
EndViolation Crashes(int signal, const std::string& path);

/// Rule 12 Honest, of a run that reports success: readers of the subject find what they find after
/// an undisturbed run.
std::optional<EndViolation> Honest(const EndedRun& run, const WatchedEnd& watched,
                                   const PlainEnds& ends);
/// Rule 1 Versions, of a run that reports an error: the subject is old, new, or some version that
/// the recorded run publishes.
std::optional<EndViolation> Versions(const EndedRun& run, const WatchedEnd& watched,
                                     const PlainEnds& ends);

/// Rule 12 Honest, "failed, though committed": what is wrong with a run that reports an error and
/// has changed everything as it should; nullopt: it could not know better, and does not claim to.
/// REQUIRES: run.failed_call.
std::optional<EndViolation> FailedThoughCommitted(const EndedRun& run, const std::string& path);

/// What readers of one path find before and after a run, and after an undisturbed run.
struct Readers {
  ReaderView before;
  ReaderView after;
  ReaderView plain;
};

/// Rule 12 Honest, of a run that reports success from another old state than the recorded one:
/// readers find something, and, where the content is `comparable`, what they find after an
/// undisturbed run.
struct NotDone {
  bool lost = false;  ///< readers find nothing at all
  std::string found;  ///< "the old content"
};
std::optional<NotDone> HonestToReaders(const Readers& readers, bool comparable);

/// Rule 12 Honest, of a run that reports an error from another old state: it has changed what
/// readers find.
bool ChangedThoughFailed(const Readers& readers);

/// Rule 6 Key: there is something with another mode than an undisturbed run leaves.
bool ModeChanged(const ReaderView& now, const ReaderView& plain);

/// Rules 2 Acknowledgement and 12 Honest: the run reports success although a sync or close has
/// failed, and nothing else says that the content of a watched file has reached the disk.
/// `closes_only`: what failing syncs do is asked elsewhere.
std::vector<EndViolation> ErrorsPassedOver(const EndedRun& run,
                                           const std::vector<WatchedEnd>& watched,
                                           bool closes_only);

}  // namespace oldornew
