#include "explorers/next_run/start_states.h"

#include <algorithm>

#include "base/text.h"
#include "cases/kill_states.h"
#include "finding/finding.h"
#include "oracle/path_patterns.h"

namespace oldornew {

namespace {

// Of a write of many pages: the first, the middle and the last place where it can end.
std::vector<uint64_t> Few(const std::vector<uint64_t>& all) {
  if (all.size() <= 3) return all;
  return {all.front(), all[all.size() / 2], all.back()};
}

}  // namespace

// Only what differs from the old tree can be new or random.
Digest StartStates::Identity(const FileTree& tree) const {
  std::vector<Digest> parts;
  for (const PathChange& change : Diff(plain_->old_tree, tree)) {
    Hasher hasher;
    hasher.Add(SubjectPattern(*plain_, change.path)).Add(static_cast<uint64_t>(change.what));
    if (const auto inode = tree.Lookup(change.path)) {
      const Inode& i = tree.at(*inode);
      hasher.Add(static_cast<uint64_t>(i.kind))
          .Add(i.content.digest())
          .Add(i.target)
          .Add(i.mode)
          .Add(i.uid);
      for (const auto& [name, value] : i.xattrs) hasher.Add(name).Add(value);
    }
    parts.push_back(hasher.Finish());
  }
  std::sort(parts.begin(), parts.end());
  Hasher hasher;
  for (const Digest& part : parts) hasher.Add(part);
  for (size_t root = 1; root < tree.roots().size() && root < plain_->roots.size(); ++root) {
    if (plain_->roots[root].role == RootRole::kJudged)
      hasher.Add(tree.KeyDigest(tree.roots()[root], /*attributes=*/true));
  }
  return hasher.Finish();
}

bool StartStates::Add(StartState state) {
  if (!seen_.insert(Identity(state.tree)).second) return true;
  if (list_.size() >= most_) {
    exhaustive_ = false;
    ++left_out_;
    return false;
  }
  list_.push_back(std::move(state));
  return true;
}

void StartStates::AddKills(const Trace& trace, const std::string& scene_before,
                           const std::string& id_before) {
  KillWalk walk(trace);
  while (walk.Next()) {
    const uint32_t number = walk.point();
    const std::string call = fmt::format("{} {}", number, DescribeShort(walk.op()));
    const CallAt at{number, walk.op().call, walk.op().path, walk.op().path2};
    for (const uint64_t bytes : Few(walk.Inside())) {
      Add({walk.TreeInside(bytes),
           fmt::format("{}after a kill in the middle of {}", scene_before, call),
           fmt::format("{}kill-{}.{}", id_before, number - 1, bytes), "kill", !id_before.empty(),
           at});
    }
    Add({walk.tree(), fmt::format("{}after a kill after {}", scene_before, call),
         fmt::format("{}kill-{}", id_before, number), "kill", !id_before.empty(), at});
  }
}

void StartStates::AddPowerCuts(const std::vector<const Profile*>& profiles, const Limits& limits) {
  for (const Profile* profile : profiles) {
    const Coverage coverage = ForEachCrashState(
        *plain_, *profile, Projection{{""}}, limits, [&](const CrashState& state) {
          return Add({state.tree,
                      fmt::format("after a power cut under {}, {} of {} calls done", profile->name,
                                  state.first_point, plain_->ops.size()),
                      fmt::format("power-{}-{}", profile->name, state.choice), Finding::kPowerAxis,
                      false, std::nullopt});
        });
    exhaustive_ = exhaustive_ && coverage.exhaustive;
  }
}

}  // namespace oldornew
