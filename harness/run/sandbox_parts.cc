#include "run/sandbox_parts.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "run/view.h"
#include "run/warden.h"

namespace oldornew {

SandboxParts::SandboxParts() : plan(std::make_unique<ViewPlan>()) {}

SandboxParts::SandboxParts(SandboxParts&& other) noexcept { *this = std::move(other); }

// Swaps, so that `other` ends what this had.
SandboxParts& SandboxParts::operator=(SandboxParts&& other) noexcept {
  std::swap(layout, other.layout);
  std::swap(plan, other.plan);
  std::swap(warden, other.warden);
  std::swap(keep, other.keep);
  return *this;
}

SandboxParts::~SandboxParts() {
  if (warden) warden->Stop(!keep);

  // Again, in case there was no keeper or it failed.
  if (!layout.work_area.empty() && !keep) (void)RemoveTree(layout.work_area);
}

Status SandboxParts::StartView(const std::function<Status()>& fill) {
  // The new mounts take the descriptor numbers of the old ones, because paths lead through these.
  const auto take_over = [&](const std::vector<UniqueFd>& mounts) -> Status {
    CHECK(mounts.size() == layout.memory.size());
    for (size_t i = 0; i < mounts.size(); ++i) {
      if (dup3(mounts[i].get(), layout.memory[i].get(), O_CLOEXEC) < 0)
        return Fail("cannot keep a descriptor: {}", ErrnoText(errno));
    }
    return fill();
  };

  ASSIGN_OR_RETURN(warden, Warden::Start(*plan, take_over));
  return {};
}

}  // namespace oldornew
