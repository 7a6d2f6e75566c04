#include "interpose/process_table.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include <algorithm>

#include "base/text.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

std::vector<std::string> SplitNul(std::string_view bytes) {
  std::vector<std::string> parts;
  while (!bytes.empty()) {
    size_t end = std::min(bytes.find('\0'), bytes.size());
    parts.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return parts;
}

std::vector<Module> ParseMaps(std::string_view maps) {
  std::vector<Module> modules;
  for (const std::string& line : Split(maps, '\n')) {
    unsigned long start = 0;
    unsigned long end = 0;
    unsigned long offset = 0;
    char permissions[8] = {};
    int path_at = 0;
    if (sscanf(line.c_str(), "%lx-%lx %7s %lx %*s %*s %n", &start, &end, permissions, &offset,
               &path_at) < 4)
      continue;
    if (permissions[2] != 'x' || path_at == 0 || line[static_cast<size_t>(path_at)] != '/')
      continue;
    modules.push_back({start, end, offset, line.substr(static_cast<size_t>(path_at))});
  }

  return modules;
}

int32_t ProcessTable::Add(int32_t pid, int32_t parent) {
  auto index = static_cast<int32_t>(trace_->processes.size());
  Process process;
  process.pid = pid;
  process.parent = parent;
  if (parent >= 0) {
    const Process& from = trace_->processes[static_cast<size_t>(parent)];
    process.program = from.program;
    process.arguments = from.arguments;
    process.modules = from.modules;
  }

  trace_->processes.push_back(std::move(process));
  by_pid_[pid] = index;
  return index;
}

int32_t ProcessTable::IndexOf(int32_t pid) {
  auto found = by_pid_.find(pid);
  if (found != by_pid_.end()) return found->second;
  int32_t index = Add(pid, -1);
  trace_->processes[static_cast<size_t>(index)].entered = false;
  return index;
}

void ProcessTable::Image(const RecordView& record, int32_t process) {
  Process& p = trace_->processes[static_cast<size_t>(process)];
  p.program = std::string(record.text(SectionType::kProgram));
  p.arguments = SplitNul(record.text(SectionType::kArguments));
  p.modules = ParseMaps(record.text(SectionType::kMaps));
}

void ProcessTable::Forked(const RecordView& record) {
  int32_t pid = record.fixed->pid;
  clones_[pid]--;
  auto parent = by_pid_.find(record.fixed->other_pid);
  int32_t parent_index = parent == by_pid_.end() ? -1 : parent->second;
  int32_t index = Add(pid, parent_index);
  if (parent_index < 0) return;
  std::map<int, Descriptor> inherited = descriptors_[parent_index];
  for (auto& [fd, descriptor] : inherited) descriptor.file->references++;
  descriptors_[index] = std::move(inherited);
}

std::vector<std::shared_ptr<OpenFile>> ProcessTable::Handle(const RecordView& record) {
  std::vector<std::shared_ptr<OpenFile>> closed;
  int32_t pid = record.fixed->pid;
  switch (record.kind()) {
    case RecordKind::kForked:
      Forked(record);
      break;
    case RecordKind::kClone: {
      if (!record.done() || record.fixed->ret <= 0) break;
      bool thread = (record.fixed->flags & wire::kIsThread) != 0;
      if (!thread) clones_[static_cast<int32_t>(record.fixed->ret)]++;
      if (!thread && (record.fixed->flags & wire::kSharesFiles) != 0) {
        for (auto& [fd, descriptor] : descriptors_[IndexOf(pid)]) descriptor.file->uncertain = true;
      }
      break;
    }
    case RecordKind::kExec:
      execs_[pid] = {std::string(record.text(SectionType::kPath)), {}};
      break;
    case RecordKind::kExecFailed:
      execs_.erase(pid);
      break;
    case RecordKind::kReaped:
      if (WIFSIGNALED(static_cast<int>(record.fixed->mode_arg))) killed_[record.fixed->other_pid]++;
      break;
    case RecordKind::kUnsupported:
      execs_[pid].unsupported.push_back(std::string(record.text(SectionType::kPath)) + " " +
                                        std::string(record.text(SectionType::kReason)));
      break;
    case RecordKind::kProcessStart: {
      bool known = by_pid_.count(pid) != 0 && execs_.count(pid) != 0;
      auto parent = by_pid_.find(record.fixed->other_pid);
      int32_t index =
          known ? by_pid_[pid] : Add(pid, parent == by_pid_.end() ? -1 : parent->second);
      execs_.erase(pid);
      Image(record, index);
      std::vector<int> going;
      for (const auto& [fd, descriptor] : descriptors_[index]) {
        if (descriptor.close_on_exec) going.push_back(fd);
      }
      for (int fd : going) {
        if (auto file = Close(index, fd)) closed.push_back(std::move(file));
      }
      break;
    }
    default:
      break;
  }

  return closed;
}

void ProcessTable::Open(int32_t process, int fd, ObjectId object, bool truncated,
                        bool close_on_exec) {
  Close(process, fd);
  auto file = std::make_shared<OpenFile>();
  file->object = object;
  file->truncated = truncated;
  file->references = 1;
  descriptors_[process][fd] = {std::move(file), close_on_exec};
}

void ProcessTable::Duplicate(int32_t process, int from, int to, bool close_on_exec) {
  auto found = descriptors_[process].find(from);
  if (found == descriptors_[process].end() || from == to) return;
  std::shared_ptr<OpenFile> file = found->second.file;
  file->references++;
  descriptors_[process][to] = {std::move(file), close_on_exec};
}

void ProcessTable::Hold(int32_t process, int fd) {
  auto found = descriptors_[process].find(fd);
  if (found != descriptors_[process].end()) found->second.file->uncertain = true;
}

void ProcessTable::SetCloseOnExec(int32_t process, int fd, bool on) {
  auto found = descriptors_[process].find(fd);
  if (found != descriptors_[process].end()) found->second.close_on_exec = on;
}

std::shared_ptr<OpenFile> ProcessTable::Close(int32_t process, int fd) {
  auto& table = descriptors_[process];
  auto found = table.find(fd);
  if (found == table.end()) return nullptr;
  std::shared_ptr<OpenFile> file = std::move(found->second.file);
  table.erase(found);
  file->references--;
  return file->references == 0 && !file->uncertain ? file : nullptr;
}

std::vector<int> ProcessTable::DescriptorsIn(int32_t process, uint32_t first, uint32_t last) const {
  std::vector<int> fds;
  auto table = descriptors_.find(process);
  if (table == descriptors_.end()) return fds;
  for (const auto& [fd, descriptor] : table->second) {
    if (static_cast<uint32_t>(fd) >= first && static_cast<uint32_t>(fd) <= last) fds.push_back(fd);
  }
  return fds;
}

void ProcessTable::Finish() {
  auto add = [&](Obstacle::Kind kind, std::string reason) {
    trace_->obstacles.push_back({kind, std::move(reason)});
  };
  for (const auto& [pid, pending] : execs_) {
    for (const std::string& reason : pending.unsupported) add(Obstacle::Kind::kUnsupported, reason);
    if (!pending.unsupported.empty() || pending.program.empty()) continue;
    add(Obstacle::Kind::kIncomplete,
        fmt::format("{} (process {}) was started, but the recorder never got into it",
                    pending.program, pid));
    auto process = by_pid_.find(pid);
    if (process != by_pid_.end())
      trace_->processes[static_cast<size_t>(process->second)].entered = false;
  }

  for (const auto& [pid, missing] : clones_) {
    // A child runs nothing of the program before it has announced itself: if it was killed before,
    // it did nothing.
    auto killed = killed_.find(pid);
    if (missing <= (killed == killed_.end() ? 0 : killed->second)) continue;
    add(Obstacle::Kind::kIncomplete,
        fmt::format("process {} was forked, but the recorder never got into it", pid));
  }

  for (const Process& process : trace_->processes) {
    if (process.entered || !process.program.empty()) continue;
    add(Obstacle::Kind::kIncomplete,
        fmt::format("process {} made calls without having announced itself", process.pid));
  }

  if (trace_->processes.empty()) {
    std::string program = trace_->command.empty() ? "the program" : trace_->command[0];
    add(Obstacle::Kind::kIncomplete, fmt::format("the recorder never got into {}", program));
  }
}

}  // namespace oldornew
