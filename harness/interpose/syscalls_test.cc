// syscalls.def against the kernel's headers, and each of its columns against the others.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "interpose/accounted.h"
#include "interpose/decode.h"
#include "interpose/file_calls.h"
#include "interpose/record_kinds.h"
#include "interpose/syscall_numbers.h"
#include "interpose/wire.h"

namespace oldornew {
namespace {

struct Row {
  int nr;
  std::string name, shape, handler, record, account, seen, fault, replay;
};

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
#define SYSCALL(name, shape, handler, record, account, seen, fault, replay) \
  {__NR_##name, #name, #shape, #handler, #record, #account, #seen, #fault, #replay},
#include "interpose/syscalls.def"
  };
  return rows;
}

size_t CountRows(const std::string Row::* column, const std::string& value) {
  size_t count = 0;
  for (const Row& row : Rows()) count += row.*column == value;
  return count;
}

TEST(Syscalls, EveryNumberIsThatOfTheKernelsHeaders) {
  std::set<int> numbers;
  for (const Row& row : Rows()) {
    // The names were made from the kernel's headers by scripts/syscall-tables.
    EXPECT_EQ(SyscallName(row.nr), row.name);
    EXPECT_LT(row.nr, static_cast<int>(wire::kMaxSyscall)) << row.name;
    EXPECT_TRUE(numbers.insert(row.nr).second) << row.name << " stands there twice";
  }
}

TEST(Syscalls, TheTablesHoldWhatTheRowsSay) {
  for (const Row& row : Rows()) {
    EXPECT_EQ(wire::AccountedAt(row.nr) >= 0, row.account != "None") << row.name;
    EXPECT_EQ(wire::KernelAddsUp(row.nr), row.account == "AddsUp") << row.name;
    EXPECT_EQ(wire::ShapeOf(row.nr) != nullptr, row.shape != "None") << row.name;
    EXPECT_EQ(wire::RecordKindOf(row.nr) != wire::RecordKind::kPad, row.record != "None")
        << row.name;
  }
  for (int i = 0; i < wire::kAccountedCount; ++i)
    EXPECT_EQ(wire::AccountedAt(wire::AccountedCall(i)), i);
  for (const wire::FileCallShape& shape : wire::kFileCalls)
    EXPECT_EQ(wire::ShapeOf(shape.nr), &shape);
}

#if defined(__x86_64__)
/// Counts of the tables as they were when each was written by hand.
TEST(Syscalls, NoRowHasLostAColumn) {
  EXPECT_EQ(wire::kAccountedCount, 68);
  EXPECT_EQ(CountRows(&Row::account, "AddsUp"), 7u);
  EXPECT_EQ(wire::kFileCallCount, 93);
  EXPECT_EQ(CountRows(&Row::seen, "Always"), 93u);
}
#endif

TEST(Syscalls, ColumnsAgreeWithEachOther) {
  for (const Row& row : Rows()) {
    if (row.handler != "CarryOut") continue;
    EXPECT_EQ(row.account, "None") << row.name << " is accounted for, and nobody records it";
    EXPECT_EQ(row.record, "None") << row.name << " leaves a record, and nobody writes it";
  }
  for (const Row& row : Rows()) {
    if (row.fault == "Other") continue;
    EXPECT_NE(row.shape, "None") << row.name << " can fail, and no plan can hit it";
  }
}

TEST(Syscalls, CallsOutsideTheTableHaveNothing) {
  for (const long nr : {-1L, long{__NR_getpid}, 511L, 512L, 1L << 30}) {
    EXPECT_EQ(wire::AccountedAt(nr), -1);
    EXPECT_FALSE(wire::KernelAddsUp(nr));
    EXPECT_EQ(wire::ShapeOf(nr), nullptr);
    EXPECT_EQ(wire::RecordKindOf(nr), wire::RecordKind::kPad);
  }
}

}  // namespace
}  // namespace oldornew
