#include "oracle/end_judge.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "oracle/file_call_test_support.h"

namespace oldornew {
namespace {

using testing::Call;
using ::testing::ElementsAre;
using testing::Failed;
using ::testing::IsEmpty;
using testing::Open;
using testing::With;

constexpr uint32_t kNewFile = O_WRONLY | O_CREAT | O_TRUNC;

TraceBuilder Begin() {
  return TraceBuilder().OldFile("f", "old content").OldFile("theirs", "not ours");
}

Trace Plain() {
  return Begin()
      .Create("f.tmp")
      .Write("f.tmp", 0, "new content!")
      .Rename("f.tmp", "f")
      .Exit()
      .Build();
}

// What is wrong with a run, as "SEVERITY ORACLE OUTCOME PATH".
std::vector<std::string> Wrong(Trace run, int exit_status, std::vector<FileCall> affected,
                               const Trace& plain = Plain(), bool* committed = nullptr) {
  run.exit_status = exit_status;
  if (run.stderr_bytes.empty()) run.stderr_bytes = "it went wrong";
  run = With(std::move(run), std::move(affected));
  const PathPatterns patterns(plain, plain);
  const Question question;
  EndJudge judge(plain, plain, patterns, question, {});
  EXPECT_TRUE(judge.Prepare());
  EndedRun faulted{&run, {}, nullptr, false};
  for (const FileCall& call : run.file_calls) faulted.affected.push_back(&call);
  faulted.failed_call = faulted.affected.front();
  auto judged = judge.Judge(faulted);
  EXPECT_TRUE(judged);
  if (committed != nullptr) *committed = judged->committed_though_failed;
  for (EndViolation& violation : judge.JudgeSyncs(faulted, false))
    judged->violations.push_back(violation);
  std::vector<std::string> out;
  for (const EndViolation& violation : judged->violations) {
    out.push_back(fmt::format("{} {} {} {}", SeverityName(violation.severity),
                              OracleName(violation.oracle), OutcomeName(violation.outcome),
                              violation.path));
  }
  return out;
}

const FileCall kWriteFailed = Failed(Call("write", "f.tmp", 12), ENOSPC);
const FileCall kRenameFailed = Failed(Call("rename", "f.tmp", 0, "f"), EXDEV);

TEST(EndJudge, AnErrorThatLeavesTheOldContentAndNothingElseIsFine) {
  const Trace run = Begin().Create("f.tmp").Unlink("f.tmp").Exit(1).Build();
  EXPECT_THAT(Wrong(run, 1, {kWriteFailed}), IsEmpty());
}

TEST(EndJudge, ASuccessThatDidWhatThePlainRunDidIsFine) {
  EXPECT_THAT(Wrong(Plain(), 0, {Failed(Call("fallocate", "f.tmp"), EOPNOTSUPP)}), IsEmpty());
}

TEST(EndJudge, SuccessWithTheOldContentIsALie) {
  const Trace run = Begin().Create("f.tmp").Unlink("f.tmp").Exit().Build();
  EXPECT_THAT(Wrong(run, 0, {kRenameFailed}), ElementsAre("error honest not-done f"));
}

TEST(EndJudge, SuccessAfterAFailedLookIsAWarning) {
  const Trace run = Begin().Exit().Build();
  EXPECT_THAT(Wrong(run, 0, {Failed(Call("stat", "f"), EACCES)}),
              ElementsAre("warning honest not-done f"));
  EXPECT_THAT(Wrong(run, 0, {Failed(Open("f", O_RDONLY), EACCES)}),
              ElementsAre("warning honest not-done f"));
  EXPECT_THAT(Wrong(run, 0, {Failed(Call("read", "f", 11), EIO)}),
              ElementsAre("error honest not-done f"));
}

TEST(EndJudge, EveryLengthOfAPublishedBeginningIsFound) {
  const std::string content = "new content!";
  for (size_t length = 0; length < content.size(); ++length) {
    const Trace run = Begin()
                          .Create("f.tmp")
                          .Write("f.tmp", 0, content.substr(0, length))
                          .Rename("f.tmp", "f")
                          .Exit()
                          .Build();
    const std::string outcome = length == 0 ? "empty" : "truncated";
    EXPECT_THAT(Wrong(run, 0, {kWriteFailed}), ElementsAre("error honest " + outcome + " f"))
        << length;
    EXPECT_THAT(Wrong(run, 1, {kWriteFailed}), ElementsAre("error atomic " + outcome + " f"))
        << length;
  }
}

TEST(EndJudge, AMissingTargetIsFoundWhateverTheProgramSays) {
  const Trace run = Begin().Unlink("f").Exit().Build();
  EXPECT_THAT(Wrong(run, 0, {kRenameFailed}), ElementsAre("error honest missing f"));
  EXPECT_THAT(Wrong(run, 1, {kRenameFailed}), ElementsAre("error atomic missing f"));
}

TEST(EndJudge, AFixedLeftOverIsAWarningAndARandomOneAnError) {
  EXPECT_THAT(
      Wrong(Begin().Create("f.tmp").Write("f.tmp", 0, "new").Exit(1).Build(), 1, {kWriteFailed}),
      ElementsAre("warning clean litter f.tmp"));
  EXPECT_THAT(Wrong(Begin().Create("fAb3xK9").Exit(1).Build(), 1, {kWriteFailed}),
              ElementsAre("error clean litter fAb3xK9"));
  EXPECT_THAT(
      Wrong(Begin().Mkdir("dAb3xK9").Create("dAb3xK9/x").Exit(1).Build(), 1, {kWriteFailed}),
      ElementsAre("error clean litter dAb3xK9"))
      << "what is in it goes with it";
}

TEST(EndJudge, WhoseRemovalFailedIsNoLitter) {
  const Trace run = Begin().Create("f.tmp").Failing(EIO).Unlink("f.tmp").Exit(1).Build();
  EXPECT_THAT(Wrong(run, 1, {kWriteFailed, Failed(Call("unlink", "f.tmp"), EIO)}), IsEmpty());
  EXPECT_THAT(Wrong(run, 1, {kWriteFailed, Failed(Call("unlink", "f"), EIO)}),
              ElementsAre("warning clean litter f.tmp"));
}

TEST(EndJudge, TheOldVersionThatAFailedRunKeepsIsNoLitter) {
  EXPECT_THAT(Wrong(Begin().Rename("f", "f.bak").Exit(1).Build(), 1, {kRenameFailed}),
              ElementsAre("error atomic missing f"));
  EXPECT_THAT(Wrong(Begin().Create("f.bak").Write("f.bak", 0, "old content").Exit(1).Build(), 1,
                    {kRenameFailed}),
              ElementsAre("warning clean litter f.bak"))
      << "f itself still has it";
}

TEST(EndJudge, ATreeThatCouldNotBeListedCouldNotBeRemoved) {
  const auto left = [](bool removal) {
    TraceBuilder builder = Begin().Mkdir("d.tmp").Create("d.tmp/k");
    if (removal) builder.Failing(EISDIR).Unlink("d.tmp");
    return Wrong(builder.Exit(1).Build(), 1,
                 {kWriteFailed, Failed(Open("d.tmp", O_RDONLY | O_DIRECTORY), EMFILE)});
  };
  EXPECT_THAT(left(true), IsEmpty());
  EXPECT_THAT(left(false), ElementsAre("warning clean litter d.tmp"));
}

TEST(EndJudge, NobodyRemovesWhatHeWasToldIsNotThere) {
  Trace run = Begin().Create("f.tmp").Exit(1).Build();
  FileCall open = Failed(Open("f.tmp", kNewFile), EIO, /*after=*/true);
  open.begin = run.ops[0].begin;
  open.end = run.ops[0].end;
  open.syscall = run.ops[0].syscall;
  EXPECT_THAT(Wrong(run, 1, {open}), ElementsAre("warning clean litter f.tmp"));
  run.ops[0].told = EIO;
  EXPECT_THAT(Wrong(run, 1, {open}), IsEmpty());
}

TEST(EndJudge, ASecretLeftWhereAllCanReadItIsCalledThat) {
  const auto begin = [] { return TraceBuilder().OldFile("f", "old secret").OldMode("f", 0600); };
  const Trace plain = begin()
                          .Create("f.tmp", 0600)
                          .Write("f.tmp", 0, "new secret!!")
                          .Rename("f.tmp", "f")
                          .Exit()
                          .Build();
  const auto left = [&](uint32_t mode, const std::string& bytes) {
    return Wrong(begin().Create("f.tmp", mode).Write("f.tmp", 0, bytes).Exit(1).Build(), 1,
                 {kRenameFailed}, plain);
  };
  EXPECT_THAT(left(0644, "new secret!!"), ElementsAre("error private exposed f.tmp"));
  EXPECT_THAT(left(0600, "new secret!!"), ElementsAre("warning clean litter f.tmp"));
  EXPECT_THAT(left(0644, "nothing here"), ElementsAre("warning clean litter f.tmp"));
}

TEST(EndJudge, WhatBelongsToOthersStaysAsItIs) {
  EXPECT_THAT(Wrong(Begin().Unlink("theirs").Exit(1).Build(), 1, {kWriteFailed}),
              ElementsAre("error contained changed-outside theirs"));
  EXPECT_THAT(Wrong(Begin().Truncate("theirs", 1).Exit(1).Build(), 1, {kWriteFailed}),
              ElementsAre("error contained changed-outside theirs"));
}

TEST(EndJudge, ANameThatIsAnothersIsNotRemoved) {
  const FileCall refused = Failed(Open("f.tmp", kNewFile | O_EXCL), EEXIST);
  const auto run = [&](bool removes) {
    Trace trace = Begin().Exit(1).Build();
    if (!removes) return trace;
    Op op;
    op.kind = OpKind::kUnlink;
    op.path = "f.tmp";
    op.error = ENOENT;
    op.begin = 5000;
    trace.ops.insert(trace.ops.begin(), op);
    return trace;
  };
  EXPECT_THAT(Wrong(run(true), 1, {refused}), ElementsAre("error contained changed-outside f.tmp"));
  EXPECT_THAT(Wrong(run(false), 1, {refused}), IsEmpty());
  Trace replaced = Begin().Create("f.tmp").Exit(1).Build();
  replaced.ops[0].begin = 7000;
  replaced.ops.insert(replaced.ops.begin(), run(true).ops[0]);
  EXPECT_THAT(Wrong(replaced, 1, {refused}), ElementsAre("warning clean litter f.tmp"))
      << "tar does that";
  EXPECT_THAT(Wrong(run(true), 1, {Failed(Open("f.tmp", kNewFile), EACCES)}), IsEmpty());
}

TEST(EndJudge, WhatTheCommandIsThereToReplaceMayBeRemovedFirst) {
  const Trace plain = TraceBuilder().Create("f").Write("f", 0, "extracted").Exit().Build();
  Trace run = TraceBuilder().Exit(2).Build();
  Op op;
  op.kind = OpKind::kUnlink;
  op.path = "f";
  op.error = ENOENT;
  op.begin = 5000;
  run.ops.insert(run.ops.begin(), op);
  EXPECT_THAT(Wrong(run, 2, {Failed(Open("f", kNewFile | O_EXCL), EEXIST)}, plain), IsEmpty());
}

TEST(EndJudge, ALinkThatWasToldNotToBeMadeIsNobodysLitter) {
  const auto begin = [] {
    return TraceBuilder().OldFile("f", "old content").OldFile("a", "linked content");
  };
  Trace run = begin().Link("a", "Cu1").Exit(1).Build();
  FileCall link = Failed(Call("linkat", "a", 0, "Cu1"), EIO, /*after=*/true);
  link.begin = run.ops[0].begin;
  link.end = run.ops[0].end;
  link.syscall = run.ops[0].syscall;
  run.ops[0].told = EIO;
  const Trace plain = begin().Link("a", "Cu2").Rename("Cu2", "f").Exit().Build();
  EXPECT_THAT(Wrong(run, 1, {link}, plain), IsEmpty());
}

TEST(EndJudge, FailedThoughCommittedIsAWarningUnlessNobodyCouldKnow) {
  bool committed = false;
  EXPECT_THAT(Wrong(Plain(), 1, {Failed(Call("chmod", "f"), EPERM)}, Plain(), &committed),
              ElementsAre("warning honest changed-though-failed f"));
  EXPECT_TRUE(committed);
  EXPECT_THAT(Wrong(Plain(), 1, {Failed(Call("fsync", "."), EIO)}, Plain(), &committed), IsEmpty());
  EXPECT_TRUE(committed);
  EXPECT_THAT(Wrong(Plain(), 1, {Failed(Call("close", "."), EIO)}), IsEmpty());
  EXPECT_THAT(Wrong(Plain(), 1, {Failed(Open(".", O_RDONLY | O_DIRECTORY), EMFILE)}), IsEmpty())
      << "opened to be synced";
  Trace run = Plain();
  FileCall rename = Failed(Call("rename", "f.tmp", 0, "f"), EIO, /*after=*/true);
  rename.begin = run.ops[2].begin;
  rename.end = run.ops[2].end;
  rename.syscall = run.ops[2].syscall;
  run.ops[2].told = EIO;
  EXPECT_THAT(Wrong(run, 1, {rename}), IsEmpty());
  run.stderr_bytes = "rename: Input/output error: nothing was changed";
  EXPECT_THAT(Wrong(run, 1, {rename}), ElementsAre("error honest changed-though-failed f"))
      << "it could not know, and says that it does";
}

TEST(EndJudge, AVersionThatThePlainRunPublishesOnTheWayIsFineAfterAnError) {
  const auto twice = [](int times) {
    TraceBuilder builder = Begin();
    for (int i = 0; i < times; ++i)
      builder.Create("f.tmp")
          .Write("f.tmp", 0, "version " + std::to_string(i))
          .Rename("f.tmp", "f");
    return builder.Exit().Build();
  };
  EXPECT_THAT(Wrong(twice(1), 1, {kWriteFailed}, twice(2)), IsEmpty());
  EXPECT_THAT(Wrong(twice(1), 0, {kWriteFailed}, twice(2)).size(), 1u);
}

TEST(EndJudge, ASyncOrCloseWhoseErrorWasPassedOverIsALie) {
  const auto run = [](bool synced) {
    TraceBuilder builder = Begin().Create("f.tmp").Write("f.tmp", 0, "new content!");
    if (synced) builder.Fsync("f.tmp");
    return builder.Rename("f.tmp", "f").Exit().Build();
  };
  const FileCall close = Failed(Call("close", "f.tmp"), EIO, true);
  const FileCall sync = Failed(Call("fsync", "f.tmp"), EIO);
  EXPECT_THAT(Wrong(run(false), 0, {close}), ElementsAre("warning honest lost-after-error f"));
  EXPECT_THAT(Wrong(run(false), 0, {sync}), ElementsAre("error durable lost-after-error f"));
  EXPECT_THAT(Wrong(run(true), 0, {close}), IsEmpty())
      << "an fsync before has said that all is well";
}

TEST(EndJudge, DyingOfTheErrorIsAWarning) {
  const Trace run = Begin().Exit(139).Build();
  EXPECT_THAT(Wrong(run, 139, {kWriteFailed}), ElementsAre("warning honest crashes f"));
}

// ---- under --check (oracles.md 3)

// A store: it is "f" with "journal", from which the rest of a half written "f" is made good. The
// check accepts everything but a half "f" without a journal.
Result<CheckerAnswer> CheckStore(const FileTree& state, const CheckerContext&) {
  const auto file = state.Lookup("f");
  const bool whole = file && state.at(*file).content.size() >= 11;
  return CheckerAnswer{whole || state.Lookup("journal") ? 0 : 1, "half of it is gone"};
}

Trace StoreRun(bool journal, const std::string& bytes, bool tidy) {
  TraceBuilder builder = Begin();
  if (journal) builder.Create("journal");
  builder.Truncate("f", 0).Write("f", 0, bytes);
  if (journal && tidy) builder.Unlink("journal");
  return builder.Exit().Build();
}

// What is wrong with the run by the check, and by bytes if `question` names paths.
std::vector<std::string> WrongWith(const Checker& check, Trace run, int exit_status,
                                   const Question& question,
                                   std::vector<std::string>* notes = nullptr) {
  run.exit_status = exit_status;
  run = With(std::move(run), {Failed(Call("write", "f", 12), ENOSPC)});
  const Trace plain = StoreRun(true, "new content!", true);
  const PathPatterns patterns(plain, plain);
  const CheckerPool pool = {{nullptr, check}};
  EndJudge judge(plain, plain, patterns, question, pool);
  EXPECT_TRUE(judge.Prepare());
  if (notes != nullptr) *notes = judge.notes();

  EndedRun faulted{&run, {&run.file_calls[0]}, &run.file_calls[0], false};
  const auto judged = judge.Judge(faulted);
  EXPECT_TRUE(judged);
  EXPECT_THAT(judge.JudgeSyncs(faulted, false), IsEmpty());
  std::vector<std::string> out;
  for (const EndViolation& violation : judged->violations) {
    out.push_back(fmt::format("{} {} {} {}", SeverityName(violation.severity),
                              OracleName(violation.oracle), OutcomeName(violation.outcome),
                              violation.path));
  }
  return out;
}

Question AskCheck() {
  Question question;
  question.check = "./check";
  return question;
}

TEST(EndJudge, WhatTheCheckAcceptsIsFineWhateverTheBytes) {
  for (const int status : {0, 1}) {
    EXPECT_THAT(WrongWith(CheckStore, StoreRun(true, "new", false), status, AskCheck()), IsEmpty())
        << "with its journal it can be made good";
    EXPECT_THAT(WrongWith(CheckStore, Begin().Exit().Build(), status, AskCheck()), IsEmpty());
  }
}

TEST(EndJudge, WhatTheCheckRejectsIsFoundWhateverTheProgramSays) {
  for (const int status : {0, 1}) {
    EXPECT_THAT(WrongWith(CheckStore, StoreRun(true, "new", true), status, AskCheck()),
                ElementsAre("error check rejected-by-check ."));
  }
}

TEST(EndJudge, NamedPathsAreJudgedInAdditionToTheCheck) {
  Question question = AskCheck();
  question.watch.watch = {"f"};
  EXPECT_THAT(WrongWith(CheckStore, StoreRun(true, "new", true), 1, question),
              ElementsAre("error check rejected-by-check .", "error atomic truncated f"));
  EXPECT_THAT(WrongWith(CheckStore, Begin().Exit().Build(), 0, question),
              ElementsAre("error honest not-done f"));
}

TEST(EndJudge, TheCheckIsToldHowMuchTheRunHadPromised) {
  const auto wants_success = [](const FileTree&, const CheckerContext& context) {
    return Result<CheckerAnswer>(CheckerAnswer{context.acked == 1 ? 0 : 1, ""});
  };
  EXPECT_THAT(WrongWith(wants_success, StoreRun(true, "new", true), 0, AskCheck()), IsEmpty());
  EXPECT_THAT(WrongWith(wants_success, StoreRun(true, "new", true), 1, AskCheck()),
              ElementsAre("error check rejected-by-check ."));
}

TEST(EndJudge, ACheckThatRejectsAPlainRunIsNotAskedAboutOthers) {
  const auto rejects = [](const FileTree&, const CheckerContext&) {
    return Result<CheckerAnswer>(CheckerAnswer{1, ""});
  };
  std::vector<std::string> notes;
  EXPECT_THAT(WrongWith(rejects, StoreRun(true, "new", true), 1, AskCheck(), &notes), IsEmpty());
  EXPECT_EQ(notes.size(), 1u);
}

TEST(EndJudge, CachesAreNobodysLoss) {
  const Trace plain =
      TraceBuilder().Mkdir("__pycache__").Create("__pycache__/m.pyc").Exit().Build();
  EXPECT_THAT(Wrong(TraceBuilder().Exit().Build(), 0,
                    {Failed(Call("mkdir", "__pycache__"), EACCES)}, plain),
              IsEmpty());
}

}  // namespace
}  // namespace oldornew
