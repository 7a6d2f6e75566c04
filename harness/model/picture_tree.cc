#include "model/picture_tree.h"

#include <map>

#include "base/check.h"

namespace oldornew {
namespace {

// Copies a subtree of the old tree that nothing touched.
InodeIndex CopyOld(const FileTree& old_tree, ObjectId object, std::map<ObjectId, InodeIndex>* known,
                   FileTree* tree) {
  if (auto found = known->find(object); found != known->end()) return found->second;
  Inode inode = old_tree.at(object);
  const auto entries = std::move(inode.entries);
  inode.entries.clear();
  const InodeIndex index = tree->Add(std::move(inode));
  (*known)[object] = index;
  for (const auto& [name, child] : entries)
    tree->at(index).entries[name] = CopyOld(old_tree, child, known, tree);
  return index;
}

const std::map<std::string, InodeIndex> kNoEntries;

Content ContentOf(const Picture& picture, const DimensionChoices& choices, ObjectId object) {
  for (uint32_t a = 0; a < picture.dimensions.size(); ++a) {
    const Dimension& dimension = picture.dimensions[a];
    if (dimension.object != object || dimension.file == nullptr) continue;
    size_t index = 0;
    for (auto [chosen, i] : choices) {
      if (chosen == a) index = i;
    }
    return dimension.file->Render(dimension.file->choices()[index]);
  }

  return OldContent(picture.timeline->trace(), object);
}

}  // namespace

void AddToTree(const Picture& picture, const MetaState& state, const DimensionChoices& choices,
               FileTree* tree) {
  const Trace& trace = picture.timeline->trace();
  std::map<ObjectId, InodeIndex> known;
  for (const ViewNode& node : picture.view.nodes) {
    InodeIndex index = kNoInode;
    if (node.path.empty()) index = known[node.object] = tree->roots()[node.root];
    if (node.quiet && !node.path.empty()) {
      index = CopyOld(trace.old_tree, node.object, &known, tree);
    } else if (index == kNoInode) {
      auto [found, fresh] = known.try_emplace(node.object, kNoInode);
      if (fresh) {
        Inode inode;
        inode.kind = trace.objects[static_cast<size_t>(node.object)].kind;
        inode.target = TargetOf(trace, node.object);
        if (static_cast<size_t>(node.object) < trace.old_tree.size())
          inode.rdev = trace.old_tree.at(node.object).rdev;
        if (inode.kind == FileKind::kFile) inode.content = ContentOf(picture, choices, node.object);
        found->second = tree->Add(std::move(inode));
      }
      index = found->second;
    }
    const bool below = node.bundle || (node.quiet && node.path.empty());
    for (const auto& [name, child] : below ? trace.old_tree.at(node.object).entries : kNoEntries) {
      if (!node.quiet && !picture.timeline->InBundle(node.object, name, child)) continue;
      const InodeIndex copy = CopyOld(trace.old_tree, child, &known, tree);
      tree->at(index).entries[name] = copy;
    }
    Attributes attributes = AttributesOf(picture, state, choices, node.object);
    Inode& inode = tree->at(index);
    inode.mode = attributes.mode;
    inode.uid = attributes.uid;
    inode.gid = attributes.gid;
    inode.xattrs = std::move(attributes.xattrs);
    if (node.path.empty()) continue;
    const size_t slash = node.path.rfind('/');
    const std::string parent = slash == std::string::npos ? "" : node.path.substr(0, slash);
    const auto dir = tree->Lookup(parent, node.root);
    CHECK(dir.has_value());
    tree->at(*dir).entries[node.path.substr(slash + 1)] = index;  // npos + 1 == 0
  }
}

}  // namespace oldornew
