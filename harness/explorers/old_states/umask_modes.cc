#include "explorers/old_states/umask_modes.h"

#include "base/text.h"

namespace oldornew {

void UmaskModes::Add(const std::string& target, uint32_t mode, size_t run) {
  Runs& runs = runs_[target];
  runs.modes.insert(mode);
  runs.last = run;
}

std::vector<UmaskModes::Narrowed> UmaskModes::FindNarrowed(
    const Trace& plain, const std::vector<Variant>& variants) const {
  std::vector<Narrowed> out;
  std::set<std::string> seen;
  for (const Variant& variant : variants) {
    const auto runs = runs_.find(variant.target);
    if (variant.kind != VariantKind::kUmask || runs == runs_.end()) continue;
    if (!seen.insert(variant.target).second) continue;

    const ReaderView before = ViewOf(plain, plain.old_tree, variant.target);
    const ReaderView after = ViewOf(plain, plain.new_tree, variant.target);
    const bool fixed = runs->second.modes == std::set<uint32_t>{after.mode};
    const bool narrower =
        before.kind == ReaderView::Kind::kThere && (before.mode & 0077 & ~after.mode) != 0;
    if (!fixed || !narrower) continue;
    out.push_back({&variant, runs->second.last,
                   fmt::format("{} goes from mode {:04o} to {:04o}, under every umask: who could "
                               "read the old content cannot read the new",
                               variant.target, before.mode, after.mode)});
  }
  return out;
}

}  // namespace oldornew
