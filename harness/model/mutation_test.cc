// The mutation score of the table and the rules: every cell is changed to every other value that it
// can have, and every rule left out, one at a time; some litmus test must contradict each. What
// nothing contradicts, nothing holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "model/columns.h"
#include "model/testing/litmus.h"

namespace oldornew {
namespace {

struct Mutation {
  std::string what;           // "xfs: REPL none -> wait"
  std::vector<Profile> rows;  // as mutated; a rule is left out of every row
  std::vector<std::string> killers;
};

std::vector<Mutation> CellMutations() {
  std::vector<Mutation> out;
  for (const Profile& row : Profiles()) {
    for (size_t c = 0; c < Columns().size(); ++c) {
      const Column& column = Columns()[c];
      for (int value : DomainOf(row, c).values) {
        if (value == column.get(row)) continue;
        Mutation m;
        m.what = fmt::format("{}: {} {} -> {}", row.name, column.name, CellText(row, c),
                             column.values[static_cast<size_t>(value)].text);
        m.rows = {row};
        column.set(&m.rows[0], value);
        Complete(&m.rows[0], c);
        out.push_back(std::move(m));
      }
    }
  }

  return out;
}

std::vector<Mutation> RuleMutations() {
  std::vector<Mutation> out;
  for (const RuleInfo& rule : Rules()) {
    Mutation m;
    m.what = fmt::format("{} ({}): {}", rule.name, rule.number, rule.text);
    for (Profile row : Profiles()) {
      row.rules = row.rules.Without(rule.rule);
      m.rows.push_back(std::move(row));
    }
    out.push_back(std::move(m));
  }

  return out;
}

// Names of tests that contradict the mutated rows, at most `most`. Those that killed another
// mutation come first.
void FindKillers(Mutation* m, size_t most, std::vector<std::atomic<uint32_t>>* kills) {
  const auto& tests = AllLitmusTests();
  std::vector<size_t> order(tests.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::vector<uint32_t> counts(kills->begin(), kills->end());

  // Then those that say all that is allowed: they are small, and one of them is made for each
  // column and rule.
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (counts[a] != counts[b]) return counts[a] > counts[b];
    return tests[a].allowed.size() > tests[b].allowed.size();
  });

  for (size_t i : order) {
    for (const Profile& row : m->rows) {
      if (Contradictions(tests[i], row, 1).empty()) continue;
      ++(*kills)[i];
      m->killers.push_back(m->rows.size() == 1 ? tests[i].name
                                               : fmt::format("{} on {}", tests[i].name, row.name));
      break;
    }
    if (m->killers.size() >= most) break;
  }

  std::sort(m->killers.begin(), m->killers.end());
}

// Every `stride`-th mutation, `first` being the first.
void Examine(std::vector<Mutation>* mutations, size_t most, size_t first = 0, size_t stride = 1) {
  std::vector<std::atomic<uint32_t>> kills(AllLitmusTests().size());
  std::atomic<size_t> next = first;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t) {
    threads.emplace_back([&] {
      for (size_t i; (i = next.fetch_add(stride)) < mutations->size();)
        FindKillers(&(*mutations)[i], most, &kills);
    });
  }

  for (std::thread& thread : threads) thread.join();
  for (size_t i = first; i < mutations->size(); i += stride)
    EXPECT_FALSE((*mutations)[i].killers.empty())
        << "no litmus test holds " << (*mutations)[i].what;
}

TEST(Mutation, EveryRuleIsHeldByALitmusTest) {
  std::vector<Mutation> mutations = RuleMutations();
  EXPECT_EQ(mutations.size(), static_cast<size_t>(Rule::kCount));
  Examine(&mutations, 1);
}

// A sample in every run, all of them in the long tier.
TEST(Mutation, EveryNinthChangeOfACellIsHeldByALitmusTest) {
  std::vector<Mutation> mutations = CellMutations();
  Examine(&mutations, 1, 0, 9);
}

TEST(MutationLong, EveryChangeOfACellIsHeldByALitmusTest) {
  std::vector<Mutation> mutations = CellMutations();
  Examine(&mutations, 1);
}

// Not a test: scripts/mutation-score runs it to write results/mutation-score.md.
TEST(MutationScore, DISABLED_Write) {
  const char* path = std::getenv("OLDORNEW_MUTATION_FILE");
  ASSERT_NE(path, nullptr);
  std::string text =
      "# Mutation score of the table and the rules\n\n"
      "Every cell of every row changed to every other value that it can have beside the others, "
      "and every "
      "rule of the\n"
      "enumeration left out, one at a time. A mutation is killed by a litmus test "
      "(`harness/model/litmus`) "
      "that then\n"
      "contradicts the model; at most three are named. A cell that does not apply in a row "
      "(`oldornew "
      "profiles`: \"-\") cannot be\n"
      "changed. Written by `scripts/mutation-score`.\n";
  size_t killed = 0, all = 0;
  const auto section = [&](const char* title, std::vector<Mutation> mutations) {
    Examine(&mutations, 3);
    text += fmt::format("\n## {}\n\n| mutation | killed by |\n|---|---|\n", title);
    for (const Mutation& m : mutations) {
      ++all;
      killed += !m.killers.empty();
      text += fmt::format("| {} | {} |\n", m.what,
                          m.killers.empty() ? "**nothing**" : Join(m.killers, ", "));
    }
  };

  section("Rules", RuleMutations());
  section("Cells", CellMutations());
  text += fmt::format("\nProfile table {}. {} of {} mutations killed.\n",
                      ProfileTable::BuiltIn().Version(), killed, all);
  ASSERT_TRUE(WriteFile(path, text).has_value());
}

}  // namespace
}  // namespace oldornew
