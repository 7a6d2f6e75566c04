// usage: harmless CALL: makes that system call three times so that in the end the tree is as if the
// second one had not been made, or had. Prints the number of the call. `harmless --list` prints the
// names. For holes_test.cc, which lets the recorder miss the second one.
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void Check(bool good, const char* what) {
  if (good) return;
  fprintf(stderr, "harmless: %s: %s\n", what, strerror(errno));
  exit(3);
}

/// syscall(2) that must succeed, by the number that is announced.
long nr;
template <typename... T>
long Do(T... arguments) {
  long result = syscall(nr, arguments...);
  Check(result >= 0, "the call");
  return result;
}

int fd;  // of "file", 4 bytes, for reading and writing

void Write() {
  for (int i = 0; i < 3; i++) Check(lseek(fd, 0, SEEK_SET) == 0 && Do(fd, "same", 4) == 4, "write");
}
void Pwrite() {
  for (int i = 0; i < 3; i++) Do(fd, "same", 4, 0);
}
void Writev() {
  iovec part = {const_cast<char*>("same"), 4};
  for (int i = 0; i < 3; i++) Check(lseek(fd, 0, SEEK_SET) == 0 && Do(fd, &part, 1) == 4, "writev");
}
void Pwritev() {
  iovec part = {const_cast<char*>("same"), 4};
  for (int i = 0; i < 3; i++) Do(fd, &part, 1, 0, 0, 0);
}
void Sendfile() {
  int from = open("/proc/self/exe", O_RDONLY);
  for (int i = 0; i < 3; i++) {
    Check(lseek(fd, 0, SEEK_SET) == 0 && lseek(from, 0, SEEK_SET) == 0, "lseek");
    Do(fd, from, nullptr, 4);
  }
}
void CopyRange() {
  int from = open("second", O_RDONLY);
  for (int i = 0; i < 3; i++) {
    off_t zero = 0, zero2 = 0;
    Do(from, &zero, fd, &zero2, 4, 0);
  }
}
void Truncate() {
  for (int i = 0; i < 3; i++) Do("file", 4);
}
void Ftruncate() {
  for (int i = 0; i < 3; i++) Do(fd, 4);
}
void Fallocate() {
  for (int i = 0; i < 3; i++) Do(fd, FALLOC_FL_KEEP_SIZE, 0, 4);
}
void OfDescriptor() {
  for (int i = 0; i < 3; i++) Do(fd);
}
void SyncRange() {
  for (int i = 0; i < 3; i++) Do(fd, 0, 4, SYNC_FILE_RANGE_WRITE);
}
void NoArguments() {
  for (int i = 0; i < 3; i++) Do();
}
void Msync() {
  void* at = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  for (int i = 0; i < 3; i++) Do(at, 4096, MS_SYNC);
}
void Rename() {
  const bool at = nr != SYS_rename;
  for (int i = 0; i < 3; i++) {
    if (at) Do(AT_FDCWD, i == 1 ? "second" : "file", AT_FDCWD, i == 1 ? "file" : "second", 0);
    if (!at) Do(i == 1 ? "second" : "file", i == 1 ? "file" : "second");
  }
}
void Link() {
  for (int i = 0; i < 3; i++) {
    if (nr == SYS_link) Do("file", "link");
    if (nr == SYS_linkat) Do(AT_FDCWD, "file", AT_FDCWD, "link", 0);
    Check(unlink("link") == 0, "unlink");
  }
}
void Unlink() {
  for (int i = 0; i < 3; i++) {
    close(creat("link", 0600));
    if (nr == SYS_unlink) Do("link");
    if (nr == SYS_unlinkat) Do(AT_FDCWD, "link", 0);
  }
}
void Symlink() {
  for (int i = 0; i < 3; i++) {
    if (nr == SYS_symlink) Do("target", "link");
    if (nr == SYS_symlinkat) Do("target", AT_FDCWD, "link");
    Check(unlink("link") == 0, "unlink");
  }
}
void Mkdir() {
  for (int i = 0; i < 3; i++) {
    if (nr == SYS_mkdir) Do("dir", 0700);
    if (nr == SYS_mkdirat) Do(AT_FDCWD, "dir", 0700);
    Check(rmdir("dir") == 0, "rmdir");
  }
}
void Rmdir() {
  for (int i = 0; i < 3; i++) Check(mkdir("dir", 0700) == 0 && Do("dir") == 0, "mkdir");
}
void Mknod() {
  for (int i = 0; i < 3; i++) {
    if (nr == SYS_mknod) Do("node", S_IFIFO | 0600, 0);
    if (nr == SYS_mknodat) Do(AT_FDCWD, "node", S_IFIFO | 0600, 0);
    Check(unlink("node") == 0, "unlink");
  }
}
void Create() {
  for (int i = 0; i < 3; i++) {
    long made = nr == SYS_creat  ? Do("made", 0600)
                : nr == SYS_open ? Do("made", O_CREAT | O_WRONLY, 0600)
                                 : Do(AT_FDCWD, "made", O_CREAT | O_WRONLY, 0600);
    close(static_cast<int>(made));
    Check(unlink("made") == 0, "unlink");
  }
}
void Chmod() {
  for (int i = 0; i < 3; i++) {
    const int mode = i == 1 ? 0600 : 0644;
    if (nr == SYS_chmod) Do("file", mode);
    if (nr == SYS_fchmod) Do(fd, mode);
    if (nr == SYS_fchmodat) Do(AT_FDCWD, "file", mode);
  }
}
void Chown() {
  for (int i = 0; i < 3; i++) {
    if (nr == SYS_chown || nr == SYS_lchown) Do("file", getuid(), getgid());
    if (nr == SYS_fchown) Do(fd, getuid(), getgid());
    if (nr == SYS_fchownat) Do(AT_FDCWD, "file", getuid(), getgid(), 0);
  }
}
void Times() {
  for (int i = 0; i < 3; i++) {
    if (nr == SYS_utime || nr == SYS_utimes) Do("file", nullptr);
    if (nr == SYS_utimensat) Do(AT_FDCWD, "file", nullptr, 0);
  }
}
void Setxattr() {
  for (int i = 0; i < 3; i++) {
    if (nr == SYS_fsetxattr) {
      Do(fd, "user.k", i == 1 ? "b" : "a", 1, 0);
    } else {
      Do("file", "user.k", i == 1 ? "b" : "a", 1, 0);
    }
  }
}
void Removexattr() {
  for (int i = 0; i < 3; i++) {
    Check(syscall(SYS_setxattr, "file", "user.k", "a", 1, 0) == 0, "setxattr");
    if (nr == SYS_fremovexattr) {
      Do(fd, "user.k");
    } else {
      Do("file", "user.k");
    }
  }
}
void Close() {
  for (int i = 0; i < 3; i++) Do(open("file", O_WRONLY));
}
void CloseRange() {
  for (int i = 0; i < 3; i++) {
    int from = open("file", O_WRONLY);
    Do(from, from, 0);
  }
}
void Dup() {
  for (int i = 0; i < 3; i++) {
    long copy = nr == SYS_dup ? Do(fd) : nr == SYS_dup2 ? Do(fd, 50) : Do(fd, 50, 0);
    close(static_cast<int>(copy));
  }
}
void Wait() {
  for (int i = 0; i < 3; i++) {
    const pid_t child = fork();
    if (child == 0) {
      if (pwrite(fd, "same", 4, 0) != 4) _exit(1);
      _exit(0);
    }
    if (nr == SYS_wait4) Do(child, nullptr, 0, nullptr);
    if (nr == SYS_waitid) Do(P_PID, child, nullptr, WEXITED, nullptr);
  }
}

struct Case {
  const char* name;
  long nr;
  void (*run)();
};

const Case kCases[] = {
    {"write", SYS_write, Write},
    {"pwrite64", SYS_pwrite64, Pwrite},
    {"writev", SYS_writev, Writev},
    {"pwritev", SYS_pwritev, Pwritev},
    {"pwritev2", SYS_pwritev2, Pwritev},
    {"sendfile", SYS_sendfile, Sendfile},
    {"copy_file_range", SYS_copy_file_range, CopyRange},
    {"truncate", SYS_truncate, Truncate},
    {"ftruncate", SYS_ftruncate, Ftruncate},
    {"fallocate", SYS_fallocate, Fallocate},
    {"fsync", SYS_fsync, OfDescriptor},
    {"fdatasync", SYS_fdatasync, OfDescriptor},
    {"syncfs", SYS_syncfs, OfDescriptor},
    {"sync", SYS_sync, NoArguments},
    {"sync_file_range", SYS_sync_file_range, SyncRange},
    {"msync", SYS_msync, Msync},
    {"rename", SYS_rename, Rename},
    {"renameat", SYS_renameat, Rename},
    {"renameat2", SYS_renameat2, Rename},
    {"link", SYS_link, Link},
    {"linkat", SYS_linkat, Link},
    {"unlink", SYS_unlink, Unlink},
    {"unlinkat", SYS_unlinkat, Unlink},
    {"symlink", SYS_symlink, Symlink},
    {"symlinkat", SYS_symlinkat, Symlink},
    {"mkdir", SYS_mkdir, Mkdir},
    {"mkdirat", SYS_mkdirat, Mkdir},
    {"rmdir", SYS_rmdir, Rmdir},
    {"mknod", SYS_mknod, Mknod},
    {"mknodat", SYS_mknodat, Mknod},
    {"creat", SYS_creat, Create},
    {"open", SYS_open, Create},
    {"openat", SYS_openat, Create},
    {"chmod", SYS_chmod, Chmod},
    {"fchmod", SYS_fchmod, Chmod},
    {"fchmodat", SYS_fchmodat, Chmod},
    {"chown", SYS_chown, Chown},
    {"lchown", SYS_lchown, Chown},
    {"fchown", SYS_fchown, Chown},
    {"fchownat", SYS_fchownat, Chown},
    {"utime", SYS_utime, Times},
    {"utimes", SYS_utimes, Times},
    {"utimensat", SYS_utimensat, Times},
    {"setxattr", SYS_setxattr, Setxattr},
    {"lsetxattr", SYS_lsetxattr, Setxattr},
    {"fsetxattr", SYS_fsetxattr, Setxattr},
    {"removexattr", SYS_removexattr, Removexattr},
    {"lremovexattr", SYS_lremovexattr, Removexattr},
    {"fremovexattr", SYS_fremovexattr, Removexattr},
    {"close", SYS_close, Close},
    {"close_range", SYS_close_range, CloseRange},
    {"dup", SYS_dup, Dup},
    {"dup2", SYS_dup2, Dup},
    {"dup3", SYS_dup3, Dup},
    {"wait4", SYS_wait4, Wait},
    {"waitid", SYS_waitid, Wait},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const bool list = strcmp(argv[1], "--list") == 0;
  for (const Case& one : kCases) {
    if (list) printf("%s %ld\n", one.name, one.nr);
    if (list || strcmp(argv[1], one.name) != 0) continue;
    fd = open("file", O_RDWR);
    Check(fd >= 0, "open");
    nr = one.nr;
    one.run();
    return 0;
  }
  return list ? 0 : 2;
}
