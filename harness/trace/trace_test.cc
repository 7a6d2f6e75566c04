#include "trace/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/falloc.h>

#include "trace/format.h"

namespace oldornew {
namespace {

// old: f = "old". ops: create t, write t, chmod t, rename t -> f.
Trace ReplaceByRename() {
  Trace trace;
  trace.command = {"writer", "f"};
  trace.roots = {{"/home/u/p", RootRole::kJudged}};
  Inode old;
  old.content = Content::FromBytes("old");
  trace.old_tree.at(0).entries["f"] = trace.old_tree.Add(old);
  trace.objects = {{FileKind::kDirectory, {1, 10}, -1},
                   {FileKind::kFile, {1, 11}, -1},
                   {FileKind::kFile, {1, 12}, 0}};
  trace.processes = {{100, -1, "/bin/writer", {"writer", "f"}, true, {{1, 2, 3, "/bin/writer"}}}};
  trace.payload = "new content";
  Op create;
  create.kind = OpKind::kCreate;
  create.object = 2;
  create.dir = 0;
  create.name = create.path = "t";
  create.mode = 0600;
  Op write;
  write.object = 2;
  write.path = "t";
  write.length = write.size_after = trace.payload.size();
  Op chmod;
  chmod.kind = OpKind::kSetAttributes;
  chmod.object = 2;
  chmod.mode = 0644;
  chmod.path = "t";
  Op rename;
  rename.kind = OpKind::kRename;
  rename.object = 2;
  rename.dir = rename.dir2 = 0;
  rename.name = rename.path = "t";
  rename.name2 = rename.path2 = "f";
  rename.replaced = 1;
  trace.ops = {create, write, chmod, rename};
  Inode fresh;
  fresh.content = Content::FromBytes(trace.payload);
  trace.new_tree.at(0).entries["f"] = trace.new_tree.Add(fresh);
  return trace;
}

TEST(LiveTree, OldTreePlusOpsIsTheTreeThatIsThere) {
  EXPECT_THAT(FindTreeMismatches(ReplaceByRename()), ::testing::IsEmpty());
}

TEST(LiveTree, LeavingOutAnyOneOpIsNoticed) {
  const Trace complete = ReplaceByRename();
  for (size_t i = 0; i < complete.ops.size(); ++i) {
    Trace holed = complete;
    holed.ops.erase(holed.ops.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_FALSE(FindTreeMismatches(holed).empty()) << "op " << i << " was not missed";
  }
}

TEST(LiveTree, FailedAndInFlightOpsHaveNoEffect) {
  for (const bool in_flight : {false, true}) {
    Trace trace = ReplaceByRename();
    Op extra = trace.ops[3];
    extra.kind = OpKind::kUnlink;
    extra.name = "f";
    if (in_flight) {
      extra.flags = kFlagInFlight;
    } else {
      extra.error = EACCES;
    }
    trace.ops.push_back(extra);
    EXPECT_THAT(FindTreeMismatches(trace), ::testing::IsEmpty());
  }
}

TEST(LiveTree, ExchangeSwapsBothNames) {
  Trace trace = ReplaceByRename();
  trace.ops[3].flags = kFlagExchange;
  LiveTree live(trace);
  for (const Op& op : trace.ops) live.Apply(op);
  EXPECT_EQ(live.tree().at(*live.tree().Lookup("t")).content.ToString(), "old");
  EXPECT_EQ(live.tree().at(*live.tree().Lookup("f")).content.ToString(), "new content");
}

TEST(LiveTree, FallocateModesMoveBytesAsTheManPageSays) {
  const std::string text(3 * 4096, 'x');
  const auto after = [&](uint32_t mode, uint64_t offset, uint64_t length, uint64_t size_after) {
    Trace trace = ReplaceByRename();
    trace.old_tree.at(1).content = Content::FromBytes(
        std::string(4096, 'a') + std::string(4096, 'b') + std::string(4096, 'c'));
    Op op;
    op.kind = OpKind::kAllocate;
    op.object = 1;
    op.mode = mode;
    op.offset = offset;
    op.length = length;
    op.size_after = size_after;
    LiveTree live(trace);
    live.Apply(op);
    std::string shape;
    const std::string bytes = live.tree().at(1).content.ToString();
    for (size_t i = 0; i < bytes.size(); i += 4096) shape += bytes[i] == '\0' ? '0' : bytes[i];
    return shape;
  };

  EXPECT_EQ(after(FALLOC_FL_COLLAPSE_RANGE, 4096, 4096, 8192), "ac");
  EXPECT_EQ(after(FALLOC_FL_INSERT_RANGE, 4096, 4096, 16384), "a0bc");
  EXPECT_EQ(after(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096, 12288), "a0c");
  EXPECT_EQ(after(FALLOC_FL_ZERO_RANGE, 8192, 8192, 16384), "ab00");
  EXPECT_EQ(after(0, 12288, 4096, 16384), "abc0");
}

TEST(Format, ATraceReadsBackAsItWas) {
  const Trace trace = ReplaceByRename();
  const auto back = DecodeTrace(EncodeTrace(trace));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->Identity(), trace.Identity());
  EXPECT_EQ(EncodeTrace(*back), EncodeTrace(trace));
  EXPECT_EQ(back->processes[0].modules[0].path, "/bin/writer");
  EXPECT_EQ(Describe(*back, back->ops[1]), "write(t, 11 B at 0, \"new content\") = 11");
}

TEST(Format, EveryPrefixIsRefusedWithAReason) {
  const std::string bytes = EncodeTrace(ReplaceByRename());
  for (size_t n = 0; n < bytes.size(); ++n) {
    const auto trace = DecodeTrace(std::string_view(bytes).substr(0, n));
    ASSERT_FALSE(trace) << "prefix of " << n << " bytes was accepted";
    EXPECT_EQ(trace.error().exit_code, ExitCode::kUsage);
    EXPECT_FALSE(trace.error().message.empty());
  }
}

TEST(Format, EveryFlippedByteIsNoticed) {
  const std::string bytes = EncodeTrace(ReplaceByRename());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_FALSE(DecodeTrace(damaged)) << "byte " << i;
  }
}

TEST(Format, AnotherVersionIsNamedWithOurs) {
  std::string bytes = EncodeTrace(ReplaceByRename());
  bytes[16] = 99;
  const auto trace = DecodeTrace(bytes);
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().message, "trace format version 99, this program reads version 2");
}

TEST(Format, APlanAndItsFileCallsSurvive) {
  Trace trace = ReplaceByRename();
  trace.plan = {"rename:error=EXDEV", "read:error=EIO:effect=full"};
  trace.plan_matches = {3, 1};
  FileCall call = {0, 1, 0, "read", 3, "f", "g", 2, 4096, 11, -5, 7, 9, 1, {1, 2}};
  trace.file_calls = {call, FileCall()};
  trace.ops[3].told = 18;
  const auto read = DecodeTrace(EncodeTrace(trace));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->plan, trace.plan);
  EXPECT_EQ(read->plan_matches, trace.plan_matches);
  EXPECT_EQ(read->ops[3].told, 18);
  ASSERT_EQ(read->file_calls.size(), 2u);
  const FileCall& got = read->file_calls[0];
  EXPECT_EQ(
      std::tie(got.process, got.thread, got.syscall, got.call, got.descriptor, got.path, got.path2),
      std::tie(call.process, call.thread, call.syscall, call.call, call.descriptor, call.path,
               call.path2));
  EXPECT_EQ(std::tie(got.open_flags, got.requested, got.result, got.told, got.begin, got.end,
                     got.injection),
            std::tie(call.open_flags, call.requested, call.result, call.told, call.begin, call.end,
                     call.injection));
  EXPECT_EQ(got.stack, call.stack);
  EXPECT_EQ(read->file_calls[1].injection, -1);
}

TEST(Identity, IsAnotherIfTheProgramWasToldSomethingElse) {
  const Trace plain = ReplaceByRename();
  Trace told = plain, failed = plain, planned = plain;
  told.ops[3].told = 18;
  failed.ops[3].error = 18;
  planned.plan = {"rename:error=EXDEV"};
  planned.file_calls.emplace_back();
  EXPECT_NE(told.Identity(), plain.Identity());
  EXPECT_NE(failed.Identity(), plain.Identity());
  EXPECT_NE(failed.Identity(), told.Identity());
  EXPECT_EQ(planned.Identity(), plain.Identity());
}

TEST(Describe, SaysWhatWasInjected) {
  Trace trace = ReplaceByRename();
  Op op = trace.ops[3];
  op.flags |= kFlagInjected;
  EXPECT_EQ(Describe(trace, op), "rename(t → f) (injected)");
  op.told = 5;
  EXPECT_EQ(Describe(trace, op),
            "rename(t → f) = -1 Input/output error (EIO) (injected, though done)");
  op.told = 0;
  op.error = 5;
  EXPECT_EQ(Describe(trace, op), "rename(t → f) = -1 Input/output error (EIO) (injected)");
  op.error = 125;
  EXPECT_EQ(Describe(trace, op), "rename(t → f) = ? (injected: not done, but told so)");
  trace.plan = {"read:error=EIO", "read:error=EIO:effect=full", "close:error=EIO"};
  FileCall call = {0, 0, 0, "read", 3, "f", "", 0, 4096, 0, -5, 1, 2, 0, {}};
  EXPECT_EQ(Describe(trace, call), "read(3 f, 4096 B) = -1 Input/output error (EIO) (injected)");
  call.injection = 1;
  EXPECT_EQ(Describe(trace, call),
            "read(3 f, 4096 B) = -1 Input/output error (EIO) (injected, though done)");
  call.injection = -1;
  call.told = 11;
  EXPECT_EQ(Describe(trace, call), "read(3 f, 4096 B) = 11");
  call.end = 0;
  EXPECT_EQ(Describe(trace, call), "read(3 f, 4096 B) = ? (killed in it)");
}

TEST(Describe, ShortFormsNameTheFilesInvolved) {
  const Trace trace = ReplaceByRename();
  EXPECT_EQ(DescribeShort(trace.ops[1]), "write(t, 11 B)");
  EXPECT_EQ(DescribeShort(trace.ops[3]), "rename(t → f)");
}

}  // namespace
}  // namespace oldornew
