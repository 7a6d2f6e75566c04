// What the doctor asks about the machine.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/files.h"
#include "base/text.h"
#include "interpose/launch.h"
#include "model/profile.h"
#include "run/copy_tree.h"
#include "run/doctor_answers.h"
#include "run/places.h"
#include "run/record.h"
#include "run/tracing_probe.h"

namespace oldornew::doctor {
namespace {

constexpr uint64_t kLittleRoom = uint64_t{256} << 20;
constexpr uint64_t kSlowCopy = uint64_t{128} << 20;

/// A kernel setting as text without its newline; empty: there is no such setting.
std::string Setting(const std::string& name) {
  std::string text = ReadFile("/proc/sys/" + name).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// Makes a user and a mount namespace in a child. Returns 0 or the errno of the first step that
/// fails.
int ProbeUserNamespace() {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(errno);
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(errno);
    _exit(0);
  }

  int status = -1;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return EPERM;
  }

  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

/// Why there are no namespaces, as far as the kernel's settings show, and what would help.
std::string NamespaceAdvice() {
  const int error = ProbeUserNamespace();
  if (error == 0)
    return "a user namespace can be made here, but something forbids mounting in it: a security "
           "module (AppArmor: sysctl kernel.apparmor_restrict_unprivileged_userns=0) or a "
           "container's rules";

  if (Setting("kernel/unprivileged_userns_clone") == "0")
    return "as root: sysctl kernel.unprivileged_userns_clone=1";
  if (Setting("user/max_user_namespaces") == "0" || error == ENOSPC)
    return "as root: sysctl user.max_user_namespaces=10000";
  if (Setting("kernel/apparmor_restrict_unprivileged_userns") == "1")
    return "as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0";
  if (error == EPERM)
    return "start a container with --security-opt seccomp=unconfined, or --cap-add SYS_ADMIN; in a "
           "chroot there are no user namespaces";
  return fmt::format("making a user namespace fails with: {}", ErrnoText(error));
}

std::string TracingAdvice() {
  const std::string scope = Setting("kernel/yama/ptrace_scope");
  if (scope == "2" || scope == "3") {
    return fmt::format(
        "kernel.yama.ptrace_scope is {}: as root, sysctl kernel.yama.ptrace_scope=1{}", scope,
        scope == "3" ? " (after a reboot: the value 3 cannot be lowered)" : "");
  }

  return "start a container with --cap-add SYS_PTRACE, or --security-opt seccomp=unconfined; "
         "do not run oldornew under strace or a debugger";
}

/// Name of the profile for the file system that holds the current directory, or "" when there is
/// none.
std::string ProfileHere() {
  const auto path = RealPath(".");
  const std::string mounts = ReadFile("/proc/self/mountinfo").value_or("");

  std::string best_point, best_type, best_options;
  for (const std::string& line : Split(mounts, '\n')) {
    // 36 35 98:0 /root /point options ... - type source super-options
    const std::vector<std::string> words = Split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (!path || words.size() < 6 || words.end() - dash < 4) continue;
    if (!IsWithin(*path, words[4]) || words[4].size() < best_point.size()) continue;
    best_point = words[4], best_type = dash[1], best_options = dash[3];
  }

  // The name of a profile is the type and those options that have a profile of their own.
  std::string name = best_type;
  for (const char* option : {"data=writeback", "data=journal", "noauto_da_alloc", "nodelalloc",
                             "dioread_lock", "flushoncommit", "notreelog", "nodatacow"}) {
    for (const std::string& word : Split(best_options, ',')) {
      if (word == option && FindProfile(name + "," + option) != nullptr)
        name += std::string(",") + option;
    }
  }

  return FindProfile(name) != nullptr ? name : "";
}

}  // namespace

Backends TryBackends() {
  Backends backends;
  backends.preload = ProbeUserDispatch();
  if (backends.preload) {
    if (auto library = FindPreload(); !library) backends.preload = tl::unexpected(library.error());
  }
  backends.tracing = ProbeTracing();
  return backends;
}

DoctorAnswer AboutRecording(const Backends& backends) {
  const char* question = "Can this machine record what a program does to files?";
  if (backends.preload) {
    return Ask(
        "recording", question,
        Yes("yes: system calls are intercepted wherever a program makes them (tried with one)"));
  }

  const std::string& why = backends.preload.error().message;
  const bool no_library = why.find("liboldornew") != std::string::npos;
  const bool pretended = why.find("OLDORNEW_NO_SUD") != std::string::npos;
  const char* advice =
      no_library
          ? "build or install oldornew completely, or set OLDORNEW_PRELOAD to the library's path"
      : pretended ? "unset OLDORNEW_NO_SUD"
                  : "use Linux 5.11 or newer on x86-64 (uname -rm), outside gVisor, qemu-user and "
                    "containers that forbid prctl";

  // A missing library means a broken installation. Tracing would only hide that.
  if (backends.tracing && !no_library) {
    return Ask(
        "recording", question,
        Partly(
            "yes, but slowly: programs are traced with ptrace (tried with a child), because " + why,
            std::string("to record fast: ") + advice));
  }

  return Ask("recording", question, No("no: " + why, advice));
}

DoctorAnswer AboutStaticPrograms(const Backends& backends) {
  const char* question =
      "Can programs that load no library be recorded (static ones, most Go programs)?";
  if (backends.tracing) {
    return Ask(
        "static", question,
        Yes("yes: they are traced with ptrace (tried with a child), which is complete but slower"));
  }

  return Ask(
      "static", question,
      Partly("no: " + backends.tracing.error().message + ". This does not affect other programs",
             TracingAdvice()));
}

DoctorAnswer AboutView(const Sandbox& sandbox) {
  const char* question = "Can a program run without touching your files?";
  if (sandbox.isolation() != Isolation::kNone) {
    return Ask(
        "view", question,
        Yes(fmt::format(
            "yes{}: it sees a private copy at the original path; everything else is read-only",
            geteuid() == 0 ? "" : ", without root")));
  }

  const std::string why =
      sandbox.notes().empty() ? "there is no mount namespace" : sandbox.notes()[0];
  const bool off = why.find("OLDORNEW_NO_NAMESPACE") != std::string::npos;
  return Ask("view", question,
             Partly("yes, with a limitation: " + why +
                        ". A program that uses absolute paths to files outside the copy is stopped "
                        "before it changes them, and cannot be judged",
                    off ? "unset OLDORNEW_NO_NAMESPACE" : NamespaceAdvice()));
}

DoctorAnswer AboutProcesses(const Sandbox& sandbox) {
  const char* question = "Are all processes that a program starts found and ended?";
  if (sandbox.isolation() == Isolation::kFull)
    return Ask("processes", question,
               Yes("yes: each run has its own process ids, and they are the same in every run"));
  return Ask(
      "processes", question,
      Partly("yes, by searching /proc: there is no pid namespace, so process ids differ from "
             "run to run",
             "temporary files that are named after process ids get different names in each "
             "run; nothing else is affected"));
}

DoctorAnswer AboutHome(const Sandbox& sandbox) {
  const char* question = "May a program write to your home directory?";
  if (sandbox.isolation() == Isolation::kNone)
    return Ask("home", question, Yes("yes: it gets an empty one, which is thrown away afterwards"));
  if (sandbox.home_is_thrown_away())
    return Ask("home", question,
               Yes("yes: it sees your files, and what it writes is thrown away afterwards"));
  return Ask("home", question,
             Partly("no: it is read-only, because no overlay file system can be mounted here",
                    "a program that tries to write there cannot be judged: name the directory with "
                    "--also-dir, or set HOME to another one"));
}

DoctorAnswer AboutRoom(const Sandbox& sandbox) {
  const char* question = "Is there enough space for copies and recordings?";

  const std::string& type = sandbox.file_system();
  const std::string place =
      sandbox.scratch_path().substr(0, sandbox.scratch_path().find("/oldornew-"));

  struct statvfs vfs = {};
  statvfs(sandbox.scratch_path().c_str(), &vfs);
  const uint64_t free_bytes = uint64_t{vfs.f_bavail} * vfs.f_frsize;

  const std::string answer = fmt::format("{} free in {}, on {}", ByteSize(free_bytes), place, type);
  if (free_bytes < kLittleRoom)
    return Ask(
        "room", question,
        Partly("not much: " + answer, "give --work-dir (or TMPDIR) a directory with more space"));

  if (type == "tmpfs" || type == "ramfs")
    return Ask(
        "room", question,
        Yes(answer +
                ": fast, but a few calls (O_DIRECT, some fallocate modes) behave differently than "
                "on a disk",
            "give --work-dir a directory on a disk if the program uses such calls"));

  for (const char* odd : {"nfs", "cifs", "smb2", "fuseblk", "v9fs", "overlayfs"}) {
    if (type == odd)
      return Ask(
          "room", question,
          Partly(answer + ": not a local disk file system, so calls may fail or behave differently",
                 "give --work-dir a directory on ext4, xfs, btrfs or tmpfs"));
  }

  return Ask("room", question, Yes(answer));
}

DoctorAnswer AboutTrial(Sandbox& sandbox) {
  const char* question = "Does a trial run succeed?";
  RunSpec run;
  run.command = {"/bin/sh", "-c", "echo new > next && mv next file"};

  const auto trace = RecordIn(sandbox, run);
  const char* advice =
      "if the other answers do not explain it, please report this with the output of oldornew "
      "doctor";

  if (!trace) return Ask("trial", question, No("no: " + trace.error().message, advice));
  if (!trace->obstacles.empty())
    return Ask("trial", question, No("no: " + trace->obstacles[0].reason, advice));
  if (trace->exit_status != 0) {
    return Ask("trial", question,
               No(fmt::format("no: the command failed with {}: {}", trace->exit_status,
                              Quote(trace->stderr_bytes, 200)),
                  advice));
  }

  return Ask("trial", question,
             Yes(fmt::format("yes: sh wrote a file and mv renamed it. The recording is complete, "
                             "with {} in {:.0f} ms",
                             Count(trace->ops.size(), "call"),
                             static_cast<double>(trace->duration_ns) / 1e6)));
}

DoctorAnswer AboutDirectory() {
  const std::string question = "Does it matter on which file system the current directory lies?";
  const std::string type = FileSystemType(".");
  const std::string profile = ProfileHere();
  const std::string no =
      "no: programs run on a copy, and the states after a power cut are computed for ext4, xfs and "
      "btrfs. ";
  if (profile.empty())
    return Ask("directory", question,
               Yes(no + "This one is on " + type,
                   "choose with --profile the file systems that your users have"));
  return Ask(
      "directory", question,
      Yes(no + "This one is on " + profile, "to judge for this one alone: --profile " + profile));
}

DoctorAnswer AboutCopy() {
  const char* question = "Can the current directory be copied for each run?";
  const auto path = RealPath(".");
  if (!path)
    return Ask("copy", question, No(path.error().message, "change to a directory that exists"));
  if (*path == "/")
    return Ask("copy", question,
               No("no: it is the whole machine",
                  "change to the directory of the program's files, or name it with --dir"));

  // Only as far as the limits of a copy: a large tree takes long to walk.
  uint64_t bytes = 0, entries = 0;
  std::error_code error;
  namespace fs = std::filesystem;
  for (fs::recursive_directory_iterator
           at(*path, fs::directory_options::skip_permission_denied, error),
       end;
       at != end && entries < kCopyEntryLimit && bytes <= kDefaultCopyLimit; at.increment(error)) {
    if (error) break;
    ++entries;
    struct stat st;
    if (lstat(at->path().c_str(), &st) == 0 && S_ISREG(st.st_mode))
      bytes += static_cast<uint64_t>(st.st_blocks) * 512;
  }

  const char* advice = "change to the directory of the program's files, or name it with --dir";
  if (entries >= kCopyEntryLimit || bytes > kDefaultCopyLimit)
    return Ask("copy", question,
               No(fmt::format("no: it holds {} or more, in {} files and directories",
                              ByteSize(bytes), entries),
                  advice));

  const std::string size = fmt::format(
      "{} in {}", ByteSize(bytes),
      entries == 1 ? "1 file or directory" : fmt::format("{} files and directories", entries));
  if (bytes > kSlowCopy)
    return Ask("copy", question, Partly("yes, but each run starts by copying " + size, advice));
  return Ask("copy", question, Yes("yes: " + size));
}

DoctorAnswer AboutRealFileSystems() {
  const char* question =
      "Can states be tried out on real file systems here (a check does not need this)?";
  std::vector<std::string> lacking;
  if (!UniqueFd(open("/dev/loop-control", O_RDWR | O_CLOEXEC)).valid())
    lacking.push_back("loop devices");
  if (!UniqueFd(open("/dev/fuse", O_RDWR | O_CLOEXEC)).valid()) lacking.push_back("FUSE");
  for (const char* maker : {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"}) {
    if (!FindProgram(maker, "/usr/sbin:/sbin:/usr/bin:/bin", ".")) lacking.push_back(maker);
  }

  if (lacking.empty())
    return Ask("realfs", question, Yes("yes: there are loop devices, FUSE and the mkfs programs"));
  return Ask("realfs", question,
             Partly("no: this machine lacks " + Join(lacking, ", "),
                    "this needs root and the packages e2fsprogs, xfsprogs, btrfs-progs"));
}

}  // namespace oldornew::doctor
