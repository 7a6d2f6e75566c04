#include "oracle/state_rules.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {

namespace {

// "version 2 of 3" (oracles.md 1); empty when there are old and new only.
std::string VersionText(const VersionHistory& history, const Digest& key) {
  const auto& versions = history.versions;
  const auto shown = std::find_if(versions.begin(), versions.end(),
                                  [&](const Version& v) { return v.key == key; });
  if (versions.size() < 3 || shown == versions.end()) return {};
  return fmt::format("version {} of {}", shown - versions.begin() + 1, versions.size());
}

}  // namespace

std::optional<Violation> JudgeState(const Trace& trace, const Subject& subject,
                                    const VersionHistory& history, const FileTree& state,
                                    uint32_t last_point) {
  const Digest key = KeyOf(trace, state, subject);
  const auto is_version = [&](uint32_t after) {
    return std::any_of(history.versions.begin(), history.versions.end(), [&](const Version& v) {
      return v.key == key && (after == 0 || v.point > after);
    });
  };
  const bool was_promised =
      std::find(history.promised.begin(), history.promised.end(), key) != history.promised.end();
  if (!is_version(0) && !was_promised) {
    const Classified classified = Classify(trace, state, subject, history);
    return Violation{Oracle::kAtomic, classified.outcome, classified.at, {}, -1};
  }
  // The latest promise given before the power went is the strictest one.
  for (size_t i = history.acks.size(); i-- > 0;) {
    if (history.acks[i].point > last_point) continue;
    if (history.promised[i] == key || is_version(history.acks[i].point)) return std::nullopt;
    return Violation{Oracle::kDurable, Outcome::kOldAfterAck, subject.name,
                     VersionText(history, key), static_cast<int>(i)};
  }
  return std::nullopt;
}

namespace {

// The version that a place's content belongs to, so that its attributes can be held against that
// one's.
std::string Expected(const Inode& mine, const Inode* was, const Inode* is) {
  std::vector<std::string> out;
  for (const auto& [name, inode] : {std::pair{"old", was}, std::pair{"new", is}}) {
    if (inode == nullptr) continue;
    const bool same_bytes =
        inode->kind == mine.kind && inode->content == mine.content && inode->target == mine.target;
    out.push_back(fmt::format("{}{} has {}", name, same_bytes ? " (the same content)" : "",
                              ShowAttributes(*inode)));
  }
  return Join(out, ", ");
}

const Inode* InodeAt(const Trace& trace, const FileTree& tree, const Place& place,
                     const std::string& below) {
  const Sight sight = Look(trace, tree, place);
  InodeIndex at = sight.leads_to != kNoInode ? sight.leads_to : sight.inode;
  if (at == kNoInode) return nullptr;
  for (const std::string& part : Split(below, '/')) {
    if (part.empty()) continue;
    const auto entry = tree.at(at).entries.find(part);
    if (entry == tree.at(at).entries.end()) return nullptr;
    at = entry->second;
  }
  return &tree.at(at);
}

std::string DirectoryOf(const Place& place) {
  const size_t slash = place.path.rfind('/');
  return slash == std::string::npos ? "" : place.path.substr(0, slash);
}

std::string NameOf(const Place& place) { return place.path.substr(place.path.rfind('/') + 1); }

// The first path, at or below the place, whose attributes are those of neither version.
std::optional<Violation> FirstMixed(const Trace& trace, const Place& place, const Subject& subject,
                                    const VersionHistory& history, const FileTree& state) {
  const Sight sight = Look(trace, state, place);
  if (sight.inode == kNoInode) return std::nullopt;
  std::vector<std::pair<std::string, InodeIndex>> todo = {
      {"", sight.leads_to != kNoInode ? sight.leads_to : sight.inode}};
  while (!todo.empty()) {
    const auto [below, index] = std::move(todo.back());
    todo.pop_back();
    const Inode& mine = state.at(index);
    const Inode* was = InodeAt(trace, history.old_view, place, below);
    const Inode* is = InodeAt(trace, history.new_view, place, below);
    const auto fits = [&](const Inode* version) {
      return version != nullptr && version->kind == mine.kind && version->content == mine.content &&
             version->target == mine.target && ShowAttributes(*version) == ShowAttributes(mine);
    };
    if (!fits(was) && !fits(is)) {
      const std::string name = ShowPlace(trace, place);
      return Violation{
          Oracle::kAttrs, Outcome::kMixedAttributes, below.empty() ? name : JoinPath(name, below),
          fmt::format("it has {}; {}", ShowAttributes(mine), Expected(mine, was, is)), -1};
    }
    if (!subject.whole_directory && sight.leads_to == kNoInode) continue;
    for (auto entry = mine.entries.rbegin(); entry != mine.entries.rend(); ++entry)
      todo.emplace_back(JoinPath(below, entry->first), entry->second);
  }
  return std::nullopt;
}

}  // namespace

bool HasAttributeQuestion(const Trace& trace, const Subject& subject, const FileTree& end) {
  if (!ChangesAttributes(trace)) return false;
  for (const Place& place : subject.places) {
    const auto object = end.Lookup(place.path, place.root);
    const int32_t made = object ? trace.objects[static_cast<size_t>(*object)].created_by : -1;
    if (made < 0) continue;
    const Op& op = trace.ops[static_cast<size_t>(made)];
    const auto directory = end.Lookup(DirectoryOf(place), place.root);
    if (op.kind == OpKind::kCreate && directory && op.dir == *directory && op.name == NameOf(place))
      return false;
  }
  return true;
}

std::optional<Violation> JudgeAttributes(const Trace& trace, const Subject& subject,
                                         const VersionHistory& combinations,
                                         const FileTree& state) {
  const Digest key = KeyOf(trace, state, subject, Value::kCombination);
  const auto& versions = combinations.versions;
  if (std::any_of(versions.begin(), versions.end(), [&](const Version& v) { return v.key == key; }))
    return std::nullopt;
  const auto& promised = combinations.promised;
  if (std::find(promised.begin(), promised.end(), key) != promised.end()) return std::nullopt;
  for (const Place& place : subject.places) {
    if (auto mixed = FirstMixed(trace, place, subject, combinations, state)) return mixed;
  }
  // Each path for itself is of one version: of a set or a directory, some are of the old one and
  // some of the new.
  return Violation{Oracle::kAttrs, Outcome::kMixedAttributes, subject.name,
                   "some paths have the attributes of old, some those of new", -1};
}

}  // namespace oldornew
