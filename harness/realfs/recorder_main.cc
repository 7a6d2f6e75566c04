// A disk that writes down what is done to it:
//
//     oldornew_block_recorder IMAGE LOG MOUNTPOINT DELAY_US LIMIT_S
//
// Serves two files: MOUNTPOINT/img, the bytes of IMAGE, and MOUNTPOINT/mark. Whatever is written to
// mark becomes a mark in LOG. Writes are logged when they are done, flushes when they arrive.
// Writes of file data (one letter all over) are answered DELAY_US later, so that a commit can
// overtake them (persistence-model.md 2).
//
// Nothing here ever sleeps while serving: a server whose threads wait hangs the loop device for
// good. The program ends by itself after LIMIT_S, and with its parent; the kernel then fails
// whatever was still asked of it.
#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "realfs/block_log.h"

namespace oldornew {
namespace {

using Clock = std::chrono::steady_clock;

constexpr fuse_ino_t kRoot = 1, kImage = 2, kMark = 3;

struct Delayed {
  Clock::time_point due;
  fuse_req_t request;
  off_t offset;
  std::string data;
};

struct Server {
  int image = -1;
  int log = -1;
  off_t size = 0;
  std::chrono::microseconds delay{0};
  std::mutex mutex;
  std::condition_variable more;
  std::deque<Delayed> queue;
} server;

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }

  return true;
}

void Log(BlockEvent::Kind kind, off_t offset, std::string_view data) {
  // A log with a hole in it would be taken for the truth.
  if (!WriteAll(server.log, EncodeEvent(kind, static_cast<uint64_t>(offset), data))) _exit(3);
}

void Done(fuse_req_t request, off_t offset, std::string_view data) {
  const ssize_t n = pwrite(server.image, data.data(), data.size(), offset);
  if (n != static_cast<ssize_t>(data.size())) {
    fuse_reply_err(request, EIO);
    return;
  }

  Log(BlockEvent::Kind::kWrite, offset, data);
  fuse_reply_write(request, data.size());
}

void ServeDelayed() {
  std::unique_lock lock(server.mutex);
  for (;;) {
    if (server.queue.empty()) {
      server.more.wait(lock);
    } else if (Clock::now() < server.queue.front().due) {
      server.more.wait_until(lock, server.queue.front().due);
    } else {
      const Delayed next = std::move(server.queue.front());
      server.queue.pop_front();
      Done(next.request, next.offset, next.data);
    }
  }
}

void Attributes(fuse_ino_t inode, struct stat* st) {
  *st = {};
  st->st_ino = inode;
  st->st_nlink = 1;
  st->st_mode = inode == kRoot ? S_IFDIR | 0755 : S_IFREG | 0600;
  if (inode == kImage) st->st_size = server.size;
}

void Lookup(fuse_req_t request, fuse_ino_t, const char* name) {
  const fuse_ino_t inode = std::strcmp(name, "img") == 0    ? kImage
                           : std::strcmp(name, "mark") == 0 ? kMark
                                                            : 0;
  if (inode == 0) {
    fuse_reply_err(request, ENOENT);
    return;
  }

  fuse_entry_param entry = {};
  entry.ino = inode;
  entry.attr_timeout = entry.entry_timeout = 60;
  Attributes(inode, &entry.attr);
  fuse_reply_entry(request, &entry);
}

void GetAttributes(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  struct stat st;
  Attributes(inode, &st);
  fuse_reply_attr(request, &st, 60);
}

void SetAttributes(fuse_req_t request, fuse_ino_t inode, struct stat*, int, fuse_file_info* info) {
  GetAttributes(request, inode, info);
}

void Open(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  info->direct_io = 1;
  fuse_reply_open(request, info);
}

void Read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info*) {
  std::string buffer(inode == kImage ? size : 0, '\0');
  const ssize_t n = pread(server.image, buffer.data(), buffer.size(), offset);
  if (n < 0) {
    fuse_reply_err(request, errno);
  } else {
    fuse_reply_buf(request, buffer.data(), static_cast<size_t>(n));
  }
}

void Write(fuse_req_t request, fuse_ino_t inode, const char* bytes, size_t size, off_t offset,
           fuse_file_info*) {
  const std::string_view data(bytes, size);
  const std::lock_guard lock(server.mutex);
  if (inode == kMark) {
    Log(BlockEvent::Kind::kMark, 0, data);
    fuse_reply_write(request, size);
  } else if (server.delay.count() > 0 && IsLetterData(data)) {
    server.queue.push_back({Clock::now() + server.delay, request, offset, std::string(data)});
    server.more.notify_one();
  } else {
    Done(request, offset, data);
  }
}

void Sync(fuse_req_t request, fuse_ino_t inode, int, fuse_file_info*) {
  const std::lock_guard lock(server.mutex);
  if (inode == kImage) Log(BlockEvent::Kind::kFlush, 0, "");
  fuse_reply_err(request, 0);
}

void Flush(fuse_req_t request, fuse_ino_t, fuse_file_info*) { fuse_reply_err(request, 0); }

int Serve(char** argv) {
  server.image = open(argv[1], O_RDWR | O_CLOEXEC);
  server.log = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  struct stat st;
  if (server.image < 0 || server.log < 0 || fstat(server.image, &st) != 0) return 1;
  server.size = st.st_size;
  server.delay = std::chrono::microseconds(std::atol(argv[4]));
  fuse_lowlevel_ops operations = {};
  operations.lookup = Lookup;
  operations.getattr = GetAttributes;
  operations.setattr = SetAttributes;
  operations.open = Open;
  operations.read = Read;
  operations.write = Write;
  operations.fsync = Sync;
  operations.flush = Flush;
  char name[] = "oldornew_block_recorder";
  char* arguments[] = {name, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  fuse_session* session = fuse_session_new(&args, &operations, sizeof operations, nullptr);
  if (session == nullptr || fuse_session_mount(session, argv[3]) != 0) return 1;

  // Out of the lab's mount namespace: the last process in it takes its mounts down when it ends,
  // and the file system on this disk must never be taken down by the one that serves the disk.
  if (unshare(CLONE_NEWNS) != 0 || umount2(argv[3], MNT_DETACH) != 0) return 1;
  std::thread(ServeDelayed).detach();
  const int status = fuse_session_loop(session);

  // The last unmount ends the connection; a read that is under way then gets ECONNABORTED instead
  // of ENODEV. Ended before that, it fails the calls of the program under test, which is noticed.
  const bool unmounted = status == 0 || status == -ECONNABORTED;
  _exit(unmounted ? 0 : 1);  // the queue's thread never ends by itself
}

}  // namespace
}  // namespace oldornew

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc != 6 || getppid() == 1) return 2;
  signal(SIGALRM, SIG_DFL);
  alarm(static_cast<unsigned>(std::atoi(argv[5])));
  return oldornew::Serve(argv);
}
