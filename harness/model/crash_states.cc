// Method
//
// 1. The trace becomes a History (history.h): ops become positions in time; metadata becomes timelines of
// directory slots,
//    attributes and sizes; file data becomes pages with cumulative versions. Every sync call that returned
//    ends a *segment*. Nothing here depends on a profile.
//
// 2. Within a segment, what was reachable at one crash point stays reachable at the next: doing more never
// takes a state away,
//    only a sync that returns does. So the states of a segment are those of its last point, and each has an
//    exact earliest point: the op behind the latest position that it shows. States found in several segments
//    have several intervals.
//
// 3. For each segment the profile gives the choices of metadata (views.h). In prefix rows that is a cut c,
// from what returned syncs
//    force (MetaStates::ForcePrefix) to the end of the segment. In txlog rows a cut, no earlier than the last
//    full commit, with the values that every log sync after c put on top (fsync_log.cc), the one under way
//    included or not. In posix rows each directory slot has a value of its own.
//
// 4. A walk of the projected paths (Walk) finds what that choice shows: names, kinds, attributes. What it
// does not reach, such as a
//    temporary file without a name, takes no part. Choices of metadata that show the same are merged
//    (Pictures).
//
// 5. Each file in the picture has a list of contents (file_states.h): a size that floating groups, placement
// and forcing
//    permit (file_sizes.cc), and for each data unit below it a version between the last one forced and the
//    last one written, whole or torn. Files do not constrain each other beyond the cut, so a state is the
//    picture times one content each.
//
// 6. States are visited in order of weight: 2 for each metadata or data unit lost, 3 for a torn one; of equal
// weight in order
//    of time. Equal pictures, by digest over paths, kinds, attributes, targets and bytes, are one state; its
//    intervals, its earliest and its latest witness are collected over all of them before the first is handed
//    out. When max_states combinations have been looked at, the rest is left, and the coverage says so.
//
// 7. Devices are separate: each has its own segments and cuts (7.6.13), and a state of several is a
// combination of states that
//    have a crash point in common. Ops that overlapped are tried in other orders too (7.6.12); the orders'
//    states are united.
#include "model/crash_states.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"
#include "model/pictures.h"

namespace oldornew {

const char* GrainName(Grain grain) {
  switch (grain) {
    case Grain::kCall:
      return "call";
    case Grain::kPage:
      return "page";
    case Grain::kSector:
      return "sector";
  }
  return "?";
}

// Shared with realise.cc.
std::vector<size_t> JudgedDevices(const History& history);
FileTree EmptyRoots(const Trace& trace);
CrashState NothingLeft(const Trace& trace, uint32_t point);

// Which devices have judged roots, in the order of History::devices().
std::vector<size_t> JudgedDevices(const History& history) {
  std::vector<size_t> out;
  const auto& roots = history.trace().old_tree.roots();
  for (size_t d = 0; d < history.devices().size(); ++d) {
    for (size_t root = 0; root < roots.size(); ++root) {
      if (!IsJudgedRoot(history.trace(), root) ||
          history.DeviceOf(roots[root]) != history.devices()[d])
        continue;
      out.push_back(d);
      break;
    }
  }
  return out;
}

FileTree EmptyRoots(const Trace& trace) {
  FileTree tree;
  for (size_t root = 0; root < trace.old_tree.roots().size(); ++root) {
    if (root > 0) {
      Inode directory;
      directory.kind = FileKind::kDirectory;
      tree.AddRoot(tree.Add(std::move(directory)));
    }
    const Inode& old_root = trace.old_tree.at(trace.old_tree.roots()[root]);
    Inode& inode = tree.at(tree.roots()[root]);
    inode.mode = old_root.mode;
    inode.uid = old_root.uid;
    inode.gid = old_root.gid;
  }
  return tree;
}

// Rows on which nothing survives: the roots, empty, at every point.
CrashState NothingLeft(const Trace& trace, uint32_t point) {
  CrashState state;
  const auto last = static_cast<uint32_t>(trace.ops.size());
  state.last_point = last;
  state.points = {{0, last}};
  state.tree = EmptyRoots(trace);
  state.digest = HashBytes("nothing is left");
  state.choice = "nothing.p0";
  state.late_choice = fmt::format("nothing.p{}", last);
  for (uint32_t op = 0; op < point; ++op) {
    if (trace.ops[op].error == 0) state.lost.push_back({op, Effect::Extent::kWhole, ""});
  }
  return state;
}

namespace {

using Interval = std::pair<uint32_t, uint32_t>;

// Contents of one file that are listed however small the limit is.
constexpr uint64_t kLeastShare = 2000;

// One state as found: everything needed to build it again.
struct Witness {
  uint32_t point = 0;
  uint32_t order = 0;
  std::vector<std::pair<uint32_t, uint32_t>> parts;  // for each device: picture, occurrence
  std::vector<DimensionChoices> choices;             // for each device
};

struct Found {
  Digest digest;
  uint32_t weight = 0;
  std::vector<Interval> points;
  Witness early, late;
};

void MergeInterval(std::vector<Interval>* list, Interval added) {
  list->push_back(added);
  std::sort(list->begin(), list->end());
  std::vector<Interval> merged;
  for (const Interval& interval : *list) {
    if (!merged.empty() && interval.first <= merged.back().second + 1) {
      merged.back().second = std::max(merged.back().second, interval.second);
    } else {
      merged.push_back(interval);
    }
  }
  *list = std::move(merged);
}

// The text of one device's part: ".s<segment>c<cut>" or ".s<segment>c<cut>f" for a log sync under
// way, then what deviates: ".n<slot>=<version>" a name, ".d<object>=<size>,<unit>:<option>,..."
// data, ".a<object>=<choice>" attributes.
std::string PartText(const Picture& picture, const Occurrence& occurrence,
                     const DimensionChoices& choices) {
  const MetaId& id = occurrence.id;
  std::string text = fmt::format(".s{}c{}{}", id.segment, id.cut, id.in_flight ? "f" : "");
  for (auto [slot, version] : id.slots) {
    const Slot& s = picture.timeline->slots()[slot];
    if (version != s.IndexAt(id.cut)) text += fmt::format(".n{}={}", slot, version);
  }
  for (auto [a, index] : choices) {
    const Dimension& dimension = picture.dimensions[a];
    if (dimension.file == nullptr) {
      text += fmt::format(".a{}={}", dimension.object, index);
      continue;
    }
    const ContentChoice& choice = dimension.file->choices()[index];
    text += fmt::format(".d{}={}", dimension.object, choice.size);
    for (auto [unit, option] : choice.deviating) text += fmt::format(",{}:{}", unit, option);
  }
  return text;
}

// Enumerates the states of one order of ops: pictures of each device, combined where they share
// crash points.
class Enumeration {
 public:
  Enumeration(const History& history, const Profile& profile, const Projection& projection,
              const Limits& limits)
      : history_(history),
        profile_(profile),
        projection_(projection),
        limits_(limits),
        devices_(JudgedDevices(history)) {
    coverage_.crash_points = history.trace().ops.size() + 1;
    coverage_.orders = history.orders();
    coverage_.grain = history.grain();
    coverage_.exhaustive = history.all_orders();
  }

  Coverage Run(const std::function<bool(const CrashState&)>& visit) {
    for (uint32_t order = 0; order < history_.orders(); ++order) {
      auto& row = pictures_.emplace_back();
      for (size_t d : devices_) {
        row.push_back(std::make_unique<Pictures>(*history_.timelines()[order][d], profile_,
                                                 projection_, history_.grain(),
                                                 limits_.max_states));
        if (!row.back()->Find()) coverage_.exhaustive = false;
      }
    }
    ListChoices();
    for (uint32_t order = 0; order < history_.orders(); ++order) Combine(order);
    uint32_t heaviest = 0;
    for (const Combination& combination : combinations_) {
      coverage_.states_total = SaturatingAdd(coverage_.states_total, combination.total);
      heaviest = std::max(heaviest, combination.max_weight);
    }
    for (uint32_t weight = 0; weight <= heaviest && !full_; ++weight) {
      for (const Combination& combination : combinations_) {
        if (combination.weight <= weight && weight <= combination.max_weight && !full_)
          Visit(combination, weight);
      }
    }
    if (full_) coverage_.exhaustive = false;
    coverage_.states_distinct = found_.size();
    for (const Found& found : found_) {
      if (!visit(Build(found))) break;
    }
    return coverage_;
  }

 private:
  // Pictures of all devices that have occurrences with crash points in common.
  struct Combination {
    uint32_t order = 0;
    std::vector<uint32_t> pictures;  // by device
    struct Meeting {
      std::vector<uint32_t> occurrences;  // by device
      Interval points;
    };
    std::vector<Meeting> meetings;
    uint64_t total = 1;
    uint32_t weight = 0;
    uint32_t max_weight = 0;
  };

  // Lists every file's contents in full when the whole space is within the limit. When it is not,
  // the lists are kept to a share of it each: the light ones, which come first, are those a bounded
  // search gets to.
  void ListChoices() {
    uint64_t total = 0;
    uint64_t domains = 1;
    for (const auto& row : pictures_) {
      uint64_t product = 1;
      for (const auto& pictures : row) {
        product = SaturatingMultiply(product, pictures->Total());
        domains += pictures->domains();
      }
      total = SaturatingAdd(total, product);
    }
    const uint64_t share = std::max(kLeastShare, limits_.max_states / domains);
    for (const auto& row : pictures_) {
      for (const auto& pictures : row) {
        if (!pictures->List(total <= limits_.max_states ? UINT64_MAX : share))
          coverage_.exhaustive = false;
      }
    }
  }

  void Combine(uint32_t order) {
    std::vector<Combination> partial(1);
    partial[0].order = order;
    partial[0].meetings.push_back({{}, {0, UINT32_MAX}});
    for (size_t d = 0; d < devices_.size(); ++d) {
      std::vector<Combination> next;
      const auto& pictures = pictures_[order][d]->all();
      for (const Combination& so_far : partial) {
        for (uint32_t i = 0; i < pictures.size(); ++i) {
          if (next.size() >= limits_.max_states) {
            coverage_.exhaustive = false;
            break;
          }
          Combination combination = so_far;
          combination.pictures.push_back(i);
          combination.total = SaturatingMultiply(combination.total, pictures[i].total);
          combination.weight += pictures[i].weight;
          combination.max_weight += pictures[i].max_weight;
          combination.meetings = Meet(so_far.meetings, pictures[i].occurrences);
          if (!combination.meetings.empty()) next.push_back(std::move(combination));
        }
      }
      partial = std::move(next);
    }
    combinations_.insert(combinations_.end(), partial.begin(), partial.end());
  }

  static std::vector<Combination::Meeting> Meet(const std::vector<Combination::Meeting>& meetings,
                                                const std::vector<Occurrence>& occurrences) {
    std::vector<Combination::Meeting> out;
    for (const auto& meeting : meetings) {
      for (uint32_t i = 0; i < occurrences.size(); ++i) {
        Combination::Meeting both = meeting;
        both.occurrences.push_back(i);
        both.points.first = std::max(meeting.points.first, occurrences[i].first_point);
        both.points.second = std::min(meeting.points.second, occurrences[i].last_point);
        if (both.points.first <= both.points.second) out.push_back(std::move(both));
      }
    }
    return out;
  }

  const Picture& PictureOf(const Combination& combination, size_t d) const {
    return pictures_[combination.order][d]->all()[combination.pictures[d]];
  }

  // Visits the choices of exactly this weight. An dimension' choices are sorted by weight, so the walk
  // is pruned on both sides.
  void Visit(const Combination& combination, uint32_t weight) {
    std::vector<const Dimension*> dimensions;
    for (size_t d = 0; d < devices_.size(); ++d) {
      for (const Dimension& dimension : PictureOf(combination, d).dimensions)
        dimensions.push_back(&dimension);
    }
    std::vector<uint32_t> heaviest(dimensions.size() + 1, 0);  // of all dimensions from here on
    for (size_t a = dimensions.size(); a-- > 0;)
      heaviest[a] = heaviest[a + 1] + dimensions[a]->weight(dimensions[a]->count() - 1);
    std::vector<uint32_t> choice(dimensions.size(), 0);
    auto pick = [&](auto&& self, size_t a, uint32_t left) -> void {
      if (full_ || left > heaviest[a]) return;
      if (a == dimensions.size()) return Add(combination, choice, weight);
      for (uint32_t i = 0; i < dimensions[a]->count(); ++i) {
        const uint32_t w = dimensions[a]->weight(i);
        if (w > left) break;
        choice[a] = i;
        self(self, a + 1, left - w);
      }
      choice[a] = 0;
    };
    pick(pick, 0, weight - combination.weight);
  }

  void Add(const Combination& combination, const std::vector<uint32_t>& choice, uint32_t weight) {
    if (coverage_.states_visited == limits_.max_states) {
      full_ = true;
      return;
    }
    ++coverage_.states_visited;
    Sum key;
    std::vector<std::vector<uint32_t>> by_device;
    size_t dimension = 0;
    for (size_t d = 0; d < devices_.size(); ++d) {
      const Picture& picture = PictureOf(combination, d);
      by_device.emplace_back(
          choice.begin() + static_cast<std::ptrdiff_t>(dimension),
          choice.begin() + static_cast<std::ptrdiff_t>(dimension + picture.dimensions.size()));
      dimension += picture.dimensions.size();
      key += picture.Key(by_device.back());
    }
    auto [known, fresh] = by_digest_.try_emplace(Digest{key.high, key.low}, found_.size());
    if (fresh) {
      found_.emplace_back();
      found_.back().digest = known->first;
      found_.back().weight = weight;
    }
    Found& found = found_[known->second];
    for (const auto& meeting : combination.meetings) {
      Interval points = meeting.points;
      for (size_t d = 0; d < devices_.size(); ++d) {
        const Picture& picture = PictureOf(combination, d);
        const Occurrence& occurrence = picture.occurrences[meeting.occurrences[d]];
        const Segment& segment = picture.timeline->segments()[occurrence.id.segment];
        for (size_t a = 0; a < picture.dimensions.size(); ++a) {
          const Position pos = picture.dimensions[a].pos(by_device[d][a]);
          if (pos > 0)
            points.first = std::max(points.first, picture.timeline->PointOf(pos, segment));
        }
      }
      if (points.first > points.second) continue;
      const bool earliest = found.points.empty() || points.first < found.early.point;
      const bool latest = found.points.empty() || points.second > found.late.point;
      if (earliest) found.early = MakeWitness(combination, meeting, by_device, points.first);
      if (latest) found.late = MakeWitness(combination, meeting, by_device, points.second);
      MergeInterval(&found.points, points);
    }
  }

  Witness MakeWitness(const Combination& combination, const Combination::Meeting& meeting,
                      const std::vector<std::vector<uint32_t>>& by_device, uint32_t point) const {
    Witness witness;
    witness.point = point;
    witness.order = combination.order;
    for (size_t d = 0; d < devices_.size(); ++d) {
      witness.parts.emplace_back(combination.pictures[d], meeting.occurrences[d]);
      DimensionChoices choices;
      for (uint32_t a = 0; a < by_device[d].size(); ++a) {
        if (by_device[d][a] != 0) choices.emplace_back(a, by_device[d][a]);
      }
      witness.choices.push_back(std::move(choices));
    }
    return witness;
  }

  std::string Text(const Witness& witness) const {
    std::string text =
        fmt::format("{}.o{}.p{}", GrainName(history_.grain()), witness.order, witness.point);
    for (size_t d = 0; d < witness.parts.size(); ++d) {
      const Picture& picture = pictures_[witness.order][d]->all()[witness.parts[d].first];
      text += PartText(picture, picture.occurrences[witness.parts[d].second], witness.choices[d]);
    }
    return text;
  }

  CrashState Build(const Found& found) const {
    CrashState state;
    state.digest = found.digest;
    state.deviations = found.weight;
    state.points = found.points;
    state.first_point = found.points.front().first;
    state.last_point = found.points.back().second;
    state.choice = Text(found.early);
    state.late_choice = Text(found.late);
    state.tree = EmptyRoots(history_.trace());
    for (size_t d = 0; d < found.early.parts.size(); ++d) {
      const Pictures& pictures = *pictures_[found.early.order][d];
      const Picture& picture = pictures.all()[found.early.parts[d].first];
      const MetaState meta =
          pictures.metas().Expand(picture.occurrences[found.early.parts[d].second].id);
      // The view is the one of the first occurrence; every occurrence shows the same.
      const View view = Walk(*picture.timeline, meta, projection_);
      Picture there = picture;
      there.view = view;
      AddToTree(there, meta, found.early.choices[d], &state.tree);
      Explain(there, meta, found.early.choices[d], projection_, found.early.point, &state.lost,
              &state.named_by);
    }
    auto in_order = [](const Effect& a, const Effect& b) { return a.op < b.op; };
    std::sort(state.lost.begin(), state.lost.end(), in_order);
    std::sort(state.named_by.begin(), state.named_by.end());
    return state;
  }

  const History& history_;
  const Profile& profile_;
  const Projection& projection_;
  const Limits& limits_;
  std::vector<size_t> devices_;
  Coverage coverage_;
  bool full_ = false;
  std::vector<std::vector<std::unique_ptr<Pictures>>> pictures_;  // by order, by device
  std::vector<Combination> combinations_;
  std::unordered_map<Digest, size_t> by_digest_;
  std::vector<Found> found_;
};

}  // namespace

Coverage ForEachCrashState(const Trace& trace, const Profile& profile, const Projection& projection,
                           const Limits& limits,
                           const std::function<bool(const CrashState&)>& visit) {
  return ForEachCrashState(History(trace, limits.grain, 32, profile.rules), profile, projection,
                           limits, visit);
}

Coverage ForEachCrashState(const History& history, const Profile& profile,
                           const Projection& projection, const Limits& limits,
                           const std::function<bool(const CrashState&)>& visit) {
  CHECK(limits.grain == history.grain());
  if (profile.after_crash == AfterCrash::kEmpty) {
    Coverage coverage;
    coverage.crash_points = history.trace().ops.size() + 1;
    coverage.states_total = coverage.states_visited = coverage.states_distinct = 1;
    coverage.grain = history.grain();
    visit(NothingLeft(history.trace(), 0));
    return coverage;
  }
  return Enumeration(history, profile, projection, limits).Run(visit);
}

}  // namespace oldornew
