#include "oracle/end_state.h"

#include "base/text.h"

namespace oldornew {

bool Hung(const Trace& trace, std::chrono::nanoseconds time_limit) {
  return !trace.obstacles.empty() && std::chrono::nanoseconds(trace.duration_ns) >= time_limit;
}

ReaderView ViewOf(const Trace& trace, const FileTree& tree, const std::string& path) {
  ReaderView out;
  const Sight sight = Look(trace, tree, Place{0, path});
  if (sight.inode == kNoInode) return out;
  out.through_link = tree.at(sight.inode).kind == FileKind::kSymlink;
  const InodeIndex end = out.through_link ? sight.leads_to : sight.inode;
  if (end == kNoInode) {
    out.kind = ReaderView::Kind::kDangling;
    return out;
  }
  out.kind = ReaderView::Kind::kThere;
  out.file = tree.at(end).kind;
  out.key = tree.KeyDigest(end);
  out.mode = tree.at(end).mode;
  return out;
}

EndValue EndValueOf(const Trace& trace, const FileTree& tree, const Subject& subject) {
  EndValue out{KeyOf(trace, tree, subject), {}};
  if (subject.places.size() == 1 && subject.places[0].root == 0)
    out.view = ViewOf(trace, tree, subject.places[0].path);
  return out;
}

bool Same(const EndValue& a, const EndValue& b) {
  if (a.key == b.key) return true;
  return a.view.through_link && b.view.through_link && a.view.kind == ReaderView::Kind::kThere &&
         a.view == b.view;
}

std::set<std::string> ChangedPaths(const Trace& trace) {
  std::set<std::string> out;
  for (const PathChange& change : Diff(trace.old_tree, trace.new_tree)) {
    bool covered = false;
    for (size_t slash = change.path.find('/'); slash != std::string::npos;
         slash = change.path.find('/', slash + 1)) {
      covered |= out.contains(change.path.substr(0, slash));
    }
    if (change.what == PathChange::What::kAttributes) continue;
    const bool whole =
        change.what == PathChange::What::kAdded || change.what == PathChange::What::kRemoved;
    if (!covered || !whole) out.insert(change.path);
  }
  return out;
}

std::string FirstWords(const Trace& trace) {
  const std::string& text = trace.stderr_bytes.empty() ? trace.stdout_bytes : trace.stderr_bytes;
  for (const std::string& line : Split(text, '\n')) {
    if (!line.empty()) return Quote(line, 160);
  }
  return "nothing";
}

}  // namespace oldornew
