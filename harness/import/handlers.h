// What is done about each call of a log: one function for each family of system calls, by the
// column `replay` of interpose/syscalls.def.
#pragma once

#include <optional>
#include <string>

#include "import/replay.h"

namespace oldornew::replay {

using Handler = void (*)(Replay& r, const StraceCall& call);

struct ReplayedCall {
  Handler handler = nullptr;
  wire::RecordKind record = wire::RecordKind::kPad;  ///< kPad: none, or it depends on the arguments
};

/// Null: a call by that name changes nothing that has to be known.
const ReplayedCall* FindReplayedCall(const std::string& name);

// replay_open.cc
void ReplayOpen(Replay& r, const StraceCall& call);
void ReplayClose(Replay& r, const StraceCall& call);
void ReplayCloseRange(Replay& r, const StraceCall& call);
void ReplayDup(Replay& r, const StraceCall& call);
void ReplayFcntl(Replay& r, const StraceCall& call);
void ReplayNewDescriptor(Replay& r, const StraceCall& call);
void ReplayPipe(Replay& r, const StraceCall& call);
void ReplayReceive(Replay& r, const StraceCall& call);

// replay_data.cc
void ReplayRead(Replay& r, const StraceCall& call);
void ReplayWrite(Replay& r, const StraceCall& call);
void ReplaySeek(Replay& r, const StraceCall& call);
void ReplayTransfer(Replay& r, const StraceCall& call);
void ReplayReflink(Replay& r, const StraceCall& call);  // ioctl FICLONE, FICLONERANGE
void ReplayTruncate(Replay& r, const StraceCall& call);
void ReplayAllocate(Replay& r, const StraceCall& call);
void ReplaySync(Replay& r, const StraceCall& call);

// replay_names.cc
void ReplayMake(Replay& r, const StraceCall& call);
void ReplayBind(Replay& r, const StraceCall& call);
void ReplayUnlink(Replay& r, const StraceCall& call);
void ReplayLink(Replay& r, const StraceCall& call);
void ReplayRename(Replay& r, const StraceCall& call);

// replay_metadata.cc
void ReplayMetadata(Replay& r, const StraceCall& call);
void ReplayXattr(Replay& r, const StraceCall& call);
void ReplayStat(Replay& r, const StraceCall& call);
void ReplayAccess(Replay& r, const StraceCall& call);
void ReplayReadlink(Replay& r, const StraceCall& call);

// replay_process.cc
void ReplayClone(Replay& r, const StraceCall& call);
void ReplayExec(Replay& r, const StraceCall& call);
void ReplayExit(Replay& r, const StraceCall& call);
void ReplayChdir(Replay& r, const StraceCall& call);
void ReplayGetcwd(Replay& r, const StraceCall& call);
void ReplayUmask(Replay& r, const StraceCall& call);
void ReplayMmap(Replay& r, const StraceCall& call);
void ReplayMprotect(Replay& r, const StraceCall& call);
/// The child that the call made comes to be: a process or a thread.
void BearChild(Replay& r, const StraceCall& call, int32_t tid);

// replay_unsupported.cc
void ReplayUnsupported(Replay& r, const StraceCall& call);
void ReplayIoctl(Replay& r, const StraceCall& call);
void ReplayIoSubmit(Replay& r, const StraceCall& call);
/// The run cannot be judged because of this call, if `inode` is judged or kNoInode.
void ReportUnsupported(Replay& r, const StraceCall& call, const std::string& reason,
                       InodeIndex inode);

/// The flags of clone, clone3, fork and vfork; nothing: the log does not show them.
std::optional<uint64_t> FlagsOfClone(const StraceCall& call);

}  // namespace oldornew::replay
