#include "interpose/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "interpose/file_calls.h"

namespace oldornew {
namespace {

constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ of Linux 5.14, missing from older headers

}  // namespace

namespace {

/// wchar of /proc/self/io: bytes written by this process and the children it has waited for.
std::optional<uint64_t> WrittenByKernelsCount() {
  const Result<std::string> text = ReadFile("/proc/self/io");
  const size_t at = text ? text->find("\nwchar: ") : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  return strtoull(text->c_str() + at + 8, nullptr, 10);
}

/// Counts a write of a child. False where the count is not of what programs write alone: with
/// process accounting (acct(2)), on file systems that write through another one in the name of the
/// caller (eCryptfs), or if another thread of ours is writing.
bool TryKernelsCount(int fd) {
  static constexpr char kZeros[4096] = {};
  const std::optional<uint64_t> before = WrittenByKernelsCount();
  const pid_t child = before ? fork() : -1;
  if (child < 0) return false;
  if (child == 0)
    _exit(pwrite(fd, kZeros, sizeof kZeros, wire::kHeaderSize) == sizeof kZeros ? 0 : 1);
  int status = -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }

  const std::optional<uint64_t> after = WrittenByKernelsCount();
  return status == 0 && after && *after - *before == sizeof kZeros;
}

/// Tried once for each file system: a process for each recording would be a good part of what a
/// short run costs. "No" may have been another thread's doing and is tried again.
bool KernelCountsExactly(int fd) {
  static std::mutex mutex;
  static std::set<dev_t> exact;
  struct stat st{};
  if (fstat(fd, &st) != 0) return false;
  const std::lock_guard lock(mutex);
  if (exact.contains(st.st_dev)) return true;
  if (!TryKernelsCount(fd)) return false;
  exact.insert(st.st_dev);
  return true;
}

}  // namespace

namespace {

void SetBit(uint64_t (&bits)[wire::kMaxSyscall / 64], int nr) {
  if (nr >= 0 && nr < static_cast<int>(wire::kMaxSyscall))
    bits[nr / 64] |= uint64_t{1} << (nr % 64);
}

Status PutPlan(const RecordingOptions& options, wire::Header* header) {
  const Plan& plan = options.plan;
  if (plan.empty()) return {};
  if (plan.injections.size() > wire::kMaxInjections) {
    return FailWith(ExitCode::kUsage, "{} injections, at most {} are supported",
                    plan.injections.size(), wire::kMaxInjections);
  }

  if (plan.survey) {
    header->planned |= wire::kSurvey;
    for (const wire::FileCallShape& shape : wire::kFileCalls)
      SetBit(header->planned_calls, shape.nr);
  }

  for (const Injection& injection : plan.injections) {
    header->planned |= wire::kInject;
    wire::Rule& rule = header->rules[header->rule_count++];
    for (const int nr : injection.calls) {
      SetBit(rule.calls, nr);
      SetBit(header->planned_calls, nr);
    }
    if (injection.path.size() >= wire::kMaxGlob) {
      return FailWith(ExitCode::kUsage,
                      "a path of {} bytes in an injection, at most {} are supported",
                      injection.path.size(), wire::kMaxGlob - 1);
    }
    injection.path.copy(rule.path, injection.path.size());
    rule.value = injection.value;
    rule.error = injection.error;
    rule.signal = injection.signal;
    rule.kind = static_cast<uint32_t>(injection.kind);
    rule.after = injection.after ? 1 : 0;
    rule.first = injection.first;
    rule.last = injection.last;
    rule.step = std::max(injection.step, 1u);
  }

  return {};
}

Status PutRoots(const RecordingOptions& options, wire::Header* header) {
  size_t at = 0;
  for (const std::string& root : options.roots) {
    if (at + root.size() + 2 > wire::kMaxRootPaths) {
      if (!options.plan.empty()) return Fail("the paths of the sandbox are too long");
      // roots that are not named do not meet (wire::kMeetingPlace), and nothing else is lost
      break;
    }
    root.copy(header->root_paths + at, root.size());
    at += root.size() + 1;
  }

  return {};
}

}  // namespace

Status CreateRecordingFile(const std::string& path, const RecordingOptions& options) {
  if (options.allowed_roots.size() > wire::kMaxRoots) {
    return Fail("{} directories to write in, at most {} are supported",
                options.allowed_roots.size(), wire::kMaxRoots);
  }

  if (options.channels.size() > wire::kMaxChannels) {
    return Fail("{} acknowledgement channels, at most {} are supported", options.channels.size(),
                wire::kMaxChannels);
  }

  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd.valid()) return Fail("cannot create the recording {}: {}", path, ErrnoText(errno));
  fchmod(fd.get(), 0666);  // The umask is the launcher's; processes of other users record here too.
  wire::Header header{};
  header.magic = wire::kMagic;
  header.version = wire::kVersion;
  header.size = wire::AlignUp(options.size, 65536);
  header.ticket = 1;
  if (options.refuse_read_only) header.flags |= wire::kRefuseReadOnly;
  if (!options.allowed_roots.empty()) header.flags |= wire::kCheckRoots;
  for (const DiskId& id : options.allowed_roots)
    header.roots[header.root_count++] = {id.dev, id.ino};
  for (const auto& [number, descriptor] : options.channels) {
    struct stat st{};
    if (fstat(descriptor, &st) != 0) return Fail("descriptor {}: {}", descriptor, ErrnoText(errno));
    header.channels[header.channel_count++] = {{st.st_dev, st.st_ino}, number, 0};
  }

  RETURN_IF_ERROR(PutPlan(options, &header));
  RETURN_IF_ERROR(PutRoots(options, &header));
  if (ftruncate(fd.get(), static_cast<off_t>(header.size)) != 0) {
    const bool limited = errno == EFBIG;
    return FailWith(ExitCode::kCannotJudge, "cannot make the recording {} {} long: {}{}", path,
                    ByteSize(header.size), ErrnoText(errno),
                    limited ? ": file sizes are limited (ulimit -f)" : "");
  }

  // A full file system would otherwise show as a bus error in the program.
  const uint64_t first = std::min(options.first_room, header.size);
  if (first > 0 && fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(first)) != 0 &&
      (errno == ENOSPC || errno == EDQUOT)) {
    return FailWith(ExitCode::kCannotJudge, "there is no room for the recording {}: {}", path,
                    ErrnoText(errno));
  }

  if (KernelCountsExactly(fd.get())) header.flags |= wire::kKernelCounts;
  if (pwrite(fd.get(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) {
    return Fail("cannot write {}: {}", path, ErrnoText(errno));
  }

  return {};
}

Result<RecordingFile> RecordingFile::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Fail("cannot open the recording {}: {}", path, ErrnoText(errno));
  struct stat st{};
  if (fstat(fd.get(), &st) != 0) return Fail("{}: {}", path, ErrnoText(errno));
  auto size = static_cast<uint64_t>(st.st_size);
  if (size < wire::kHeaderSize)
    return Fail("{} is no recording: {} bytes are too short", path, size);

  // Not the whole file: it is sparse and large, and our own address space may be limited.
  // for whoever checks that nothing follows the records
  constexpr uint64_t kBeyond = uint64_t{1} << 20;
  wire::Header start;
  if (pread(fd.get(), &start, sizeof start, 0) != static_cast<ssize_t>(sizeof start))
    return Fail("cannot read {}", path);
  if (start.tail < size)
    size = std::min(size, wire::AlignUp(wire::kHeaderSize + start.tail + kBeyond, 4096));
  void* base = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (base == MAP_FAILED) return Fail("cannot map {}: {}", path, ErrnoText(errno));
  RecordingFile recording(static_cast<char*>(base), size);

  // On a full tmpfs even reading a hole is a bus error. Asked for in advance it is an answer; what
  // other errors mean (old kernels) the reading itself will tell. Only what was written: fresh
  // pages cost more.
  const uint64_t used =
      start.tail < size ? wire::AlignUp(wire::kHeaderSize + start.tail, 4096) : size;
  if (madvise(base, std::min(size, used), kPopulateRead) != 0 && errno == EFAULT)
    return FailWith(ExitCode::kCannotJudge, "the file system of the recording {} is full", path);
  const wire::Header& header = recording.header();
  if (header.magic != wire::kMagic) return Fail("{} is no recording: bad magic", path);
  if (header.version != wire::kVersion) {
    return Fail("{} has recording format {}, this program reads {}", path, header.version,
                wire::kVersion);
  }

  return recording;
}

RecordingFile::RecordingFile(RecordingFile&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}

RecordingFile& RecordingFile::operator=(RecordingFile&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(size_, other.size_);
  return *this;
}

RecordingFile::~RecordingFile() {
  if (base_ != nullptr) munmap(base_, size_);
}

uint64_t RecordingFile::records_size() const {
  uint64_t end = std::min(size_, header().size);
  uint64_t room = end > wire::kHeaderSize ? end - wire::kHeaderSize : 0;
  return std::min(room, __atomic_load_n(&header().tail, __ATOMIC_ACQUIRE));
}

uint64_t RecordingFile::calls_seen() const {
  uint64_t sum = 0;
  for (uint64_t count : header().calls) sum += count;
  return sum;
}

}  // namespace oldornew
