// Pictures: for one timeline and profile, every choice of metadata with the contents that the files
// in it can show.
//
// A Picture is a View whose files (and, on posix rows, attributes) are dimensions with several choices
// each. Choices of metadata that lead to the same view and the same dimensions are one Picture with
// several occurrences; a state is a Picture and one choice on each dimension.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/views.h"

namespace oldornew {

/// posix rows: mode, uid, gid and each xattr are cells of their own (7.6.6).
struct AttributeChoice {
  Attributes attributes;
  uint32_t weight = 0;
  Position pos = 0;
  Sum key;
};

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

struct Occurrence {
  MetaId id;
  uint32_t first_point = 0;
  uint32_t last_point = 0;
};

struct Picture {
  const Timeline* timeline = nullptr;
  View view;
  uint32_t weight = 0;  ///< of the metadata
  std::vector<Dimension> dimensions;
  /// For each node: which dimensions it depends on (-1: none), and the rest of its key.
  struct NodeKey {
    Digest fixed;
    Sum attributes;  ///< used when attribute_axis is -1
    Sum content;     ///< used when content_axis is -1
    int32_t content_axis = -1;
    int32_t attribute_axis = -1;
  };
  std::vector<NodeKey> node_keys;  ///< projected nodes only
  Sum quiet;                       ///< of everything below quiet nodes
  std::vector<Occurrence> occurrences;
  uint64_t total = 1;  ///< saturating product of the dimensions
  uint32_t max_weight = 0;

  /// Identity of the picture with these choices.
  Sum Key(const std::vector<uint32_t>& choice) const;
};

/// What a state is made of: one choice on each dimension of a picture, of which those not mentioned are
/// 0.
using DimensionChoices = std::vector<std::pair<uint32_t, uint32_t>>;

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
  const Timeline& timeline() const { return t_; }
  const MetaStates& metas() const { return metas_; }

  /// The picture of one choice of metadata alone (for replay).
  Picture One(const MetaChoice& meta);

 private:
  void AddAxes(const MetaState& state, uint32_t segment, Picture* picture);
  const FileDomain* Domain(const FileHistory& file, ObjectId object, const FileQuery& query);
  std::shared_ptr<const std::vector<AttributeChoice>> AttributeCells(ObjectId object,
                                                                     uint32_t segment);
  const Sum& OldContentSum(ObjectId object);
  Sum QuietSum(size_t root, const std::string& path, ObjectId object, bool whole);
  Digest Signature(const Picture& picture) const;

  const Timeline& t_;
  const Profile& p_;
  const Projection& projection_;
  Grain grain_;
  uint64_t limit_;
  MetaStates metas_;
  bool complete_ = true;
  std::map<DomainKey, std::unique_ptr<FileDomain>> domains_;
  std::map<std::pair<ObjectId, std::pair<Position, Position>>,
           std::shared_ptr<const std::vector<AttributeChoice>>>
      cells_;
  std::map<std::pair<std::string, std::pair<size_t, ObjectId>>, Sum> quiet_;
  std::map<ObjectId, Sum> old_contents_;
  std::map<Digest, size_t> by_signature_;
  std::vector<Picture> pictures_;
};

/// Attributes of a node in a state.
Attributes AttributesOf(const Picture& picture, const MetaState& state,
                        const DimensionChoices& choices, ObjectId object);

/// Puts the picture's nodes into `tree`, which has the roots already.
void AddToTree(const Picture& picture, const MetaState& state, const DimensionChoices& choices,
               FileTree* tree);

/// The effects of ops before `point` that the state lacks, and the ops that named what it has
/// (crash_states.h).
void Explain(const Picture& picture, const MetaState& state, const DimensionChoices& choices,
             const Projection& projection, uint32_t point, std::vector<Effect>* lost,
             std::vector<uint32_t>* named_by);

}  // namespace oldornew
