#include "import/processes.h"

namespace oldornew::replay {

namespace {

bool MakesProcess(const std::string& name) {
  return name == "clone" || name == "clone3" || name == "fork" || name == "vfork";
}

}  // namespace

const ReplayedThread* Processes::Find(int32_t tid) const {
  const auto thread = threads_.find(tid);
  return thread == threads_.end() ? nullptr : &thread->second;
}

std::shared_ptr<ProcessState> Processes::AddProcess(int32_t pid) {
  auto process = std::make_shared<ProcessState>();
  process->pid = pid;
  AddThread(pid, process);
  return process;
}

void Processes::AddThread(int32_t tid, const std::shared_ptr<ProcessState>& process) {
  threads_[tid] = {process, process->threads++};
  ++process->living;
}

std::shared_ptr<ProcessState> Processes::RemoveThread(int32_t tid) {
  const std::shared_ptr<ProcessState> process = threads_.at(tid).process;
  threads_.erase(tid);
  return --process->living > 0 ? nullptr : process;
}

bool Processes::AddUnfollowed(int32_t pid) {
  if (!unfollowed_.insert(pid).second) return false;
  AddProcess(pid);
  return true;
}

Births::Births(const StraceLog& log) {
  for (size_t i = 0; i < log.calls.size(); ++i) {
    const StraceCall& call = log.calls[i];
    if (MakesProcess(call.name) && !call.failed() && call.result > 0 && call.result <= INT32_MAX)
      births_.emplace(static_cast<int32_t>(call.result), i);
  }
  for (const StraceEvent& event : log.events) seen_.insert(event.tid);
}

std::optional<size_t> Births::Take(int32_t child) {
  const auto birth = births_.lower_bound(child);  // the earliest one
  if (birth == births_.end() || birth->first != child) return std::nullopt;

  const size_t call = birth->second;
  births_.erase(birth);
  return call;
}

bool Births::TakeCall(int32_t child, size_t call) {
  for (auto [birth, end] = births_.equal_range(child); birth != end; ++birth) {
    if (birth->second != call) continue;
    births_.erase(birth);
    return true;
  }
  return false;
}

}  // namespace oldornew::replay
