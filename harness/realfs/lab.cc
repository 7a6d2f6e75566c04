#include "realfs/lab.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/text.h"

extern char** environ;

namespace oldornew {
namespace {

constexpr char kMarker[] = "oldornew-realfs-";
constexpr uint64_t kMiB = 1 << 20;

// Never a block size of 1 KiB, which mke2fs takes for small images; no lazy initialisation, which
// would write behind our back.
std::vector<std::string> MkfsExt4(const char* features = "") {
  std::vector<std::string> command = {
      "mkfs.ext4", "-q",   "-F",
      "-b",        "4096", "-J",
      "size=8",    "-E",   "lazy_itable_init=0,lazy_journal_init=0,nodiscard"};
  if (*features != '\0') command.insert(command.end(), {"-O", features});
  return command;
}

std::vector<RealFs> AllRealFs() {
  std::vector<RealFs> out;
  const auto ext4 = [&](const char* profile, const char* options, const char* features = "") {
    out.push_back({profile, "ext4", options, "", MkfsExt4(features), 128 * kMiB});
  };
  const auto btrfs = [&](const char* profile, const char* options) {
    out.push_back({profile, "btrfs", options, "", {"mkfs.btrfs", "-q", "-f", "-K"}, 256 * kMiB});
  };
  ext4("ext4", "");
  out.push_back({"xfs", "xfs", "", "nouuid", {"mkfs.xfs", "-q", "-f", "-K"}, 320 * kMiB});
  btrfs("btrfs", "");
  ext4("ext4,noauto_da_alloc", "noauto_da_alloc");
  ext4("ext4,dioread_lock", "dioread_lock");
  ext4("ext4,nodelalloc", "nodelalloc");
  ext4("ext4,data=writeback", "data=writeback");
  ext4("ext4,data=journal", "data=journal");
  ext4("ext4,fast_commit", "", "fast_commit");
  btrfs("btrfs,flushoncommit", "flushoncommit");
  btrfs("btrfs,notreelog", "notreelog");
  btrfs("btrfs,nodatacow", "nodatacow");
  return out;
}

bool InPath(const std::string& program) {
  const char* path = getenv("PATH");
  for (const std::string& dir :
       Split(std::string(path == nullptr ? "" : path) + ":/sbin:/usr/sbin", ':')) {
    if (!dir.empty() && access((dir + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Result<pid_t> Spawn(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Fail("cannot start {}: {}", command[0], ErrnoText(error));
  return pid;
}

// Waits for a child, but not for ever.
Status WaitFor(pid_t pid, const std::string& name, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return Fail("{} did not end within {} s", name, limit.count());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Fail("{} failed (status {})", name, status);
  return {};
}

// A free loop device for the file, which detaches itself when its last user is gone.
Result<UniqueFd> AttachLoop(const std::string& image, bool direct, std::string* device) {
  UniqueFd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  UniqueFd file(open(image.c_str(), O_RDWR | O_CLOEXEC));
  if (!control.valid() || !file.valid())
    return Fail("cannot open {} for a loop device: {}", image, ErrnoText(errno));
  for (int attempt = 0; attempt < 20; ++attempt) {  // another process may be faster
    const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return Fail("no free loop device: {}", ErrnoText(errno));
    *device = fmt::format("/dev/loop{}", number);
    UniqueFd loop(open(device->c_str(), O_RDWR | O_CLOEXEC));
    if (!loop.valid()) {
      // Where /dev is no devtmpfs, its node may be missing.
      mknod(device->c_str(), S_IFBLK | 0600, static_cast<dev_t>(7 << 8 | number));
      loop.Reset(open(device->c_str(), O_RDWR | O_CLOEXEC));
    }

    loop_config config = {};
    config.fd = static_cast<uint32_t>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (direct ? LO_FLAGS_DIRECT_IO : 0);
    std::strncpy(reinterpret_cast<char*>(config.info.lo_file_name), image.c_str(),
                 LO_NAME_SIZE - 1);
    if (loop.valid() && ioctl(loop.get(), LOOP_CONFIGURE, &config) == 0) return loop;
    if (errno != EBUSY) return Fail("cannot configure {}: {}", *device, ErrnoText(errno));
  }

  return Fail("loop devices are all taken");
}

std::string ParentDirectory() {
  if (access("/dev/shm", W_OK | X_OK) == 0) return "/dev/shm";
  return std::filesystem::temp_directory_path().string();
}

// The number of the process that a name holds, or -1 when it is not one of ours.
pid_t OwnerOf(const std::string& name) {
  const size_t at = name.find(kMarker);
  return at == std::string::npos
             ? -1
             : static_cast<pid_t>(std::atoi(name.c_str() + at + sizeof kMarker - 1));
}

// Loop devices in use, with the name they were given: the path of the backing file reads
// differently once its mount is detached.
std::vector<std::pair<std::string, std::string>> LoopDevices() {
  std::vector<std::pair<std::string, std::string>> out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("loop", 0) != 0 || access((entry.path() / "loop").c_str(), F_OK) != 0) continue;
    const UniqueFd loop(open(("/dev/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    loop_info64 info = {};
    if (loop.valid() && ioctl(loop.get(), LOOP_GET_STATUS64, &info) == 0)
      out.emplace_back("/dev/" + name, reinterpret_cast<const char*>(info.lo_file_name));
  }

  return out;
}

std::vector<std::string> LabDirectories() {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(ParentDirectory(), ignored)) {
    if (OwnerOf(entry.path().string()) > 0) out.push_back(entry.path().string());
  }
  return out;
}

// Detaches what processes that are gone have left, and removes their directories.
void CleanUp() {
  const auto gone = [](pid_t pid) { return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH; };
  for (const auto& [device, image] : LoopDevices()) {
    if (!gone(OwnerOf(image))) continue;
    const UniqueFd loop(open(device.c_str(), O_RDWR | O_CLOEXEC));
    if (loop.valid()) ioctl(loop.get(), LOOP_CLR_FD);
  }

  for (const std::string& directory : LabDirectories()) {
    if (!gone(OwnerOf(directory))) continue;
    umount2((directory + "/mnt").c_str(), MNT_DETACH);
    umount2((directory + "/disk").c_str(), MNT_DETACH);
    (void)RemoveTree(directory);
  }
}

}  // namespace

std::vector<std::string> LeftBehind(pid_t pid) {
  std::vector<std::string> out = LabDirectories();
  for (const auto& [device, image] : LoopDevices()) out.push_back(image);
  const auto mounts = ReadFile("/proc/self/mounts");
  for (std::string& line : Split(mounts.value_or(""), '\n')) out.push_back(std::move(line));
  std::erase_if(out, [&](const std::string& name) { return OwnerOf(name) != pid; });
  return out;
}

const std::vector<RealFs>& RealFileSystems() {
  static const std::vector<RealFs> all = AllRealFs();
  return all;
}

const RealFs* FindRealFs(std::string_view profile) {
  for (const RealFs& fs : RealFileSystems()) {
    if (fs.profile == profile) return &fs;
  }
  return nullptr;
}

std::string WhyNot(const RealFs& fs) {
  if (geteuid() != 0) return "needs root, to mount file systems";
  for (const char* device :
       {"/dev/fuse", "/dev/loop-control"}) {  // access(2) knows nothing of device cgroups
    if (!UniqueFd(open(device, O_RDWR | O_CLOEXEC)).valid())
      return fmt::format("needs {}: {}", device, ErrnoText(errno));
  }

  if (!InPath(fs.mkfs[0])) return fs.mkfs[0] + " is not installed (scripts/install-deps.sh)";
  const auto known = ReadFile("/proc/filesystems");
  if (!known || known->find("\t" + fs.type + "\n") == std::string::npos)
    return "this kernel has no " + fs.type;  // modules are not loaded for a test
  return "";
}

Result<std::unique_ptr<DiskLab>> DiskLab::Create(const std::string& recorder) {
  const std::string parent = ParentDirectory();
  const std::string lock_path = parent + "/" + kMarker + "lock";
  UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid() || flock(lock.get(), LOCK_EX) != 0)
    return Fail("cannot lock {}: {}", lock_path, ErrnoText(errno));
  CleanUp();
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return FailWith(ExitCode::kCannotJudge, "no mount namespace of our own: {}", ErrnoText(errno));
  ASSIGN_OR_RETURN(TempDir directory,
                   TempDir::Create(fmt::format("{}{}-", kMarker, getpid()), parent));
  for (const char* part : {"/mnt", "/disk"})
    RETURN_IF_ERROR(MakeDirectories(directory.path() + part));
  return std::unique_ptr<DiskLab>(new DiskLab(std::move(directory), std::move(lock), recorder));
}

DiskLab::~DiskLab() {
  (void)Unmount();
  EndRecorder();
}

Status DiskLab::Copy(const std::string& from, const std::string& to) {
  const UniqueFd in(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd out(open(to.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  struct stat st;
  if (!in.valid() || !out.valid() || fstat(in.get(), &st) != 0 ||
      ftruncate(out.get(), st.st_size) != 0)
    return Fail("cannot copy {} to {}: {}", from, to, ErrnoText(errno));
  std::string buffer(kMiB, '\0');
  for (off_t at = 0; (at = lseek(in.get(), at, SEEK_DATA)) >= 0;) {
    const off_t end = lseek(in.get(), at, SEEK_HOLE);
    while (at < end) {
      const ssize_t n = pread(in.get(), buffer.data(),
                              std::min<size_t>(buffer.size(), static_cast<size_t>(end - at)), at);
      if (n <= 0 || pwrite(out.get(), buffer.data(), static_cast<size_t>(n), at) != n)
        return Fail("cannot copy {} to {}: {}", from, to, ErrnoText(errno));
      at += n;
    }
  }

  return {};
}

Status DiskLab::Make(const RealFs& fs, const std::string& image) {
  const UniqueFd file(open(image.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid() || ftruncate(file.get(), static_cast<off_t>(fs.size)) != 0)
    return Fail("cannot make {}: {}", image, ErrnoText(errno));
  std::vector<std::string> command = fs.mkfs;
  command.push_back(image);
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(command));
  return WaitFor(pid, fs.mkfs[0], std::chrono::seconds(30));
}

Status DiskLab::Mount(const RealFs& fs, const std::string& image, const std::string& options) {
  RETURN_IF_ERROR(Unmount());
  std::string device;
  const bool recorded = image == recorded_image();

  // Kept open until the mount holds it.
  ASSIGN_OR_RETURN(const UniqueFd loop, AttachLoop(image, recorded, &device));
  if (mount(device.c_str(), mount_point().c_str(), fs.type.c_str(), MS_NOATIME, options.c_str()) !=
      0)
    return Fail("mount of {} with '{}': {}", fs.profile, options, ErrnoText(errno));
  mounted_ = true;
  return {};
}

Status DiskLab::Unmount() {
  if (!mounted_) return {};
  for (int attempt = 0; umount2(mount_point().c_str(), 0) != 0; ++attempt) {
    if (errno != EBUSY || attempt == 100) return Fail("umount: {}", ErrnoText(errno));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  mounted_ = false;
  return {};
}

Status DiskLab::StartRecording(const std::string& image, uint64_t delay_us, int limit_seconds) {
  EndRecorder();
  const std::string disk = directory() + "/disk";
  ASSIGN_OR_RETURN(recorder_pid_, Spawn({recorder_, image, directory() + "/log", disk,
                                         std::to_string(delay_us), std::to_string(limit_seconds)}));
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (access(recorded_image().c_str(), F_OK) == 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  mark_.Reset(open((disk + "/mark").c_str(), O_WRONLY | O_CLOEXEC));
  if (!mark_.valid()) return Fail("the recorder does not answer: {}", ErrnoText(errno));
  return {};
}

Status DiskLab::Mark(const std::string& name) {
  if (pwrite(mark_.get(), name.data(), name.size(), 0) != static_cast<ssize_t>(name.size()))
    return Fail("the recorder takes no mark: {}", ErrnoText(errno));
  return {};
}

Result<std::vector<BlockEvent>> DiskLab::StopRecording() {
  RETURN_IF_ERROR(Unmount());
  mark_.Reset();

  // The loop device lets go of the image shortly after the last unmount.
  for (int attempt = 0; umount2((directory() + "/disk").c_str(), 0) != 0; ++attempt) {
    if (errno != EBUSY || attempt == 500)
      return Fail("umount of the recorded disk: {}", ErrnoText(errno));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  const Status ended =
      WaitFor(std::exchange(recorder_pid_, -1), "the recorder", std::chrono::seconds(10));
  if (!ended) return tl::unexpected(ended.error());
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(directory() + "/log"));
  return DecodeBlockLog(bytes);
}

void DiskLab::EndRecorder() {
  mark_.Reset();
  if (recorder_pid_ <= 0) return;
  kill(recorder_pid_, SIGKILL);  // the kernel fails what is still asked of it
  waitpid(std::exchange(recorder_pid_, -1), nullptr, 0);
  umount2((directory() + "/disk").c_str(), MNT_DETACH);
}

}  // namespace oldornew
