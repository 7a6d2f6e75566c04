// Completeness against a second witness: the calls on files that reached the funnel are, number by
// number, those that strace counts natively (interposition.md 13.3).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "interpose/launch.h"
#include "interpose/recording.h"

namespace oldornew {
namespace {

// Calls that change something, or force it to disk. The loader makes none of them, so the time
// before the library is armed does not count, and neither depends on timing.
const std::map<std::string, int> kCounted = {
    {"write", SYS_write},
    {"pwrite64", SYS_pwrite64},
    {"writev", SYS_writev},
    {"pwritev", SYS_pwritev},
    {"fsync", SYS_fsync},
    {"fdatasync", SYS_fdatasync},
    {"rename", SYS_rename},
    {"renameat", SYS_renameat},
    {"renameat2", SYS_renameat2},
    {"link", SYS_link},
    {"linkat", SYS_linkat},
    {"symlink", SYS_symlink},
    {"symlinkat", SYS_symlinkat},
    {"unlink", SYS_unlink},
    {"unlinkat", SYS_unlinkat},
    {"mkdir", SYS_mkdir},
    {"mkdirat", SYS_mkdirat},
    {"rmdir", SYS_rmdir},
    {"ftruncate", SYS_ftruncate},
    {"truncate", SYS_truncate},
    {"chmod", SYS_chmod},
    {"fchmod", SYS_fchmod},
    {"fchmodat", SYS_fchmodat},
    {"fchown", SYS_fchown},
    {"utimensat", SYS_utimensat},
    {"fallocate", SYS_fallocate},
    {"creat", SYS_creat},
    {"sync", SYS_sync},
    {"copy_file_range", SYS_copy_file_range},
};

const char* const kCommands[] = {
    "echo a > a; cat a > b; mv b c; ln c d; ln -s c e; rm d; mkdir f; rmdir f",
    "cp -a /etc/default here; tar cf t.tar here; rm -r here; tar xf t.tar",
    "dd if=/dev/zero of=z bs=1000 count=9 conv=fsync; truncate -s 3 z; chmod 600 z; touch -d @0 z; "
    "sync z",
    "printf 'a\\nb\\n' > f; sed -i s/a/x/ f; sort -o f f; tee g < f; split -b 1 f",
    "perl -e 'open(F,\">x\"); print F \"hello\"; close F; rename \"x\",\"y\"; system(\"touch q\"); "
    "unlink "
    "\"y\"'",
    "sqlite3 x.db 'create table t(a); insert into t values(1); update t set a=2; delete from t; "
    "vacuum'",
    "python3 -c 'import os; f=open(\"a\",\"w\"); f.write(\"x\"); f.flush(); os.fsync(f.fileno()); "
    "f.close(); "
    "os.replace(\"a\",\"b\")'",
    "git init -q .; git config user.email a@b; git config user.name n; git config gc.auto 0; echo "
    "1 > a; git "
    "add a; git commit -qm c",
    "env -i /bin/sh -c 'echo a > a; /bin/mv a b'",
    "for i in 1 2 3 4 5 6 7 8; do (echo $i > f$i) & done; wait; cat f? > all",
};

int RunShell(const std::string& directory, const std::string& command,
             const std::vector<std::string>& environment) {
  std::vector<char*> variables;
  for (const std::string& variable : environment)
    variables.push_back(const_cast<char*>(variable.c_str()));
  variables.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const int null_fd = open("/dev/null", O_RDWR);
    dup2(null_fd, 0);
    dup2(null_fd, 1);
    dup2(null_fd, 2);
    if (chdir(directory.c_str()) != 0) _exit(126);
    execle("/bin/sh", "sh", "-c", command.c_str(), nullptr, variables.data());
    _exit(127);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

std::vector<std::string> BaseEnvironment(const std::string& home) {
  return {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1",
          "PYTHONDONTWRITEBYTECODE=1"};
}

std::map<std::string, uint64_t> CountByStrace(const std::string& command) {
  std::map<std::string, uint64_t> counts;
  Result<TempDir> directory = TempDir::Create("completeness"),
                  aside = TempDir::Create("completeness");
  const std::string log = aside->path() + "/log", script = aside->path() + "/script";
  if (!WriteFile(script, command)) return counts;
  RunShell(directory->path(), "exec strace -f -qq -o " + log + " sh " + script,
           BaseEnvironment(aside->path()));
  const Result<std::string> text = ReadFile(log);
  if (!text) return counts;
  for (const std::string& line : Split(*text, '\n')) {
    // "pid call(...", and not "<... call resumed>"
    const size_t begin = line.find_first_not_of(' ', line.find(' '));
    const size_t end = line.find('(');
    if (begin == std::string::npos || end == std::string::npos || end < begin) continue;
    const std::string name = line.substr(begin, end - begin);
    if (kCounted.contains(name)) ++counts[name];
  }
  return counts;
}

std::map<std::string, uint64_t> CountByFunnel(const std::string& command, const char* patch) {
  std::map<std::string, uint64_t> counts;
  Result<TempDir> directory = TempDir::Create("completeness"),
                  aside = TempDir::Create("completeness");
  const std::string path = aside->path() + "/recording", script = aside->path() + "/script";
  if (!WriteFile(script, command) || !CreateRecordingFile(path)) return counts;
  std::vector<std::string> environment =
      PreloadEnvironment(BaseEnvironment(aside->path()), OLDORNEW_PRELOAD_LIBRARY, path);
  environment.push_back(patch);
  RunShell(directory->path(), "exec sh " + script, environment);
  const Result<RecordingFile> recording = RecordingFile::Open(path);
  if (!recording) return counts;
  for (const auto& [name, number] : kCounted) {
    if (recording->header().calls[number] != 0) counts[name] = recording->header().calls[number];
  }
  return counts;
}

class Completeness : public ::testing::TestWithParam<const char*> {};

TEST_P(Completeness, TheFunnelSeesTheCallsThatStraceCounts) {
  if (system("strace -V > /dev/null 2>&1") != 0) GTEST_SKIP() << "needs strace";
  const std::map<std::string, uint64_t> expected = CountByStrace(GetParam());
  ASSERT_FALSE(expected.empty()) << "strace counted nothing: it may not be allowed to trace here";
  for (const char* patch : {"OLDORNEW_PATCH=0", "OLDORNEW_PATCH=1"})
    EXPECT_EQ(CountByFunnel(GetParam(), patch), expected) << patch;
}

INSTANTIATE_TEST_SUITE_P(Command, Completeness, ::testing::ValuesIn(kCommands));

}  // namespace
}  // namespace oldornew
