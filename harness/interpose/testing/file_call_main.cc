// Makes one call of file_calls.h on "subject", after what it needs has been made ready by other
// calls, and prints what it was told: file_call NAME [skip], which leaves the call itself out.
// `list` prints all names. The other words are programs for faults_test.cc.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utime.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr char kSubject[] = "subject";
char bytes[] = "abcdefghij";
char room[4096];
long fd = -1;
long other = -1;

void OpenIt() { fd = syscall(SYS_open, kSubject, O_RDWR); }
void OpenBoth() {
  OpenIt();
  other = syscall(SYS_open, "other", O_RDONLY);
}
void OpenDirectory() { fd = syscall(SYS_open, "subject.d", O_RDONLY | O_DIRECTORY); }
void Nothing() {}

struct XattrArguments {
  uint64_t value;
  uint32_t size, flags;
};

struct Case {
  std::function<void()> prepare;
  std::function<long()> make;
};

template <typename... T>
Case OnFile(long nr, T... arguments) {
  return {OpenIt, [=] { return syscall(nr, fd, arguments...); }};
}
template <typename... T>
Case OnPath(long nr, T... arguments) {
  return {Nothing, [=] { return syscall(nr, arguments...); }};
}

iovec parts[3] = {{bytes, 2}, {bytes + 2, 0}, {bytes + 2, 8}};
iovec rooms[2] = {{room, 2}, {room + 2, 8}};
timeval micro[2] = {{1, 0}, {2, 0}};
timespec nano[2] = {{1, 0}, {2, 0}};
utimbuf seconds = {1, 2};
struct flock whole = {F_WRLCK, SEEK_SET, 0, 0, 0};
open_how how = {O_CREAT | O_WRONLY, 0644, 0};
XattrArguments xattr = {reinterpret_cast<uint64_t>("v"), 1, 0};
XattrArguments xattr_room = {reinterpret_cast<uint64_t>(room), 100, 0};

constexpr int here = AT_FDCWD;

std::map<std::string, Case> CasesOnFiles() {
  return {
      {"read", OnFile(SYS_read, room, 10)},
      {"pread64", OnFile(SYS_pread64, room, 10, 0)},
      {"readv", OnFile(SYS_readv, rooms, 2)},
      {"preadv", OnFile(SYS_preadv, rooms, 2, 0, 0)},
      {"preadv2", OnFile(SYS_preadv2, rooms, 2, 0, 0, 0)},
      {"write", OnFile(SYS_write, bytes, 10)},
      {"pwrite64", OnFile(SYS_pwrite64, bytes, 10, 5)},
      {"writev", OnFile(SYS_writev, parts, 3)},
      {"pwritev", OnFile(SYS_pwritev, parts, 3, 5, 0)},
      {"pwritev2", OnFile(SYS_pwritev2, parts, 3, 5, 0, 0)},
      {"sendfile", {OpenBoth, [] { return syscall(SYS_sendfile, fd, other, 0, 10); }}},
      {"splice",
       {[] {
          OpenIt();
          int ends[2];
          if (pipe(ends) != 0 || syscall(SYS_write, ends[1], bytes, 10) != 10) abort();
          other = ends[0];
        },
        [] { return syscall(SYS_splice, other, 0, fd, 0, 10, 0); }}},
      {"copy_file_range",
       {OpenBoth, [] { return syscall(SYS_copy_file_range, other, 0, fd, 0, 10, 0); }}},
      {"ioctl", {OpenBoth, [] { return syscall(SYS_ioctl, fd, FICLONE, other); }}},
      {"mmap",
       {OpenIt,
        [] { return syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, fd, 0) < 0 ? -1L : 0L; }}},
      {"truncate", OnPath(SYS_truncate, kSubject, 3)},
      {"ftruncate", OnFile(SYS_ftruncate, 3)},
      {"fallocate", OnFile(SYS_fallocate, 0, 0, 100)},
      {"fadvise64", OnFile(SYS_fadvise64, 0, 10, POSIX_FADV_SEQUENTIAL)},
      {"fsync", OnFile(SYS_fsync)},
      {"fdatasync", OnFile(SYS_fdatasync)},
      {"syncfs", OnFile(SYS_syncfs)},
      {"sync_file_range", OnFile(SYS_sync_file_range, 0, 10, 7)},
      {"open", OnPath(SYS_open, "subject.new", O_CREAT | O_WRONLY, 0644)},
      {"openat", OnPath(SYS_openat, here, "subject.new", O_CREAT | O_WRONLY | O_EXCL, 0644)},
      {"openat2", OnPath(SYS_openat2, here, "subject.new", &how, sizeof how)},
      {"creat", OnPath(SYS_creat, kSubject, 0600)},
      {"close", OnFile(SYS_close)},
      {"dup", OnFile(SYS_dup)},
      {"dup2", OnFile(SYS_dup2, 60)},
      {"dup3", OnFile(SYS_dup3, 60, O_CLOEXEC)},
      {"fcntl", OnFile(SYS_fcntl, F_SETLK, &whole)},
      {"flock", OnFile(SYS_flock, 2 /* LOCK_EX */)},
      {"getdents", {OpenDirectory, [] { return syscall(SYS_getdents, fd, room, sizeof room); }}},
      {"getdents64",
       {OpenDirectory, [] { return syscall(SYS_getdents64, fd, room, sizeof room); }}},
      {"fstat", OnFile(SYS_fstat, room)},
      {"fstatfs", OnFile(SYS_fstatfs, room)},
      {"fchdir", {OpenDirectory, [] { return syscall(SYS_fchdir, fd); }}},
      {"fchmod", OnFile(SYS_fchmod, 0600)},
      {"fchown", OnFile(SYS_fchown, 12, 34)},
      {"fsetxattr", OnFile(SYS_fsetxattr, "user.b", "v", 1, 0)},
      {"fgetxattr", OnFile(SYS_fgetxattr, "user.a", room, 100)},
      {"flistxattr", OnFile(SYS_flistxattr, room, 100)},
      {"fremovexattr", OnFile(SYS_fremovexattr, "user.a")},
  };
}

std::map<std::string, Case> CasesOnPaths() {
  return {
      {"newfstatat", OnPath(SYS_newfstatat, here, kSubject, room, 0)},
      {"stat", OnPath(SYS_stat, kSubject, room)},
      {"lstat", OnPath(SYS_lstat, kSubject, room)},
      {"statx", OnPath(SYS_statx, here, kSubject, 0, 0x7ff, room)},
      {"statfs", OnPath(SYS_statfs, kSubject, room)},
      {"access", OnPath(SYS_access, kSubject, R_OK)},
      {"faccessat", OnPath(SYS_faccessat, here, kSubject, R_OK)},
      {"faccessat2", OnPath(439, here, kSubject, R_OK, 0)},
      {"readlink", OnPath(SYS_readlink, "subject.l", room, 100)},
      {"readlinkat", OnPath(SYS_readlinkat, here, "subject.l", room, 100)},
      {"chdir", OnPath(SYS_chdir, "subject.d")},
      {"chroot", OnPath(SYS_chroot, "subject.d")},
      {"mkdir", OnPath(SYS_mkdir, "subject.new", 0755)},
      {"mkdirat", OnPath(SYS_mkdirat, here, "subject.new", 0755)},
      {"mknod", OnPath(SYS_mknod, "subject.new", S_IFIFO | 0644, 0)},
      {"mknodat", OnPath(SYS_mknodat, here, "subject.new", S_IFREG | 0644, 0)},
      {"symlink", OnPath(SYS_symlink, "target", "subject.new")},
      {"symlinkat", OnPath(SYS_symlinkat, "target", here, "subject.new")},
      {"link", OnPath(SYS_link, kSubject, "new")},
      {"linkat", OnPath(SYS_linkat, here, "other", here, "subject.new", 0)},
      {"unlink", OnPath(SYS_unlink, kSubject)},
      {"unlinkat", OnPath(SYS_unlinkat, here, "subject.l", 0)},
      {"rmdir", OnPath(SYS_rmdir, "subject.empty")},
      {"rename", OnPath(SYS_rename, kSubject, "new")},
      {"renameat", OnPath(SYS_renameat, here, "other", here, kSubject)},
      {"renameat2", OnPath(SYS_renameat2, here, "other", here, "subject", RENAME_EXCHANGE)},
      {"chmod", OnPath(SYS_chmod, kSubject, 0600)},
      {"fchmodat", OnPath(SYS_fchmodat, here, kSubject, 0600)},
      {"fchmodat2", OnPath(452, here, kSubject, 0600, 0)},
      {"chown", OnPath(SYS_chown, kSubject, 12, 34)},
      {"lchown", OnPath(SYS_lchown, "subject.l", 12, 34)},
      {"fchownat", OnPath(SYS_fchownat, here, kSubject, 12, 34, 0)},
      {"utime", OnPath(SYS_utime, kSubject, &seconds)},
      {"utimes", OnPath(SYS_utimes, kSubject, micro)},
      {"futimesat", OnPath(SYS_futimesat, here, kSubject, micro)},
      {"utimensat", {OpenIt, [] { return syscall(SYS_utimensat, fd, 0, nano, 0); }}},
      {"setxattr", OnPath(SYS_setxattr, kSubject, "user.b", "v", 1, 0)},
      {"lsetxattr", OnPath(SYS_lsetxattr, kSubject, "user.b", "v", 1, 0)},
      {"getxattr", OnPath(SYS_getxattr, kSubject, "user.a", room, 100)},
      {"lgetxattr", OnPath(SYS_lgetxattr, kSubject, "user.a", room, 100)},
      {"listxattr", OnPath(SYS_listxattr, kSubject, room, 100)},
      {"llistxattr", OnPath(SYS_llistxattr, kSubject, room, 100)},
      {"removexattr", OnPath(SYS_removexattr, kSubject, "user.a")},
      {"lremovexattr", OnPath(SYS_lremovexattr, kSubject, "user.a")},
      {"setxattrat", OnPath(463, here, kSubject, 0, "user.b", &xattr, sizeof xattr)},
      {"getxattrat", OnPath(464, here, kSubject, 0, "user.a", &xattr_room, sizeof xattr_room)},
      {"listxattrat", OnPath(465, here, kSubject, 0, room, 100)},
      {"removexattrat", OnPath(466, here, kSubject, 0, "user.a")},
      {"inotify_add_watch",
       {[] { fd = inotify_init(); },
        [] { return syscall(SYS_inotify_add_watch, fd, kSubject, IN_MODIFY); }}},
  };
}

std::map<std::string, Case> Cases() {
  std::map<std::string, Case> cases = CasesOnFiles();
  cases.merge(CasesOnPaths());
  return cases;
}

/// "RESULT" or "-ERRNO", and what has come into the room.
int MakeOne(const std::string& name, bool skip, bool count) {
  const std::map<std::string, Case> cases = Cases();
  const auto found = cases.find(name);
  if (found == cases.end()) return 2;
  if (count) close_range(3, ~0u, 0);  // whoever started the test may have left some open
  found->second.prepare();
  if (skip) return 0;
  errno = 0;
  const long result = found->second.make();
  printf("%ld ", result < 0 ? -static_cast<long>(errno) : result);
  fwrite(room, 1, 10, stdout);
  puts("");
  if (count) printf("%d\n", dup(1));  // the lowest number that is free
  return 0;
}

int Threads() {
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &failed] {
      for (int i = 0; i < 50; ++i) {
        const std::string path = "t" + std::to_string(t) + "-" + std::to_string(i);
        const int file = open(path.c_str(), O_CREAT | O_WRONLY, 0644);
        failed += file < 0 && errno == EMFILE;
        if (file < 0) continue;
        if (write(file, "x", 1) != 1) abort();
        close(file);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  printf("%d failed\n", failed.load());
  return 0;
}

int Stdio() {
  FILE* file = fopen("subject", "w");
  const bool put = fputs("0123456789", file) >= 0;
  const bool closed = fclose(file) == 0;
  printf("%d %d\n", put, closed);
  return 0;
}

volatile sig_atomic_t signals = 0;

void Clean(int) {
  unlink("tmp");
  _exit(3);
}

void Note(int) {
  signals = signals + 1;
  mkdir("handled", 0755);
}

/// Renames a temporary file; SIGTERM removes it, SIGUSR1 is only noted.
int Signals() {
  signal(SIGTERM, Clean);
  signal(SIGUSR1, Note);
  const int file = open("tmp", O_CREAT | O_WRONLY, 0644);
  if (write(file, "new", 3) != 3) abort();
  close(file);
  const int renamed = rename("tmp", "final");
  printf("%d %d\n", renamed == 0 ? 0 : errno, static_cast<int>(signals));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "threads") return Threads();
  if (name == "stdio") return Stdio();
  if (name == "signals") return Signals();
  if (name != "list") return MakeOne(name, argc == 3, argc > 3);
  for (const auto& [word, one] : Cases()) printf("%s\n", word.c_str());
  return 0;
}
