#include "model/pictures.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace oldornew {
namespace {

Digest AttributeDigest(const Attributes& attributes) {
  Hasher hasher;
  hasher.Add(attributes.mode).Add(attributes.uid).Add(attributes.gid);
  for (const auto& [key, value] : attributes.xattrs) hasher.Add(key).Add(value);
  return hasher.Finish();
}

// What of a node never varies within a picture.
Digest FixedDigest(const Trace& trace, const ViewNode& node, const std::string& target) {
  const Object& object = trace.objects[static_cast<size_t>(node.object)];
  Hasher hasher;
  hasher.Add(node.root).Add(node.path).Add(static_cast<uint64_t>(object.kind)).Add(target);
  if (static_cast<size_t>(node.object) < trace.old_tree.size())
    hasher.Add(trace.old_tree.at(node.object).rdev);
  return hasher.Finish();
}

const std::string& TargetOf(const Trace& trace, ObjectId object) {
  static const std::string none;
  if (trace.objects[static_cast<size_t>(object)].kind != FileKind::kSymlink) return none;
  if (static_cast<size_t>(object) < trace.old_tree.size()) return trace.old_tree.at(object).target;
  const int32_t made_by = trace.objects[static_cast<size_t>(object)].created_by;
  return made_by < 0 ? none : trace.ops[static_cast<size_t>(made_by)].path2;
}

const Content& OldContent(const Trace& trace, ObjectId object) {
  static const Content none;
  return static_cast<size_t>(object) < trace.old_tree.size() ? trace.old_tree.at(object).content
                                                             : none;
}

// The distinct values of one cell between the last forced one and the newest, newest first.
template <typename Version, typename Value>
std::vector<std::pair<Value, Position>> CellValues(const std::vector<Version>& versions,
                                                   Position forced, Position horizon,
                                                   Value (*value_of)(const Version&)) {
  std::vector<std::pair<Value, Position>> values;
  for (size_t i = versions.size(); i-- > 0;) {
    if (versions[i].pos > horizon) continue;
    const Value value = value_of(versions[i]);
    const auto same = [&](const auto& v) { return v.first == value; };
    auto known = std::find_if(values.begin(), values.end(), same);
    if (known == values.end()) {
      values.emplace_back(value, versions[i].pos);
    } else {
      known->second = versions[i].pos;  // the earliest time it had this value
    }
    if (versions[i].pos <= forced) break;
  }
  return values;
}

constexpr size_t kMaxAttributeChoices = 256;

Sum NodeSum(const Digest& fixed, const Sum& content, const Sum& attributes) {
  const Digest own = {fixed.high ^ (content.high * 3) ^ (attributes.high * 5),
                      fixed.low ^ (content.low * 7) ^ (attributes.low * 11)};
  return MixDigest(own, content.low + attributes.high);
}

}  // namespace

Sum Picture::Key(const std::vector<uint32_t>& choice) const {
  Sum key = quiet;
  for (const NodeKey& node : node_keys) {
    Sum content = node.content, attributes = node.attributes;
    if (node.content_axis >= 0) {
      const auto dimension = static_cast<size_t>(node.content_axis);
      content = dimensions[dimension].key(choice[dimension]);
    }
    if (node.attribute_axis >= 0) {
      const auto dimension = static_cast<size_t>(node.attribute_axis);
      attributes = dimensions[dimension].key(choice[dimension]);
    }
    key += NodeSum(node.fixed, content, attributes);
  }
  return key;
}

Pictures::Pictures(const Timeline& timeline, const Profile& profile, const Projection& projection,
                   Grain grain, uint64_t limit)
    : t_(timeline),
      p_(profile),
      projection_(projection),
      grain_(grain),
      limit_(limit),
      metas_(timeline, profile, projection) {}

const FileDomain* Pictures::Domain(const FileHistory& file, ObjectId object,
                                   const FileQuery& query) {
  auto& domain = domains_[KeyOf(file, object, query)];
  if (domain == nullptr) domain = std::make_unique<FileDomain>(file, object, p_, query, grain_);
  return domain.get();
}

const Sum& Pictures::OldContentSum(ObjectId object) {
  auto [cached, fresh] = old_contents_.try_emplace(object);
  if (fresh) cached->second = ContentSum(OldContent(t_.trace(), object));
  return cached->second;
}

// The sum of all nodes below a directory of the old tree that no walk goes into: everything
// (`whole`), or what is untouched itself and under a name that never changed.
Sum Pictures::QuietSum(size_t root, const std::string& path, ObjectId object, bool whole) {
  auto [cached, fresh] = quiet_.try_emplace({path, {root, object}});
  if (!fresh) return cached->second;
  const FileTree& old_tree = t_.trace().old_tree;
  Sum sum;
  for (const auto& [name, child] : old_tree.at(object).entries) {
    if (!whole && !t_.InBundle(object, name, child)) continue;
    ViewNode node;
    node.root = root;
    node.path = JoinPath(path, name);
    node.object = child;
    const Inode& inode = old_tree.at(child);
    const Sum attributes =
        MixDigest(AttributeDigest({inode.mode, inode.uid, inode.gid, inode.xattrs}), 1);
    const Sum content = inode.kind == FileKind::kFile ? OldContentSum(child) : Sum();
    sum += NodeSum(FixedDigest(t_.trace(), node, inode.target), content, attributes);
    if (inode.kind == FileKind::kDirectory) sum += QuietSum(root, node.path, child, true);
  }
  return quiet_[{path, {root, object}}] = sum;
}

std::shared_ptr<const std::vector<AttributeChoice>> Pictures::AttributeCells(ObjectId object,
                                                                             uint32_t segment) {
  const Position forced = p_.sync_noop ? 0 : metas_.AttributesForced(object, segment);
  const Position horizon = t_.segments()[segment].end;
  auto& cached = cells_[{object, {forced, horizon}}];
  if (cached != nullptr) return cached;
  AttributeChoice newest;
  newest.attributes = t_.AttributesAt(object, horizon);
  std::vector<AttributeChoice> choices = {newest};
  // Multiplies the list by the other values of one cell.
  auto vary = [&](const auto& values, auto&& set) {
    const size_t before = choices.size();
    for (size_t v = 1; v < values.size(); ++v) {
      for (size_t i = 0; i < before; ++i) {
        if (choices.size() >= kMaxAttributeChoices) {
          complete_ = false;
          return;
        }
        AttributeChoice next = choices[i];
        set(&next.attributes, values[v].first);
        next.weight += 2;
        next.pos = std::max(next.pos, values[v].second);
        choices.push_back(std::move(next));
      }
    }
    for (size_t i = 0; i < before && !values.empty(); ++i)
      choices[i].pos = std::max(choices[i].pos, values[0].second);
  };
  if (const auto* versions = t_.AttrsOf(object)) {
    // The first version of a new inode is the one it was made with: INEW is whole (7.6.6).
    using Cell = uint32_t (*)(const AttrVersion&);
    vary(CellValues<AttrVersion, uint32_t>(*versions, forced, horizon,
                                           Cell([](const AttrVersion& v) { return v.mode; })),
         [](Attributes* a, uint32_t value) { a->mode = value; });
    vary(CellValues<AttrVersion, uint32_t>(*versions, forced, horizon,
                                           Cell([](const AttrVersion& v) { return v.uid; })),
         [](Attributes* a, uint32_t value) { a->uid = value; });
    vary(CellValues<AttrVersion, uint32_t>(*versions, forced, horizon,
                                           Cell([](const AttrVersion& v) { return v.gid; })),
         [](Attributes* a, uint32_t value) { a->gid = value; });
  }
  if (const auto* keys = t_.XattrsOf(object)) {
    using Text = std::optional<std::string>;
    using Cell = Text (*)(const XattrVersion&);
    for (const auto& [key, versions] : *keys) {
      vary(CellValues<XattrVersion, Text>(versions, forced, horizon,
                                          Cell([](const XattrVersion& v) { return v.value; })),
           [&name = key](Attributes* a, const Text& value) {
             a->xattrs.erase(name);
             if (value) a->xattrs[name] = *value;
           });
    }
  }
  for (AttributeChoice& choice : choices) {
    choice.key = MixDigest(AttributeDigest(choice.attributes), 1);
  }
  std::stable_sort(
      choices.begin(), choices.end(),
      [](const AttributeChoice& a, const AttributeChoice& b) { return a.weight < b.weight; });
  cached = std::make_shared<const std::vector<AttributeChoice>>(std::move(choices));
  return cached;
}

void Pictures::AddAxes(const MetaState& state, uint32_t segment, Picture* picture) {
  const Trace& trace = t_.trace();
  const bool cells = p_.meta_order == MetaOrder::kNone;
  std::map<ObjectId, int32_t> content_axis, attribute_axis;
  for (const ViewNode& node : picture->view.nodes) {
    if (!node.projected) continue;
    Picture::NodeKey key;
    key.fixed = FixedDigest(trace, node, TargetOf(trace, node.object));
    if (node.quiet || node.bundle)
      picture->quiet += QuietSum(node.root, node.path, node.object, node.quiet);
    const FileKind kind = trace.objects[static_cast<size_t>(node.object)].kind;
    if (kind == FileKind::kFile) {
      auto [known, fresh] = content_axis.try_emplace(node.object, -1);
      const FileHistory* file = t_.File(node.object);
      if (fresh && file != nullptr) {
        FileQuery query;
        auto logged = state.contents.find(node.object);
        query.cut =
            logged == state.contents.end() ? state.cut : std::max(state.cut, logged->second);
        query.horizon = std::max(t_.segments()[segment].end, query.cut);
        query.segment = segment;
        known->second = static_cast<int32_t>(picture->dimensions.size());
        Dimension dimension;
        dimension.object = node.object;
        dimension.file = Domain(*file, node.object, query);
        picture->dimensions.push_back(std::move(dimension));
      }
      key.content = file == nullptr ? OldContentSum(node.object) : Sum();
      key.content_axis = known->second;
    }
    const bool varies =
        cells && (t_.AttrsOf(node.object) != nullptr || t_.XattrsOf(node.object) != nullptr);
    if (varies) {
      auto [known, fresh] = attribute_axis.try_emplace(node.object, -1);
      if (fresh) {
        known->second = static_cast<int32_t>(picture->dimensions.size());
        Dimension dimension;
        dimension.object = node.object;
        dimension.attributes = AttributeCells(node.object, segment);
        picture->dimensions.push_back(std::move(dimension));
      }
      key.attribute_axis = known->second;
    } else {
      key.attributes =
          MixDigest(AttributeDigest(AttributesOf(*picture, state, {}, node.object)), 1);
    }
    picture->node_keys.push_back(key);
  }
  for (const Dimension& dimension : picture->dimensions)
    picture->total = SaturatingMultiply(picture->total, dimension.total());
}

// Two choices of metadata with one signature show the same pictures.
Digest Pictures::Signature(const Picture& picture) const {
  Hasher hasher;
  hasher.Add(picture.quiet.high).Add(picture.quiet.low);
  for (const Picture::NodeKey& node : picture.node_keys) {
    hasher.Add(node.fixed).Add(node.attributes.high).Add(node.attributes.low);
    hasher.Add(node.content.high).Add(node.content.low);
    hasher.Add(static_cast<uint64_t>(node.content_axis + 1))
        .Add(static_cast<uint64_t>(node.attribute_axis + 1));
  }
  for (const Dimension& dimension : picture.dimensions) {
    hasher.Add(reinterpret_cast<uintptr_t>(dimension.file))
        .Add(reinterpret_cast<uintptr_t>(dimension.attributes.get()));
  }
  return hasher.Finish();
}

Picture Pictures::One(const MetaChoice& meta) {
  Picture picture;
  picture.timeline = &t_;
  picture.weight = meta.weight;
  const MetaState state = metas_.Expand(meta.id);
  picture.view = Walk(t_, state, projection_);
  picture.occurrences.push_back({meta.id, meta.first_point, meta.last_point});
  if (picture.view.valid) AddAxes(state, meta.id.segment, &picture);
  return picture;
}

bool Pictures::Find() {
  const bool all = metas_.ForEach(limit_, [&](const MetaChoice& meta) {
    Picture picture = One(meta);
    if (!picture.view.valid) return;
    auto [known, fresh] = by_signature_.try_emplace(Signature(picture), pictures_.size());
    if (fresh) {
      pictures_.push_back(std::move(picture));
    } else {
      Picture& same = pictures_[known->second];
      same.weight = std::min(same.weight, meta.weight);
      auto& list = same.occurrences;
      // Later cuts of a segment add nothing to the first.
      const bool covered = !list.empty() && list.back().first_point <= meta.first_point &&
                           list.back().last_point >= meta.last_point &&
                           list.back().id.segment == meta.id.segment;
      if (!covered) list.push_back({meta.id, meta.first_point, meta.last_point});
    }
  });
  return all && complete_;
}

uint64_t Pictures::Total() const {
  uint64_t total = 0;
  for (const Picture& picture : pictures_) total = SaturatingAdd(total, picture.total);
  return total;
}

bool Pictures::List(uint64_t limit) {
  bool complete = true;
  for (auto& [key, domain] : domains_) {
    domain->List(limit);
    complete = complete && domain->complete();
  }
  for (Picture& picture : pictures_) {
    picture.max_weight = picture.weight;
    for (const Dimension& dimension : picture.dimensions)
      picture.max_weight += dimension.weight(dimension.count() - 1);
  }
  return complete;
}

Attributes AttributesOf(const Picture& picture, const MetaState& state,
                        const DimensionChoices& choices, ObjectId object) {
  for (uint32_t a = 0; a < picture.dimensions.size(); ++a) {
    const Dimension& dimension = picture.dimensions[a];
    if (dimension.object != object || dimension.attributes == nullptr) continue;
    for (auto [chosen, index] : choices) {
      if (chosen == a) return (*dimension.attributes)[index].attributes;
    }
    return (*dimension.attributes)[0].attributes;
  }
  auto logged = state.attributes.find(object);
  const Position cut =
      logged == state.attributes.end() ? state.cut : std::max(state.cut, logged->second);
  return picture.timeline->AttributesAt(object, cut);
}

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
