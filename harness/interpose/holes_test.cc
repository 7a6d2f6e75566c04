// The proof of completeness (completeness.h), proven in turn: the recorder is made to miss one
// thing of each kind, and the recording must be called incomplete with the name of the hole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "interpose/testing/recorded_run.h"

namespace oldornew {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct CallCase {
  std::string name;
  std::string number;
};

std::vector<CallCase> Cases() {
  std::vector<CallCase> cases;
  FILE* list = popen((TestProgram("harmless") + " --list").c_str(), "r");
  char name[64], number[64];
  while (list != nullptr && fscanf(list, "%63s %63s", name, number) == 2)
    cases.push_back({name, number});
  if (list != nullptr) pclose(list);
  return cases;
}

class Holes : public ::testing::TestWithParam<CallCase> {
 protected:
  /// Runs the case with that hole ("" for none) at its second call.
  void Run(RecordedRun& run, char kind, const char* which = "2") {
    ASSERT_TRUE(WriteFile(run.directory() + "/file", "same"));
    ASSERT_TRUE(WriteFile(run.directory() + "/second", "same"));
    run.library = PreloadLibraryWithHoles();
    if (kind != 0)
      run.environment = {std::string("OLDORNEW_HOLE=") + kind + ":" + GetParam().number + ":" +
                         which};
    run.Run({TestProgram("harmless"), GetParam().name});
    if (run.wait_status != 0) GTEST_SKIP() << "not possible here: " << GetParam().name;
  }
  bool Forces() const { return GetParam().name.find("sync") != std::string::npos; }
};

TEST_P(Holes, WithoutOneNothingIsSaid) {
  RecordedRun run;
  Run(run, 0);
  EXPECT_THAT(run.Problems(), IsEmpty());
}

TEST_P(Holes, ACallThatNoHandlerSawIsNamed) {
  RecordedRun run;
  Run(run, 'c');
  EXPECT_THAT(run.Problems(), Contains(HasSubstr(" " + GetParam().name + " calls, ")));
  EXPECT_THAT(run.Problems(), Contains(HasSubstr("/harmless) made ")));
}

TEST_P(Holes, ALostRecordIsNamed) {
  RecordedRun run;
  Run(run, 'l');
  EXPECT_THAT(run.Problems(), Contains(HasSubstr(" " + GetParam().name + " calls, ")));
}

TEST_P(Holes, DispatchThatWasSwitchedOffIsNoticedAtTheEnd) {
  RecordedRun run;
  Run(run, 'd');
  EXPECT_THAT(run.Problems(), Contains(HasSubstr("the recorder did not see its end")));
}

/// Calls that go by without even being counted leave no trace but what they did: to the tree, or to
/// the kernel's own count of bytes. These leave none. A missed force (fsync and the like) takes
/// promises away, so a verdict can only get worse; the others change what the next call of their
/// kind changes back.
const std::set<std::string> kLeaveNoTrace = {
    "fsync",        "fdatasync",       "syncfs",      "sync",        "sync_file_range",
    "msync",        "copy_file_range", "truncate",    "ftruncate",   "fallocate",
    "chmod",        "fchmod",          "fchmodat",    "chown",       "lchown",
    "fchown",       "fchownat",        "utime",       "utimes",      "utimensat",
    "setxattr",     "lsetxattr",       "fsetxattr",   "removexattr", "lremovexattr",
    "fremovexattr", "close",           "close_range", "dup",         "dup2",
    "dup3"};

TEST_P(Holes, ACallThatBypassedTheFunnelIsFoundByWhatItDid) {
  RecordedRun complete;
  Run(complete, 0);
  RecordedRun run;
  Run(run, 'u');
  const std::vector<std::string> problems = run.Problems();
  if (kLeaveNoTrace.count(GetParam().name) == 0) {
    EXPECT_THAT(problems, Not(IsEmpty()));
    return;
  }
  EXPECT_THAT(problems, IsEmpty())
      << "better than promised: move it out of kLeaveNoTrace, and say so in the docs";
  if (!Forces()) return;
  // All that is left is part of the whole: nothing was added that could pass for a promise.
  std::vector<std::string> all = complete.Summary(), some = run.Summary();
  std::sort(all.begin(), all.end());
  std::sort(some.begin(), some.end());
  EXPECT_TRUE(std::includes(all.begin(), all.end(), some.begin(), some.end()));
  EXPECT_LE(some.size(), all.size());
}

INSTANTIATE_TEST_SUITE_P(Call, Holes, ::testing::ValuesIn(Cases()),
                         [](const auto& one) { return one.param.name; });

/// Runs `command` with the hole. The problems it has.
std::vector<std::string> ProblemsWith(const std::string& hole,
                                      const std::vector<std::string>& command) {
  RecordedRun run;
  run.library = PreloadLibraryWithHoles();
  if (!hole.empty()) run.environment = {"OLDORNEW_HOLE=" + hole};
  run.Run(command);
  EXPECT_EQ(run.wait_status, 0);
  return run.Problems();
}

TEST(HolesInProcesses, AChildThatWasNeverEnteredIsNamed) {
  const std::vector<std::string> command = {"sh", "-c", "(: ); (sync .); echo $0; :"};
  EXPECT_THAT(ProblemsWith("", command), IsEmpty());
  EXPECT_THAT(ProblemsWith("f:0:1", command),
              Contains(HasSubstr("was forked, but the recorder never got into it")));
}

TEST(HolesInProcesses, AThreadThatNeverArmedIsNamed) {
  const std::vector<std::string> command = {TestProgram("scenario"), "threads"};
  EXPECT_THAT(ProblemsWith("", command), IsEmpty());
  EXPECT_THAT(ProblemsWith("t:0:3", command),
              Contains(HasSubstr("scenario) was started, but the recorder never got into it")));
}

TEST(HolesInProcesses, AnImageExecutedWithoutTheRecorderIsNamed) {
  EXPECT_THAT(ProblemsWith("e:0:1", {"sh", "-c", "sync .; :"}),
              Contains(HasSubstr("was started, but the recorder never got into it")));
}

TEST(HolesInProcesses, AnImageThatDoesNotAnnounceItselfIsNamed) {
  EXPECT_THAT(ProblemsWith("s:0:1", {"sh", "-c", "echo a > a; sync .; :"}),
              Contains(HasSubstr("without having announced itself")));
  EXPECT_THAT(ProblemsWith("s:0:1", {"sync", "."}),
              Contains(HasSubstr("without having announced itself")));
}

TEST(HolesInProcesses, AChildWithDispatchSwitchedOffIsNoticedByItsParent) {
  // fsync in a child; what follows in it runs unseen, and its end too.
  const std::vector<std::string> command = {
      "sh", "-c", "dd if=/dev/zero of=a count=1 conv=fsync 2> /dev/null; :"};
  EXPECT_THAT(ProblemsWith("", command), IsEmpty());
  EXPECT_THAT(ProblemsWith("d:74:1", command),
              Contains(HasSubstr("the recorder did not see its end")));
}

/// The child was not entered and its parent says nothing of it: what remains is the kernel's count,
/// which comes to the parent with the child's end.
TEST(HolesInProcesses, BytesThatAHiddenChildWroteAreMissedInItsParent) {
  const std::vector<std::string> command = {"sh", "-c",
                                            "echo 1 > a; (echo overwritten > a; :); echo 1 > a; :"};
  EXPECT_THAT(ProblemsWith("", command), IsEmpty());
  EXPECT_THAT(ProblemsWith("h:0:1", command),
              Contains(HasSubstr("that no recorded call wrote: the kernel counted")));
}

}  // namespace
}  // namespace oldornew
