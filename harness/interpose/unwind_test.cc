#include "interpose/unwind.h"

#include <gtest/gtest.h>
#include <string.h>
#include <sys/stat.h>

#include <set>

#include "base/files.h"
#include "interpose/record_view.h"
#include "interpose/recording.h"
#include "interpose/testing/recorded_run.h"

namespace oldornew {
namespace {

// What was remembered must be what the tables say. Asked is every recorded stack, in the order of
// the run and with each of its words changed in turn, so that remembered answers meet stacks that
// differ from them by one word.
TEST(Unwinder, RemembersOnlyWhatInterpretingTheTablesAgainWouldGive) {
  RecordedRun run;
  run.Run({"/bin/sh", "-c",
           "for i in 1 2 3 4 5 6 7 8; do echo $i > f; echo $i >> f; (echo $i > g); mkdir d; rmdir "
           "d; done"});
  auto file = RecordingFile::Open(run.recording());
  ASSERT_TRUE(file);
  const RecordList list = ReadRecords(file->records(), file->records_size());
  Unwinder remembering;
  uint64_t asked = 0;
  for (const RecordView& record : list.records) {
    const std::string_view words = record.text(wire::SectionType::kStack);
    if (words.size() <= 8) continue;
    const std::vector<Module>& modules = run.trace.processes[0].modules;
    for (size_t changed = 0; changed <= words.size() / 8; ++changed) {
      std::string other(words);
      if (changed > 0) {
        uint64_t word;
        memcpy(&word, other.data() + (changed - 1) * 8, 8);
        word ^= 8;
        memcpy(other.data() + (changed - 1) * 8, &word, 8);
      }
      Unwinder fresh;
      if (asked % 4 == 0) {  // opening the modules anew is what takes the time of this test
        EXPECT_EQ(remembering.Unwind(modules, *record.fixed, other),
                  fresh.Unwind(modules, *record.fixed, other))
            << "word " << changed;
      } else {
        (void)remembering.Unwind(modules, *record.fixed, other);
      }
      ++asked;
    }
  }
  EXPECT_GT(asked, 100u);
  EXPECT_LT(remembering.interpreted(), asked / 2);
}

// All stacks of a recorded run, as `unwinder` sees them.
std::vector<std::vector<uint64_t>> StacksOf(const RecordedRun& run, Unwinder* unwinder) {
  std::vector<std::vector<uint64_t>> out;
  auto file = RecordingFile::Open(run.recording());
  EXPECT_TRUE(file);
  if (!file) return out;
  for (const RecordView& record : ReadRecords(file->records(), file->records_size()).records) {
    const std::string_view words = record.text(wire::SectionType::kStack);
    if (words.size() > 8)
      out.push_back(unwinder->Unwind(run.trace.processes[0].modules, *record.fixed, words));
  }
  return out;
}

TEST(Unwinder, GivesTheSameAnswersWhereverTheModulesLie) {
  Unwinder kept;
  std::set<uint64_t> places;
  for (int round = 0; round < 6; ++round) {
    RecordedRun run;
    run.Run({"/bin/sh", "-c", "echo 1 > f; echo 2 >> f; mkdir d; rmdir d; (echo 3 > g)"});
    Unwinder fresh;
    kept.BeginRun();
    const auto stacks = StacksOf(run, &kept);
    EXPECT_GT(stacks.size(), 3u);
    EXPECT_EQ(stacks, StacksOf(run, &fresh)) << round;
    size_t deep = 0;
    for (const auto& stack : stacks) deep += stack.size() > 2;
    EXPECT_GT(deep, 0u);
    places.insert(run.trace.processes[0].modules[0].start);
  }
  EXPECT_EQ(kept.opened(), 1u) << "the modules lay at " << places.size() << " places";
}

TEST(Unwinder, OpensFilesAgainThatHaveChangedBetweenRuns) {
  auto directory = TempDir::Create("unwind-test-");
  ASSERT_TRUE(directory);
  const std::string program = directory->path() + "/shell";
  Unwinder kept;
  for (uint64_t round = 1; round < 4; ++round) {
    auto bytes = ReadFile("/bin/sh");
    ASSERT_TRUE(bytes);
    ASSERT_TRUE(WriteFile(program, *bytes));
    ASSERT_EQ(chmod(program.c_str(), 0755), 0);
    RecordedRun run;
    run.Run({program, "-c", "echo 1 > f; mkdir d"});
    kept.BeginRun();
    (void)StacksOf(run, &kept);
    EXPECT_EQ(kept.opened(), round);
  }
}

}  // namespace
}  // namespace oldornew
