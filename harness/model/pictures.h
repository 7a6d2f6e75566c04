// Pictures: for one timeline and profile, every choice of metadata with the contents that the files
// in it can show.
//
// A Picture is a View whose files (and, with META_ORDER=none, attributes) are *dimensions* with
// several choices each. Choices of metadata that lead to the same view and the same dimensions are
// one Picture with several occurrences; a state is a Picture and one choice on each dimension.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/attribute_cells.h"
#include "model/file_states.h"
#include "model/meta_states.h"
#include "model/profile.h"
#include "model/space.h"
#include "model/sums.h"
#include "model/timeline.h"
#include "model/views.h"

namespace oldornew {

/// Something of one object that can vary independently of all else in the view.
struct Dimension {
  ObjectId object = kNoObject;
  const FileDomain* file = nullptr;                                ///< its content, or
  std::shared_ptr<const std::vector<AttributeChoice>> attributes;  ///< its attributes

  size_t count() const { return file != nullptr ? file->choices().size() : attributes->size(); }
  uint64_t total() const { return file != nullptr ? file->total() : attributes->size(); }
  uint32_t weight(size_t i) const {
    return file != nullptr ? file->choices()[i].weight : (*attributes)[i].weight;
  }
  Position pos(size_t i) const {
    return file != nullptr ? file->choices()[i].pos : (*attributes)[i].pos;
  }
  const Sum& key(size_t i) const {
    return file != nullptr ? file->choices()[i].key : (*attributes)[i].key;
  }
};

/// Where a picture is found: a choice of metadata, and the crash points at which it can be there.
struct Occurrence {
  MetaId id;
  uint32_t first_point = 0;
  uint32_t last_point = 0;
};

struct Picture {
  /// For each node: which dimensions it depends on (-1: none), and the rest of its key.
  struct NodeKey {
    Digest fixed;
    Sum attributes;  ///< used when attribute_dimension is -1
    Sum content;     ///< used when content_dimension is -1
    int32_t content_dimension = -1;
    int32_t attribute_dimension = -1;
  };

  const Timeline* timeline = nullptr;
  View view;
  uint32_t weight = 0;  ///< of the metadata
  std::vector<Dimension> dimensions;
  std::vector<NodeKey> node_keys;  ///< projected nodes only
  Sum quiet;                       ///< of everything below quiet nodes
  std::vector<Occurrence> occurrences;
  uint64_t total = 1;  ///< saturating product of the dimensions
  uint32_t max_weight = 0;

  /// Identity of the picture with these choices.
  Sum Key(const std::vector<uint32_t>& choice) const;
};

/// What a state is made of: one choice on each dimension of a picture, of which those not mentioned
/// are 0.
using DimensionChoices = std::vector<std::pair<uint32_t, uint32_t>>;
/// The choice on one dimension.
uint32_t ChoiceOn(const DimensionChoices& choices, uint32_t dimension);

class Pictures {
 public:
  Pictures(const Timeline& timeline, const Profile& profile, const Projection& projection,
           Grain grain, uint64_t limit);

  /// Finds all pictures. Returns false when the limit cut their list short.
  bool Find();
  /// Combinations in all pictures; saturating. After Find.
  uint64_t Total() const;
  /// Lists the choices of every dimension, at most `limit` of each. Returns false when that cut one
  /// short.
  bool List(uint64_t limit);
  size_t domains() const { return domains_.size(); }
  const std::vector<Picture>& all() const { return pictures_; }
  const MetaStates& metas() const { return metas_; }

  /// The picture of one choice of metadata alone (for replay).
  Picture One(const MetaChoice& meta);

 private:
  using Cells = std::shared_ptr<const std::vector<AttributeChoice>>;

  void AddDimensions(const MetaState& state, uint32_t segment, Picture* picture);
  Dimension ContentDimension(const FileHistory& file, ObjectId object, const MetaState& state,
                             uint32_t segment);
  Dimension AttributeDimension(ObjectId object, uint32_t segment);
  const Sum& OldContentSum(ObjectId object);
  Sum QuietSum(size_t root, const std::string& path, ObjectId object, bool whole);

  const Timeline& t_;
  const Profile& p_;
  const Projection& projection_;
  Grain grain_;
  uint64_t limit_;
  MetaStates metas_;
  bool complete_ = true;

  // What was worked out already: most pictures share most of their parts.
  std::map<DomainKey, std::unique_ptr<FileDomain>> domains_;
  std::map<std::pair<ObjectId, std::pair<Position, Position>>, Cells> cells_;
  std::map<std::pair<std::string, std::pair<size_t, ObjectId>>, Sum> quiet_;
  std::map<ObjectId, Sum> old_contents_;
  std::vector<Picture> pictures_;
};

/// Attributes of a node in a state.
Attributes AttributesOf(const Picture& picture, const MetaState& state,
                        const DimensionChoices& choices, ObjectId object);
/// The target of a symlink; empty for other kinds.
const std::string& TargetOf(const Trace& trace, ObjectId object);
/// The content of a file as it was before the run; empty for one that is new.
const Content& OldContent(const Trace& trace, ObjectId object);

}  // namespace oldornew
