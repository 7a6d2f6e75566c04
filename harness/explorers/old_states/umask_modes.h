// Umask modes: the modes that targets end with under several umasks. Where it is one and the same
// under all of them, the program has chosen it (oracles.md 6, "Key").
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "explorers/old_states/variant.h"
#include "oracle/end_state.h"
#include "trace/trace.h"

namespace oldornew {

class UmaskModes {
 public:
  /// `run` is the number of a run of a variant of kind kUmask that reported success and left
  /// something at `target`.
  void Add(const std::string& target, uint32_t mode, size_t run);

  /// Readers who could open the old content and cannot open the new one, whatever the umask.
  struct Narrowed {
    const Variant* variant = nullptr;  ///< the first with that target
    size_t run = 0;                    ///< the last with that target
    std::string what;
  };
  std::vector<Narrowed> FindNarrowed(const Trace& plain,
                                     const std::vector<Variant>& variants) const;

 private:
  struct Runs {
    std::set<uint32_t> modes;
    size_t last = 0;
  };
  std::map<std::string, Runs> runs_;  ///< by target
};

}  // namespace oldornew
