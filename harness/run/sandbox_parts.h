// Parts: what a running sandbox consists of. Whoever owns them ends the sandbox with them, also
// when only some of them have been made.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "run/sandbox_layout.h"

namespace oldornew {

class Warden;     // run/warden.h: the process that starts commands in the view
struct ViewPlan;  // run/view.h

struct SandboxParts {
  SandboxParts();
  SandboxParts(SandboxParts&& other) noexcept;
  SandboxParts& operator=(SandboxParts&& other) noexcept;
  /// Ends every process of the sandbox and removes the work area, unless `keep` is set.
  ~SandboxParts();

  /// Starts a warden with a new view as planned. In memory, `fill` makes what is in it.
  Status StartView(const std::function<Status()>& fill);

  SandboxLayout layout;
  std::unique_ptr<ViewPlan> plan;
  std::unique_ptr<Warden> warden;
  bool keep = false;
};

}  // namespace oldornew
