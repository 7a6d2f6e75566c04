#include "interpose/strace_log.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "base/files.h"

namespace oldornew {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using Kind = StraceEvent::Kind;

Result<StraceLog> Parse(const std::string& text) { return ParseStraceLog({{"log", text, 0}}); }

std::string ErrorOf(const std::string& text) {
  const auto log = Parse(text);
  return log ? "" : log.error().message;
}

TEST(StraceLog, ReadsALineWithEveryPrefixThatStraceCanGiveIt) {
  for (const char* prefix :
       {"", "17    ", "17 1700000000.123456 ", "17 02:08:27.123456 ", "17 02:08:27 ",
        "1700000000.123456 ", "     0.000123 ", "17      0.000123 ", "17 [00007f7d1c8d8f34] ",
        "17 02:08:27 (+     0.000053) [ 257] ", "17 [   1] ", "17 [????????????????] "}) {
    const auto log = Parse(std::string(prefix) + "write(1</a>, \"x\", 1) = 1 <0.000012>\n");
    ASSERT_TRUE(log) << prefix << log.error().message;
    ASSERT_EQ(log->calls.size(), 1u);
    EXPECT_EQ(log->calls[0].tid, std::string(prefix).starts_with("17 ") ? 17 : 1) << prefix;
    EXPECT_EQ(log->calls[0].name, "write");
    EXPECT_THAT(log->calls[0].arguments, ElementsAre("1</a>", "\"x\"", "1"));
    EXPECT_EQ(log->calls[0].result, 1);
  }
}

TEST(StraceLog, ReadsResultsAndErrors) {
  const auto log = Parse(
      "openat(AT_FDCWD</a>, \"b\", O_RDONLY) = 3</a/b>\n"
      "unlink(\"x\") = -1 ENOENT (No such file or directory)\n"
      "mmap(NULL, 1, 0, 0, -1, 0) = 0x7f2b45e1c000\n"
      "umask(077)                        = 022\n"
      "pause() = ? ERESTARTNOHAND (To be restarted if no handler)\n"
      "exit_group(0) = ?\n+++ exited with 3 +++\n");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->calls[0].result_note, "</a/b>");
  EXPECT_EQ(log->calls[1].result, -ENOENT);
  EXPECT_EQ(log->calls[2].result, 0x7f2b45e1c000);
  EXPECT_EQ(log->calls[3].result, 022);
  EXPECT_FALSE(log->calls[4].returned);
  EXPECT_FALSE(log->calls[5].returned);
  EXPECT_EQ(log->events.back().kind, Kind::kExited);
  EXPECT_EQ(log->events.back().status, 3);
}

TEST(StraceLog, PutsInterruptedLinesTogetherAgain) {
  const auto log = Parse(
      "10 wait4(-1,  <unfinished ...>\n11 write(3</a>, \"<unfinished ...>\", 16 <unfinished ...>\n"
      "10 <... wait4 resumed>[{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], 0, NULL) = 11\n"
      "10 --- SIGCHLD {si_signo=SIGCHLD} ---\n11 <... write resumed>) = 16\n11 +++ killed by "
      "SIGKILL (core "
      "dumped) +++\n");
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_THAT(log->calls[0].arguments,
              ElementsAre("-1", "[{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}]", "0", "NULL"));
  EXPECT_THAT(log->calls[1].arguments, ElementsAre("3</a>", "\"<unfinished ...>\"", "16"));
  std::vector<std::pair<Kind, size_t>> order;
  for (const StraceEvent& event : log->events) order.emplace_back(event.kind, event.call);
  EXPECT_THAT(order, ElementsAre(Pair(Kind::kBegin, 0), Pair(Kind::kBegin, 1), Pair(Kind::kEnd, 0),
                                 Pair(Kind::kEnd, 1), Pair(Kind::kKilled, SIZE_MAX)));
  EXPECT_EQ(log->events.back().status, SIGKILL);
}

TEST(StraceLog, ACallThatNeverReturnsKeepsItsArguments) {
  const auto log = Parse("10 write(3, \"abc\", 3 <unfinished ...>\n10 +++ killed by SIGKILL +++\n");
  ASSERT_TRUE(log);
  EXPECT_FALSE(log->calls[0].returned);
  EXPECT_THAT(log->calls[0].arguments, ElementsAre("3", "\"abc\"", "3"));
}

TEST(StraceLog, AThreadThatExecutesGoesOnUnderTheNumberOfTheFirst) {
  const auto log = Parse(
      "10 pause( <unfinished ...>\n11 execve(\"/b\", [\"b\"], 0x7ffd /* 3 vars */ <unfinished "
      "...>\n"
      "10 <... pause resumed>) = ?\n10 +++ superseded by execve in pid 11 +++\n10 <... execve "
      "resumed>) = "
      "0\n");
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->calls[1].tid, 10);
  EXPECT_EQ(log->calls[1].result, 0);
}

TEST(StraceLog, SeveralFilesAreOrderedByTheirTimes) {
  const std::vector<StraceFile> files = {
      {"log.10",
       "1700000000.1 fork() = 11 <0.000001>\n1700000000.5 wait4(11) = 11 <0.400000>\n1700000001.0 "
       "+++ exited "
       "with 0 +++\n",
       10},
      {"log.11", "1700000000.6 close(3) = 0 <0.000001>\n1700000000.7 +++ exited with 0 +++\n", 11}};
  const auto log = ParseStraceLog(files);
  ASSERT_TRUE(log) << log.error().message;
  std::vector<int32_t> order;
  for (const StraceEvent& event : log->events) order.push_back(event.tid);
  EXPECT_THAT(order, ElementsAre(10, 10, 10, 11, 11, 11, 10, 10));
  const auto without =
      ParseStraceLog({{"log.10", "fork() = 11\n", 10}, {"log.11", "close(3) = 0\n", 11}});
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, HasSubstr("log.10:1"));
  EXPECT_THAT(without.error().message, HasSubstr("-ttt"));
}

TEST(StraceLog, ErrorsNameTheLine) {
  EXPECT_THAT(ErrorOf("close(3) = 0\nhello\n"), HasSubstr("log:2: this is no line of strace"));
  EXPECT_THAT(ErrorOf("[pid 17] close(3) = 0\n"), HasSubstr("strace -o"));
  EXPECT_THAT(ErrorOf("10 <... write resumed>) = 1\n"), HasSubstr("log:1"));
  EXPECT_THAT(ErrorOf("10 write(1 <unfinished ...>\n10 close(3) = 0\n"), HasSubstr("unfinished"));
  EXPECT_THAT(ErrorOf("close(3) = 0\nclose(3"),
              HasSubstr("log:2: close: the arguments do not end"));
  EXPECT_THAT(ErrorOf("close(3) = x\n"), HasSubstr("no result"));
  EXPECT_THAT(ErrorOf("close(3) = -1 ENOSUCH (x)\n"), HasSubstr("unknown error"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("no system call"));
}

TEST(StraceLog, CountsCallsByNameFailuresToo) {
  const auto log = Parse(
      "10 close(3) = 0\n10 close(3) = -1 EBADF (Bad file descriptor)\n10 fsync(4 <unfinished "
      "...>\n");
  ASSERT_TRUE(log);
  EXPECT_THAT(CountCalls(*log), ElementsAre(Pair("close", 2), Pair("fsync", 1)));
}

TEST(StraceLog, FindsTheFilesOfEveryProcess) {
  const auto dir = TempDir::Create("oldornew-strace-");
  ASSERT_TRUE(dir);
  for (const char* name : {"/log.7", "/log.12", "/log.x", "/log"})
    ASSERT_TRUE(WriteFile(dir->path() + name, "x"));
  EXPECT_EQ(ReadStraceFiles(dir->path() + "/log")->size(), 1u);
  ASSERT_TRUE(RemoveTree(dir->path() + "/log"));
  const auto files = ReadStraceFiles(dir->path() + "/log");
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[1].tid, 12);
  EXPECT_FALSE(ReadStraceFiles(dir->path() + "/none"));
}

}  // namespace
}  // namespace oldornew
