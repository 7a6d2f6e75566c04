// Logs that strace 6.1 wrote of real programs (testdata/*.strace; lines about libraries were taken
// out), and the same with single lines and bytes changed. That import and record agree on many more
// programs is held by scripts/import-agrees.
#include "import/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "import/world.h"
#include "trace/format.h"

namespace oldornew {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = Obstacle::Kind;

std::string Data(const std::string& name) {
  return std::string(OLDORNEW_SOURCE_DIR) + "/harness/import/testdata/" + name;
}

std::string LogText(const std::string& name) { return ReadFile(Data(name + ".strace")).value(); }

std::vector<std::string> Ops(const Trace& trace) {
  std::vector<std::string> out;
  for (const Op& op : trace.ops) out.push_back(Describe(trace, op));
  return out;
}

std::vector<std::string> Reasons(const Trace& trace, Kind kind) {
  std::vector<std::string> out;
  for (const Obstacle& obstacle : trace.obstacles) {
    if (obstacle.kind == kind) out.push_back(obstacle.reason);
  }
  return out;
}

class ImportTest : public testing::Test {
 public:
  void SetUp() override {
    auto dir = TempDir::Create("oldornew-import-");
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
  }
  std::string Path(const std::string& name) const { return dir_->path() + "/" + name; }

  Result<Trace> Import(const std::string& text, ImportSpec spec = {}) {
    spec.log = Path("log");
    EXPECT_TRUE(WriteFile(spec.log, text));
    return ImportStrace(spec);
  }

  /// The smallest log of a program started in /d, with `lines` in the middle.
  Result<Trace> ImportLines(const std::string& lines, ImportSpec spec = {}) {
    return Import(
        "10 execve(\"/bin/p\", [\"p\"], 0x7ffd /* 3 vars */) = 0\n"
        "10 openat(AT_FDCWD</d>, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3</etc/ld.so.cache>\n"
        "10 mmap(NULL, 47119, PROT_READ, MAP_PRIVATE, 3</etc/ld.so.cache>, 0) = 0x7f7d1c8d0000\n"
        "10 close(3</etc/ld.so.cache>) = 0\n" +
            lines + "10 exit_group(0) = ?\n10 +++ exited with 0 +++\n",
        std::move(spec));
  }

  /// A directory with files as "name=content".
  std::string Tree(const std::string& name, const std::vector<std::string>& files) {
    EXPECT_TRUE(MakeDirectories(Path(name)));
    for (const std::string& file : files) {
      const size_t equals = file.find('=');
      EXPECT_TRUE(WriteFile(Path(name) + "/" + file.substr(0, equals), file.substr(equals + 1)));
    }
    return Path(name);
  }

  std::unique_ptr<TempDir> dir_;
};

class GoldenLog : public ImportTest, public testing::WithParamInterface<const char*> {};

// OLDORNEW_UPDATE_GOLDEN=1 in the environment rewrites the files.
TEST_P(GoldenLog, GivesTheseOps) {
  ImportSpec spec;
  if (std::string(GetParam()) == "copy") {
    spec.old_directory = Tree("old", {"f=a\nb\n", "config=x = 1\n"});
    ASSERT_TRUE(MakeDirectories(Path("old/tree")));
    ASSERT_TRUE(WriteFile(Path("old/tree/a"), "1\n"));
    ASSERT_EQ(symlink("a", Path("old/tree/l").c_str()), 0);
  }
  const auto trace = Import(LogText(GetParam()), spec);
  ASSERT_TRUE(trace) << trace.error().message;
  std::string text;
  for (const std::string& line : Ops(*trace)) text += line + "\n";
  for (const Obstacle& obstacle : trace->obstacles) text += "obstacle: " + obstacle.reason + "\n";
  for (size_t at; (at = text.find(Path(""))) != std::string::npos;) text.erase(at, Path("").size());
  const std::string golden = Data(std::string(GetParam()) + ".ops");
  if (std::getenv("OLDORNEW_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFile(golden, text));
  }
  EXPECT_EQ(text, ReadFile(golden).value_or("")) << "OLDORNEW_UPDATE_GOLDEN=1 rewrites it";
  // What is imported can be saved and loaded.
  const auto again = DecodeTrace(EncodeTrace(*trace));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->Identity(), trace->Identity());
}

INSTANTIATE_TEST_SUITE_P(Of, GoldenLog,
                         testing::Values("sed", "write_file", "hardened", "move", "python",
                                         "sqlite", "git", "copy"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(ImportTest, EveryPrefixOfALogIsAnErrorOrAnIncompleteTrace) {
  const std::string text = LogText("write_file");
  for (size_t length = 0; length < text.size(); ++length) {
    const auto trace = Import(text.substr(0, length));
    if (!trace) {
      EXPECT_EQ(trace.error().exit_code, ExitCode::kUsage) << length;
    } else if (length + 1 < text.size()) {
      EXPECT_FALSE(trace->CanBeJudged()) << length;
    }
  }
}

/// Imports the log with each byte replaced, in turn, by what `wrong` makes of it.
template <typename Wrong>
void SpoilEveryByte(ImportTest* test,
                    Result<Trace> (ImportTest::*import)(const std::string&, ImportSpec),
                    const std::string& text, const Wrong& wrong) {
  int traces = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    std::string spoiled = text;
    spoiled[at] = wrong(text[at]);
    const auto trace = (test->*import)(spoiled, {});
    if (!trace) {
      EXPECT_EQ(trace.error().exit_code, ExitCode::kUsage) << at << ": " << trace.error().message;
      continue;
    }
    ++traces;
    const auto again = DecodeTrace(EncodeTrace(*trace));
    EXPECT_TRUE(again) << at << ": " << again.error().message;
  }
  EXPECT_GT(traces, 0);
}

TEST_F(ImportTest, EveryByteOfALogMayBeWrong) {
  SpoilEveryByte(this, &ImportTest::Import, LogText("write_file"),
                 [](char c) { return static_cast<char>(c ^ 1); });
}

using ImportTestLong = ImportTest;

TEST_F(ImportTestLong, EveryByteOfALogMayBeWrongInManyWays) {
  uint64_t seed = 1;
  for (const std::string& name : {std::string("write_file"), std::string("sed")}) {
    for (const char wrong : {'9', '<', '\n', '\0', '"', ' '})
      SpoilEveryByte(this, &ImportTest::Import, LogText(name), [&](char) { return wrong; });
    SpoilEveryByte(this, &ImportTest::Import, LogText(name), [&](char) {
      return static_cast<char>((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 56);
    });
  }
}

TEST_F(ImportTest, LinesInAnyOrderMakeNoneOfItCrash) {
  std::vector<std::string> lines = Split(LogText("move"), '\n');
  uint64_t seed = 7;
  const auto next = [&](size_t below) {
    return (seed = seed * 6364136223846793005u + 1442695040888963407u, seed >> 33) % below;
  };
  for (int round = 0; round < 400; ++round) {
    std::vector<std::string> mixed = lines;
    for (int change = 0; change < 4; ++change) {
      const size_t one = next(mixed.size());
      const size_t other = next(mixed.size());
      if (change % 2 == 0) {
        std::swap(mixed[one], mixed[other]);
      } else {
        mixed.insert(mixed.begin() + static_cast<ptrdiff_t>(one), mixed[other]);
      }
    }
    const auto trace = Import(Join(mixed, "\n"));
    if (!trace) continue;
    const auto again = DecodeTrace(EncodeTrace(*trace));
    EXPECT_TRUE(again) << again.error().message << "\n" << Join(mixed, "\n");
  }
}

TEST_F(ImportTest, WithBothTreesNothingIsLeftUnproven) {
  ImportSpec spec;
  spec.old_directory = Tree("old", {"f=a\nb\n", "config=x = 1\n"});
  spec.new_directory = Tree("new", {"f=x\nb\n", "config=x = 1\n"});
  const auto trace = Import(LogText("sed"), spec);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_THAT(trace->obstacles, IsEmpty()) << trace->obstacles[0].reason;
}

TEST_F(ImportTest, AMissingLineShowsInTheTree) {
  ImportSpec spec;
  spec.old_directory = Tree("old", {"f=a\nb\n", "config=x = 1\n"});
  spec.new_directory = Tree("new", {"f=x\nb\n", "config=x = 1\n"});
  const std::string text = LogText("sed");
  for (const char* call : {"write(4", "rename(", "openat(AT_FDCWD</srv/judged>, \"./sed"}) {
    const size_t at = text.find(call);
    ASSERT_NE(at, std::string::npos) << call;
    const size_t start = text.rfind('\n', at) + 1;
    const auto trace = Import(text.substr(0, start) + text.substr(text.find('\n', at) + 1), spec);
    EXPECT_TRUE(!trace || !trace->CanBeJudged()) << call;
  }
}

TEST_F(ImportTest, WithoutTreesEverythingAssumedIsSaid) {
  const auto trace = Import(LogText("sed"));
  ASSERT_TRUE(trace);
  EXPECT_TRUE(trace->CanBeJudged());
  EXPECT_THAT(Reasons(*trace, Kind::kUnproven), Contains(HasSubstr("--new")));
  EXPECT_THAT(Reasons(*trace, Kind::kUnproven), Contains(HasSubstr("--old")));
  // sed read all of it, so its old content is known.
  EXPECT_EQ(trace->old_tree.at(*trace->old_tree.Lookup("f")).content.ToString(), "a\nb\n");
  EXPECT_EQ(trace->new_tree.at(*trace->new_tree.Lookup("f")).content.ToString(), "x\nb\n");
}

TEST_F(ImportTest, OldContentThatTheLogDoesNotShowIsAPlaceholderOfTheRightSize) {
  const auto trace = ImportLines(
      "10 newfstatat(AT_FDCWD</d>, \"f\", {st_mode=S_IFREG|0640, st_size=7000, ...}, 0) = 0\n"
      "10 openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_APPEND) = 3</d/f>\n10 write(3</d/f>, \"end\", 3) "
      "= 3\n10 "
      "close(3</d/f>) = 0\n");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_TRUE(trace->CanBeJudged());
  const Inode& old = trace->old_tree.at(*trace->old_tree.Lookup("f"));
  EXPECT_EQ(old.content.size(), 7000u);
  EXPECT_EQ(old.mode, 0640u);
  EXPECT_THAT(old.content.ToString(), HasSubstr("not in the log"));
  EXPECT_EQ(trace->ops[0].offset, 7000u);
  EXPECT_THAT(trace->notes, Contains(HasSubstr("placeholder")));
}

TEST_F(ImportTest, AnAppendToAFileOfUnknownSizeCannotBeJudged) {
  const auto trace = ImportLines(
      "10 openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_APPEND) = 3</d/f>\n10 write(3</d/f>, \"end\", 3) "
      "= 3\n");
  ASSERT_TRUE(trace);
  EXPECT_THAT(Reasons(*trace, Kind::kIncomplete), Contains(HasSubstr("--old")));
}

TEST_F(ImportTest, ASizeShownLaterTellsThatAFileWasThereBefore) {
  const auto trace = ImportLines(
      "10 openat(AT_FDCWD</d>, \"db\", O_RDWR|O_CREAT, 0644) = 3</d/db>\n"
      "10 fstat(3</d/db>, {st_mode=S_IFREG|0600, st_size=8192, ...}) = 0\n10 pwrite64(3</d/db>, "
      "\"x\", 1, "
      "100) = 1\n");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_TRUE(trace->old_tree.Lookup("db"));
  ASSERT_EQ(trace->ops.size(), 2u);
  EXPECT_EQ(trace->ops[0].kind, OpKind::kWrite);
  EXPECT_EQ(trace->ops[0].size_after, 8192u);
}

struct Hole {
  const char* name;
  const char* lines;
  const char* said;
};
class HoleTest : public ImportTest, public testing::WithParamInterface<Hole> {};

TEST_P(HoleTest, IsSaidAndPreventsAVerdict) {
  const auto trace = ImportLines(GetParam().lines);
  const std::string open =
      "10 openat(AT_FDCWD</d>, \"f\", O_RDWR|O_CREAT|O_EXCL, 0644) = 3</d/f>\n";
  if (!trace) {
    EXPECT_THAT(trace.error().message, HasSubstr(GetParam().said));
    return;
  }
  EXPECT_FALSE(trace->CanBeJudged());
  std::string all;
  for (const Obstacle& obstacle : trace->obstacles) all += obstacle.reason + "\n";
  EXPECT_THAT(all, HasSubstr(GetParam().said));
}

#define OPEN "10 openat(AT_FDCWD</d>, \"f\", O_RDWR|O_CREAT|O_EXCL, 0644) = 3</d/f>\n"
INSTANTIATE_TEST_SUITE_P(
    Each, HoleTest,
    testing::Values(
        Hole{"CutString", OPEN "10 write(3</d/f>, \"abc\"..., 4096) = 4096\n", "strace -s"},
        Hole{"MappedShared",
             OPEN
             "10 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/f>, 0) = 0x7f0000000000\n",
             "mapped shared and writable"},
        Hole{"MappedThenProtected",
             OPEN "10 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</d/f>, 0) = 0x7f0000000000\n"
                  "10 mprotect(0x7f0000000000, 4096, PROT_READ|PROT_WRITE) = 0\n",
             "mapped shared and writable"},
        Hole{"Uring", OPEN "10 io_uring_setup(8, {flags=0}) = 4<anon_inode:[io_uring]>\n",
             "io_uring"},
        Hole{"InheritedPosition", "10 write(5</d/g>, \"abc\", 3) = 3\n",
             "where in its file it stood"},
        Hole{"InheritedWithoutPaths", "10 write(5, \"abc\", 3) = 3\n", "strace -y"},
        Hole{"ChildNotFollowed", OPEN "10 fork() = 11\n", "strace -f"},
        Hole{"ChildFromNowhere", OPEN "12 close(3) = 0\n12 +++ exited with 0 +++\n", "strace -f"},
        Hole{"StillRunning", OPEN "10 fork() = 11\n11 close(3) = 0\n",
             "the log ends before process 11 does"},
        Hole{"UsedAfterClose", OPEN "10 close(3</d/f>) = 0\n10 write(3</d/f>, \"a\", 1) = 1\n",
             "closed before"},
        Hole{"OtherFile", OPEN "10 write(3</d/g>, \"a\", 1) = 1\n",
             "which the calls before do not explain"},
        Hole{"UnknownCall", OPEN "10 syscall_0x1cf(0x3, 0, 0, 0, 0, 0) = 0\n", "a newer one"},
        Hole{"Foreign", OPEN "10 [ Process PID=10 runs in 32 bit mode. ]\n", "32-bit"},
        Hole{"Mount", OPEN "10 mount(\"a\", \"/d\", \"tmpfs\", 0, NULL) = 0\n", "mounted"},
        Hole{"Aio",
             OPEN "10 io_submit(0x7f, 1, [{aio_data=0, aio_lio_opcode=IOCB_CMD_PWRITE, "
                  "aio_fildes=3</d/f>}]) = 1\n",
             "asynchronous"},
        Hole{"Moved", "10 rename(\"/other/f\", \"f\") = 0\n", "moves"},
        Hole{"Splice", OPEN "10 splice(5<pipe:[1]>, NULL, 3</d/f>, NULL, 10, 0) = 10\n",
             "inside the kernel"},
        Hole{"Flags", OPEN "10 ioctl(3</d/f>, FS_IOC_SETFLAGS, [FS_NOCOW_FL]) = 0\n",
             "inode flags"}),
    [](const auto& test) { return std::string(test.param.name); });
#undef OPEN

TEST_F(ImportTest, ALogWithoutWholeGroupsOfCallsIsRefused) {
  const auto trace = Import(
      "10 execve(\"/bin/p\", [\"p\"], 0x7ffd /* 3 vars */) = 0\n10 rename(\"/d/a\", \"/d/b\") = "
      "0\n");
  ASSERT_FALSE(trace);
  EXPECT_THAT(trace.error().message, HasSubstr("-e trace="));
}

TEST_F(ImportTest, RelativePathsNeedADirectoryToStartFrom) {
  const std::string text =
      "execve(\"/bin/p\", [\"p\"], 0x7ffd /* 3 vars */) = 0\nread(3, \"\", 1) = 0\nclose(3) = 0\n"
      "rename(\"a\", \"b\") = 0\nexit_group(0) = ?\n+++ exited with 0 +++\n";
  ImportSpec spec;
  spec.root = "/d";
  const auto without = Import(text, spec);
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, HasSubstr("log:4"));
  EXPECT_THAT(without.error().message, HasSubstr("strace -y"));
  spec.cwd = "/d/";
  const auto with = Import(text, spec);
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_THAT(Ops(*with), Contains("rename(a → b)"));
}

TEST_F(ImportTest, SymlinksOutsideAreLearntFromWhatWasOpened) {
  const auto trace = ImportLines(
      "10 openat(AT_FDCWD</d>, \"/link/f\", O_WRONLY|O_CREAT|O_EXCL, 0644) = 3</d/f>\n10 "
      "close(3</d/f>) = 0\n"
      "10 rename(\"/link/f\", \"/link/g\") = 0\n");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_THAT(Ops(*trace), Contains("rename(f → g)"));
}

TEST_F(ImportTest, ChangesElsewhereAreSaid) {
  const auto trace = ImportLines(
      "10 openat(AT_FDCWD</d>, \"f\", O_WRONLY|O_CREAT|O_EXCL, 0644) = 3</d/f>\n"
      "10 openat(AT_FDCWD</d>, \"/var/lib/x\", O_WRONLY|O_CREAT, 0644) = 4</var/lib/x>\n");
  ASSERT_TRUE(trace);
  EXPECT_THAT(Reasons(*trace, Kind::kUnproven), Contains(HasSubstr("/var/lib/x")));
}

TEST_F(ImportTest, ALogThatChangesNothingThereAsksForTheRoot) {
  ImportSpec spec;
  spec.root = "/elsewhere";
  const auto trace = Import(LogText("sed"), spec);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_THAT(Reasons(*trace, Kind::kUnproven), Contains(HasSubstr("--root")));
}

}  // namespace
}  // namespace oldornew
