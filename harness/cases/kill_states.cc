#include "cases/kill_states.h"

namespace oldornew {

bool KillWalk::Next() {
  while (point_ < trace_.ops.size()) {
    const Op& op = trace_.ops[point_++];
    const bool changes = ChangesTree(op.kind) && op.error == 0 && (op.flags & kFlagInFlight) == 0;
    if (!changes) continue;
    if (op.kind == OpKind::kWrite) before_ = tree().at(op.object).content;
    live_.Apply(op);
    return true;
  }
  return false;
}

std::vector<uint64_t> KillWalk::Inside() const {
  std::vector<uint64_t> out;
  if (op().kind != OpKind::kWrite) return out;
  const std::vector<PageRef>& after = tree().at(op().object).content.pages();
  const std::vector<PageRef>& before = before_.pages();
  const uint64_t end = op().offset + op().length;
  // A page that is written again as it was gives no state of its own, unless the file grows by it.
  for (uint64_t page = op().offset / kPageSize; (page + 1) * kPageSize < end; ++page) {
    const auto digest = [page](const std::vector<PageRef>& pages) {
      return page < pages.size() && pages[page] != nullptr ? pages[page]->digest() : Digest{};
    };
    const bool grows = (page + 1) * kPageSize > before_.size();
    if (!grows && digest(before) == digest(after)) continue;
    out.push_back((page + 1) * kPageSize - op().offset);
  }
  return out;
}

FileTree KillWalk::TreeInside(uint64_t bytes) const {
  FileTree out = tree();
  out.at(op().object).content =
      before_.WithWrite(op().offset, trace_.Payload(op()).substr(0, bytes));
  return out;
}

}  // namespace oldornew
