// The paths in the calls of a log: where they lead, and what must have been there.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "import/arguments.h"
#include "import/descriptors.h"
#include "import/learner.h"
#include "import/processes.h"
#include "import/world.h"

namespace oldornew::replay {

class Names {
 public:
  Names(const Processes* processes, World* world, Learner* learner, Descriptors* descriptors,
        Arguments* arguments, Complaints* complaints)
      : processes_(*processes),
        world_(*world),
        learner_(*learner),
        descriptors_(*descriptors),
        arguments_(*arguments),
        complaints_(*complaints) {}

  /// Where the path in argument `path_index` leads, from the descriptor in argument `dirfd_index`
  /// (-1: from the current directory).
  FoundPath Walk(const StraceCall& call, int dirfd_index, size_t path_index, bool follow);
  FoundPath WalkText(const StraceCall& call, int dirfd_index, const std::string& path, bool follow);
  /// Where a relative path of the call would start; kNoInode: that is not known.
  InodeIndex StartOf(const StraceCall& call, int dirfd_index);

  /// The call succeeded, so there was something: discovers it, or says that a call is missing.
  /// False: nothing there.
  bool MustBeThere(const StraceCall& call, FoundPath* found, FileKind kind);
  /// Whether the path leads to a place; if not although the call succeeded, it is said.
  bool Resolved(const StraceCall& call, const FoundPath& found);
  /// What was opened: where the path leads, or where -y says that it led.
  FoundPath Opened(const StraceCall& call, const FoundPath& found);
  /// Whether `inside` stands somewhere below `directory`.
  bool Holds(InodeIndex directory, InodeIndex inside) const;

  InodeIndex CreateInode(const StraceCall& call, const FoundPath& at, FileKind kind, uint32_t mode);

  std::string PathOf(const FoundPath& found) const;
  /// A change outside the judged directory, which is reported.
  void NoteOutside(const FoundPath& found);
  /// Nothing proves that the call made this and that it was not there before.
  void AssumeNew(const FoundPath& found) { assumed_new_.insert(PathOf(found)); }

  const std::set<std::string>& changed_outside() const { return changed_outside_; }
  const std::set<std::string>& assumed_new() const { return assumed_new_; }

 private:
  std::optional<FoundPath> WalkDescriptorLink(const StraceCall& call, const std::string& path);
  void FindSymlink(const StraceCall& call, const FoundPath& found, const std::string& real_path);

  const Processes& processes_;
  World& world_;
  Learner& learner_;
  Descriptors& descriptors_;
  Arguments& arguments_;
  Complaints& complaints_;
  std::set<std::string> changed_outside_;
  std::set<std::string> assumed_new_;
};

}  // namespace oldornew::replay
