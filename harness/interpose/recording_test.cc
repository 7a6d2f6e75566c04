// Real programs under the preload library: what is decoded must be what they did.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "base/files.h"
#include "base/text.h"
#include "interpose/record_view.h"
#include "interpose/testing/recorded_run.h"

namespace oldornew {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> WithoutEnd(std::vector<std::string> lines) {
  while (!lines.empty() && (lines.back().starts_with("exit") || lines.back().starts_with("output")))
    lines.pop_back();
  return lines;
}

class EveryCall : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(EveryCall, IsDecodedAsWhatTheProgramDid) {
  const auto [route, parent] = GetParam();
  setenv("TMPDIR", parent, 1);
  RecordedRun run;
  run.Run({TestProgram("every_call"), route});
  ASSERT_EQ(run.wait_status, 0);
  std::vector<std::string> expected = Split(run.output, '\n');
  expected.pop_back();
  ASSERT_GT(expected.size(), 100u);
  EXPECT_EQ(Join(WithoutEnd(run.Summary()), "\n"), Join(expected, "\n"));
  EXPECT_THAT(run.Problems(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Recording, EveryCall,
                         testing::Combine(testing::Values("libc", "syscall", "asm"),
                                          testing::Values("/tmp", "/dev/shm")),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param)) +
                                  (std::string(std::get<1>(one.param)) == "/tmp" ? "OnDisk"
                                                                                 : "OnTmpfs");
                         });

/// Runs a scenario; expects it to end well.
std::vector<std::string> ProblemsOf(RecordedRun& run, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TestProgram("scenario"));
  run.Run(arguments);
  EXPECT_EQ(run.wait_status, 0);
  return run.Problems();
}

TEST(Recording, ConcurrentAppendsAndWritesAtASharedPositionArePlacedRight) {
  RecordedRun run;
  EXPECT_THAT(ProblemsOf(run, {"appenders"}), IsEmpty());
  EXPECT_EQ(run.trace.processes.size(), 5u);
  for (size_t i = 1; i < run.trace.ops.size(); i++)
    EXPECT_LT(run.trace.ops[i - 1].end, run.trace.ops[i].end);
  std::set<uint32_t> threads;
  for (const Op& op : run.trace.ops) {
    if (op.process == 0) threads.insert(op.thread);
  }
  EXPECT_EQ(threads, (std::set<uint32_t>{0, 1, 2, 3, 4}));
}

TEST(Recording, ProcessesKilledAtAnyMomentLeaveEverythingExplained) {
  RecordedRun run;
  EXPECT_THAT(ProblemsOf(run, {"killed"}), IsEmpty());
  EXPECT_LE(run.statistics.in_flight, 30u);
}

/// Every record is whole or marked as in flight, and the tree tells which of those were carried
/// out.
TEST(Recording, SixteenThreadsInFourProcessesKilledAtOnceLeaveEverythingExplained) {
  constexpr uint64_t kRounds = 5;
  for (const char* how : {"slaughter", "slaughter-all"}) {
    RecordedRun run;
    run.Run({TestProgram("scenario"), how, std::to_string(kRounds)});
    EXPECT_EQ(WIFSIGNALED(run.wait_status), std::string(how) == "slaughter-all");
    EXPECT_THAT(run.Problems(), IsEmpty());
    EXPECT_GT(run.trace.ops.size(), 16 * kRounds * 10);
    EXPECT_LE(run.statistics.in_flight, 16 * kRounds);
    for (const Op& op : run.trace.ops) EXPECT_EQ(op.end == 0, (op.flags & kFlagInFlight) != 0);
  }
}

TEST(Recording, SignalHandlersThatChangeFilesAreRecordedToo) {
  RecordedRun run;
  EXPECT_THAT(ProblemsOf(run, {"signals"}), IsEmpty());
}

TEST(Recording, SpawnedProgramsAnnounceThemselvesAndFailedSpawnsAreForgotten) {
  RecordedRun run;
  EXPECT_THAT(ProblemsOf(run, {"spawn"}), IsEmpty());
}

TEST(Recording, ASharedWritableMappingOfAJudgedFileIsAnObstacle) {
  for (const char* how : {"map", "protect"}) {
    RecordedRun run;
    EXPECT_THAT(ProblemsOf(run, {how, "db"}),
                Contains(HasSubstr("db is mapped shared and writable")));
    EXPECT_EQ(run.trace.obstacles.at(0).kind, Obstacle::Kind::kUnsupported);
    for (const char* nobodys : {"db-shm", "lock.mdb", "x.mdb-lock"})
      EXPECT_THAT(ProblemsOf(run, {how, nobodys}), IsEmpty());
    EXPECT_THAT(ProblemsOf(run, {how, run.outside() + "/file"}), IsEmpty());
  }
}

TEST(Recording, OpensThatMayCreateAreWhatTheyTurnOutToBe) {
  RecordedRun run;
  EXPECT_THAT(ProblemsOf(run, {"creates"}), IsEmpty());
  std::vector<std::string> others;
  std::set<int64_t> fresh;
  for (size_t i = 0; i < run.trace.ops.size(); i++) {
    const Op& op = run.trace.ops[i];
    if (op.kind == OpKind::kCreate && op.path.starts_with("new")) fresh.insert(op.object);
    if (op.path.starts_with("new") || op.kind == OpKind::kClose || op.kind == OpKind::kExit)
      continue;
    others.push_back(run.Summary()[i]);
    EXPECT_FALSE(op.stack.empty()) << others.back();
  }
  EXPECT_EQ(fresh.size(), 10u);
  EXPECT_EQ(
      Join(others, "\n"),
      "create old\nwrite old 0+4\ncreate link\ncreate dangling\ncreate dir\n"
      "write old 0+4\ntruncate old 4>0\nwrite old 0+4\nwrite old 4+4\ncreate far\nwrite far 0+4\n"
      "create old = EEXIST");
}

TEST(Recording, AFullRecordingSaysSo) {
  RecordedRun run;
  run.options.size = 32 << 20;
  EXPECT_THAT(ProblemsOf(run, {"fill"}), Contains(HasSubstr("filled the whole recording")));
}

TEST(Recording, RoomGivenBackAfterShortWritesIsClean) {
  RecordedRun run;
  EXPECT_THAT(ProblemsOf(run, {"short"}), IsEmpty());
  Result<RecordingFile> file = RecordingFile::Open(run.recording());
  ASSERT_TRUE(file.has_value());
  for (const RecordView& record : ReadRecords(file->records(), file->records_size()).records) {
    if (record.kind() != wire::RecordKind::kRename && record.kind() != wire::RecordKind::kClose)
      continue;
    const char* start = reinterpret_cast<const char*>(record.fixed);
    std::string_view rest(start + record.fixed->used, record.fixed->size - record.fixed->used);
    EXPECT_EQ(rest.find_first_not_of('\0'), std::string_view::npos)
        << SyscallName(record.fixed->nr);
  }
  std::string_view unused(file->records() + file->records_size(), 100000);
  EXPECT_EQ(unused.find_first_not_of('\0'), std::string_view::npos);
}

TEST(Recording, AFileThatAMappingHoldsOpenIsNotClosedForGood) {
  RecordedRun plain;
  EXPECT_THAT(ProblemsOf(plain, {"held", ""}), IsEmpty());
  EXPECT_THAT(plain.Summary(), Contains("close file"));
  RecordedRun run;
  EXPECT_THAT(ProblemsOf(run, {"held", "mapped"}), IsEmpty());
  EXPECT_THAT(run.Summary(), Not(Contains("close file")));
}

TEST(Recording, AWriteThatMeetsTheLimitOnFileSizesFailsAndIsNotCutOff) {
  RecordedRun run;
  run.Run({TestProgram("scenario"), "too-large"});
  ASSERT_TRUE(WIFSIGNALED(run.wait_status));
  EXPECT_EQ(WTERMSIG(run.wait_status), SIGXFSZ);
  EXPECT_THAT(run.Summary(), Contains("write file 1000+0 = EFBIG"));
  EXPECT_THAT(run.Problems(), IsEmpty());
  EXPECT_EQ(run.statistics.in_flight, 0u);
}

TEST(Recording, LockingAllMemoryDoesNotAllocateTheWholeRecording) {
  RecordedRun run;
  run.options.size = uint64_t{64} << 30;
  EXPECT_THAT(ProblemsOf(run, {"lockall"}), IsEmpty());
}

TEST(Recording, ASmallAddressSpaceGetsAWindow) {
  RecordedRun run;
  run.options.size = uint64_t{8} << 30;
  run.before_exec = [] {
    rlimit limit = {1 << 30, 1 << 30};
    setrlimit(RLIMIT_AS, &limit);
  };
  EXPECT_THAT(ProblemsOf(run, {"write", "a"}), IsEmpty());
}

TEST(Recording, ALimitOfAddressSpaceIsTheProgramsAlone) {
  // bash asks by getrlimit and setrlimit or prlimit64, as its libc likes; children inherit the
  // limit.
  RecordedRun run;
  run.options.size = uint64_t{8} << 30;
  run.Run({"bash", "-c",
           "ulimit -v 150000; ulimit -v; echo a > a; mv a b; bash -c 'ulimit -v; ulimit -v 140000; "
           "ulimit -v'; "
           "perl -e '$x = \"x\" x 300000000' 2> /dev/null || echo full"});
  EXPECT_EQ(run.output, "150000\n150000\n140000\nfull\n");
  EXPECT_THAT(run.trace.obstacles, IsEmpty());
}

TEST(Recording, OutputIsRecordedByWhatTheDescriptorIsOpenOn) {
  RecordedRun run;
  run.Run(
      {"sh", "-c",
       "echo one; (echo two >&1) | cat; exec 5>&1; echo three >&5; echo four > file; cat file"});
  std::string said;
  for (const Op& op : run.trace.ops) {
    if (op.kind == OpKind::kOutput) said += op.name + ":" + std::string(run.trace.Payload(op));
  }
  EXPECT_EQ(said, "stdout:one\nstdout:two\nstdout:three\nstdout:four\n");
  EXPECT_EQ(run.output, "one\ntwo\nthree\nfour\n");
}

/// Extended attributes that differ between the tree the ops leave and the real one.
std::vector<std::string> XattrMismatches(const Trace& trace) {
  LiveTree live(trace);
  for (const Op& op : trace.ops) live.Apply(op);
  std::vector<std::string> differing;
  for (const auto& [path, inode] : trace.new_tree.Walk()) {
    std::optional<InodeIndex> expected = live.tree().Lookup(path);
    if (!expected || live.tree().at(*expected).xattrs != trace.new_tree.at(inode).xattrs)
      differing.push_back(path);
  }
  return differing;
}

TEST(Recording, ExtendedAttributesAndAclsAreThoseOfTheRealTree) {
  RecordedRun run;
  run.Run({"sh", "-c",
           "umask 022; : > early; setfattr -n user.a -v 1 early; setfacl -m u:5:rw early; chmod "
           "640 early; "
           "cp -a early copy;"
           "mkdir d; setfacl -m d:u:6:rwx,d:g::r d; touch d/file; mkdir -m 700 d/sub; : > "
           "d/sub/deep; ln -s "
           "x d/link;"
           "setfacl -b early; setfacl -k d; touch d/plain; setfattr -x user.a copy"});
  if (run.wait_status != 0) GTEST_SKIP() << "no setfacl or setfattr here";
  EXPECT_THAT(run.Problems(), IsEmpty());
  EXPECT_THAT(XattrMismatches(run.trace), IsEmpty());
}

TEST(Recording, TheSharedMemoryIndexOfAKilledSqliteIsNoObstacle) {
  RecordedRun run;
  run.Run({"sh", "-c",
           "(echo 'pragma journal_mode=wal; create table t(a); insert into t values (1);'; sleep "
           "0.3; kill "
           "-9 $(cat pid)) |"
           "sh -c 'echo $$ > pid; exec sqlite3 db'; rm pid; test -s db-shm"});
  if (run.wait_status != 0) GTEST_SKIP() << "no sqlite3 here";
  EXPECT_THAT(run.Problems(), IsEmpty());
}

TEST(Recording, AskingForIoUringIsAnObstacle) {
  RecordedRun run;
  run.Run({TestProgram("scenario"), "uring"});
  if (run.wait_status != 0) GTEST_SKIP() << "no io_uring here";
  EXPECT_THAT(run.Problems(), Contains(HasSubstr("io_uring")));
}

/// How many return addresses of the op lie in the program with that name.
int FramesIn(const Trace& trace, const Op& op, std::string_view program) {
  int count = 0;
  for (uint64_t address : op.stack) {
    for (const Module& module : trace.processes[static_cast<size_t>(op.process)].modules) {
      bool inside = module.start <= address && address < module.end;
      count += inside && module.path.ends_with(program) ? 1 : 0;
    }
  }
  return count;
}

TEST(Recording, CallStacksReachTheProgramThroughItsLibraries) {
  for (const char* route : {"libc", "syscall", "asm"}) {
    RecordedRun run;
    run.Run({TestProgram("every_call"), route});
    ASSERT_EQ(run.wait_status, 0);
    for (const Op& op : run.trace.ops) {
      if (op.kind == OpKind::kOutput || op.kind == OpKind::kExit) continue;
      // The call itself or its wrapper's caller, the family (Writes, Names, ...) and main.
      EXPECT_GE(FramesIn(run.trace, op, "/every_call"), 2)
          << route << " " << op.call << " " << op.path;
      EXPECT_LE(op.stack.size(), 16u);
    }
  }
}

/// Everything but the judged directory is read-only, as in the sandbox.
void MakeOutsideReadOnly(const std::string& outside) {
  if (unshare(CLONE_NEWNS) != 0) _exit(77);
  mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  mount(outside.c_str(), outside.c_str(), nullptr, MS_BIND, nullptr);
  if (mount("none", outside.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0)
    _exit(77);
}

class Refusal : public testing::TestWithParam<bool> {
 protected:
  /// True: in a mount namespace. False: by looking at each path before the call.
  void Prepare(RecordedRun& run) {
    run.options.refuse_read_only = GetParam();
    ASSERT_TRUE(WriteFile(run.outside() + "/there", "x").has_value());
    if (GetParam()) {
      run.before_exec = [&run] { MakeOutsideReadOnly(run.outside()); };
    } else {
      struct stat st{};
      ASSERT_EQ(stat(run.directory().c_str(), &st), 0);
      run.options.allowed_roots = {{st.st_dev, st.st_ino}};
    }
  }
};

TEST_P(Refusal, StopsTheRunBeforeAnythingOutsideIsChanged) {
  for (const char* how : {"write", "unlink", "mkdir", "chmod"}) {
    RecordedRun run;
    Prepare(run);
    std::string path = run.outside() + (std::string(how) == "mkdir" ? "/new" : "/there");
    run.Run(
        {"sh", "-c",
         "echo begin; " + TestProgram("scenario") + " " + how + " " + path + "; echo end >> late"});
    if (WIFEXITED(run.wait_status) && WEXITSTATUS(run.wait_status) == 77)
      GTEST_SKIP() << "no mount namespace";
    EXPECT_TRUE(WIFSIGNALED(run.wait_status));
    ASSERT_THAT(run.Problems(), Contains(HasSubstr(path))) << how;
    EXPECT_EQ(run.trace.obstacles[0].kind, Obstacle::Kind::kRefused);
    EXPECT_THAT(run.Summary(), Not(Contains(HasSubstr("late"))));
    EXPECT_EQ(ReadFile(run.outside() + "/there").value_or(""), "x");
    struct stat st{};
    ASSERT_EQ(stat((run.outside() + "/there").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0644u);
  }
}

TEST_P(Refusal, LetsDevicesTheJudgedDirectoryAndWhatWouldFailAnywayBe) {
  RecordedRun run;
  Prepare(run);
  run.Run({"sh", "-c",
           "echo a > /dev/null; echo b > f; cat f > g; mkdir d; cd d; echo c > ../h; " +
               TestProgram("scenario") + " unlink " + run.outside() +
               "/none; echo $? > status; cat " + run.outside() +
               "/there > copy; echo x > /proc/self/comm"});
  EXPECT_EQ(run.wait_status, 0);
  EXPECT_THAT(run.Problems(), IsEmpty());
  EXPECT_EQ(ReadFile(run.directory() + "/d/status").value_or(""), "1\n");
}

INSTANTIATE_TEST_SUITE_P(Recording, Refusal, testing::Bool(),
                         [](const auto& one) { return one.param ? "ByReadOnlyMount" : "ByPath"; });

}  // namespace
}  // namespace oldornew
