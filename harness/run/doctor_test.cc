#include "run/doctor.h"

#include <sys/stat.h>

#include "run/program_image.h"
#include "run/test_support.h"
#include "run/tracing_probe.h"

namespace oldornew {
namespace {

using Level = DoctorAnswer::Level;

/// The answer on `topic`; a failure of the test when there is none.
DoctorAnswer On(const DoctorReport& report, const std::string& topic) {
  for (const DoctorAnswer& answer : report.answers) {
    if (answer.topic == topic) return answer;
  }
  ADD_FAILURE() << "nothing is said on " << topic;
  return {};
}

/// An environment variable for the time of one test.
class WithVariable {
 public:
  WithVariable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~WithVariable() { unsetenv(name_); }

 private:
  const char* name_;
};

/// In an empty current directory: the doctor looks at its size.
class Doctor : public ::testing::Test {
 protected:
  Doctor() { EXPECT_EQ(chdir(dir_->path().c_str()), 0); }
  ~Doctor() override { EXPECT_EQ(chdir(before_.c_str()), 0); }

  std::string before_ = RealPath(".").value_or("/");
  std::unique_ptr<TempDir> dir_ =
      std::make_unique<TempDir>(TempDir::Create("oldornew-doctor-test-").value());
};

TEST_F(Doctor, AnswersEveryQuestionInASentenceAndAdvisesWhereItSaysNo) {
  for (const char* variable : {"OLDORNEW_UNUSED", "OLDORNEW_NO_NAMESPACE", "OLDORNEW_NO_SUD"}) {
    const WithVariable set(variable, "1");
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{}, {"sh"}, {"sed", "-i", "s/a/b/", "f"}}) {
      std::set<std::string> topics;
      for (const DoctorAnswer& answer : Diagnose({command}).answers) {
        EXPECT_TRUE(topics.insert(answer.topic).second) << answer.topic << " comes twice";
        EXPECT_TRUE(answer.question.find('?') != std::string::npos) << answer.question;
        EXPECT_FALSE(answer.answer.empty()) << answer.question;
        EXPECT_TRUE(answer.level == Level::kYes || !answer.advice.empty()) << answer.question;
      }
    }
  }
}

TEST_F(Doctor, RecordsATrialAndProposesTheCheck) {
  const DoctorReport report = Diagnose({{"sed", "-i", "s/a b/c/", "f"}});
  EXPECT_TRUE(report.CanJudge());
  EXPECT_NE(On(report, "trial").answer.find("complete"), std::string::npos);
  EXPECT_EQ(report.next, "oldornew check -- sed -i 's/a b/c/' f");
}

TEST_F(Doctor, SaysThatAProgramIsMissing) {
  const DoctorReport report = Diagnose({{"no-such-command-anywhere"}});
  EXPECT_TRUE(report.program_missing);
  EXPECT_EQ(On(report, "program").level, Level::kNo);
  EXPECT_EQ(report.next, "");
}

TEST_F(Doctor, SaysThatTheWorkAreaIsImpossible) {
  const DoctorReport report = Diagnose({{}, "/no/such/place"});
  EXPECT_FALSE(report.CanJudge());
  EXPECT_NE(On(report, "copies").answer.find("/no/such/place"), std::string::npos);
}

TEST_F(Doctor, SaysThatRecordingIsSlowWhereOnlyTracingIsLeft) {
  const WithVariable off("OLDORNEW_NO_SUD", "1");
  const DoctorReport report = Diagnose({{"sed"}});
  if (!ProbeTracing()) GTEST_SKIP() << "nothing may be traced here";
  EXPECT_TRUE(report.CanJudge());
  EXPECT_EQ(On(report, "recording").level, Level::kPartly);
  EXPECT_NE(On(report, "recording").advice.find("unset OLDORNEW_NO_SUD"), std::string::npos);
  EXPECT_NE(On(report, "recordable").answer.find("tracing"), std::string::npos);
}

TEST_F(Doctor, ProposesNothingWhereNothingCanBeRecorded) {
  const WithVariable broken("OLDORNEW_PRELOAD", "/no/such/liboldornew_preload.so");
  const DoctorReport report = Diagnose({{"sed"}});
  EXPECT_FALSE(report.CanJudge());
  EXPECT_EQ(On(report, "recording").level, Level::kNo);
  EXPECT_EQ(report.next, "");
}

TEST_F(Doctor, TriesTheCommandWhenAskedTo) {
  const auto tried = [](const char* script) {
    return On(Diagnose({.command = {"sh", "-c", script}, .try_it = true}), "run");
  };

  EXPECT_EQ(tried("echo a > f; mv f g").level, Level::kYes);
  EXPECT_NE(access("g", F_OK), 0) << "in a copy";
  EXPECT_EQ(tried("echo sorry >&2; exit 3").level, Level::kPartly);
  EXPECT_NE(tried("echo sorry >&2; exit 3").answer.find("sorry"), std::string::npos);

  const DoctorAnswer mapped = tried(
      "python3 -c 'import mmap; f = open(\"f\", \"w+b\"); f.write(b\"x\" * 4096); f.flush(); "
      "m = mmap.mmap(f.fileno(), 0); m[0] = 65; m.flush()'");
  EXPECT_EQ(mapped.level, Level::kNo) << mapped.answer;
  EXPECT_NE(mapped.answer.find("mapped"), std::string::npos) << mapped.answer;
}

/// Programs made for one question each.
class DoctorProgram : public Doctor {
 protected:
  /// Writes an executable file and returns its path.
  std::string Make(const std::string& name, const std::string& bytes, mode_t mode = 0755) {
    const std::string path = dir_->path() + "/" + name;
    EXPECT_TRUE(WriteFile(path, bytes));
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  std::string CopyOf(const std::string& program, mode_t mode) {
    return Make(program.substr(program.rfind('/') + 1), ReadFile(program).value_or(""), mode);
  }
  /// Compiles C; "" where there is no compiler for it.
  std::string Compile(const std::string& flags) {
    Make("program.c",
         "#include <unistd.h>\nint main(void) { return (int)write(1, \"x\", 1) - 1; }\n", 0644);
    const std::string line =
        fmt::format("cd {} && cc program.c {} -o program 2>/dev/null", dir_->path(), flags);
    return std::system(line.c_str()) == 0 ? dir_->path() + "/program" : "";
  }
};

TEST_F(DoctorProgram, FollowsScriptsToTheImageThatRuns) {
  const std::string direct = Make("direct", "#!/bin/sh -e\ntrue\n");
  const std::string second = Make("second", "#! " + direct + "\n");
  const std::string by_env = Make("by-env", "#!/usr/bin/env -S A=b sh\ntrue\n");
  for (const std::string& path : {direct, second, by_env}) {
    const ProgramImage image = InspectProgram(path);
    EXPECT_TRUE(image.is_elf) << path;
    EXPECT_FALSE(image.is_static) << path;
    EXPECT_TRUE(image.path.ends_with("/sh")) << image.path;
    EXPECT_TRUE(image.Needs("libc.so")) << path;
  }

  EXPECT_EQ(InspectProgram(second).interpreters, (std::vector<std::string>{direct, "/bin/sh"}));
}

TEST_F(DoctorProgram, StaticProgramsAreNamedAsSuch) {
  const std::string program = Compile("-static");
  if (program.empty()) GTEST_SKIP() << "no static libc here";
  EXPECT_TRUE(InspectProgram(program).is_static);
  const DoctorReport report = Diagnose({{program}});
  EXPECT_NE(On(report, "program").answer.find("statically linked"), std::string::npos);
  EXPECT_EQ(report.CanJudge(), ProbeTracing().has_value());
}

TEST_F(DoctorProgram, LineNumbersAreFoundWhereTheyAre) {
  const std::string with = Compile("-g");
  if (with.empty()) GTEST_SKIP() << "no compiler here";
  EXPECT_EQ(On(Diagnose({{with}}), "lines").level, Level::kYes);
  const std::string without = Compile("-s");
  EXPECT_EQ(On(Diagnose({{without}}), "lines").level, Level::kPartly);
}

TEST_F(DoctorProgram, AddressSanitizerIsSeenSharedOrNot) {
  for (const char* flags : {"-fsanitize=address", "-fsanitize=address -static-libasan"}) {
    const std::string program = Compile(flags);
    if (program.empty()) continue;
    EXPECT_TRUE(InspectProgram(program).has_asan) << flags;
  }
}

TEST_F(DoctorProgram, SetUserIdIsRefusedWithTheWayOut) {
  const std::string program = CopyOf("/bin/true", 0755);
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(chown(program.c_str(), 65534, 65534), 0);
  ASSERT_EQ(chmod(program.c_str(), 04755), 0);
  const DoctorReport report = Diagnose({{program}});
  EXPECT_FALSE(report.CanJudge());
  EXPECT_NE(On(report, "recordable").answer.find("setuid"), std::string::npos);
  EXPECT_NE(On(report, "recordable").advice.find("special rights"), std::string::npos);
}

TEST_F(DoctorProgram, AnyBytesAreLookedAtWithoutHarm) {
  const std::string whole = ReadFile("/bin/true").value_or("");
  ASSERT_GT(whole.size(), 4096u);
  for (size_t size = 0; size < 4096; size += size < 300 ? 1 : 97) {
    const std::string path = Make("cut", whole.substr(0, size));
    EXPECT_FALSE(InspectProgram(path).has_asan);
  }

  for (const char* head :
       {"#!", "#!\n", "#!   \n", "#!/usr/bin/env", "#!/usr/bin/env -i\n", "#!/nowhere\n"})
    EXPECT_FALSE(InspectProgram(Make("script", head)).is_go);
  const std::string own = Make("own", "");
  const std::string circle = Make("circle", "#!" + own + "\n");
  Make("own", "#!" + circle + "\n");
  EXPECT_EQ(InspectProgram(circle).interpreters.size(), 5u)
      << "a chain without end ends as the kernel ends it";
}

}  // namespace
}  // namespace oldornew
