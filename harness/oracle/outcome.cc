#include "oracle/outcome.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "model/stale.h"

namespace oldornew {

namespace {

constexpr const char* kNames[] = {"empty",
                                  "zeros",
                                  "garbage",
                                  "truncated",
                                  "torn",
                                  "missing",
                                  "dangling",
                                  "mixed",
                                  "foreign",
                                  "old-after-ack",
                                  "rejected-by-check",
                                  "unlike-any-version",
                                  "mixed-attributes",
                                  "exposed",
                                  "changed-outside",
                                  "fails",
                                  "wedged",
                                  "not-done",
                                  "changed-though-failed",
                                  "link-replaced",
                                  "mode-changed",
                                  "in-temporary",
                                  "litter",
                                  "hangs",
                                  "crashes",
                                  "lost-after-error"};

}  // namespace

const char* OutcomeName(Outcome outcome) { return kNames[static_cast<size_t>(outcome)]; }

Result<Outcome> ParseOutcome(const std::string& name) {
  const auto* known = std::find(std::begin(kNames), std::end(kNames), name);
  if (known != std::end(kNames)) return static_cast<Outcome>(known - std::begin(kNames));
  return FailWith(ExitCode::kUsage, "unknown outcome {} (known: {})", Quote(name),
                  Join({std::begin(kNames), std::end(kNames)}, ", "));
}

std::string OutcomePhrase(Outcome outcome) {
  static constexpr const char* kPhrases[] = {"be EMPTY",
                                             "read as ZEROS",
                                             "hold GARBAGE (old disk blocks)",
                                             "be TRUNCATED",
                                             "be TORN (parts of several versions)",
                                             "be MISSING",
                                             "lead to NOTHING",
                                             "be MIXED (some files old, some new)",
                                             "hold FOREIGN content (of no version)",
                                             "still be OLD",
                                             "be REJECTED by the check command",
                                             "be unlike ANY version to the view command",
                                             "have the WRONG mode, owner or attributes",
                                             "be READ by others",
                                             "be CHANGED although nobody asked for it",
                                             "not be updated: the command FAILS",
                                             "be WEDGED: the command fails every time",
                                             "not be NEW although the command reports success",
                                             "be CHANGED although the command reports an error",
                                             "be a file where a SYMLINK was",
                                             "have another MODE",
                                             "lie in a TEMPORARY directory",
                                             "leave LITTER behind",
                                             "make the command HANG",
                                             "make the command CRASH",
                                             "be LOST although the command reports success"};
  return kPhrases[static_cast<size_t>(outcome)];
}

namespace {

bool IsPrefixOf(const Content& part, const Content& whole) {
  return part.size() < whole.size() && whole.WithSize(part.size()) == part;
}

// Every byte of the sector at `at` is zero, or what some version has there; and not all are zero.
// One sector can hold parts of several calls: of two appends the second may be on disk and the
// first not.
bool MadeOfVersions(const std::string& sector, uint64_t at,
                    const std::vector<const Content*>& versions) {
  std::vector<std::string> theirs;
  for (const Content* whole : versions) theirs.push_back(whole->Read(at, sector.size()));
  bool known = false;
  for (size_t i = 0; i < sector.size(); ++i) {
    if (sector[i] == '\0') continue;
    const auto same = [&](const std::string& other) {
      return i < other.size() && other[i] == sector[i];
    };
    if (!std::any_of(theirs.begin(), theirs.end(), same)) return false;
    known = true;
  }
  return known;
}

// Pages that some version has there are that version's, and need no look.
bool HasStalePage(const Content& bytes, const std::vector<const Content*>& versions) {
  for (size_t i = 0; i < bytes.pages().size(); ++i) {
    const PageRef& page = bytes.pages()[i];
    const auto same = [&](const Content* whole) {
      return i < whole->pages().size() && whole->pages()[i] == page;
    };
    if (page == nullptr || std::any_of(versions.begin(), versions.end(), same)) continue;
    if (ContainsStaleBytes(page)) return true;
  }
  return false;
}

Outcome ClassifyBytes(const Content& bytes, const std::vector<const Content*>& versions) {
  if (bytes.empty()) return Outcome::kEmpty;
  if (bytes.AllZeros()) return Outcome::kZeros;
  if (HasStalePage(bytes, versions)) return Outcome::kGarbage;
  // One stale byte is too little to know them by, but no text has it (model/stale.h).
  if (bytes.size() == 1 && static_cast<unsigned char>(bytes.Read(0, 1)[0]) >= 0xF5)
    return Outcome::kGarbage;
  const auto prefix_of = [&](const Content* whole) { return IsPrefixOf(bytes, *whole); };
  if (std::any_of(versions.begin(), versions.end(), prefix_of)) return Outcome::kTruncated;
  // Torn when some sector of it is made of versions; else nobody knows these bytes.
  constexpr uint64_t kSector = 512;
  for (uint64_t at = 0; at < bytes.size(); at += kSector) {
    if (MadeOfVersions(bytes.Read(at, kSector), at, versions)) return Outcome::kTorn;
  }
  return Outcome::kForeign;
}

// All files below (or at) an inode, by path relative to it.
void Flatten(const FileTree& tree, InodeIndex inode, const std::string& path,
             std::map<std::string, InodeIndex>* out) {
  (*out)[path] = inode;
  for (const auto& [name, child] : tree.at(inode).entries)
    Flatten(tree, child, JoinPath(path, name), out);
}

// One tree against the same place in the old and in the new tree.
class TreeComparison {
 public:
  TreeComparison(const FileTree& state, InodeIndex at, const FileTree* a, InodeIndex a_at,
                 const FileTree* b, InodeIndex b_at)
      : state_(state), trees_{a, b} {
    Flatten(state, at, "", &mine_);
    if (a_at != kNoInode) Flatten(*a, a_at, "", &theirs_[0]);
    if (b_at != kNoInode) Flatten(*b, b_at, "", &theirs_[1]);
  }

  // The first path at which the state agrees with neither; nullopt: each path agrees with one of
  // them (mixed).
  std::optional<Classified> FirstForeign() const {
    std::set<std::string> paths;
    for (const auto* table : {&mine_, &theirs_[0], &theirs_[1]}) {
      for (const auto& [path, inode] : *table) paths.insert(path);
    }
    for (const std::string& path : paths) {
      if (!Agrees(path, 0) && !Agrees(path, 1)) return Classified{ClassifyPath(path), path};
    }
    return std::nullopt;
  }

 private:
  bool Agrees(const std::string& path, size_t which) const {
    const auto mine = mine_.find(path);
    const auto theirs = theirs_[which].find(path);
    if (mine == mine_.end() || theirs == theirs_[which].end()) {
      return (mine == mine_.end()) == (theirs == theirs_[which].end());
    }
    const Inode& x = state_.at(mine->second);
    const Inode& y = trees_[which]->at(theirs->second);
    return x.kind == y.kind && x.content == y.content && x.target == y.target && x.rdev == y.rdev;
  }

  Outcome ClassifyPath(const std::string& path) const {
    const auto mine = mine_.find(path);
    if (mine == mine_.end()) return Outcome::kMissing;
    const Inode& x = state_.at(mine->second);
    std::vector<const Content*> versions;
    for (size_t which = 0; which < 2; ++which) {
      const auto theirs = theirs_[which].find(path);
      if (theirs == theirs_[which].end()) continue;
      const Inode& y = trees_[which]->at(theirs->second);
      if (y.kind == x.kind) versions.push_back(&y.content);
    }
    if (versions.empty() || x.kind != FileKind::kFile) return Outcome::kForeign;
    return ClassifyBytes(x.content, versions);
  }

  const FileTree& state_;
  const FileTree* trees_[2];
  std::map<std::string, InodeIndex> mine_;
  std::map<std::string, InodeIndex> theirs_[2];
};

// A symlink is compared with the version that has the same target, so that its tree is held against
// the right one.
std::optional<Classified> ClassifyPlace(const Trace& trace, const FileTree& state,
                                        const Subject& subject, const Place& place,
                                        const VersionHistory& history) {
  const std::string name = ShowPlace(trace, place);
  const Sight seen = Look(trace, state, place);
  const Sight was = Look(trace, history.old_view, place);
  const Sight is = Look(trace, history.new_view, place);
  if (seen.inode == kNoInode) {
    if (was.inode == kNoInode || is.inode == kNoInode) return std::nullopt;
    return Classified{Outcome::kMissing, name};
  }
  const Inode& inode = state.at(seen.inode);
  const bool is_link = inode.kind == FileKind::kSymlink;
  if (inode.kind == FileKind::kDirectory && !subject.whole_directory) {
    return Classified{Outcome::kForeign, name};
  }
  if (is_link && seen.leads_to == kNoInode) return Classified{Outcome::kDangling, name};
  const auto side = [&](const FileTree& tree, const Sight& sight) {
    if (!is_link) return sight.inode;
    const bool same_target = sight.inode != kNoInode && tree.at(sight.inode).target == inode.target;
    return same_target ? sight.leads_to : kNoInode;
  };
  const TreeComparison comparison(state, is_link ? seen.leads_to : seen.inode, &history.old_view,
                                  side(history.old_view, was), &history.new_view,
                                  side(history.new_view, is));
  auto foreign = comparison.FirstForeign();
  if (foreign) foreign->at = foreign->at.empty() ? name : JoinPath(name, foreign->at);
  return foreign;
}

}  // namespace

Classified Classify(const Trace& trace, const FileTree& state, const Subject& subject,
                    const VersionHistory& history) {
  for (const Place& place : subject.places) {
    if (const auto classified = ClassifyPlace(trace, state, subject, place, history))
      return *classified;
  }
  return {Outcome::kMixed, subject.name};
}

}  // namespace oldornew
