// The model against the litmus files: what was observed is in it, what is forbidden is not.
#include "model/testing/litmus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/files.h"
#include "base/text.h"

namespace oldornew {
namespace {

// "Observed outside the model is red, forbidden inside it is red" (model.md, section 9).
TEST(Litmus, NothingThatALitmusFileSaysContradictsTheModel) {
  size_t rows = 0, states = 0;
  for (const Litmus& test : AllLitmusTests()) {
    for (const Profile& row : Profiles()) {
      for (const std::string& wrong : Contradictions(test, row))
        ADD_FAILURE() << test.name << " (" << test.title << ") on " << row.name << ": " << wrong;
    }
    for (const auto* said : {&test.observed, &test.expected, &test.allowed}) {
      rows += said->size();
      for (const auto& [row, by_mark] : *said) {
        for (const auto& [mark, list] : by_mark) states += list.size();
      }
    }
  }

  EXPECT_GT(rows, 900u);
  EXPECT_GT(states, 2000u);
}

// Not a test: `scripts/model-precision` runs it to write results/model-precision.md, the list of
// states that the model allows and nobody saw. They are gaps in precision or in the observation,
// never errors.
TEST(ModelPrecision, DISABLED_Write) {
  const char* path = std::getenv("OLDORNEW_PRECISION_FILE");
  ASSERT_NE(path, nullptr);
  std::string text =
      "# States the model allows and no recorded run showed\n\n"
      "Each litmus test of `harness/model/litmus` on each row it was recorded on (Linux 6.18, 924 "
      "runs). A "
      "state is listed with the\n"
      "first crash point at which the model has it. Written by `scripts/model-precision`; not an "
      "error "
      "list.\n";
  size_t allowed = 0, seen = 0;
  for (const Litmus& test : AllLitmusTests()) {
    std::string section;
    for (const auto& [name, by_mark] : test.observed) {
      std::vector<std::string> unseen;
      for (const CrashState& state : StatesOf(test, *FindProfile(name))) {
        ++allowed;
        const bool known = std::any_of(by_mark.begin(), by_mark.end(), [&](const auto& entry) {
          return std::any_of(
              entry.second.begin(), entry.second.end(),
              [&](const std::string& observed) { return Accounts(state.tree, observed); });
        });
        if (known) {
          ++seen;
        } else if (unseen.size() < 12) {
          unseen.push_back(fmt::format("`{}` @{}", DescribeState(state.tree), state.first_point));
        } else if (unseen.size() == 12) {
          unseen.push_back("...");
        }
      }
      if (!unseen.empty()) section += fmt::format("- {}: {}\n", name, Join(unseen, ", "));
    }
    if (!section.empty()) text += fmt::format("\n## {} {}\n\n{}", test.name, test.title, section);
  }

  text += fmt::format("\n{} states allowed, {} of them seen.\n", allowed, seen);
  ASSERT_TRUE(WriteFile(path, text).has_value());
}

}  // namespace
}  // namespace oldornew
