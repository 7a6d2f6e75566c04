#include "explorers/old_states/variant.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.h"

namespace oldornew {

namespace {

constexpr size_t kMostTargets = 3;
constexpr size_t kMostTemporaries = 3;
constexpr size_t kLongestName = 255;  // NAME_MAX
constexpr const char* kBelow = "oldornew-below";

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string Beside(const std::string& path, const std::string& name) {
  return JoinPath(DirectoryOf(path), name);
}

// ---- editing a tree

std::optional<InodeIndex> ParentIn(const FileTree& tree, const std::string& path) {
  return tree.Lookup(DirectoryOf(path));
}

void Unbind(FileTree* tree, const std::string& path) {
  if (const auto parent = ParentIn(*tree, path)) tree->at(*parent).entries.erase(BaseName(path));
}

void Bind(FileTree* tree, const std::string& path, InodeIndex inode) {
  if (const auto parent = ParentIn(*tree, path)) tree->at(*parent).entries[BaseName(path)] = inode;
}

Inode SymlinkTo(const std::string& target) {
  Inode inode;
  inode.kind = FileKind::kSymlink;
  inode.mode = 0777;
  inode.target = target;
  return inode;
}

Inode FileOf(const std::string& bytes, uint32_t mode) {
  Inode inode;
  inode.mode = mode;
  inode.content = Content::FromBytes(bytes);
  return inode;
}

Inode DirectoryInode() {
  Inode inode;
  inode.kind = FileKind::kDirectory;
  inode.mode = 0755;
  return inode;
}

// ---- what the plain run tells

// A name under which the program made something that it later moved to its place or took away, in
// both plain runs.
struct Temporary {
  std::string path;
  Inode made;  // as it was just before it went
};

std::vector<Temporary> FixedTemporaries(const Trace& plain, const Trace& again) {
  const auto made_names = [](const Trace& trace) {
    std::set<std::string> out;
    for (const Op& op : trace.ops) {
      if (op.kind == OpKind::kCreate && op.error == 0) out.insert(op.path);
    }
    return out;
  };
  const std::set<std::string> mine = made_names(plain);
  const std::set<std::string> theirs = made_names(again);
  std::map<std::string, Inode> gone;
  LiveTree live(plain);
  for (const Op& op : plain.ops) {
    const bool leaves = op.error == 0 && (op.kind == OpKind::kRename || op.kind == OpKind::kUnlink);
    if (leaves && mine.contains(op.path) && theirs.contains(op.path)) {
      if (const auto inode = live.tree().Lookup(op.path)) {
        Inode copy = live.tree().at(*inode);
        copy.entries.clear();  // a directory as it was, empty
        gone.emplace(op.path, std::move(copy));
      }
    }
    live.Apply(op);
  }
  std::vector<Temporary> out;
  for (auto& [path, inode] : gone) {
    if (!plain.old_tree.Lookup(path) && !plain.new_tree.Lookup(path))
      out.push_back({path, std::move(inode)});
  }
  return out;
}

std::vector<std::string> Targets(const Trace& plain, const Trace& again,
                                 const std::vector<Subject>& subjects) {
  std::vector<std::string> out;
  for (const Subject& subject : subjects) {
    if (subject.whole_directory) continue;
    for (const Place& place : subject.places) {
      const auto inode = plain.new_tree.Lookup(place.path, place.root);
      if (place.root != 0 || place.path.empty() || !inode || !again.new_tree.Lookup(place.path))
        continue;
      if (plain.new_tree.at(*inode).kind != FileKind::kDirectory) out.push_back(place.path);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool IsPathCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-' || c == '/' || (static_cast<unsigned char>(c) >= 0x80);
}

// `sh -c TEXT`: paths stand in it as words. Code of other languages is left alone: there a name may
// be anything.
bool IsShellText(const std::vector<std::string>& command, size_t index) {
  const std::string program = BaseName(command[0]);
  const bool shell = program == "sh" || program == "bash" || program == "dash";
  return shell && index >= 2 && command[index - 1].starts_with("-") &&
         command[index - 1].ends_with("c");
}

class Maker {
 public:
  Maker(const Trace& plain, const Trace& again, std::string working_directory)
      : plain_(plain),
        working_directory_(std::move(working_directory)),
        temporaries_(FixedTemporaries(plain, again)) {}

  VariantPlan Make(std::vector<std::string> targets) {
    if (targets.size() > kMostTargets) {
      plan_.notes.push_back(fmt::format("old states were varied for {} of {} changed paths",
                                        kMostTargets, targets.size()));
      targets.resize(kMostTargets);
    }
    for (const std::string& target : targets) {
      Contents(target);
      Links(target);
      Names(target);
      ReadOnly(target);
    }
    if (!targets.empty()) Stale(targets.front());
    for (const std::string& target : targets) Umasks(target);
    return std::move(plan_);
  }

 private:
  Variant Start(VariantKind kind, const std::string& what, const std::string& target,
                std::string title) const {
    Variant variant;
    variant.kind = kind;
    variant.id = what + ":" + target;
    variant.title = std::move(title);
    variant.old = plain_.old_tree;
    variant.command = plain_.command;
    variant.target = variant.plain_target = target;
    return variant;
  }

  void Keep(Variant variant) { plan_.variants.push_back(std::move(variant)); }

  const Inode* OldInode(const std::string& target) const {
    const auto inode = plain_.old_tree.Lookup(target);
    return inode ? &plain_.old_tree.at(*inode) : nullptr;
  }

  void Contents(const std::string& target) {
    const Inode* old = OldInode(target);
    if (old == nullptr) return;
    Variant absent = Start(VariantKind::kContent, "absent", target, "without " + target);
    Unbind(&absent.old, target);
    Keep(std::move(absent));
    if (old->kind != FileKind::kFile || old->content.empty()) return;
    Variant empty = Start(VariantKind::kContent, "empty", target, "with an empty " + target);
    empty.old.at(*empty.old.Lookup(target)).content = Content::FromBytes("");
    Keep(std::move(empty));
  }

  void Links(const std::string& target) {
    const Inode* old = OldInode(target);
    if (old == nullptr) return;
    if (old->kind == FileKind::kFile) {
      const std::string other = Beside(target, BaseName(target).substr(0, 200) + ".oldornew-real");
      Variant link = Start(VariantKind::kLinked, "symlink", target,
                           fmt::format("with {} a symlink to {}", target, BaseName(other)));
      const InodeIndex file = *link.old.Lookup(target);
      Bind(&link.old, other, file);
      Bind(&link.old, target, link.old.Add(SymlinkTo(BaseName(other))));
      link.same_content = true;
      link.own = {other};
      Keep(std::move(link));
      Variant hard = Start(VariantKind::kLinked, "hardlink", target,
                           fmt::format("with a second name for {}", target));
      Bind(&hard.old, other, *hard.old.Lookup(target));
      hard.same_content = true;
      hard.own = {other};
      Keep(std::move(hard));
    }
    if (old->kind == FileKind::kSymlink) LinkElsewhere(target);
  }

  // What an old symlink leads to may be anybody's.
  void LinkElsewhere(const std::string& target) {
    const Sight sight = Look(plain_, plain_.old_tree, Place{0, target});
    if (sight.leads_to == kNoInode) return;
    const std::string other = Beside(target, "oldornew-precious");
    Variant variant =
        Start(VariantKind::kElsewhere, "elsewhere", target,
              fmt::format("with {} leading to {}, which others use", target, BaseName(other)));
    const InodeIndex copy = variant.old.Add(Inode(variant.old.at(sight.leads_to)));
    if (variant.old.at(copy).kind == FileKind::kDirectory) {
      const InodeIndex keep = variant.old.Add(FileOf("precious\n", 0644));
      variant.old.at(copy).entries["oldornew-keep"] = keep;
    }
    Bind(&variant.old, other, copy);
    Bind(&variant.old, target, variant.old.Add(SymlinkTo(BaseName(other))));
    variant.same_content = true;
    variant.victim = other;
    Keep(std::move(variant));
  }

  // The command with the target named otherwise; false: it does not name the target.
  bool Rename(const std::string& from, const std::string& to, Variant* variant) const {
    int replaced = 0;
    for (size_t i = 1; i < variant->command.size(); ++i) {
      std::string& word = variant->command[i];
      const bool names = word == from || word == "./" + from || word.ends_with("=" + from) ||
                         word.ends_with("=./" + from) || IsShellText(variant->command, i);
      if (!names) continue;
      const int dotted = ReplacePath("./" + from, to, &word);
      replaced += dotted + (dotted > 0 ? 0 : ReplacePath(from, to, &word));
    }
    return replaced > 0;
  }

  // "./f" as "f"; false: it is not named so.
  bool Undot(const std::string& target, Variant* variant) const {
    bool undotted = false;
    for (std::string& word : variant->command)
      undotted |= ReplacePath("./" + target, target, &word) > 0;
    return undotted;
  }

  void Names(const std::string& target) {
    LongName(target);
    const std::string root = plain_.roots[0].path;
    Variant absolute =
        Start(VariantKind::kNamed, "absolute", target, "with the absolute path of " + target);
    absolute.same_content = true;
    if (working_directory_ == root && Rename(target, JoinPath(root, target), &absolute))
      Keep(std::move(absolute));
    Variant below = Start(VariantKind::kNamed, "below", target,
                          fmt::format("with {} in a directory below", target));
    below.target = JoinPath(kBelow, target);
    below.same_content = true;
    if (working_directory_ == root && Rename(target, below.target, &below)) {
      const InodeIndex directory = below.old.Add(DirectoryInode());
      below.old.at(directory).entries = below.old.at(below.old.roots()[0]).entries;
      Bind(&below.old, kBelow, directory);
      below.own = {kBelow};
      Keep(std::move(below));
    }
    const std::string parent = DirectoryOf(target);
    Variant bare = Start(VariantKind::kNamed, "bare", target,
                         "with the bare name of " + target + ", in its directory");
    bare.same_content = true;
    bare.directory = JoinPath(root, parent);
    const bool there = !parent.empty() && plain_.old_tree.Lookup(parent).has_value();
    bool bared = false;
    if (parent.empty()) bared = Undot(target, &bare);
    if (there) bared = Rename(target, BaseName(target), &bare);
    if (bared && working_directory_ == root) Keep(std::move(bare));
    const Inode* old = OldInode(target);
    if (old == nullptr || old->kind != FileKind::kSymlink) return;
    Variant slash =
        Start(VariantKind::kNamed, "slash", target, fmt::format("with a slash behind {}", target));
    slash.same_content = true;
    if (Rename(target, target + "/", &slash)) Keep(std::move(slash));
  }

  void LongName(const std::string& target) {
    const std::string name = BaseName(target);
    const size_t dot = name.rfind('.');
    const std::string suffix =
        dot == std::string::npos || dot == 0 || name.size() - dot > 16 ? "" : name.substr(dot);
    const std::string longest = std::string(kLongestName - suffix.size(), 'n') + suffix;
    Variant variant = Start(VariantKind::kNamed, "long-name", target,
                            fmt::format("with {} under a name of {} bytes", target, kLongestName));
    variant.target = Beside(target, longest);
    variant.same_content = true;
    if (!Rename(target, variant.target, &variant)) return;
    if (const auto inode = variant.old.Lookup(target)) {
      // A link may only be taken over by the name that it was made for: the long one starts afresh.
      const bool link = variant.old.at(*inode).kind == FileKind::kSymlink;
      Unbind(&variant.old, target);
      if (!link) Bind(&variant.old, variant.target, *inode);
    }
    Keep(std::move(variant));
  }

  // Root may write where nobody may; the run is then made without that right.
  void ReadOnly(const std::string& target) {
    Variant variant = Start(VariantKind::kReadOnly, "read-only", target,
                            fmt::format("with the directory of {} read-only", target));
    const auto parent = ParentIn(variant.old, target);
    if (!parent) return;
    variant.old.at(*parent).mode &= ~0222u;
    variant.same_content = true;
    if (geteuid() == 0) {
      const std::vector<std::string> wrapper = {"setpriv", "--bounding-set",
                                                "-dac_override,-dac_read_search,-fowner", "--"};
      variant.command.insert(variant.command.begin(), wrapper.begin(), wrapper.end());
    }
    Keep(std::move(variant));
  }

  void Umasks(const std::string& target) {
    for (const char* mask : {"000", "077"}) {
      Variant variant = Start(VariantKind::kUmask, std::string("umask-") + mask, target,
                              fmt::format("with umask {}, for {}", mask, target));
      const std::vector<std::string> wrapper = {"sh", "-c",
                                                fmt::format("umask {}; exec \"$@\"", mask), "sh"};
      variant.command.insert(variant.command.begin(), wrapper.begin(), wrapper.end());
      variant.same_content = true;
      Keep(std::move(variant));
    }
  }

  void Stale(const std::string& target) {
    if (temporaries_.size() > kMostTemporaries)
      plan_.notes.push_back(fmt::format("stale temporaries were tried at {} of {} names",
                                        kMostTemporaries, temporaries_.size()));
    for (size_t i = 0; i < temporaries_.size() && i < kMostTemporaries; ++i) {
      const Temporary& temporary = temporaries_[i];
      const auto add = [&](const char* what, const std::string& title, Inode inode, bool hostile) {
        Variant variant = Start(VariantKind::kStale, what, temporary.path, title);
        if (!ParentIn(variant.old, temporary.path)) return;
        variant.target = variant.plain_target = target;
        variant.same_content = true;
        variant.hostile = hostile;
        variant.own = {temporary.path};
        if (inode.kind == FileKind::kSymlink && hostile) {
          variant.victim = Beside(temporary.path, "oldornew-victim");
          Bind(&variant.old, variant.victim, variant.old.Add(FileOf("precious\n", 0644)));
        }
        const InodeIndex stale = variant.old.Add(std::move(inode));
        if (variant.old.at(stale).kind == FileKind::kDirectory) {
          const InodeIndex inside = variant.old.Add(FileOf("stale\n", 0644));
          variant.old.at(stale).entries["inside"] = inside;
        }
        Bind(&variant.old, temporary.path, stale);
        Keep(std::move(variant));
      };
      add("stale", fmt::format("with {} left over from a run that was killed", temporary.path),
          temporary.made, false);
      add("stale-file", fmt::format("with another's file at {}, mode 0600", temporary.path),
          FileOf("stale, and longer than most\n", 0600), true);
      add("stale-directory", fmt::format("with a directory at {}", temporary.path),
          DirectoryInode(), true);
      add("stale-symlink",
          fmt::format("with a symlink at {} that leads to a file of another", temporary.path),
          SymlinkTo("oldornew-victim"), true);
    }
  }

  const Trace& plain_;
  std::string working_directory_;
  std::vector<Temporary> temporaries_;
  VariantPlan plan_;
};

}  // namespace

int ReplacePath(const std::string& name, const std::string& other, std::string* word) {
  int count = 0;
  for (size_t at = 0; (at = word->find(name, at)) != std::string::npos;) {
    const bool begins = at == 0 || !IsPathCharacter((*word)[at - 1]);
    const size_t end = at + name.size();
    const bool ends = end == word->size() || !IsPathCharacter((*word)[end]);
    if (begins && ends) {
      word->replace(at, name.size(), other);
      at += other.size();
      ++count;
    } else {
      at = end;
    }
  }
  return count;
}

VariantPlan MakeVariants(const Trace& plain, const Trace& again,
                         const std::vector<Subject>& subjects,
                         const std::string& working_directory) {
  return Maker(plain, again, working_directory).Make(Targets(plain, again, subjects));
}

}  // namespace oldornew
