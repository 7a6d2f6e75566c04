#include "oracle/end_commands.h"

#include "base/check.h"
#include "oracle/versions.h"

namespace oldornew {

namespace {

// Of all roots, with attributes: everything that the commands can see.
Digest KeyOfAll(const FileTree& tree) {
  Hasher hasher;
  for (const InodeIndex root : tree.roots()) hasher.Add(tree.KeyDigest(root, /*attributes=*/true));
  return hasher.Finish();
}

}  // namespace

Result<std::string> EndCommands::View(const FileTree& tree) {
  CHECK(HasView());
  const Digest key = KeyOfAll(tree);
  if (const auto known = views_.find(key); known != views_.end()) return known->second;

  ASSIGN_OR_RETURN(const CheckerAnswer answer,
                   pool_[0].view(WithoutVolatile(tree, question_.volatile_globs), {}));
  return views_.emplace(key, ShowAnswer(answer)).first->second;
}

Result<CheckerAnswer> EndCommands::Check(const Trace& run) {
  CHECK(HasCheck());
  const auto acked = static_cast<uint32_t>(FindAcks(run, question_.ack).size());
  const CheckerContext context{acked, run.stdout_bytes};
  const Digest key =
      Hasher().Add(KeyOfAll(run.new_tree)).Add(context.acked).Add(context.printed).Finish();
  if (const auto known = checks_.find(key); known != checks_.end()) return known->second;

  ASSIGN_OR_RETURN(
      CheckerAnswer answer,
      pool_[0].check(WithoutVolatile(run.new_tree, question_.volatile_globs), context));
  return checks_.emplace(key, std::move(answer)).first->second;
}

}  // namespace oldornew
