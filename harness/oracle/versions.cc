#include "oracle/versions.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"

namespace oldornew {

Result<AckRule> ParseAck(const std::string& text) {
  AckRule rule;
  if (text == "exit") return rule;
  if (text == "none") {
    rule.kind = AckRule::Kind::kNone;
    return rule;
  }
  try {
    const std::regex compiled(text, std::regex::ECMAScript);
  } catch (const std::regex_error& error) {
    return FailWith(ExitCode::kUsage, "--ack {}: not a regular expression: {}", Quote(text),
                    error.what());
  }
  rule.kind = AckRule::Kind::kLine;
  rule.line_regex = text;
  return rule;
}

Result<AckRule> ParseAck(const std::string& text, bool given, int fd) {
  ASSIGN_OR_RETURN(AckRule rule, ParseAck(text));
  if (fd < 0) return rule;
  if (!given) rule.kind = AckRule::Kind::kLine;
  if (rule.kind != AckRule::Kind::kLine)
    return FailWith(ExitCode::kUsage, "--ack {} leaves --ack-fd {} without a use", text, fd);
  rule.fd = fd;
  return rule;
}

namespace {

// A line counts once the write that completes it has returned. What several processes write to one
// channel joins up.
std::vector<Ack> FindLines(const Trace& trace, const std::regex& regex,
                           const std::string& channel) {
  std::vector<Ack> acks;
  std::string line;
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    if (op.kind != OpKind::kOutput || op.error != 0 || op.name != channel) continue;
    for (const char c : trace.Payload(op)) {
      if (c != '\n') {
        line += c;
        continue;
      }
      // The stack that std::regex takes grows with the text.
      constexpr size_t kMostLookedAt = 4096;
      if (std::regex_search(line.substr(0, kMostLookedAt), regex))
        acks.push_back({static_cast<uint32_t>(i + 1), line});
      line.clear();
    }
  }
  return acks;
}

}  // namespace

std::vector<Ack> FindAcks(const Trace& trace, const AckRule& rule) {
  if (rule.kind == AckRule::Kind::kNone) return {};
  std::vector<Ack> acks;
  const std::string channel = rule.fd < 0 ? "stdout" : fmt::format("fd {}", rule.fd);
  if (rule.kind == AckRule::Kind::kLine)
    acks = FindLines(trace, std::regex(rule.line_regex), channel);
  // The successful exit of the main process is the last acknowledgement.
  const bool success =
      std::find(rule.ok_exit.begin(), rule.ok_exit.end(), trace.exit_status) != rule.ok_exit.end();
  for (size_t i = 0; success && i < trace.ops.size(); ++i) {
    if (trace.ops[i].kind != OpKind::kExit) continue;
    acks.push_back({static_cast<uint32_t>(i + 1), fmt::format("exited {}", trace.exit_status)});
    break;
  }
  return acks;
}

namespace {

bool Binds(const Op& op) {
  if (op.error != 0 || (op.flags & kFlagInFlight)) return false;
  // symlink: it comes with its whole value
  return op.kind == OpKind::kRename || op.kind == OpKind::kLink ||
         (op.kind == OpKind::kCreate && !op.path2.empty());
}

std::vector<Sight> LookAll(const Trace& trace, const FileTree& tree, const Subject& subject) {
  std::vector<Sight> out;
  for (const Place& place : subject.places) out.push_back(Look(trace, tree, place));
  return out;
}

bool SameSight(const Sight& a, const Sight& b) {
  return a.inode == b.inode && a.leads_to == b.leads_to;
}

// A version is published when one call makes every name of the subject lead to something else than
// before: a rename inside a watched directory, or of one of several paths judged together
// (oracles.md 4), changes the value piece by piece. A rename that takes the file away binds nothing
// to its name: "missing" is no version (oracles.md 1).
bool BoundAnew(const Op& op, const std::vector<Sight>& before, const std::vector<Sight>& after) {
  for (size_t i = 0; i < before.size(); ++i) {
    if (SameSight(after[i], before[i]) || after[i].inode == kNoInode) return false;
  }
  return Binds(op);
}

// Names that lead where they led before, to something that reads otherwise: it was changed under
// its name.
bool ChangedInPlace(const std::vector<Sight>& before, const std::vector<Sight>& after) {
  return std::equal(before.begin(), before.end(), after.begin(), after.end(), SameSight);
}

// Inodes at and below `inode`.
void CollectBelow(const FileTree& tree, InodeIndex inode, std::set<InodeIndex>* out) {
  if (!out->insert(inode).second) return;
  for (const auto& [name, child] : tree.at(inode).entries) CollectBelow(tree, child, out);
}

// Whether an op can change the subject's key: it changes names, or the bytes of something seen now.
class ChangeFilter {
 public:
  ChangeFilter(const Trace& trace, const Subject& subject, Value value)
      : trace_(trace), subject_(subject), value_(value) {}
  void LookAgain(const FileTree& tree) {
    seen_.clear();
    for (const Place& place : subject_.places) {
      const Sight sight = Look(trace_, tree, place);
      for (const InodeIndex inode : {sight.inode, sight.leads_to}) {
        if (inode != kNoInode) CollectBelow(tree, inode, &seen_);
      }
    }
  }
  bool Concerns(const Op& op) const {
    if (op.error != 0) return false;
    if (ChangesNames(op.kind)) return true;
    const bool counts =
        ChangesData(op.kind) || (value_ == Value::kCombination && ChangesAttributes(op.kind));
    return counts && seen_.contains(op.object);
  }

 private:
  const Trace& trace_;
  const Subject& subject_;
  Value value_;
  std::set<InodeIndex> seen_;
};

}  // namespace

bool ChangesAttributes(const Trace& trace) {
  return std::any_of(trace.ops.begin(), trace.ops.end(),
                     [](const Op& op) { return op.error == 0 && ChangesAttributes(op.kind); });
}

VersionHistory TraceVersions(const Trace& trace, const Subject& subject, const AckRule& rule,
                             Value value) {
  VersionHistory out;
  out.acks = FindAcks(trace, rule);
  LiveTree live(trace);
  ChangeFilter filter(trace, subject, value);
  filter.LookAgain(live.tree());
  Digest current = KeyOf(trace, live.tree(), subject, value);
  out.versions.push_back({0, current});
  size_t next_ack = 0;
  std::vector<Sight> sights = LookAll(trace, live.tree(), subject);
  bool published = false;  // versions.back() is what is bound now, and came by one call
  for (size_t i = 0; i <= trace.ops.size(); ++i) {
    while (next_ack < out.acks.size() && out.acks[next_ack].point == i) {
      out.promised.push_back(current);
      ++next_ack;
    }
    if (i == trace.ops.size()) break;
    const Op& op = trace.ops[i];
    live.Apply(op);
    if (!filter.Concerns(op)) continue;
    const Digest key = KeyOf(trace, live.tree(), subject, value);
    const std::vector<Sight> before = std::exchange(sights, LookAll(trace, live.tree(), subject));
    if (key != current) {
      if (BoundAnew(op, before, sights) && !rule.strict_versions) {
        out.versions.push_back({static_cast<uint32_t>(i + 1), key});
        published = true;
      } else {
        // Changed under its name, what was bound before was not a finished version after all.
        if (published && ChangedInPlace(before, sights)) out.versions.pop_back();
        published = false;
      }
      current = key;
    }
    filter.LookAgain(live.tree());
  }
  // New, if it did not come by a binding call: it counts from the op that completed it; nobody can
  // tell which, so from the end of all changes, which is the strictest reading.
  if (out.versions.back().key != current) {
    out.versions.push_back({static_cast<uint32_t>(trace.ops.size()), current});
  }
  out.old_view = trace.old_tree;
  out.new_view = live.tree();
  return out;
}

}  // namespace oldornew
