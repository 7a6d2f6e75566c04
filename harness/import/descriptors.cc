#include "import/descriptors.h"

#include <fcntl.h>

#include <utility>

#include "base/text.h"

namespace oldornew::replay {

std::shared_ptr<Description> Descriptors::Inherit(const StraceCall& call,
                                                  const PrintedDescriptor& printed) {
  FdTable& table = *processes_.Of(call).files;

  // Sockets and the like may come from calls that were left out of the log.
  const bool no_file = printed.annotated && !printed.path.starts_with("/");
  if (table.closed.count(printed.number) != 0 && !no_file) {
    complaints_.Missed(
        call,
        fmt::format(
            "descriptor {} is used, though it was closed before: calls are missing in the log "
            "(strace -e trace=...)",
            printed.number));
  }

  auto file = std::make_shared<Description>();
  file->offset_known = false;
  file->flags = O_RDWR;
  if (printed.path.starts_with("/")) {
    FoundPath found = world_.Walk(world_.slash(), printed.path, false, true);
    if (!found.there() && !printed.deleted) world_.Discover(&found, FileKind::kFile);
    learner_.TakeDiscoveries();
    file->inode = found.inode;
  }

  const bool judged = world_.Judged(file->inode);

  // The one who started the program may listen on any of them (--ack-fd).
  if (printed.number > 0 && !judged) file->channel = printed.number;
  if (!printed.annotated && printed.number > 2) {
    complaints_.Missed(
        call,
        fmt::format(
            "descriptor {} was open before the log begins, and what it is only strace -y tells",
            printed.number));
  }

  table.slots[printed.number] = {file, false};

  return file;
}

void Descriptors::CheckAnnotation(const StraceCall& call, const PrintedDescriptor& printed,
                                  const Description& file) {
  if (!printed.annotated || printed.deleted || !printed.path.starts_with("/")) return;
  const FoundPath found = world_.Walk(world_.slash(), printed.path, false, false);
  if (found.inode == file.inode || (!world_.Judged(found.inode) && !world_.Judged(file.inode)))
    return;

  // The path of a file with several names, or one that another call is just moving, may be another
  // one.
  if (world_.Judged(file.inode) && found.there() && world_.Judged(found.inode) == false) return;
  complaints_.Missed(call, fmt::format("descriptor {} is {}, which the calls before do not explain",
                                       printed.number, printed.path));
}

std::shared_ptr<Description> Descriptors::File(const StraceCall& call, size_t i, int* number) {
  const std::string_view text = arguments_.Argument(call, i);
  const auto printed = PrintedFd(text);
  if (!printed) {
    if (!call.failed())
      complaints_.Bad(call, fmt::format("argument {} is no descriptor: {}", i + 1, Quote(text)));
    return nullptr;
  }

  if (number != nullptr) *number = printed->number;
  if (printed->number < 0) return nullptr;
  FdTable& table = *processes_.Of(call).files;
  const auto slot = table.slots.find(printed->number);
  if (slot == table.slots.end()) return call.failed() ? nullptr : Inherit(call, *printed);
  std::shared_ptr<Description> file = slot->second.file;
  if (!call.failed()) CheckAnnotation(call, *printed, *file);
  return file;
}

void Descriptors::Install(const StraceCall& call, int fd, std::shared_ptr<Description> file,
                          bool close_on_exec) {
  FdTable& table = *processes_.Of(call).files;
  table.slots[fd] = {std::move(file), close_on_exec};
  table.closed.erase(fd);
}

void Descriptors::Remove(const StraceCall& call, int fd) {
  FdTable& table = *processes_.Of(call).files;
  table.slots.erase(fd);
  table.closed.insert(fd);
}

std::shared_ptr<Description> Descriptors::Printed(const StraceCall& call,
                                                  const PrintedDescriptor& printed) {
  const auto& slots = processes_.Of(call).files->slots;
  const auto slot = slots.find(printed.number);
  return slot != slots.end() ? slot->second.file : Inherit(call, printed);
}

}  // namespace oldornew::replay
