// Sandboxes of one process do not know of each other: one per processor may be at work.
#include <thread>

#include "run/record.h"
#include "run/test_support.h"

namespace oldornew {
namespace {

constexpr int kSandboxes = 2;
constexpr int kRuns = 12;

struct Side {
  std::string failure;
  Digest identity;
};

// Makes a sandbox and records in it, run after run from the same state, now and then with a new
// view and with a full disk in between. Says what is not as it would be alone.
void RecordAgainAndAgain(const SandboxSpec& spec, int number, Side* side) {
  const auto fail = [&](const std::string& what) { side->failure += what + "\n"; };
  auto sandbox = Sandbox::Create(spec);
  if (!sandbox) return fail(sandbox.error().message);
  auto old = Capture({sandbox->judged_path()});
  if (!old) return fail(old.error().message);
  for (int i = 0; i < kRuns; ++i) {
    if (auto presented = sandbox->Present(old->tree); !presented)
      return fail(presented.error().message);
    RunSpec run;
    const std::string in_home = i % 4 == 3 ? "touch ~/side; " : "";
    run.command = {"/bin/sh", "-c",
                   fmt::format("{}echo {} > config.tmp && mv config.tmp config && cat config",
                               in_home, number)};
    auto trace = RecordIn(*sandbox, run);
    if (!trace) return fail(trace.error().message);
    for (const Obstacle& obstacle : trace->obstacles) fail(obstacle.reason);
    if (trace->stdout_bytes != fmt::format("{}\n", number)) fail("printed " + trace->stdout_bytes);
    if (trace->old_tree.at(*trace->old_tree.Lookup("config")).content.ToString() != "old\n")
      fail("old state");
    if (i % 4 == 3) continue;
    if (i == 0) side->identity = trace->Identity();
    if (side->identity != trace->Identity()) fail("another trace than the first");
    if (!sandbox->in_memory()) continue;
    if (!sandbox->LimitSpace(RootRole::kJudged, {.free_bytes = 0})) fail("no limit");
    auto full = RecordIn(*sandbox, run);
    if (!full) return fail(full.error().message);
    if (full->exit_status == 0) fail("the disk was not full");
  }
}

void BothAtOnce(SandboxSpec spec) {
  auto dir = TempDir::Create("side-by-side-test-");
  ASSERT_OK(dir);
  ASSERT_OK(MakeDirectories(dir->path() + "/judged"));
  ASSERT_OK(WriteFile(dir->path() + "/judged/config", "old\n"));
  spec.directory = dir->path() + "/judged";
  KeepVisible({"sh", "-c", ""}, &spec);  // the recorder's library, wherever it was built
  if (auto tried = Sandbox::Create(spec);
      !tried && tried.error().exit_code == ExitCode::kCannotJudge)
    GTEST_SKIP() << tried.error().message;
  Side sides[kSandboxes];
  std::vector<std::thread> threads;
  for (int i = 0; i < kSandboxes; ++i)
    threads.emplace_back([&, i] { RecordAgainAndAgain(spec, i, &sides[i]); });
  for (std::thread& thread : threads) thread.join();
  for (const Side& side : sides) EXPECT_EQ(side.failure, "");
}

TEST(SideBySide, OnDisk) { BothAtOnce({}); }

TEST(SideBySide, InMemory) {
  SandboxSpec spec;
  spec.in_memory = true;
  BothAtOnce(spec);
}

TEST(SideBySide, WithoutNamespaces) {
  SandboxSpec spec;
  spec.at_most = Isolation::kNone;
  BothAtOnce(spec);
}

}  // namespace
}  // namespace oldornew
