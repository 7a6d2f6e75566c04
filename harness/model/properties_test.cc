// Properties that every trace and every row must have, checked on traces made at random from fixed
// seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "model/crash_states.h"
#include "model/history.h"
#include "model/testing/trace_builder.h"

namespace oldornew {
namespace {

// A small program over files a, b, d/c: valid calls only, chosen by a seeded generator.
class RandomProgram {
 public:
  explicit RandomProgram(uint32_t seed) : random_(seed) {
    b_.OldDir("d").OldFile("a", std::string(5000, 'A')).OldFile("d/c", std::string(100, 'C'));
    files_ = {"a", "d/c"};
  }

  Trace Make(size_t ops) {
    while (b_.ops() < ops) Step();
    return b_.Build();
  }

 private:
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  const std::string& AnyFile() { return files_[Below(static_cast<uint32_t>(files_.size()))]; }
  std::string FreshName() {
    const std::string name = fmt::format("{}n{}", Below(3) == 0 ? "d/" : "", fresh_++);
    return name;
  }
  std::string Bytes(size_t n) { return std::string(n, static_cast<char>('D' + letter_++ % 20)); }

  void Step() {
    static constexpr uint64_t kOffsets[] = {0, 50, 4000, 4096, 5000, 8192};
    static constexpr size_t kLengths[] = {10, 100, 4096, 6000};
    const uint32_t kind = Below(16);
    if (files_.empty() || (kind < 2 && files_.size() < 4)) {
      files_.push_back(FreshName());
      b_.Create(files_.back());
      return;
    }

    const std::string file = AnyFile();
    switch (kind) {
      case 2:
      case 3:
      case 4:
        b_.Write(file, kOffsets[Below(6)], Bytes(kLengths[Below(4)]));
        return;
      case 5:
        b_.Append(file, Bytes(kLengths[Below(3)]), Below(3) == 0 ? kFlagDataSync : 0u);
        return;
      case 6:
        b_.Truncate(file, kOffsets[Below(6)]);
        return;
      case 7:
        b_.OpenTruncate(file).Write(file, 0, Bytes(4200)).Close(file, kFlagOpenTruncate);
        return;
      case 8:
      case 9: {
        const std::string to = Below(2) ? AnyFile() : FreshName();
        if (to == file) return;
        b_.Rename(file, to);
        std::erase(files_, file);
        if (std::find(files_.begin(), files_.end(), to) == files_.end()) files_.push_back(to);
        return;
      }
      case 10:
        if (files_.size() < 4) {
          files_.push_back(FreshName());
          b_.Link(file, files_.back());
        }
        return;
      case 11:
        b_.Unlink(file);
        std::erase(files_, file);
        return;
      case 12:
        b_.Chmod(file, Below(2) ? 0600 : 0640);
        return;
      case 13:
        Below(2) ? b_.Fsync(file) : b_.Fdatasync(file);
        return;
      case 14:
        b_.Fsync(Below(2) ? "" : "d");
        return;
      default:
        if (Below(4) == 0) b_.SyncFs();
        if (const std::string other = AnyFile(); other != file && Below(2))
          b_.Exchange(file, other);
        return;
    }
  }

  std::mt19937 random_;
  TraceBuilder b_;
  std::vector<std::string> files_;
  int fresh_ = 0;
  int letter_ = 0;
};

std::vector<CrashState> AllStates(const Trace& trace, const Profile& row,
                                  bool* exhaustive = nullptr, uint64_t max_states = 60000) {
  std::vector<CrashState> states;
  Limits limits;
  limits.grain = Grain::kPage;
  limits.max_states = max_states;
  const Coverage coverage =
      ForEachCrashState(trace, row, {{""}}, limits, [&](const CrashState& state) {
        states.push_back(state);
        return true;
      });
  EXPECT_EQ(coverage.states_distinct, states.size());
  if (exhaustive != nullptr) {
    *exhaustive = coverage.exhaustive;
  }
  return states;
}

Trace FirstOps(const Trace& trace, size_t count) {
  Trace cut = trace;
  cut.ops.resize(count);
  return cut;
}

bool Forces(const Op& op) {
  return op.kind == OpKind::kFsync || op.kind == OpKind::kFdatasync || op.kind == OpKind::kSyncFs ||
         (op.flags & (kFlagSync | kFlagDataSync));
}

bool At(const CrashState& state, uint32_t point) {
  return std::any_of(state.points.begin(), state.points.end(),
                     [&](const auto& p) { return p.first <= point && point <= p.second; });
}

constexpr size_t kOps = 7;

void NothingLostAtTheLastPointIsWhatAReaderSaw(uint32_t first, uint32_t last) {
  for (uint32_t seed = first; seed < last; ++seed) {
    const Trace trace = RandomProgram(seed).Make(2 * kOps);
    LiveTree live(trace);
    for (const Op& op : trace.ops) live.Apply(op);
    const Digest want = live.tree().RootDigest(true);
    for (const Profile& row : Profiles()) {
      if (row.after_crash == AfterCrash::kEmpty) continue;
      bool seen = false;
      const Limits limits{3000, Grain::kCall};
      ForEachCrashState(trace, row, {{""}}, limits, [&](const CrashState& state) {
        if (state.tree.RootDigest(true) != want) return true;
        seen = true;
        EXPECT_EQ(state.last_point, trace.ops.size());
        EXPECT_EQ(state.deviations, 0u);
        return false;
      });
      EXPECT_TRUE(seen) << "seed " << seed << " " << row.name;
    }
  }
}

void EveryChoiceGivesItsStateBack(uint32_t first, uint32_t last) {
  for (uint32_t seed = first; seed < last; ++seed) {
    const Trace trace = RandomProgram(seed).Make(kOps);
    for (const Profile& row : Profiles()) {
      for (const CrashState& state : AllStates(trace, row, nullptr, 200)) {
        for (const std::string& choice : {state.choice, state.late_choice}) {
          const Result<CrashState> again = RealiseChoice(trace, row, choice);
          ASSERT_TRUE(again.has_value()) << again.error().message;
          EXPECT_EQ(again->digest, state.digest)
              << "seed " << seed << " " << row.name << " " << choice;
          EXPECT_EQ(again->tree.RootDigest(true), state.tree.RootDigest(true)) << choice;
          EXPECT_EQ(choice.find_first_of(" \n\t"), std::string::npos);
        }
        const Result<CrashState> early = RealiseChoice(trace, row, state.choice);
        EXPECT_EQ(early->first_point, state.first_point);
        ASSERT_EQ(early->lost.size(), state.lost.size()) << state.choice;
      }
    }
  }
}

void AStateIsReachableAtAPointExactlyIfTheRunUpToThereCanLeaveIt(uint32_t first, uint32_t last) {
  for (uint32_t seed = first; seed < last; ++seed) {
    const Trace trace = RandomProgram(seed).Make(kOps);
    for (const Profile& row : Profiles()) {
      bool exhaustive = false;
      const std::vector<CrashState> whole = AllStates(trace, row, &exhaustive);
      if (!exhaustive) continue;
      for (uint32_t point = 0; point <= trace.ops.size(); ++point) {
        std::set<Digest> expected, found;
        for (const CrashState& state : whole) {
          if (At(state, point)) found.insert(state.digest);
        }
        for (const CrashState& state : AllStates(FirstOps(trace, point), row)) {
          if (state.last_point == point) expected.insert(state.digest);
        }

        // While a call that forces is under way, its own effect can be there.
        if (point < trace.ops.size() && Forces(trace.ops[point])) {
          EXPECT_TRUE(std::includes(found.begin(), found.end(), expected.begin(), expected.end()));
        } else {
          EXPECT_EQ(found, expected) << "seed " << seed << " " << row.name << " at " << point;
        }
      }
    }
  }
}

void WithoutASyncEveryStateStaysReachable(uint32_t first, uint32_t last) {
  for (uint32_t seed = first; seed < last; ++seed) {
    const Trace trace = RandomProgram(seed).Make(kOps);
    for (const Profile& row : Profiles()) {
      for (const CrashState& state : AllStates(trace, row, nullptr, 2000)) {
        for (uint32_t point = 0; point < trace.ops.size(); ++point) {
          if (Forces(trace.ops[point])) continue;
          EXPECT_TRUE(!At(state, point) || At(state, point + 1))
              << "seed " << seed << " " << row.name;
        }
      }
    }
  }
}

void EveryRowThatSyncsIsWithinPosix(uint32_t first, uint32_t last) {
  size_t compared = 0;
  for (uint32_t seed = first; seed < last; ++seed) {
    const Trace trace = RandomProgram(seed).Make(5);
    bool exhaustive = false;
    std::map<Digest, const CrashState*> weakest;
    const std::vector<CrashState> posix =
        AllStates(trace, *FindProfile("posix"), &exhaustive, 400000);
    if (!exhaustive) continue;
    for (const CrashState& state : posix) weakest[state.tree.RootDigest(true)] = &state;
    for (const Profile& row : Profiles()) {
      if (row.sync_noop) continue;
      for (const CrashState& state : AllStates(trace, row)) {
        ++compared;
        auto known = weakest.find(state.tree.RootDigest(true));
        ASSERT_NE(known, weakest.end())
            << "seed " << seed << " " << row.name << " " << state.choice;
        EXPECT_GE(known->second->last_point, state.last_point)
            << "seed " << seed << " " << row.name << " " << state.choice;
        EXPECT_LE(known->second->first_point, state.first_point)
            << "seed " << seed << " " << row.name << " " << state.choice;
      }
    }
  }

  EXPECT_GT(compared, 50u * (last - first));
}

void TheOrderOfVisitsIsFixedAndGoesFromSmallDeviationsToLarge(uint32_t first, uint32_t last) {
  for (uint32_t seed = first; seed < last; ++seed) {
    const Trace trace = RandomProgram(seed).Make(kOps);
    for (const Profile& row : Profiles()) {
      const std::vector<CrashState> one = AllStates(trace, row, nullptr, 3000);
      const std::vector<CrashState> two = AllStates(trace, row, nullptr, 3000);
      ASSERT_EQ(one.size(), two.size());
      for (size_t i = 0; i < one.size(); ++i) {
        EXPECT_EQ(one[i].digest, two[i].digest);
        EXPECT_EQ(one[i].choice, two[i].choice);
        if (i > 0) {
          EXPECT_LE(one[i - 1].deviations, one[i].deviations);
        }
      }
    }
  }
}

// A few seeds in every run, many in the long tier.
#define PROPERTY(name, few, many)          \
  TEST(Properties, name) { name(0, few); } \
  TEST(PropertiesLong, name) { name(few, many); }

PROPERTY(NothingLostAtTheLastPointIsWhatAReaderSaw, 15, 150)
PROPERTY(EveryChoiceGivesItsStateBack, 6, 60)
PROPERTY(AStateIsReachableAtAPointExactlyIfTheRunUpToThereCanLeaveIt, 8, 100)
PROPERTY(WithoutASyncEveryStateStaysReachable, 15, 150)
PROPERTY(EveryRowThatSyncsIsWithinPosix, 50, 300)
PROPERTY(TheOrderOfVisitsIsFixedAndGoesFromSmallDeviationsToLarge, 8, 60)

}  // namespace
}  // namespace oldornew
