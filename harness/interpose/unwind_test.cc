#include "interpose/unwind.h"

#include <gtest/gtest.h>
#include <string.h>

#include "interpose/record_view.h"
#include "interpose/recording.h"
#include "interpose/testing/recorded_run.h"

namespace oldornew {
namespace {

// What was remembered must be what the tables say. Asked is every recorded stack, in the order of the run and
// with each of its words changed in turn, so that remembered answers meet stacks that differ from them by one
// word.
TEST(Unwinder, RemembersOnlyWhatInterpretingTheTablesAgainWouldGive) {
  RecordedRun run;
  run.Run({"/bin/sh", "-c",
           "for i in 1 2 3 4 5 6 7 8; do echo $i > f; echo $i >> f; (echo $i > g); mkdir d; rmdir d; done"});
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

}  // namespace
}  // namespace oldornew
