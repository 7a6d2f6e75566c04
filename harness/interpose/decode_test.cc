// The decoder on recordings that were torn, damaged, or robbed of records.
#include "interpose/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string.h>

#include <random>

#include "base/files.h"
#include "interpose/record_view.h"
#include "interpose/testing/recorded_run.h"

namespace oldornew {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using wire::Record;
using wire::RecordKind;
using wire::RecordState;

/// A recording of every mutating call, in memory: taken once, then copied and spoiled.
class Spoiled : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new RecordedRun;
    run_->Run({TestProgram("every_call"), "syscall"});
    ASSERT_THAT(run_->Problems(), IsEmpty());
    Result<RecordingFile> file = RecordingFile::Open(run_->recording());
    ASSERT_TRUE(file.has_value());
    size_t size = wire::kHeaderSize + file->records_size();
    whole_ = new std::string(reinterpret_cast<const char*>(&file->header()), size);
  }
  static void TearDownTestSuite() {
    delete run_;
    delete whole_;
  }

  /// Decodes the bytes as the recording of that run.
  static RecordedRun& Decode(const std::string& bytes) {
    EXPECT_TRUE(WriteFile(run_->recording(), bytes).has_value());
    run_->Decode();
    return *run_;
  }

  static std::vector<RecordView> Views(const std::string& bytes) {
    return ReadRecords(bytes.data() + wire::kHeaderSize, bytes.size() - wire::kHeaderSize).records;
  }
  static std::vector<const Record*> Records(const std::string& bytes) {
    std::vector<const Record*> records;
    for (const RecordView& view : Views(bytes)) records.push_back(view.fixed);
    return records;
  }
  static Record* At(std::string& bytes, const Record* original) {
    return reinterpret_cast<Record*>(bytes.data() +
                                     (reinterpret_cast<const char*>(original) - whole_->data()));
  }

  static RecordedRun* run_;
  static std::string* whole_;
};

RecordedRun* Spoiled::run_ = nullptr;
std::string* Spoiled::whole_ = nullptr;

/// Whether the tree, or the account of processes, cannot be explained without this record.
bool Matters(const RecordView& view) {
  const Record& record = *view.fixed;
  bool outside = view.text(wire::SectionType::kPath).find("/outside/") != std::string_view::npos;
  if (record.ret < 0 || outside) return false;
  switch (view.kind()) {
    case RecordKind::kProcessStart:
    case RecordKind::kMakeNode:
    case RecordKind::kLink:
    case RecordKind::kUnlink:
      return true;
    case RecordKind::kRename: {  // onto another link of the same file it does nothing
      wire::FileState one = view.state(wire::SectionType::kObjectBefore);
      wire::FileState other = view.state(wire::SectionType::kOtherBefore);
      return one.ino != other.ino;
    }
    case RecordKind::kOpen:
      return (record.flags & wire::kCreated) != 0;
    default:
      return false;
  }
}

TEST_F(Spoiled, ARecordingWithoutOneOfItsNameChangesIsNotTakenForWhole) {
  int removed = 0;
  for (const RecordView& view : Views(*whole_)) {
    if (!Matters(view)) continue;
    std::string bytes = *whole_;
    At(bytes, view.fixed)->kind = static_cast<uint16_t>(RecordKind::kPad);
    EXPECT_THAT(Decode(bytes).Problems(), Not(IsEmpty()))
        << SyscallName(view.fixed->nr) << " of " << view.text(wire::SectionType::kPath);
    removed++;
  }
  EXPECT_GE(removed, 40);
}

TEST_F(Spoiled, RecordsOfOneKindCannotAllBeMissing) {
  // Single writes may be overwritten later and then are not missed, but all of one kind are.
  for (RecordKind kind :
       {RecordKind::kWrite, RecordKind::kTruncate, RecordKind::kSetAttributes, RecordKind::kOpen,
        RecordKind::kMakeNode, RecordKind::kLink, RecordKind::kUnlink, RecordKind::kRename}) {
    std::string bytes = *whole_;
    for (const Record* original : Records(*whole_)) {
      if (original->kind == static_cast<uint16_t>(kind))
        At(bytes, original)->kind = static_cast<uint16_t>(RecordKind::kPad);
    }
    EXPECT_THAT(Decode(bytes).Problems(), Not(IsEmpty())) << static_cast<int>(kind);
  }
}

TEST_F(Spoiled, AKilledWriterLeavesEveryRecordWholeOrInFlight) {
  // As if every process had died: when each record was reserved but nothing stored, when only its
  // size was, when it was begun, and when it was done.
  std::vector<const Record*> records = Records(*whole_);
  for (size_t i = 0; i < records.size(); i++) {
    auto start = static_cast<size_t>(reinterpret_cast<const char*>(records[i]) - whole_->data());
    for (int stage = 0; stage < 4; stage++) {
      std::string bytes = *whole_;
      memset(bytes.data() + start, 0, bytes.size() - start);
      Record* record = At(bytes, records[i]);
      if (stage >= 1) record->size = records[i]->size;
      if (stage >= 2) {
        memcpy(record, records[i], records[i]->size);
        record->state = static_cast<uint32_t>(RecordState::kBegun);
        record->end = 0;
        record->ret = 0;
      }
      if (stage == 3) memcpy(record, records[i], records[i]->size);
      RecordList list =
          ReadRecords(bytes.data() + wire::kHeaderSize, bytes.size() - wire::kHeaderSize);
      ASSERT_EQ(list.damaged_at, 0u);
      EXPECT_EQ(list.unpublished, stage == 1 ? 1u : 0u);
      EXPECT_EQ(list.records.size(), i + (stage >= 2 ? 1 : 0));
      if (stage == 2 && i % 8 == 0) {
        RecordedRun& run = Decode(bytes);
        EXPECT_EQ(run.statistics.in_flight, 1u);
        for (const Op& op : run.trace.ops) EXPECT_EQ((op.flags & kFlagInFlight) != 0, op.end == 0);
      }
    }
  }
}

TEST_F(Spoiled, ARecordingCutAnywhereIsReadUpToThere) {
  for (size_t size = wire::kHeaderSize; size < whole_->size(); size += wire::kAlign) {
    RecordList list = ReadRecords(whole_->data() + wire::kHeaderSize, size - wire::kHeaderSize);
    for (const RecordView& record : list.records) {
      EXPECT_LE(reinterpret_cast<const char*>(record.fixed) + record.fixed->size,
                whole_->data() + size);
    }
  }
}

TEST_F(Spoiled, DamagedBytesNeverCrashTheDecoderAndAreReported) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; round++) {
    std::string bytes = *whole_;
    for (int i = 0; i < 20; i++) {
      size_t at = wire::kHeaderSize + random() % (bytes.size() - wire::kHeaderSize);
      bytes[at] = static_cast<char>(random());
    }
    Decode(bytes);
  }
  std::string bytes = *whole_;
  At(bytes, Records(*whole_)[5])->size += 4;
  EXPECT_THAT(Decode(bytes).Problems(), Contains(HasSubstr("damaged at byte")));
}

TEST_F(Spoiled, TheHeaderTellsOfOverflowAndOfLostCalls) {
  std::string bytes = *whole_;
  reinterpret_cast<wire::Header*>(bytes.data())->overflowed = 1;
  reinterpret_cast<wire::Header*>(bytes.data())->unrecorded = 2;
  std::vector<std::string> problems = Decode(bytes).Problems();
  EXPECT_THAT(problems, Contains(HasSubstr("filled the whole recording")));
  EXPECT_THAT(problems, Contains(HasSubstr("2 calls")));
}

TEST_F(Spoiled, FilesThatAreNoRecordingOfThisVersionAreNamed) {
  Trace trace;
  CapturedTree tree;
  EXPECT_FALSE(DecodeRecording("/nonexistent", tree, &trace).has_value());
  std::string bytes = *whole_;
  reinterpret_cast<wire::Header*>(bytes.data())->version = 99;
  ASSERT_TRUE(WriteFile(run_->recording(), bytes).has_value());
  Status status = DecodeRecording(run_->recording(), tree, &trace);
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message, HasSubstr("format 99"));
  for (size_t size : {size_t{0}, size_t{100}, size_t{wire::kHeaderSize - 1}}) {
    ASSERT_TRUE(WriteFile(run_->recording(), whole_->substr(0, size)).has_value());
    EXPECT_FALSE(DecodeRecording(run_->recording(), tree, &trace).has_value());
  }
}

TEST(Syscalls, HaveTheNamesOfTheX86Table) {
  EXPECT_EQ(SyscallName(0), "read");
  EXPECT_EQ(SyscallName(257), "openat");
  EXPECT_EQ(SyscallName(452), "fchmodat2");
  EXPECT_EQ(SyscallName(9999), "syscall 9999");
}

}  // namespace
}  // namespace oldornew
