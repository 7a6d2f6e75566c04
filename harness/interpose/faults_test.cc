// What the plan lets happen, call by call: the program is told so, the disk and the recording hold
// what really happened.
#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <regex>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "interpose/file_calls.h"
#include "interpose/plan.h"
#include "interpose/testing/recorded_run.h"

namespace oldornew {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

Injection MustParse(const std::string& text) {
  const Result<Injection> injection = ParseInjection(text);
  EXPECT_TRUE(injection.has_value()) << injection.error().message;
  return injection.value_or(Injection());
}

/// The files that file_call wants.
void Furnish(const RecordedRun& run) {
  const std::string dir = run.directory() + "/";
  ASSERT_TRUE(WriteFile(dir + "subject", "0123456789"));
  ASSERT_TRUE(WriteFile(dir + "other", "ABCDEFGHIJKLMNO"));
  ASSERT_EQ(mkdir((dir + "subject.d").c_str(), 0755), 0);
  ASSERT_EQ(mkdir((dir + "subject.empty").c_str(), 0755), 0);
  ASSERT_TRUE(WriteFile(dir + "subject.d/in", "x"));
  ASSERT_EQ(symlink("subject", (dir + "subject.l").c_str()), 0);
  ASSERT_EQ(setxattr((dir + "subject").c_str(), "user.a", "v", 1, 0), 0);
}

struct Outcome {
  long told = 0;
  std::string room;  ///< what the call has put into memory
  Digest tree;
  std::vector<Op> ops;  ///< those of the call in question
  std::vector<FileCall> calls;
  std::vector<std::string> problems;
};

Outcome Observe(const std::string& name, const std::string& plan, bool skip = false) {
  RecordedRun run;
  Furnish(run);
  if (!plan.empty()) run.options.plan.injections = {MustParse(plan)};
  std::vector<std::string> command = {TestProgram("file_call"), name};
  if (skip) command.emplace_back("skip");
  run.Run(command);
  EXPECT_EQ(run.wait_status, 0) << name;
  Outcome outcome;
  if (const size_t space = run.output.find(' '); space != std::string::npos) {
    outcome.told = std::stol(run.output);
    outcome.room = run.output.substr(space);
  }
  outcome.tree = run.trace.new_tree.RootDigest(true);
  for (const Op& op : run.trace.ops) {
    if (op.call == name && op.kind != OpKind::kOutput) outcome.ops.push_back(op);
  }
  outcome.calls = run.trace.file_calls;
  outcome.problems = run.Problems();
  return outcome;
}

void FailBeforeAndAfter(const std::string& name) {
  const Outcome plain = Observe(name, "");
  const Outcome without = Observe(name, "", true);
  for (const bool after : {false, true}) {
    const Outcome faulted =
        Observe(name, name + ":path=subject*:error=EIO" + (after ? ":effect=full" : ""));
    const bool done = (after && name != "mmap") || name == "close";
    EXPECT_EQ(faulted.told, -EIO) << name;
    EXPECT_THAT(faulted.problems, IsEmpty()) << name;
    EXPECT_EQ(faulted.tree, done ? plain.tree : without.tree) << name << " after " << after;
    const std::string untouched = " " + std::string(10, '\0') + "\n";
    if (name.find("stat") == std::string::npos &&
        name.find("getdents") == std::string::npos)  // inode numbers
      EXPECT_EQ(faulted.room, done ? plain.room : untouched) << name;
    ASSERT_EQ(faulted.calls.size(), 1u) << name;
    const FileCall& call = faulted.calls[0];
    EXPECT_EQ(call.call, name);
    EXPECT_THAT(call.path2.empty() || call.path.starts_with("subject") ? call.path : call.path2,
                StartsWith("subject"));
    EXPECT_EQ(call.told, -EIO);
    EXPECT_EQ(call.injection, 0);
    EXPECT_LT(call.begin, call.end);
    EXPECT_FALSE(call.stack.empty());
    EXPECT_EQ(call.result < 0 ? call.result : 0, done && plain.told < 0 ? plain.told : 0) << name;
    ASSERT_EQ(faulted.ops.size(), plain.ops.size()) << name;
    for (size_t i = 0; i < plain.ops.size(); ++i) {
      const Op& op = faulted.ops[i];
      EXPECT_EQ(op.kind, plain.ops[i].kind) << name;
      EXPECT_EQ(op.path, plain.ops[i].path) << name;
      EXPECT_TRUE(op.flags & kFlagInjected) << name;
      const bool told = done && name != "close" && plain.ops[i].error == 0;
      EXPECT_EQ(op.told, told ? EIO : 0) << name;
      EXPECT_EQ(op.error, told ? 0 : done && name != "close" ? plain.ops[i].error : EIO) << name;
    }
  }
}

class EveryFileCall : public testing::TestWithParam<int> {
 public:
  static constexpr int kShards = 8;
};

TEST_P(EveryFileCall, FailsBeforeOrAfterItsEffectAndIsRecordedAsThat) {
  for (int i = GetParam(); i < wire::kFileCallCount; i += kShards)
    FailBeforeAndAfter(SyscallName(wire::kFileCalls[i].nr));
}

INSTANTIATE_TEST_SUITE_P(RecordingFaults, EveryFileCall, testing::Range(0, EveryFileCall::kShards));

TEST(RecordingFaults, TheTestKnowsEveryCallOfTheTable) {
  RecordedRun run;
  run.Run({TestProgram("file_call"), "list"});
  const std::vector<std::string> lines = Split(run.output, '\n');
  const std::set<std::string> known(lines.begin(), lines.end());
  for (const wire::FileCallShape& shape : wire::kFileCalls)
    EXPECT_TRUE(known.contains(SyscallName(shape.nr))) << SyscallName(shape.nr);
}

/// What the program was not told of is closed, and so is what it was told could not be.
TEST(RecordingFaults, NoDescriptorIsLeftOpen) {
  for (const char* name : {"open", "openat", "openat2", "creat", "dup", "close", "close before"}) {
    const std::string call = Split(name, ' ')[0];
    RecordedRun run;
    Furnish(run);
    run.options.plan.injections = {
        MustParse(call + ":path=subject*:error=EMFILE" + (call == name ? ":effect=full" : ""))};
    run.Run({TestProgram("file_call"), call, "", "count"});
    EXPECT_TRUE(run.output.starts_with(fmt::format("{} ", -EMFILE))) << name;
    EXPECT_TRUE(run.output.ends_with(call == "dup" ? "4\n" : "3\n")) << name << run.output;
    EXPECT_THAT(run.Problems(), IsEmpty()) << name;
    if (call != "dup") {
      EXPECT_THAT(run.Summary(), Contains(StartsWith("close subject"))) << name;
    }
  }
}

TEST(RecordingFaults, AReturnedValueStandsForACallThatIsNotMade) {
  for (const auto& [name, value] :
       {std::pair("write", 10), {"rename", 0}, {"fsync", 0}, {"ftruncate", 0}}) {
    const Outcome without = Observe(name, "", true);
    const Outcome faulted = Observe(name, fmt::format("{}:retval={}", name, value));
    EXPECT_EQ(faulted.told, value);
    EXPECT_EQ(faulted.tree, without.tree);
    EXPECT_THAT(faulted.problems, IsEmpty());
    ASSERT_EQ(faulted.ops.size(), 1u);
    EXPECT_EQ(faulted.ops[0].error, ECANCELED);
    EXPECT_EQ(faulted.ops[0].told, 0);
    EXPECT_EQ(faulted.calls.at(0).told, value);
    EXPECT_EQ(faulted.calls.at(0).result, 0);
  }
}

/// EROFS ends a run that leaves the sandbox, and a splice that finds its pipe empty is tried again:
/// not if the plan says so.
TEST(RecordingFaults, ErrorsThatMeanSomethingToTheRecorderAreErrorsLikeOthers) {
  for (const char* name : {"open", "creat", "truncate", "rename", "link", "unlink", "mkdir",
                           "symlink", "chmod", "fchmod", "fsetxattr", "utimensat"}) {
    RecordedRun run;
    Furnish(run);
    run.options.refuse_read_only = true;
    run.options.plan.injections = {MustParse(std::string(name) + ":path=subject*:error=EROFS")};
    run.Run({TestProgram("file_call"), name});
    EXPECT_EQ(run.wait_status, 0) << name;
    EXPECT_TRUE(run.output.starts_with(fmt::format("{} ", -EROFS))) << name << run.output;
    EXPECT_THAT(run.Problems(), IsEmpty()) << name;
  }
  EXPECT_EQ(Observe("splice", "splice:error=EAGAIN").told, -EAGAIN);
}

TEST(RecordingFaults, AShortCountIsMadeByTheKernel) {
  for (const char* name :
       {"write", "pwrite64", "writev", "pwritev", "pwritev2", "read", "pread64", "readv", "preadv",
        "preadv2", "sendfile", "splice", "copy_file_range", "getdents64"}) {
    const Outcome plain = Observe(name, "");
    if (plain.told < 0) continue;  // copy_file_range on some file systems
    for (const int64_t limit : {1, 3, 9}) {
      if (std::string(name) == "getdents64") continue;
      const Outcome faulted = Observe(name, fmt::format("{}:short={}", name, limit));
      EXPECT_EQ(faulted.told, limit) << name;
      EXPECT_THAT(faulted.problems, IsEmpty()) << name;
      ASSERT_EQ(faulted.calls.size(), 1u) << name;
      EXPECT_EQ(faulted.calls[0].requested, 10u) << name;
      EXPECT_EQ(faulted.calls[0].result, limit) << name;
      for (const Op& op : faulted.ops) {
        EXPECT_EQ(op.requested, 10u) << name;
        EXPECT_EQ(op.length, static_cast<uint64_t>(limit)) << name;
        EXPECT_EQ(op.error, 0);
        EXPECT_TRUE(op.flags & kFlagInjected);
      }
    }
    // Who asks for no more than that is not cut short.
    const Outcome untouched = Observe(name, fmt::format("{}:short=4096", name));
    EXPECT_EQ(untouched.told, plain.told) << name;
    EXPECT_EQ(untouched.tree, plain.tree) << name;
    EXPECT_THAT(untouched.calls, IsEmpty()) << name;
  }
}

TEST(RecordingFaults, StdioGoesOnAfterAShortCountAndReportsAnErrorThatFollows) {
  RecordedRun run;
  run.options.plan.injections = {MustParse("write:short=4:when=1")};
  run.Run({TestProgram("file_call"), "stdio"});
  EXPECT_EQ(run.output, "1 1\n");
  EXPECT_THAT(run.Summary(), testing::IsSupersetOf({"write subject 0+4", "write subject 4+6"}));
  EXPECT_THAT(run.Problems(), IsEmpty());
  RecordedRun full;
  full.options.plan.injections = {MustParse("write:short=4:when=1"),
                                  MustParse("write:error=ENOSPC:when=2..")};
  full.Run({TestProgram("file_call"), "stdio"});
  EXPECT_EQ(full.output, "1 0\n");
  EXPECT_THAT(full.Summary(),
              testing::IsSupersetOf({"write subject 0+4", "write subject 4+0 = ENOSPC"}));
  EXPECT_THAT(full.Problems(), IsEmpty());
  EXPECT_EQ(full.trace.plan_matches, (std::vector<uint64_t>{2, 2}));
}

/// "1 2 4": the files that are there, of those that subshells were to make one after the other.
std::string Made(RecordedRun& run, const std::vector<std::string>& plan) {
  for (const std::string& text : plan) run.options.plan.injections.push_back(MustParse(text));
  run.Run({"sh", "-c", "for i in 1 2 3 4 5 6 7; do (echo $i > f$i) 2>&-; done; echo f*"});
  EXPECT_THAT(run.Problems(), IsEmpty());
  return std::regex_replace(run.output, std::regex("f|\n"), "");
}

TEST(RecordingFaults, WhenCountsOverAllProcesses) {
  const std::pair<const char*, const char*> cases[] = {
      {"2", "1 3 4 5 6 7"}, {"2..4", "1 5 6 7"},   {"2..", "1"},          {"2+", "1"},
      {"2+2", "1 3 5 7"},   {"1..5+2", "2 4 6 7"}, {"8", "1 2 3 4 5 6 7"}};
  for (const auto& [when, made] : cases) {
    RecordedRun run;
    EXPECT_EQ(Made(run, {fmt::format("openat:path=f*:error=EACCES:when={}", when)}), made);
    EXPECT_EQ(run.trace.plan_matches.at(0), 7u);
    std::set<int32_t> processes;
    for (const FileCall& call : run.trace.file_calls) processes.insert(call.process);
    EXPECT_EQ(processes.size(), run.trace.file_calls.size());
  }
}

TEST(RecordingFaults, TheFirstThatFitsHappensAndAllThatFitAreCounted) {
  RecordedRun run;
  EXPECT_EQ(Made(run, {"openat:path=f*:error=EACCES:when=2", "openat:path=f*:error=EIO:when=2..3",
                       "openat:path=f7:error=EIO"}),
            "1 4 5 6");
  EXPECT_EQ(run.trace.plan_matches, (std::vector<uint64_t>{7, 7, 1}));
  std::vector<std::string> happened;
  for (const FileCall& call : run.trace.file_calls)
    happened.push_back(fmt::format("{} {} {}", call.path, call.told, call.injection));
  EXPECT_THAT(happened, ElementsAre("f2 -13 0", "f3 -5 1", "f7 -5 2"));
}

TEST(RecordingFaults, PathsAreThoseThatTheKernelActsOn) {
  const std::string script =
      "mkdir -p d/e; cd d/e; echo 1 > ../../d/x.tmp; ln -s ../x.tmp l; echo 2 >> l; mv ../x.tmp "
      "final; rm l";
  const auto matches = [&](const std::string& text) {
    RecordedRun run;
    run.options.plan.injections = {MustParse(text + ":error=EIO:when=4000")};
    run.Run({"sh", "-c", script});
    EXPECT_EQ(run.wait_status, 0);
    return run.trace.plan_matches.at(0);
  };
  EXPECT_EQ(matches("openat:path=d/x.tmp"), 2u);  // once through the symlink
  EXPECT_EQ(matches("openat:path=*.tmp"), 2u);
  EXPECT_EQ(matches("openat:path=d/*"), 2u);
  EXPECT_EQ(matches("openat:path=d/e/*"), 0u);
  EXPECT_EQ(matches("openat:path=**/x.tmp"), 2u);
  EXPECT_EQ(matches("symlinkat:path=d/e/l"), 1u);
  EXPECT_EQ(matches("/^rename:path=d/e/final"), 1u);
  EXPECT_EQ(matches("/^rename:path=d/x.tmp"), 1u);
  EXPECT_EQ(matches("unlinkat:path=d/e/l"), 1u);
  EXPECT_EQ(matches("unlinkat:path=x.tmp"), 0u);
  EXPECT_EQ(matches("write:path=x.tmp"), 2u);
}

TEST(RecordingFaults, WhatIsOutsideTheSandboxIsNotCounted) {
  RecordedRun run;
  run.options.plan.injections = {MustParse("all:error=EIO")};
  run.options.plan.survey = true;
  run.Run({"bash", "-c",
           "exec 2>&-; cd $OUTSIDE || exit 1; echo a > x; mv x y; cat y; ls / > /dev/null; cat "
           "/etc/passwd > y"});
  EXPECT_EQ(run.output, "a\n");
  for (const FileCall& call : run.trace.file_calls)
    EXPECT_EQ(call.path, ".") << call.call;  // the shell's own
}

TEST(RecordingFaults, AnOpenFailsInOneOfManyThreads) {
  RecordedRun run;
  run.options.plan.injections = {MustParse("/^open:path=t*:error=EMFILE:when=5+10")};
  run.Run({TestProgram("file_call"), "threads"});
  EXPECT_EQ(run.output, "20 failed\n");
  EXPECT_EQ(run.trace.file_calls.size(), 20u);
  EXPECT_EQ(run.trace.plan_matches.at(0), 200u);
  EXPECT_THAT(run.Problems(), IsEmpty());
}

struct Signalled {
  std::string output;
  int status;
  std::vector<std::string> summary, problems;
  std::vector<FileCall> calls;
  bool final, tmp, handled;
};

Signalled RunSignals(const std::string& plan) {
  RecordedRun run;
  run.options.plan.injections = {MustParse(plan)};
  run.Run({TestProgram("file_call"), "signals"});
  const auto exists = [&](const char* name) {
    return access((run.directory() + name).c_str(), F_OK) == 0;
  };
  return {run.output,           run.wait_status,  run.Summary(),  run.Problems(),
          run.trace.file_calls, exists("/final"), exists("/tmp"), exists("/handled")};
}

TEST(RecordingFaults, AKillComesBeforeOrAfterTheCall) {
  const Signalled before = RunSignals("rename:signal=KILL");
  EXPECT_TRUE(WIFSIGNALED(before.status) && WTERMSIG(before.status) == SIGKILL);
  EXPECT_TRUE(before.tmp && !before.final);
  EXPECT_THAT(before.problems, IsEmpty());
  EXPECT_THAT(before.summary, Not(Contains(StartsWith("rename"))));
  ASSERT_EQ(before.calls.size(), 1u);
  EXPECT_EQ(before.calls[0].end, 0u);
  EXPECT_EQ(before.calls[0].injection, 0);
  const Signalled after = RunSignals("rename:signal=KILL:effect=full");
  EXPECT_TRUE(WIFSIGNALED(after.status) && WTERMSIG(after.status) == SIGKILL);
  EXPECT_TRUE(!after.tmp && after.final);
  EXPECT_THAT(after.problems, IsEmpty());
  EXPECT_THAT(after.summary, Contains("rename tmp -> final"));
  ASSERT_EQ(after.calls.size(), 1u);
  EXPECT_NE(after.calls[0].end, 0u);
}

TEST(RecordingFaults, ASignalMeetsItsHandlerBeforeOrAfterTheCall) {
  const Signalled before = RunSignals("rename:signal=TERM");
  EXPECT_EQ(WEXITSTATUS(before.status), 3);
  EXPECT_TRUE(!before.tmp && !before.final);
  EXPECT_THAT(before.problems, IsEmpty());
  const Signalled after = RunSignals("rename:signal=TERM:effect=full");
  EXPECT_EQ(WEXITSTATUS(after.status), 3);
  EXPECT_TRUE(!after.tmp && after.final);
  EXPECT_THAT(after.problems, IsEmpty());
  for (const char* effect : {"", ":effect=full"}) {
    const Signalled noted = RunSignals(std::string("rename:signal=USR1") + effect);
    EXPECT_EQ(noted.output, "0 1\n");
    EXPECT_TRUE(noted.final && noted.handled);
    EXPECT_THAT(noted.problems, IsEmpty());
    std::vector<std::string> names;
    for (const std::string& line : noted.summary) {
      if (line.starts_with("create handled") || line.starts_with("rename"))
        names.push_back(line.substr(0, 6));
    }
    EXPECT_THAT(names,
                *effect == 0 ? ElementsAre("create", "rename") : ElementsAre("rename", "create"));
    EXPECT_EQ(noted.calls.size(), 1u);
  }
  const Signalled failed = RunSignals("rename:error=EIO:signal=USR1");
  EXPECT_EQ(failed.output, "5 1\n");
  EXPECT_TRUE(!failed.final && failed.handled);
  EXPECT_THAT(failed.summary, Contains("rename tmp -> final = EIO"));
  EXPECT_THAT(failed.problems, IsEmpty());
}

/// Names that programs make up become one.
std::string Plainly(const std::string& text) {
  return std::regex_replace(
      text, std::regex("sed[A-Za-z0-9]{6}|tmp\\.[A-Za-z0-9]+|tmp_obj_[A-Za-z0-9]+"), "TEMP");
}

const char* const kScripts[] = {
    "echo one > a; sed -i s/one/two/ a",
    "echo one > a; cp a b; cp -p b c; cat c",
    "echo 'create table t(x); insert into t values(1); select * from t;' | sqlite3 db",
    "mkdir d; cd d; for i in 1 2 3; do echo $i > f$i; done; mv f1 g; rm f2; ls; tar cf ../t.tar .",
    "perl -e 'open(F, \">\", \"p\") or die; print F \"x\"; close F; rename \"p\", \"q\"; unlink "
    "\"r\"; -e "
    "\"q\"'",
};

RecordedRun Survey(const char* script, bool survey,
                   bool traced = getenv("OLDORNEW_TEST_TRACED") != nullptr) {
  RecordedRun run;
  run.traced = traced;
  run.options.plan.survey = survey;
  run.Run({"sh", "-c", script});
  EXPECT_EQ(run.wait_status, 0) << script;
  EXPECT_THAT(run.Problems(), IsEmpty()) << script;
  return run;
}

/// The innermost callers, without what changes from run to run: where modules lie, and how far out
/// the unwinder could follow the stack. At most as many as the stack of `other` has.
std::string Innermost(const Op& op, const Op& other) {
  const size_t frames = std::min({op.stack.size(), other.stack.size(), size_t{4}});
  std::string text = op.call;
  for (size_t i = 0; i < frames; ++i) text += fmt::format(" {:x}", op.stack[i] % 4096);
  return text;
}

TEST(RecordingFaults, ASurveyChangesNothingAndHoldsEveryCallThatChangedSomething) {
  for (const char* script : kScripts) {
    const RecordedRun plain = Survey(script, false);
    const RecordedRun survey = Survey(script, true);
    EXPECT_EQ(Plainly(Join(survey.Summary(), "\n")), Plainly(Join(plain.Summary(), "\n")));
    EXPECT_THAT(plain.trace.file_calls, IsEmpty());
    for (size_t i = 0; i < plain.trace.ops.size() && i < survey.trace.ops.size(); ++i) {
      const Op& one = plain.trace.ops[i];
      const Op& other = survey.trace.ops[i];
      EXPECT_EQ(Innermost(other, one), Innermost(one, other));
      EXPECT_FALSE(one.stack.empty() != other.stack.empty()) << i;
    }
    EXPECT_GT(survey.trace.file_calls.size(), survey.trace.ops.size());
    for (const Op& op : survey.trace.ops) {
      if (op.kind == OpKind::kOutput || op.kind == OpKind::kExit || op.kind == OpKind::kClose)
        continue;
      const auto is_it = [&](const FileCall& call) {
        return call.begin < op.begin && op.end < call.end && call.call == op.call &&
               call.path == op.path && call.process == op.process && call.thread == op.thread &&
               call.told == call.result && call.stack == op.stack;
      };
      EXPECT_TRUE(
          std::any_of(survey.trace.file_calls.begin(), survey.trace.file_calls.end(), is_it))
          << script << ": " << Describe(survey.trace, op);
    }
    for (size_t i = 1; i < survey.trace.file_calls.size(); ++i)
      EXPECT_LT(survey.trace.file_calls[i - 1].begin, survey.trace.file_calls[i].begin);
  }
}

TEST(RecordingFaults, BothBackendsSurveyTheSame) {
  if (getenv("OLDORNEW_TEST_TRACED") != nullptr) GTEST_SKIP() << "compares both already";
  const auto listed = [](const RecordedRun& run) {
    std::string list;
    for (const FileCall& call : run.trace.file_calls) {
      const std::string& program = run.trace.processes[static_cast<size_t>(call.process)].program;
      list +=
          Plainly(fmt::format("{} {} {} {} {} {} {} {}\n", program, call.call, call.descriptor,
                              call.path, call.path2, call.requested, call.open_flags, call.told));
    }
    return list;
  };
  for (const char* script : kScripts)
    EXPECT_EQ(listed(Survey(script, true, false)), listed(Survey(script, true, true))) << script;
}

}  // namespace
}  // namespace oldornew
