// Makes every system call that changes files, by the route named in argv[1]: "libc" (the named
// functions), "syscall" (syscall(2)) or "asm" (its own syscall instruction). Prints, for each call,
// the line that the decoded trace must have: the test compares the two lists. Runs in an empty
// directory; $OUTSIDE names one outside the judged directory.
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include <string>

namespace {

enum class Route { kLibc, kSyscall, kAsm };
Route route = Route::kLibc;
std::string expected;  // what the trace must hold, printed at the end

long Asm(long nr, long a, long b, long c, long d, long e, long f) {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  if (result < 0 && result >= -4095) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
}

template <typename T>
T* P(long value) {
  return reinterpret_cast<T*>(value);
}

long LibcData(long nr, long a, long b, long c, long d, long e, long f) {
  auto fd = static_cast<int>(a);
  switch (nr) {
    case SYS_write:
      return write(fd, P<void>(b), static_cast<size_t>(c));
    case SYS_pwrite64:
      return pwrite(fd, P<void>(b), static_cast<size_t>(c), d);
    case SYS_writev:
      return writev(fd, P<iovec>(b), static_cast<int>(c));
    case SYS_pwritev:
      return pwritev(fd, P<iovec>(b), static_cast<int>(c), d);
    case SYS_sendfile:
      return sendfile(fd, static_cast<int>(b), P<off_t>(c), static_cast<size_t>(d));
    case SYS_truncate:
      return truncate(P<char>(a), b);
    case SYS_ftruncate:
      return ftruncate(fd, b);
    case SYS_fallocate:
      return fallocate(fd, static_cast<int>(b), c, d);
    case SYS_fsync:
      return fsync(fd);
    case SYS_fdatasync:
      return fdatasync(fd);
    case SYS_syncfs:
      return syncfs(fd);
    case SYS_sync:
      sync();
      return 0;
    case SYS_sync_file_range:
      return sync_file_range(fd, b, c, static_cast<unsigned>(d));
    case SYS_open:
      return open(P<char>(a), static_cast<int>(b), static_cast<mode_t>(c));
    case SYS_openat:
      return openat(fd, P<char>(b), static_cast<int>(c), static_cast<mode_t>(d));
    case SYS_creat:
      return creat(P<char>(a), static_cast<mode_t>(b));
    case SYS_close:
      return close(fd);
    default:
      return syscall(nr, a, b, c, d, e, f);
  }
}

long LibcNames(long nr, long a, long b, long c, long d, long e, long f) {
  auto fd = static_cast<int>(a);
  auto mode = static_cast<mode_t>(c);
  switch (nr) {
    case SYS_mkdir:
      return mkdir(P<char>(a), static_cast<mode_t>(b));
    case SYS_mkdirat:
      return mkdirat(fd, P<char>(b), mode);
    case SYS_mknod:
      return mknod(P<char>(a), static_cast<mode_t>(b), static_cast<dev_t>(c));
    case SYS_mknodat:
      return mknodat(fd, P<char>(b), mode, static_cast<dev_t>(d));
    case SYS_symlink:
      return symlink(P<char>(a), P<char>(b));
    case SYS_symlinkat:
      return symlinkat(P<char>(a), static_cast<int>(b), P<char>(c));
    case SYS_link:
      return link(P<char>(a), P<char>(b));
    case SYS_linkat:
      return linkat(fd, P<char>(b), static_cast<int>(c), P<char>(d), static_cast<int>(e));
    case SYS_rename:
      return rename(P<char>(a), P<char>(b));
    case SYS_renameat:
      return renameat(fd, P<char>(b), static_cast<int>(c), P<char>(d));
    case SYS_renameat2:
      return renameat2(fd, P<char>(b), static_cast<int>(c), P<char>(d), static_cast<unsigned>(e));
    case SYS_unlink:
      return unlink(P<char>(a));
    case SYS_unlinkat:
      return unlinkat(fd, P<char>(b), static_cast<int>(c));
    case SYS_rmdir:
      return rmdir(P<char>(a));
    case SYS_chmod:
      return chmod(P<char>(a), static_cast<mode_t>(b));
    case SYS_fchmod:
      return fchmod(fd, static_cast<mode_t>(b));
    case SYS_fchmodat:
      return fchmodat(fd, P<char>(b), mode, 0);
    case SYS_chown:
      return chown(P<char>(a), static_cast<uid_t>(b), static_cast<gid_t>(c));
    case SYS_fchown:
      return fchown(fd, static_cast<uid_t>(b), static_cast<gid_t>(c));
    case SYS_lchown:
      return lchown(P<char>(a), static_cast<uid_t>(b), static_cast<gid_t>(c));
    case SYS_utimensat:
      return b == 0 ? futimens(fd, P<timespec>(c))
                    : utimensat(fd, P<char>(b), P<timespec>(c), static_cast<int>(d));
    default:
      return LibcData(nr, a, b, c, d, e, f);
  }
}

template <typename T>
long L(T value) {
  return (long)value;
}

/// Makes the call and notes that the trace must show `line` (empty: nothing), with the errno if it
/// failed.
template <typename A = long, typename B = long, typename C = long, typename D = long,
          typename E = long, typename F = long>
long Do(const std::string& line, long nr, A a = 0, B b = 0, C c = 0, D d = 0, E e = 0, F f = 0) {
  errno = 0;
  long result = route == Route::kAsm       ? Asm(nr, L(a), L(b), L(c), L(d), L(e), L(f))
                : route == Route::kSyscall ? syscall(nr, L(a), L(b), L(c), L(d), L(e), L(f))
                                           : LibcNames(nr, L(a), L(b), L(c), L(d), L(e), L(f));
  int error = errno;
  if (!line.empty()) {
    expected += line;
    if (result == -1) expected += std::string(" = ") + strerrorname_np(error);
    expected += '\n';
  }
  errno = error;
  return result;
}

void Also(const std::string& line) { expected += line + "\n"; }

const std::string kBytes(5000, 'x');
const std::string kPages(3 * 4096, 'p');

void Writes() {
  int fd = static_cast<int>(Do("create w", SYS_openat, AT_FDCWD, "w", O_CREAT | O_RDWR, 0644));
  Do("write w 0+5000", SYS_write, fd, kBytes.data(), 5000);
  Do("write w 2+3", SYS_pwrite64, fd, "abc", 3, 2);
  iovec parts[3] = {{const_cast<char*>("one"), 3}, {nullptr, 0}, {const_cast<char*>("three"), 5}};
  Do("write w 5000+8", SYS_writev, fd, parts, 3);
  Do("write w 100+8", SYS_pwritev, fd, parts, 3, 100, 0);
  Do("write w 5008+8", SYS_pwritev2, fd, parts, 3, -1, -1, 0);
  Do("write w 200+8", SYS_pwritev2, fd, parts, 3, 200, 0, RWF_DSYNC);
  Do("write w 5016+8", SYS_pwritev2, fd, parts, 3, 0, 0, RWF_APPEND);
  // Nothing is written by these, whatever the buffer.
  Do("", SYS_write, fd, kBytes.data(), 0);
  Do("write w 5016+0", SYS_write, fd, 8, 10);
  // A buffer that ends at an unreadable page.
  auto* pages = static_cast<char*>(
      mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(pages + 4096, 4096, PROT_NONE);
  memset(pages, 'h', 4096);
  int half =
      static_cast<int>(Do("create half", SYS_open, "half", O_CREAT | O_WRONLY | O_EXCL, 0600));
  Do("write half 0+4096", SYS_write, half, pages, 8192);
  Do("close half", SYS_close, half);
  int append = static_cast<int>(Do("", SYS_openat, AT_FDCWD, "w", O_WRONLY | O_APPEND | O_SYNC, 0));
  Do("write w 5024+3", SYS_write, append, "end", 3);
  Do("write w 5027+3", SYS_pwrite64, append, "END", 3,
     0);  // Linux appends whatever the offset says
  Do("close w", SYS_close, append);
  Do("", SYS_lseek, fd, 10000, SEEK_SET);
  Do("write w 10000+1", SYS_write, fd, "!", 1);
  Do("close w", SYS_close, fd);
}

void Transfers() {
  int from = static_cast<int>(Do("", SYS_openat, AT_FDCWD, "w", O_RDONLY, 0));
  int to = static_cast<int>(Do("create t", SYS_creat, "t", 0640));
  Do("write t 0+10001", SYS_sendfile, to, from, 0, 1 << 20);
  off_t in = 0;
  off_t out = 20000;
  Do("write t 20000+100", SYS_copy_file_range, from, &in, to, &out, 100, 0);
  int ends[2];
  if (pipe(ends) != 0) abort();
  Do("", SYS_write, ends[1], "through the pipe", 16);
  out = 7;
  Do("write t 7+16", SYS_splice, ends[0], 0, to, &out, 4096, 0);
  Do("close t", SYS_close, to);
  close(ends[0]);
  close(ends[1]);
  int clone = static_cast<int>(
      Do("create clone", SYS_openat, AT_FDCWD, "clone", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  Do("write clone 0+0", SYS_ioctl, clone, FICLONE, from);
  close(from);
  Do("close clone", SYS_close, clone);
}

void Sizes() {
  int fd =
      static_cast<int>(Do("create s", SYS_openat, AT_FDCWD, "s", O_CREAT | O_EXCL | O_RDWR, 0600));
  Do("write s 0+12288", SYS_write, fd, kPages.data(), 12288);
  Do("truncate s 12288>100", SYS_ftruncate, fd, 100);
  Do("truncate s 100>9000", SYS_truncate, "s", 9000);
  Do("allocate s 9000>32768", SYS_fallocate, fd, 0, 0, 32768);
  Do("allocate s 32768>32768", SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 32768, 4096);
  Do("write s 0+12288", SYS_pwrite64, fd, kPages.data(), 12288, 0);
  Do("allocate s 32768>32768", SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000,
     5000);
  if (Do("allocate s 32768>32768", SYS_fallocate, fd, FALLOC_FL_ZERO_RANGE, 7000, 100) == 0) {
    Do("allocate s 32768>28672", SYS_fallocate, fd, FALLOC_FL_COLLAPSE_RANGE, 4096, 4096);
    Do("allocate s 28672>36864", SYS_fallocate, fd, FALLOC_FL_INSERT_RANGE, 0, 8192);
  }
  Do("close s", SYS_close, fd);
  struct stat st;
  stat("s", &st);
  fd = static_cast<int>(
      Do("truncate s " + std::to_string(st.st_size) + ">0", SYS_open, "s", O_WRONLY | O_TRUNC, 0));
  Do("close s", SYS_close, fd);
  Do("", SYS_truncate, "missing", 5);
  Do("truncate w 10001>500", SYS_truncate, "w", 500);
}

void Syncs() {
  int fd = static_cast<int>(Do("", SYS_openat, AT_FDCWD, "s", O_RDWR, 0));
  int dir = static_cast<int>(Do("", SYS_openat, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0));
  Do("fsync s", SYS_fsync, fd);
  Do("fdatasync s", SYS_fdatasync, fd);
  Do("sync_range s", SYS_sync_file_range, fd, 0, 4096, SYNC_FILE_RANGE_WRITE);
  Do("fsync .", SYS_fsync, dir);
  Do("syncfs .", SYS_syncfs, dir);
  Do("sync ", SYS_sync);
  Do("close s", SYS_close, fd);
  close(dir);
}

void Opens() {
  // Through a dangling symlink: the name made is the link's target, in another directory.
  Do("create d", SYS_mkdir, "d", 0755);
  Do("create d/link", SYS_symlink, "sub/../../made", "d/link");
  Do("create d/sub", SYS_mkdirat, AT_FDCWD, "d/sub/", 0755);
  int fd = static_cast<int>(Do("create made", SYS_open, "d/link", O_CREAT | O_WRONLY, 0644));
  Do("close made", SYS_close, fd);
  Do("create made", SYS_open, "made", O_CREAT | O_EXCL | O_WRONLY, 0644);
  Do("", SYS_open, "missing", O_WRONLY, 0);
  Do("", SYS_open, "d", O_WRONLY, 0);
  int dir = static_cast<int>(
      Do("", SYS_openat, AT_FDCWD, "d/sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
  fd = static_cast<int>(Do("create d/up", SYS_openat, dir, "../up", O_CREAT | O_RDWR, 0644));
  Do("close d/up", SYS_close, fd);
  open_how how = {};
  how.flags = O_CREAT | O_WRONLY | O_EXCL;
  how.mode = 0600;
  fd = static_cast<int>(Do("create d/sub/two", SYS_openat2, dir, "two", &how, sizeof how));
  Do("close d/sub/two", SYS_close, fd);
  how.resolve = RESOLVE_IN_ROOT;
  how.flags = O_CREAT | O_WRONLY;
  fd =
      static_cast<int>(Do("create d/sub/rooted", SYS_openat2, dir, "/../rooted", &how, sizeof how));
  Do("close d/sub/rooted", SYS_close, fd);
  // No name, then one through /proc.
  fd =
      static_cast<int>(Do("create (unnamed)", SYS_openat, AT_FDCWD, "d", O_TMPFILE | O_RDWR, 0640));
  if (fd >= 0) {
    Do("write (unnamed) 0+4", SYS_write, fd, "temp", 4);
    std::string proc = "/proc/self/fd/" + std::to_string(fd);
    Do("link d/named", SYS_linkat, AT_FDCWD, proc.c_str(), dir, "../named", AT_SYMLINK_FOLLOW);
    Do("link d/named2", SYS_linkat, fd, "", AT_FDCWD, "d/named2", AT_EMPTY_PATH);
    Do("", SYS_openat, AT_FDCWD, proc.c_str(), O_RDONLY, 0);
    int again = static_cast<int>(
        Do("truncate d/named2 4>0", SYS_openat, AT_FDCWD, proc.c_str(), O_WRONLY | O_TRUNC, 0));
    Do("close d/named2", SYS_close, again);
    Do("close d/named2", SYS_close, fd);
  }
  close(dir);
}

void Names() {
  if (chdir("d") != 0) abort();
  Do("create d/fifo", SYS_mknod, "fifo", S_IFIFO | 0600, 0);
  Do("create d/sock", SYS_mknodat, AT_FDCWD, "sub/../sock", S_IFSOCK | 0600, 0);
  Do("link d/up2", SYS_link, "up", "up2");
  Do("link d/sub/up3", SYS_linkat, AT_FDCWD, "up", AT_FDCWD, "sub/up3", 0);
  Do("rename d/up -> d/UP", SYS_rename, "up", "../d/UP");
  Do("", SYS_rename, "UP", "up2");  // two links of one file: nothing happens
  Do("rename d/UP -> d/sub/two", SYS_renameat, AT_FDCWD, "UP", AT_FDCWD, "sub/two");
  Do("rename d/sub -> moved", SYS_renameat2, AT_FDCWD, "sub/", AT_FDCWD, "../moved/", 0);
  Do("rename moved -> d/up2", SYS_renameat2, AT_FDCWD, "../moved", AT_FDCWD, "up2",
     RENAME_EXCHANGE);
  Do("rename d/up2 -> moved", SYS_renameat2, AT_FDCWD, "up2", AT_FDCWD, "../moved",
     RENAME_EXCHANGE);
  Do("rename d/up2 -> moved", SYS_renameat2, AT_FDCWD, "up2", AT_FDCWD, "../moved",
     RENAME_NOREPLACE);
  if (Do("rename d/fifo -> d/ffo", SYS_renameat2, AT_FDCWD, "fifo", AT_FDCWD, "ffo",
         RENAME_WHITEOUT) == 0)
    Also("setattr d/fifo 0000");
  Do("rename d/none -> d/x", SYS_rename, "none", "x");
  Do("create d/sl", SYS_symlinkat, "any target", AT_FDCWD, "sl");
  Do("create d", SYS_mkdir, "../d", 0777);
  Do("unlink d/sock", SYS_unlink, "sock");
  Do("unlink d/up2", SYS_unlinkat, AT_FDCWD, "./up2", 0);
  Do("unlink d/none", SYS_unlink, "none");
  Do("unlink moved", SYS_rmdir, "../moved");
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {AF_UNIX, "socket"};
  Do("create d/socket", SYS_bind, s, &address, sizeof address);
  close(s);
  if (chdir("..") != 0) abort();
  Do("create e", SYS_mkdir, "e", 0700);
  Do("unlink e", SYS_unlinkat, AT_FDCWD, "e", AT_REMOVEDIR);
  // The inode number of a removed file comes back for the next one: another object all the same.
  for (int i = 0; i < 3; i++) {
    int fd =
        static_cast<int>(Do("create again", SYS_open, "again", O_CREAT | O_WRONLY | O_EXCL, 0644));
    Do("write again 0+1", SYS_write, fd, "x", 1);
    Do("close again", SYS_close, fd);
    if (i < 2) Do("unlink again", SYS_unlink, "again");
  }
}

void Metadata() {
  int fd = static_cast<int>(Do("create m", SYS_open, "m", O_CREAT | O_RDWR, 0644));
  timespec times[2] = {{1, 0}, {2, 0}};
  timeval micro[2] = {{1, 0}, {2, 0}};
  utimbuf seconds = {1, 2};
  Do("setattr m 0600", SYS_chmod, "m", 0600);
  Do("setattr m 0640", SYS_fchmod, fd, 0640);
  Do("setattr m 0644", SYS_fchmodat, AT_FDCWD, "m", 0644);
  Do("setattr m 4755", 452 /* fchmodat2 */, AT_FDCWD, "m", 04755, 0);
  Do("write m 0+1", SYS_write, fd, "x", 1);
  Do("setattr m 4755", SYS_chmod, "m", 04755);
  Do("setattr m 0755", SYS_chown, "m", 12, 34);  // clears the set-user-id bit
  Do("setattr m 0755", SYS_fchown, fd, 56, -1);
  Do("create ml", SYS_symlink, "m", "ml");
  Do("setattr ml 0777", SYS_lchown, "ml", 7, 8);
  Do("setattr m 0755", SYS_fchownat, AT_FDCWD, "ml", 0, 0, 0);
  Do("setattr m 0755", SYS_fchownat, fd, "", 0, 0, AT_EMPTY_PATH);
  Do("settimes m", SYS_utimensat, AT_FDCWD, "m", times, 0);
  Do("settimes m", SYS_utimensat, fd, 0, 0, 0);
  Do("settimes m", SYS_utime, "m", &seconds);
  Do("settimes m", SYS_utimes, "m", micro);
  Do("settimes m", SYS_futimesat, AT_FDCWD, "m", micro);
  Do("setxattr m user.a", SYS_setxattr, "m", "user.a", "value", 5, 0);
  Do("setxattr m user.b", SYS_fsetxattr, fd, "user.b", "", 0, 0);
  Do("setxattr m user.c", SYS_lsetxattr, "m", "user.c", "cc", 2, 0);
  struct {
    uint64_t value;
    uint32_t size, flags;
  } arguments = {reinterpret_cast<uint64_t>("at"), 2, 0};
  Do("setxattr m user.d", 463 /* setxattrat */, AT_FDCWD, "m", 0, "user.d", &arguments,
     sizeof arguments);
  Do("setxattr m user.a", SYS_setxattr, "m", "user.a", "again", 5, XATTR_CREATE);
  Do("removexattr m user.a", SYS_removexattr, "m", "user.a");
  Do("removexattr m user.b", SYS_fremovexattr, fd, "user.b");
  Do("removexattr m user.c", SYS_lremovexattr, "m", "user.c");
  Do("removexattr m user.d", 466 /* removexattrat */, AT_FDCWD, "m", 0, "user.d");
  Do("removexattr m user.none", SYS_removexattr, "m", "user.none");
  // An ACL of three entries is a chmod (rw-r-----); one that names a user is kept.
  const unsigned char minimal[] = {2, 0, 0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 4,   0,
                                   4, 0, 255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
  const unsigned char full[] = {2, 0, 0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                                0, 5, 0,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                                4, 0, 255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
  if (Do("", SYS_fsetxattr, fd, "system.posix_acl_access", minimal, sizeof minimal, 0) == 0) {
    Also("setattr m 0640");
    Do("setxattr m system.posix_acl_access", SYS_fsetxattr, fd, "system.posix_acl_access", full,
       sizeof full, 0);
    Do("setattr m 0600", SYS_fchmod, fd, 0600);
    Also("setxattr m system.posix_acl_access");  // the mask has become none
  }
  Do("close m", SYS_close, fd);
}

void Descriptors() {
  int fd = static_cast<int>(Do("create f", SYS_open, "f", O_CREAT | O_WRONLY, 0644));
  int copy = static_cast<int>(Do("", SYS_dup, fd));
  Do("", SYS_dup2, copy, 60);
  Do("", SYS_close, fd);
  Do("", SYS_close, copy);
  Do("", SYS_fcntl, 60, F_DUPFD_CLOEXEC, 70);
  Do("", SYS_close, 60);
  int other = static_cast<int>(Do("create g", SYS_open, "g", O_CREAT | O_WRONLY, 0644));
  Do("close f", SYS_dup3, other, 70, O_CLOEXEC);
  Do("", SYS_close, other);
  Do("close g", SYS_close_range, 70, 80, 0);
}

void Outside() {
  std::string path = std::string(getenv("OUTSIDE")) + "/o";
  int fd = static_cast<int>(Do("", SYS_open, path.c_str(), O_CREAT | O_RDWR, 0644));
  Do("", SYS_write, fd, "outside", 7);
  Do("", SYS_fsync, fd);
  Do("", SYS_close, fd);
  Do("", SYS_rename, path.c_str(), (path + "2").c_str());
  Do("", SYS_chmod, (path + "2").c_str(), 0600);
  Do("", SYS_unlink, (path + "2").c_str());
  // Pointers that lead nowhere are the kernel's business.
  Do("", SYS_open, 8, O_CREAT | O_WRONLY, 0644);
  Do("", SYS_rename, "m", 8);
  Do("", SYS_mkdir, std::string(5000, 'n').c_str(), 0777);
  Do("", SYS_rename, "m", "/");
  Do("", SYS_unlink, "d/..");
  Do("", SYS_unlink, "");
}

}  // namespace

int main(int argc, char** argv) {
  std::string name = argc > 1 ? argv[1] : "libc";
  route = name == "asm" ? Route::kAsm : name == "syscall" ? Route::kSyscall : Route::kLibc;
  umask(0);
  Writes();
  Transfers();
  Sizes();
  Syncs();
  Opens();
  Names();
  Metadata();
  Descriptors();
  Outside();
  if (write(1, expected.data(), expected.size()) != static_cast<ssize_t>(expected.size())) return 1;
  return 0;
}
