#include "model/pictures.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {
namespace {

// What of a node never varies within a picture.
Digest FixedDigest(const Trace& trace, const ViewNode& node, const std::string& target) {
  const Object& object = trace.objects[static_cast<size_t>(node.object)];
  Hasher hasher;
  hasher.Add(node.root).Add(node.path).Add(static_cast<uint64_t>(object.kind)).Add(target);
  if (static_cast<size_t>(node.object) < trace.old_tree.size())
    hasher.Add(trace.old_tree.at(node.object).rdev);
  return hasher.Finish();
}

Sum NodeSum(const Digest& fixed, const Sum& content, const Sum& attributes) {
  const Digest own = {fixed.high ^ (content.high * 3) ^ (attributes.high * 5),
                      fixed.low ^ (content.low * 7) ^ (attributes.low * 11)};
  return MixDigest(own, content.low + attributes.high);
}

// Two choices of metadata with one signature show the same pictures.
Digest Signature(const Picture& picture) {
  Hasher hasher;
  hasher.Add(picture.quiet.high).Add(picture.quiet.low);
  for (const Picture::NodeKey& node : picture.node_keys) {
    hasher.Add(node.fixed).Add(node.attributes.high).Add(node.attributes.low);
    hasher.Add(node.content.high).Add(node.content.low);
    hasher.Add(static_cast<uint64_t>(node.content_dimension + 1))
        .Add(static_cast<uint64_t>(node.attribute_dimension + 1));
  }

  for (const Dimension& dimension : picture.dimensions) {
    hasher.Add(reinterpret_cast<uintptr_t>(dimension.file))
        .Add(reinterpret_cast<uintptr_t>(dimension.attributes.get()));
  }

  return hasher.Finish();
}

}  // namespace

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

Sum Picture::Key(const std::vector<uint32_t>& choice) const {
  Sum key = quiet;
  for (const NodeKey& node : node_keys) {
    const auto chosen = [&](int32_t dimension) {
      const auto d = static_cast<size_t>(dimension);
      return dimensions[d].key(choice[d]);
    };
    const Sum content = node.content_dimension < 0 ? node.content : chosen(node.content_dimension);
    const Sum attributes =
        node.attribute_dimension < 0 ? node.attributes : chosen(node.attribute_dimension);
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
    const Sum attributes = AttributesSum({inode.mode, inode.uid, inode.gid, inode.xattrs});
    const Sum content = inode.kind == FileKind::kFile ? OldContentSum(child) : Sum();
    sum += NodeSum(FixedDigest(t_.trace(), node, inode.target), content, attributes);
    if (inode.kind == FileKind::kDirectory) sum += QuietSum(root, node.path, child, true);
  }

  return quiet_[{path, {root, object}}] = sum;
}

Dimension Pictures::ContentDimension(const FileHistory& file, ObjectId object,
                                     const MetaState& state, uint32_t segment) {
  FileQuery query;
  const auto logged = state.contents.find(object);
  query.cut = logged == state.contents.end() ? state.cut : std::max(state.cut, logged->second);
  query.horizon = std::max(t_.segments()[segment].end, query.cut);
  query.segment = segment;

  auto& domain = domains_[KeyOf(file, object, query)];
  if (domain == nullptr) domain = std::make_unique<FileDomain>(file, object, p_, query, grain_);
  return {object, domain.get(), nullptr};
}

Dimension Pictures::AttributeDimension(ObjectId object, uint32_t segment) {
  const Position forced = p_.sync_noop ? 0 : metas_.AttributesForced(object, segment);
  const Position horizon = t_.segments()[segment].end;
  Cells& cells = cells_[{object, {forced, horizon}}];
  if (cells == nullptr) {
    cells = std::make_shared<const std::vector<AttributeChoice>>(
        AttributeChoices(t_, object, forced, horizon, &complete_));
  }

  return {object, nullptr, cells};
}

void Pictures::AddDimensions(const MetaState& state, uint32_t segment, Picture* picture) {
  const Trace& trace = t_.trace();
  const bool cells = p_.meta_order == MetaOrder::kNone;

  // An inode with several names has one content and one set of attributes.
  std::map<ObjectId, int32_t> contents, attributes;
  const auto dimension_of = [&](std::map<ObjectId, int32_t>* known, ObjectId object, auto&& make) {
    const auto next = static_cast<int32_t>(picture->dimensions.size());
    const auto [entry, fresh] = known->try_emplace(object, next);
    if (fresh) picture->dimensions.push_back(make());
    return entry->second;
  };

  for (const ViewNode& node : picture->view.nodes) {
    if (!node.projected) continue;
    const ObjectId object = node.object;
    Picture::NodeKey key;
    key.fixed = FixedDigest(trace, node, TargetOf(trace, object));
    if (node.quiet || node.bundle)
      picture->quiet += QuietSum(node.root, node.path, object, node.quiet);

    if (trace.objects[static_cast<size_t>(object)].kind == FileKind::kFile) {
      const FileHistory* file = t_.File(object);
      if (file == nullptr) {
        key.content = OldContentSum(object);
      } else {
        key.content_dimension = dimension_of(
            &contents, object, [&] { return ContentDimension(*file, object, state, segment); });
      }
    }

    const bool varies =
        cells && (t_.names().AttrsOf(object) != nullptr || t_.names().XattrsOf(object) != nullptr);
    if (varies) {
      key.attribute_dimension =
          dimension_of(&attributes, object, [&] { return AttributeDimension(object, segment); });
    } else {
      key.attributes = AttributesSum(AttributesOf(*picture, state, {}, object));
    }
    picture->node_keys.push_back(key);
  }

  for (const Dimension& dimension : picture->dimensions)
    picture->total = SaturatingMultiply(picture->total, dimension.total());
}

Picture Pictures::One(const MetaChoice& meta) {
  Picture picture;
  picture.timeline = &t_;
  picture.weight = meta.weight;
  const MetaState state = metas_.Expand(meta.id);
  picture.view = Walk(t_, state, projection_);
  picture.occurrences.push_back({meta.id, meta.first_point, meta.last_point});
  if (picture.view.valid) AddDimensions(state, meta.id.segment, &picture);
  return picture;
}

bool Pictures::Find() {
  std::map<Digest, size_t> by_signature;
  const bool all = metas_.ForEach(limit_, [&](const MetaChoice& meta) {
    Picture picture = One(meta);
    if (!picture.view.valid) return;
    auto [known, fresh] = by_signature.try_emplace(Signature(picture), pictures_.size());
    if (fresh) {
      pictures_.push_back(std::move(picture));
      return;
    }

    Picture& same = pictures_[known->second];
    same.weight = std::min(same.weight, meta.weight);
    auto& list = same.occurrences;
    // Later cuts of a segment add nothing to the first.
    const bool covered = !list.empty() && list.back().first_point <= meta.first_point &&
                         list.back().last_point >= meta.last_point &&
                         list.back().id.segment == meta.id.segment;
    if (!covered) list.push_back({meta.id, meta.first_point, meta.last_point});
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

uint32_t ChoiceOn(const DimensionChoices& choices, uint32_t dimension) {
  for (auto [d, i] : choices) {
    if (d == dimension) return i;
  }
  return 0;
}

Attributes AttributesOf(const Picture& picture, const MetaState& state,
                        const DimensionChoices& choices, ObjectId object) {
  for (uint32_t d = 0; d < picture.dimensions.size(); ++d) {
    const Dimension& dimension = picture.dimensions[d];
    if (dimension.object == object && dimension.attributes != nullptr)
      return (*dimension.attributes)[ChoiceOn(choices, d)].attributes;
  }

  // Not a dimension: the metadata says them.
  const auto logged = state.attributes.find(object);
  const Position cut =
      logged == state.attributes.end() ? state.cut : std::max(state.cut, logged->second);
  return picture.timeline->names().AttributesAt(object, cut);
}

}  // namespace oldornew
