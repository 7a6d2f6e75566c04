#include "run/process_list.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"

namespace oldornew {
namespace {

template <typename Visitor>
void ForEachPid(Visitor visit) {
  DIR* dir = opendir("/proc");
  if (dir == nullptr) return;
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') visit(std::atoi(entry->d_name));
  }
  closedir(dir);
}

}  // namespace

std::vector<ProcessInfo> ListProcesses() {
  std::vector<ProcessInfo> result;
  ForEachPid([&](int32_t pid) {
    auto stat = ReadFile(fmt::format("/proc/{}/stat", pid));
    if (!stat) return;

    // "pid (name) state parent ...". The name may hold parentheses and spaces.
    const size_t open = stat->find('(');
    const size_t close = stat->rfind(')');
    if (open == std::string::npos || close == std::string::npos || close + 4 > stat->size()) return;

    ProcessInfo info;
    info.pid = pid;
    info.state = (*stat)[close + 2];
    info.parent = std::atoi(stat->c_str() + close + 4);
    info.command = "[" + stat->substr(open + 1, close - open - 1) + "]";
    result.push_back(std::move(info));
  });

  return result;
}

std::vector<ProcessInfo> DescendantsOf(int32_t ancestor) {
  std::vector<ProcessInfo> all = ListProcesses();
  std::set<int32_t> family = {ancestor};

  // Until a pass finds no new one: children may be listed before their parents.
  std::vector<ProcessInfo> result;
  for (bool grew = true; grew;) {
    grew = false;
    for (ProcessInfo& info : all) {
      if (!family.contains(info.parent) || !family.insert(info.pid).second) continue;
      grew = true;
      if (info.state != 'Z' && info.state != 'X') result.push_back(info);
    }
  }

  return result;
}

std::string CommandLine(int32_t pid) {
  std::string line;
  if (auto bytes = ReadFile(fmt::format("/proc/{}/cmdline", pid))) line = *bytes;

  while (!line.empty() && line.back() == '\0') line.pop_back();
  for (char& c : line) {
    if (c == '\0') c = ' ';
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  }

  if (!line.empty()) return line;
  if (auto name = ReadFile(fmt::format("/proc/{}/comm", pid))) {
    return "[" + name->substr(0, name->find('\n')) + "]";
  }

  return "[gone]";
}

void FreezeDescendants() {
  std::set<int32_t> stopped;
  for (int round = 0; round < 100; ++round) {
    bool grew = false;
    for (const ProcessInfo& info : DescendantsOf(getpid())) {
      if (!stopped.insert(info.pid).second) continue;
      grew = true;
      kill(info.pid, SIGSTOP);
    }
    if (!grew) return;
  }
}

void FreezeNamespace() {
  CHECK(getpid() == 1);  // anywhere else, -1 would mean the user's whole session
  kill(-1, SIGSTOP);
}

void KillDescendants(bool whole_namespace) {
  if (whole_namespace) {
    CHECK(getpid() == 1);
    kill(-1, SIGKILL);
    return;
  }

  FreezeDescendants();
  for (const ProcessInfo& info : DescendantsOf(getpid())) kill(info.pid, SIGKILL);
}

uint32_t CountProcesses() {
  uint32_t count = 0;
  ForEachPid([&](int32_t) { ++count; });
  return count;
}

}  // namespace oldornew
