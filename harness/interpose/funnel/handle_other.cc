// Calls that this version cannot model when they touch judged files, and the end of a process.
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"
#include "interpose/unmodelled_ioctl.h"

namespace oldornew::preload {

namespace {

bool RegularOrDirectory(int fd) {
  wire::FileState state;
  return StatDescriptor(fd, &state) == 0 && (S_ISREG(state.mode) || S_ISDIR(state.mode));
}

/// A wait status as wait4 gives it.
int StatusOf(const siginfo_t& info) {
  switch (info.si_code) {
    case CLD_EXITED:
      return (info.si_status & 0xff) << 8;
    case CLD_KILLED:
      return info.si_status & 0x7f;
    case CLD_DUMPED:
      return (info.si_status & 0x7f) | 0x80;
    default:
      return 0x7f;
  }
}

}  // namespace

long HandleIoctl(Call& call) {
  unsigned request = (unsigned)call.args[1];
  if (request == FICLONE || request == FICLONERANGE) return HandleReflink(call);
  const char* reason = UnmodelledIoctl(request);
  if (reason == nullptr || !RegularOrDirectory((int)call.args[0])) return CarryOut(call);
  FileLock lock;
  long result = CarryOut(call);
  if (result >= 0) RecordUnsupported(call, reason, (int)call.args[0], nullptr);
  return result;
}

long HandleAio(Call& call) {
  if (call.nr != SYS_io_submit) {
    long result = CarryOut(call);
    if (result >= 0)
      RecordUnsupported(call, "uses io_uring, whose operations this version does not record", -1,
                        nullptr);
    return result;
  }

  for (long i = 0; i < call.args[1] && i < 1024; i++) {
    iocb* entry = nullptr;
    iocb block;
    if (CopyIn(&entry, (iocb* const*)call.args[2] + i) != 0 ||
        CopyIn(&block, (const iocb*)entry) != 0)
      break;
    bool changes =
        block.aio_lio_opcode == IOCB_CMD_PWRITE || block.aio_lio_opcode == IOCB_CMD_PWRITEV ||
        block.aio_lio_opcode == IOCB_CMD_FSYNC || block.aio_lio_opcode == IOCB_CMD_FDSYNC;
    if (!changes || !RegularOrDirectory((int)block.aio_fildes)) continue;
    RecordUnsupported(call, "is written by asynchronous I/O (io_submit)", (int)block.aio_fildes,
                      nullptr);
    break;
  }

  return CarryOut(call);
}

long HandleChdir(Call& call) {
  // Nobody may ask for the old directory's identity before the change and store it after.
  FileLock lock;
  long result = CarryOut(call);
  ForgetCurrentDirectory();
  return result;
}

long HandleMount(Call& call) {
  FileLock lock;
  ForgetCurrentDirectory();
  if (call.nr == SYS_unshare && (call.args[0] & (CLONE_NEWNS | CLONE_NEWPID)) == 0)
    return CarryOut(call);
  long result = CarryOut(call);
  if (result >= 0)
    RecordUnsupported(call, "changes what is mounted, or enters a namespace of its own", -1,
                      nullptr);
  return result;
}

long HandleByHandle(Call& call) {
  long result = CarryOut(call);
  bool writes = (call.args[2] & O_ACCMODE) != O_RDONLY || (call.args[2] & O_TRUNC) != 0;
  if (result >= 0 && writes)
    RecordUnsupported(call, "is opened for writing by its handle", (int)result, nullptr);
  return result;
}

long HandleWait(Call& call) {
  // How a child ended is compared with what it announced itself. One that was killed before it had
  // armed itself has done nothing; one that exited without our seeing its exit has escaped us.
  int status = 0;
  siginfo_t info = {};
  bool simple = call.nr == SYS_wait4;
  long pointer = simple ? 1 : 2;
  if (call.args[pointer] == 0) call.args[pointer] = simple ? (long)&status : (long)&info;
  long result = CarryOut(call);
  int child = result > 0 && simple ? (int)result : 0;
  if (simple) {
    if (child != 0 && CopyIn(&status, (const int*)call.args[pointer]) != 0) child = 0;
  } else if (result == 0 && CopyIn(&info, (const siginfo_t*)call.args[pointer]) == 0) {
    child = info.si_pid;
    status = StatusOf(info);
  }

  const bool ended = (status & 0xff) != 0x7f && status != 0xffff;  // else stopped or continued
  const bool gone = simple || (call.args[3] & WNOWAIT) == 0;
  if (child == 0 || !ended || !gone) {
    PassedBy(call);
    return result;
  }

  RecordWriter record(wire::RecordKind::kReaped, call, TakeTicket(), 0);
  record->other_pid = child;
  record->mode_arg = (uint32_t)status;

  record.Begun();
  return record.Done(result);
}

long HandleArchPrctl(Call& call) {
  DistrustThreadPointer();
  return CarryOut(call);
}

long HandleExit(Call& call) {
  const bool all = call.nr == SYS_exit_group;
  if (all) SettleThreads();
  uint64_t count = 0;
  uint64_t written = 0;
  const bool counted = all && CountedByKernel(&count, &written);

  RecordWriter record(wire::RecordKind::kExit, call, TakeTicket(), 0);
  record->ret = call.args[0];
  record->offset = count;
  record->length = written;
  if (counted) record->flags |= wire::kKernelCounted;

  record.Begun();
  record.Done(call.args[0]);

  return CarryOut(call);
}

}  // namespace oldornew::preload
