// The answer of a hardened update. "It failed" is not enough: the caller must know whether the new
// content is live, and whether it will still be there after a power cut. A failed fsync of the
// directory leaves a committed update that is not durable; that is neither success nor "nothing
// happened".
#pragma once

namespace oldornew::hardened {

enum class Committed {
  kNo,       ///< the old content is live, as if nothing had been tried
  kYes,      ///< the new content is live
  kUnknown,  ///< the publishing call failed in a way that leaves this open
};

struct UpdateResult {
  Committed committed = Committed::kNo;
  /// The new content survives a power cut from now on. Implies committed == kYes.
  bool durable = false;
  int error = 0;          ///< errno of the first step that failed; 0: none did
  const char* step = "";  ///< that step: "write", "fsync directory", ... A string literal
  /// errno of a removal that failed: a file of ours is left behind, which a collector or the next
  /// swap will remove. Says nothing about the update itself.
  int left_behind = 0;

  bool ok() const { return durable && error == 0; }
};

}  // namespace oldornew::hardened
