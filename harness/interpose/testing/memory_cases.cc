// Pointers that are bad, half good, or end exactly where a page ends: every call answers as the
// kernel does.
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "interpose/testing/cases.h"

namespace oldornew::testing {
namespace {

char* page;  // readable and writable; the next page is neither
char directory[] = "/tmp/oldornew-memory-XXXXXX";

bool Prepare() {
  page = static_cast<char*>(
      mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(page + 4096, 4096, PROT_NONE);
  return mkdtemp(directory) != nullptr && chdir(directory) == 0;
}

void CleanUp() {
  chdir("/");
  const std::string command = std::string("rm -rf ") + directory;
  SayResult("clean up", system(command.c_str()));
}

void PairsWith(const char* path) {
  for (const char* other : {"good", path}) {
    SayResult("rename", syscall(SYS_rename, path, other));
    SayResult("rename to", syscall(SYS_rename, other, path));
    SayResult("renameat2", syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 1));
    SayResult("link", syscall(SYS_link, path, other));
    SayResult("link to", syscall(SYS_link, other, path));
    SayResult("symlink", syscall(SYS_symlink, path, other));
    SayResult("symlink to", syscall(SYS_symlink, other, path));
    unlink("good");
  }
}

/// Every call that takes paths, with each bad path.
void BadPaths() {
  if (!Prepare()) return;
  const std::string long_path(PATH_MAX + 10, 'b');
  const std::string long_name(300, 'c');
  const char* paths[] = {nullptr,
                         reinterpret_cast<char*>(8),
                         reinterpret_cast<char*>(~0ul),
                         page + 4096,
                         page + 4000,
                         page,
                         long_path.c_str(),
                         long_name.c_str(),
                         ""};
  int index = 0;
  for (const char* path : paths) {
    memset(page, 'a', 4096);
    Say("path %d", index++);
    SayResult("open", syscall(SYS_open, path, O_RDWR | O_CREAT, 0600));
    SayResult("openat", syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT, 0600));
    SayResult("creat", syscall(SYS_creat, path, 0600));
    SayResult("truncate", syscall(SYS_truncate, path, 0));
    SayResult("unlink", syscall(SYS_unlink, path));
    SayResult("unlinkat", syscall(SYS_unlinkat, AT_FDCWD, path, 0));
    SayResult("rmdir", syscall(SYS_rmdir, path));
    SayResult("mkdir", syscall(SYS_mkdir, path, 0700));
    SayResult("mknod", syscall(SYS_mknod, path, S_IFREG | 0600, 0));
    SayResult("chmod", syscall(SYS_chmod, path, 0600));
    SayResult("fchmodat", syscall(SYS_fchmodat, AT_FDCWD, path, 0600));
    SayResult("chown", syscall(SYS_chown, path, -1, -1));
    SayResult("lchown", syscall(SYS_lchown, path, -1, -1));
    SayResult("utime", syscall(SYS_utime, path, nullptr));
    SayResult("utimes", syscall(SYS_utimes, path, nullptr));
    SayResult("setxattr", syscall(SYS_setxattr, path, "user.a", "v", 1, 0));
    SayResult("removexattr", syscall(SYS_removexattr, path, "user.a"));
    SayResult("access", syscall(SYS_access, path, R_OK));
    SayResult("chdir", syscall(SYS_chdir, path));
    PairsWith(path);
  }
  CleanUp();
}

/// Writing from a buffer of which only the first bytes can be read transfers those bytes, or none.
void BadBuffers() {
  if (!Prepare()) return;
  const int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  struct stat now;
  for (const long inside : {0L, 1L, 7L, 100L, 4096L}) {
    memset(page, 'x', 4096);
    Say("inside %ld", inside);
    char* buffer = page + 4096 - inside;
    SayResult("write", write(fd, buffer, 5000));
    SayResult("pwrite", pwrite(fd, buffer, 5000, 1000));
    const iovec parts[] = {{page, 10}, {buffer, 5000}};
    SayResult("writev", writev(fd, parts, 2));
    SayResult("pwritev", pwritev(fd, parts, 2, 5000));
    SayResult("read", pread(fd, buffer, 5000, 0));
    fstat(fd, &now);
    Say("size %ld", static_cast<long>(now.st_size));
  }
  for (char* buffer : {static_cast<char*>(nullptr), reinterpret_cast<char*>(8),
                       reinterpret_cast<char*>(~0ul - 5)}) {
    SayResult("write", syscall(SYS_write, fd, buffer, 10));
    SayResult("write nothing", syscall(SYS_write, fd, buffer, 0));
    SayResult("writev", syscall(SYS_writev, fd, buffer, 2));
    SayResult("writev of none", syscall(SYS_writev, fd, buffer, 0));
    SayResult("pwritev2", syscall(SYS_pwritev2, fd, buffer, 2, 0, 0, 0));
    if (buffer != nullptr)
      SayResult("copy_file_range", syscall(SYS_copy_file_range, fd, buffer, fd, buffer, 10, 0));
    if (buffer != nullptr) SayResult("sendfile", syscall(SYS_sendfile, fd, fd, buffer, 10));
    SayResult("fsetxattr", syscall(SYS_fsetxattr, fd, "user.a", buffer, 10, 0));
    SayResult("fsetxattr name", syscall(SYS_fsetxattr, fd, buffer, "x", 1, 0));
    SayResult("bind",
              syscall(SYS_bind, socket(AF_UNIX, SOCK_STREAM, 0), buffer, sizeof(sockaddr_un)));
    SayResult("utimensat", syscall(SYS_utimensat, fd, buffer, reinterpret_cast<char*>(8), 0));
    SayResult("getcwd", syscall(SYS_getcwd, buffer, 100));
  }
  const iovec wild[] = {{page, 10}, {reinterpret_cast<void*>(8), 10}, {page, 10}};
  SayResult("writev, bad middle", pwritev(fd, wild, 3, 0));
  const iovec huge[] = {{page, static_cast<size_t>(LONG_MAX)}, {page, 10}};
  SayResult("writev, too long", writev(fd, huge, 2));
  SayResult("writev, too many", writev(fd, wild, 5000));
  SayResult("write, huge", write(fd, page, static_cast<size_t>(LONG_MAX)));
  fstat(fd, &now);
  Say("size %ld", static_cast<long>(now.st_size));
  CleanUp();
}

void BadDescriptors() {
  if (!Prepare()) return;
  const int read_only = open("/etc/passwd", O_RDONLY), folder = open(".", O_RDONLY | O_DIRECTORY),
            path_only = open(".", O_PATH);
  int index = 0;
  for (const int fd : {-1, 1000000, INT_MAX, INT_MIN, read_only, folder, path_only}) {
    Say("descriptor %d", index++);
    SayResult("write", write(fd, "x", 1));
    SayResult("pwrite", pwrite(fd, "x", 1, 0));
    SayResult("ftruncate", ftruncate(fd, 0));
    SayResult("fallocate", fallocate(fd, 0, 0, 10));
    SayResult("fsync", fsync(fd));
    SayResult("fdatasync", fdatasync(fd));
    SayResult("openat", openat(fd, "new", O_CREAT | O_WRONLY, 0600));
    SayResult("unlinkat", unlinkat(fd, "new", 0));
    SayResult("renameat", renameat(fd, "a", fd, "b"));
    SayResult("mkdirat", mkdirat(fd, "d", 0700));
    SayResult("rmdir", unlinkat(fd, "d", AT_REMOVEDIR));
    SayResult("linkat", linkat(fd, "", fd, "l", AT_EMPTY_PATH));
    SayResult("dup", dup(fd));
    SayResult("dup2", dup2(fd, fd));
    SayResult("fcntl", fcntl(fd, F_GETFL));
    SayResult("lseek", lseek(fd, 0, SEEK_SET));
    SayResult("mmap", mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    if (fd < 0 || fd > 1000) SayResult("close", close(fd));
  }
  CleanUp();
}

/// A page in the middle of the main stack that the program has made unreadable: what was known of
/// the stack no longer holds.
void HoleInTheStack() {
  if (!Prepare()) return;
  alignas(4096) char frame[3 * 4096];
  memset(frame, 's', sizeof frame);
  frame[4090] = 0;
  const int fd = open("good", O_RDWR | O_CREAT, 0600);
  for (int round = 0; round < 8; ++round) SayResult("write", write(fd, frame + 4000, 200));
  for (const int protection : {PROT_NONE, PROT_READ | PROT_WRITE}) {
    SayResult("mprotect", mprotect(frame + 4096, 4096, protection));
    SayResult("write", write(fd, frame + 4000, 200));
    SayResult("pwrite", pwrite(fd, frame + 4096, 10, 0));
    SayResult("open", open(frame + 4096, O_RDWR | O_CREAT, 0600));
    SayResult("rename", rename("good", frame + 4096));
    SayResult("write behind", write(fd, frame + 8192, 100));
  }
  SayResult("guard", madvise(frame + 4096, 4096, 102));
  SayResult("write", pwrite(fd, frame + 4096, 10, 0));
  SayResult("unguard", madvise(frame + 4096, 4096, 103));
  struct stat now;
  fstat(fd, &now);
  Say("size %ld", static_cast<long>(now.st_size));
  CleanUp();
}

/// The heap grows and shrinks, mappings move: none of it concerns us, all of it must work.
void MemoryCalls() {
  char* start = static_cast<char*>(sbrk(0));
  SayResult("grow", brk(start + (1 << 20)));
  start[1000] = 'x';
  SayResult("shrink", brk(start));
  void* map = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  map = mremap(map, 1 << 20, 1 << 22, MREMAP_MAYMOVE);
  memset(map, 'y', 1 << 22);
  SayResult("madvise", madvise(map, 1 << 22, MADV_DONTNEED));
  Say("zero %d", static_cast<char*>(map)[12345]);
  SayResult("munmap", munmap(map, 1 << 22));
  Say("mlockall %d", mlockall(MCL_CURRENT) == 0 || errno == ENOMEM || errno == EPERM);
}

}  // namespace

/// Unmaps, protects and maps over every file-backed mapping that it does not know (its own, the
/// libraries of C and C++, the loader), as restorers of checkpoints do.
void UnmapUnknown() {
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[512];
  unsigned long ranges[256][2];
  int count = 0;
  while (fgets(line, sizeof line, maps) != nullptr && count < 256) {
    unsigned long start, end;
    char path[400] = "";
    sscanf(line, "%lx-%lx %*s %*s %*s %*s %399s", &start, &end, path);
    const bool known = path[0] != '/' || strstr(path, "oldornew_interpose_torture") != nullptr ||
                       strstr(path, "/libc") != nullptr || strstr(path, "/ld-linux") != nullptr ||
                       strstr(path, "/libm") != nullptr || strstr(path, "/libgcc") != nullptr ||
                       strstr(path, "/libstdc++") != nullptr;
    if (known) continue;
    ranges[count][0] = start;
    ranges[count++][1] = end - start;
  }
  fclose(maps);
  int failures = 0;
  for (int i = 0; i < count; i++)
    failures += munmap(reinterpret_cast<void*>(ranges[i][0]), ranges[i][1]) != 0;
  for (int i = 0; i < count; i++) {
    // Natively there is nothing left to protect, and nothing here to be refused.
    mprotect(reinterpret_cast<void*>(ranges[i][0]), ranges[i][1], PROT_NONE);
    mmap(reinterpret_cast<void*>(ranges[i][0]), ranges[i][1], PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  }
  Say("failures %d, write %d", failures, WriteNull());
}

const TortureCase kMemoryCases[] = {{"bad-paths", BadPaths},
                                    {"bad-buffers", BadBuffers},
                                    {"bad-descriptors", BadDescriptors},
                                    {"hole-in-the-stack", HoleInTheStack},
                                    {"memory-calls", MemoryCalls},
                                    {"unmap-unknown", UnmapUnknown},
                                    {nullptr, nullptr}};

}  // namespace oldornew::testing
