#include "interpose/ptrace/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "interpose/ptrace/arch.h"

namespace oldornew::ptrace {

Result<std::unique_ptr<Stage>> Stage::Create(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd.valid()) return Fail("cannot create {}: {}", path, ErrnoText(errno));
  std::unique_ptr<Stage> stage(new Stage(path));
  fchmod(fd.get(), 0666);  // as for the recording: programs of other users open it too
  if (ftruncate(fd.get(), static_cast<off_t>(kSize)) != 0)
    return Fail("cannot make {} {} bytes long: {}", path, kSize, ErrnoText(errno));
  void* wanted = reinterpret_cast<void*>(kAddress);
  void* at =
      mmap(wanted, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd.get(), 0);
  if (at != wanted) {
    if (at != MAP_FAILED) munmap(at, kSize);
    return Fail("cannot map {} at {:#x}: {}", path, kAddress, ErrnoText(errno));
  }

  memcpy(at, kCallInstruction, kCallInstructionSize);
  for (uint64_t i = kStackCount; i-- > 0;)
    stage->free_.push_back(reinterpret_cast<char*>(kStacks + i * kStackSize));

  return stage;
}

Stage::~Stage() {
  munmap(reinterpret_cast<void*>(kAddress), kSize);
  unlink(path_.c_str());
}

char* Stage::TakeStack() {
  if (free_.empty()) return nullptr;
  char* stack = free_.back();
  free_.pop_back();
  return stack;
}

}  // namespace oldornew::ptrace
