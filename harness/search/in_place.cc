#include "search/in_place.h"

#include <set>

#include "base/text.h"

namespace oldornew {

namespace {

constexpr std::string_view kSqliteMagic("SQLite format 3\0",
                                        16);  // sqlite.org/fileformat2.html section 1.3.1

struct Known {
  std::string kind;
  std::string advice;
};

// Databases that can be told by their files.
std::optional<Known> Recognise(const FileTree& tree, const Place& place) {
  const auto inode = tree.Lookup(place.path, place.root);
  if (!inode || tree.at(*inode).kind != FileKind::kFile) return std::nullopt;
  const size_t slash = place.path.rfind('/');
  const std::string name = place.path.substr(slash == std::string::npos ? 0 : slash + 1);
  const std::string dir = slash == std::string::npos ? "." : place.path.substr(0, slash);
  const Content& content = tree.at(*inode).content;
  if (content.Read(0, kSqliteMagic.size()) == kSqliteMagic) {
    return Known{"an SQLite database",
                 fmt::format("--view {}",
                             ShellQuote(fmt::format("sqlite3 {} .dump", ShellQuote(place.path))))};
  }
  for (const std::string suffix : {"-journal", "-wal"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string database = place.path.substr(0, place.path.size() - suffix.size());
    const auto main = tree.Lookup(database, place.root);
    if (main && tree.at(*main).content.Read(0, kSqliteMagic.size()) == kSqliteMagic) {
      return Known{"part of an SQLite database",
                   fmt::format("--view {}",
                               ShellQuote(fmt::format("sqlite3 {} .dump", ShellQuote(database))))};
    }
  }
  if (name == "data.mdb") {
    return Known{"an LMDB database",
                 fmt::format("--view {}", ShellQuote("mdb_dump -a " + ShellQuote(dir)))};
  }
  const bool leveldb = name.ends_with(".log") &&
                       tree.Lookup(JoinPath(dir, "CURRENT"), place.root) &&
                       tree.Lookup(JoinPath(dir, "LOCK"), place.root);
  if (leveldb) return Known{"a LevelDB log", "--view COMMAND that prints the database's records"};
  return std::nullopt;
}

// Objects that were overwritten within their old bytes, under a name, after some other file had
// been synced in the run.
std::set<ObjectId> OverwrittenAfterSyncOfAnother(const Trace& trace) {
  std::set<ObjectId> out;
  std::set<ObjectId> synced;
  for (const Op& op : trace.ops) {
    if (op.error != 0) continue;
    const bool is_file = op.object != kNoObject &&
                         trace.objects[static_cast<size_t>(op.object)].kind == FileKind::kFile;
    if ((op.kind == OpKind::kFsync || op.kind == OpKind::kFdatasync) && is_file)
      synced.insert(op.object);
    if (op.kind != OpKind::kWrite || static_cast<size_t>(op.object) >= trace.old_tree.size())
      continue;
    const bool overwrites =
        op.offset < op.size_before && op.offset < trace.old_tree.at(op.object).content.size();
    const bool another = synced.size() > (synced.contains(op.object) ? 1u : 0u);
    if (overwrites && another) out.insert(op.object);
  }
  return out;
}

}  // namespace

std::vector<std::string> FindInPlaceDatabases(const Trace& trace,
                                              const std::vector<Subject>& subjects) {
  std::vector<std::string> out;
  std::set<ObjectId> written;
  for (const Op& op : trace.ops) {
    if (op.error == 0 && op.kind == OpKind::kWrite) written.insert(op.object);
  }
  LiveTree live(trace);
  for (const Op& op : trace.ops) live.Apply(op);
  const std::set<ObjectId> protocol = OverwrittenAfterSyncOfAnother(trace);
  for (const Subject& subject : subjects) {
    for (const Place& place : subject.places) {
      const auto object = live.tree().Lookup(place.path, place.root);
      if (!object || !written.contains(*object)) continue;
      // Only a file that keeps its name and was there before is changed in place.
      auto known = Recognise(live.tree(), place);
      if (!known && trace.old_tree.Lookup(place.path, place.root) == object)
        known = Recognise(trace.old_tree, place);
      if (!known && protocol.contains(*object) &&
          trace.old_tree.Lookup(place.path, place.root) == object) {
        known =
            Known{"changed in place after another file was synced, as databases with a journal do",
                  "--view COMMAND that prints its logical content, or --check COMMAND"};
      }
      if (!known) continue;
      out.push_back(
          fmt::format("{} is {}: its bytes are torn by design, only its logical content can be "
                      "judged. Needs {}",
                      ShowPlace(trace, place), known->kind, known->advice));
    }
  }
  return out;
}

}  // namespace oldornew
