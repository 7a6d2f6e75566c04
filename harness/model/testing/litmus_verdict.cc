// Holds the model against what a litmus file says.
#include <algorithm>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "model/testing/litmus.h"

namespace oldornew {

const std::vector<Litmus>& AllLitmusTests() {
  static const std::vector<Litmus> tests = [] {
    std::vector<Litmus> out;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(OLDORNEW_SOURCE_DIR "/harness/model/litmus")) {
      if (entry.path().extension() == ".litmus") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      const Result<std::string> text = ReadFile(path.string());
      CHECK(text.has_value());
      out.push_back(ParseLitmus(path.stem().string(), *text));
    }
    return out;
  }();
  return tests;
}

std::vector<CrashState> StatesOf(const Litmus& test, const Profile& row) {
  std::vector<CrashState> states;
  Limits limits;
  limits.grain = test.grain;
  const Coverage coverage =
      ForEachCrashState(test.trace, row, {{""}}, limits, [&](const CrashState& state) {
        states.push_back(state);
        return true;
      });

  // A row with a changed cell may have more states than the limit; a real one must not.
  CHECK(coverage.exhaustive || FindProfile(row.name) != &row);
  return states;
}

namespace {

class Judge {
 public:
  Judge(const Litmus& test, const Profile& row, size_t most) : test_(test), row_(row), most_(most) {
    for (CrashState& state : StatesOf(test, row)) {
      texts_.push_back(DescribeState(state.tree));
      states_.push_back(std::move(state));
    }
  }

  std::vector<std::string> Run() {
    Included(test_.observed, "observed");
    Included(test_.expected, "expected");
    Included(test_.allowed, "allowed");
    Nothing();
    for (const Litmus::Forbidden& forbidden : test_.forbidden) {
      if (forbidden.rows.count(row_.name)) Absent(forbidden);
    }
    return std::move(wrong_);
  }

 private:
  bool Full() const { return wrong_.size() >= most_; }

  static bool Within(const CrashState& state, std::pair<uint32_t, uint32_t> interval) {
    return std::any_of(state.points.begin(), state.points.end(), [&](const auto& points) {
      return points.first <= interval.second && points.second >= interval.first;
    });
  }

  void Included(const Litmus::States& said, const char* how) {
    const auto by_mark = said.find(row_.name);
    if (by_mark == said.end()) return;
    for (const auto& [mark, list] : by_mark->second) {
      const auto interval = test_.IntervalOf(mark);
      for (const std::string& wanted : list) {
        bool known = false;
        for (size_t i = 0; i < states_.size() && !known; ++i)
          known = texts_[i] == wanted && Within(states_[i], interval);
        // Stale bytes of the model stand for any.
        for (size_t i = 0; i < states_.size() && !known; ++i)
          known = texts_[i].find('?') != std::string::npos && Within(states_[i], interval) &&
                  Accounts(states_[i].tree, wanted);
        if (!known && !Full())
          wrong_.push_back(fmt::format("{} after {} but not in the model: {}", how, mark, wanted));
      }
    }
  }

  // allowed: nothing else.
  void Nothing() {
    const auto by_mark = test_.allowed.find(row_.name);
    if (by_mark == test_.allowed.end()) return;
    for (const auto& [mark, list] : by_mark->second) {
      const std::set<std::string> all(list.begin(), list.end());
      const auto interval = test_.IntervalOf(mark);
      for (size_t i = 0; i < states_.size() && !Full(); ++i) {
        if (!all.count(texts_[i]) && Within(states_[i], interval))
          wrong_.push_back(fmt::format("not allowed after {} but in the model: {} ({})", mark,
                                       texts_[i], states_[i].choice));
      }
    }
  }

  void Absent(const Litmus::Forbidden& forbidden) {
    for (size_t i = 0; i < states_.size() && !Full(); ++i) {
      if (states_[i].last_point < test_.PointOf(forbidden.mark)) continue;
      const bool all = std::all_of(forbidden.conditions.begin(), forbidden.conditions.end(),
                                   [&](const std::string& c) { return Holds(states_[i].tree, c); });
      if (all)
        wrong_.push_back(fmt::format("forbidden after {} but in the model: {} ({}): {}",
                                     forbidden.mark, texts_[i], states_[i].late_choice,
                                     forbidden.reason));
    }
  }

  const Litmus& test_;
  const Profile& row_;
  const size_t most_;
  std::vector<CrashState> states_;
  std::vector<std::string> texts_;
  std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> Contradictions(const Litmus& test, const Profile& row, size_t most) {
  const bool said =
      test.observed.count(row.name) || test.expected.count(row.name) ||
      test.allowed.count(row.name) ||
      std::any_of(test.forbidden.begin(), test.forbidden.end(),
                  [&](const auto& forbidden) { return forbidden.rows.count(row.name); });
  if (!said) return {};
  return Judge(test, row, most).Run();
}

}  // namespace oldornew
