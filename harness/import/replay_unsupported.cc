// What cannot be imported.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "base/text.h"
#include "import/handlers.h"
#include "import/symbols.h"
#include "interpose/unmodelled_ioctl.h"

namespace oldornew::replay {

using wire::RecordKind;
using wire::SectionType;

void ReportUnsupported(Replay& r, const StraceCall& call, const std::string& reason,
                       InodeIndex inode) {
  RecordDraft draft = r.records.Draft(RecordKind::kUnsupported, call);
  draft.Add(SectionType::kReason, reason);
  if (inode != kNoInode) draft.AddState(SectionType::kObjectBefore, r.world.State(inode));
  r.records.Emit(std::move(draft), call);
}

void ReplayUnsupported(Replay& r, const StraceCall& call) {
  if (call.failed()) return;
  const std::string& name = call.name;
  if (name == "unshare" || name == "setns") {
    const auto flags =
        PrintedFlags(r.arguments.Argument(call, name == "unshare" ? 0 : 1), CloneFlags());
    if (flags && (*flags & (CLONE_NEWNS | CLONE_NEWPID)) == 0) return;
  }
  if (name == "open_by_handle_at") {
    const auto printed = PrintedFd(fmt::format("{}{}", call.result, call.result_note));
    if (!printed || printed->number < 0) return;
    r.processes.Of(call).files->slots.erase(printed->number);
    r.processes.Of(call).files->closed.erase(printed->number);
    const auto file = r.descriptors.Inherit(call, *printed);
    const std::string flags = call.arguments.size() > 2 ? call.arguments[2] : "";
    const bool reads = flags.find("O_WRONLY") == std::string::npos &&
                       flags.find("O_RDWR") == std::string::npos &&
                       flags.find("O_RDONLY") != std::string::npos;
    if (!reads && r.world.Judged(file->inode))
      ReportUnsupported(r, call, "is opened for writing by its handle", file->inode);
    return;
  }
  if (name.starts_with("io_uring"))
    return ReportUnsupported(r, call, "uses io_uring, whose operations no log of strace shows",
                             kNoInode);
  ReportUnsupported(r, call, "changes what is mounted, or enters a namespace of its own", kNoInode);
}

void ReplayIoctl(Replay& r, const StraceCall& call) {
  static const std::vector<PrintedSymbol> kRequests = {{"FICLONE", FICLONE},
                                                       {"FICLONERANGE", FICLONERANGE},
                                                       {"BTRFS_IOC_CLONE", FICLONE},
                                                       {"BTRFS_IOC_CLONE_RANGE", FICLONERANGE},
                                                       {"FS_IOC_SETFLAGS", FS_IOC_SETFLAGS},
                                                       {"FS_IOC_FSSETXATTR", FS_IOC_FSSETXATTR},
                                                       {"EXT4_IOC_MOVE_EXT", 0xc028660f},
                                                       {"FS_IOC_RESVSP", 0x40305828},
                                                       {"FS_IOC_RESVSP64", 0x4030582a},
                                                       {"FS_IOC_UNRESVSP64", 0x4030582b},
                                                       {"FS_IOC_ZERO_RANGE", 0x40305839}};
  if (call.failed()) return;
  std::string text = StripComments(r.arguments.Argument(call, 1));
  if (text.starts_with("BTRFS_IOC_") && text.find("CLONE") == std::string::npos) {
    const auto file = r.descriptors.File(call, 0);
    if (file != nullptr && r.world.Judged(file->inode))
      ReportUnsupported(r, call, "uses an ioctl of btrfs", file->inode);
    return;
  }
  if (const size_t alias = text.find(" or "); alias != std::string::npos)
    text = text.substr(0, alias);
  const auto request = PrintedFlags(text, kRequests);
  if (!request) return;
  if (*request == FICLONE || *request == FICLONERANGE) return ReplayReflink(r, call);
  const char* reason = UnmodelledIoctl(static_cast<unsigned>(*request));
  if (reason == nullptr) return;
  const auto file = r.descriptors.File(call, 0);
  if (file != nullptr && r.world.Judged(file->inode))
    ReportUnsupported(r, call, reason, file->inode);
}

void ReplayIoSubmit(Replay& r, const StraceCall& call) {
  static const std::vector<PrintedSymbol> kOpcodes = {{"IOCB_CMD_PWRITE", IOCB_CMD_PWRITE},
                                                      {"IOCB_CMD_PWRITEV", IOCB_CMD_PWRITEV},
                                                      {"IOCB_CMD_FSYNC", IOCB_CMD_FSYNC},
                                                      {"IOCB_CMD_FDSYNC", IOCB_CMD_FDSYNC}};
  const auto blocks = PrintedList(r.arguments.Argument(call, 2));
  if (!blocks || call.failed()) return;
  for (const std::string_view block : *blocks) {
    const auto opcode_text = PrintedField(block, "aio_lio_opcode");
    const auto fd_text = PrintedField(block, "aio_fildes");
    const auto fd = fd_text ? PrintedFd(*fd_text) : std::nullopt;
    const auto opcode = opcode_text ? PrintedFlags(*opcode_text, kOpcodes) : std::nullopt;
    if (!fd || !opcode || *opcode == IOCB_CMD_PREAD) continue;
    const auto file = fd->number >= 0 ? r.descriptors.Printed(call, *fd) : nullptr;
    if (file == nullptr || !r.world.Judged(file->inode)) continue;
    return ReportUnsupported(r, call, "is written by asynchronous I/O (io_submit)", file->inode);
  }
}

}  // namespace oldornew::replay
