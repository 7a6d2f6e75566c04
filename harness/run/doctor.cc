#include "run/doctor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "base/files.h"
#include "base/text.h"
#include "interpose/launch.h"
#include "run/places.h"
#include "run/record.h"
#include "run/runner.h"
#include "run/sandbox.h"

namespace oldornew {
namespace {

using Level = DoctorAnswer::Level;

DoctorAnswer AboutRecording() {
  DoctorAnswer answer;
  answer.question = "Can this machine record a program's file calls?";
  if (auto probe = ProbeUserDispatch(); !probe) {
    answer.level = Level::kNo;
    answer.answer = probe.error().message;
    answer.advice =
        "use Linux 5.11 or newer on x86-64, not under an emulator, gVisor or a container that forbids it";
    return answer;
  }
  if (auto library = FindPreload(); !library) {
    answer.level = Level::kNo;
    answer.answer = library.error().message;
    answer.advice = "build or install oldornew completely, or set OLDORNEW_PRELOAD to the library's path";
    return answer;
  }
  answer.answer = "yes: system calls can be caught wherever a program makes them";
  return answer;
}

DoctorAnswer AboutView(const Sandbox& sandbox) {
  DoctorAnswer answer;
  answer.question = "Can a program run in a private view of this machine?";
  if (sandbox.isolation() != Isolation::kNone) {
    answer.answer =
        geteuid() == 0
            ? "yes: it sees the copy at the original path; everything else is read-only"
            : "yes, without root: it sees the copy at the original path; everything else is read-only";
    return answer;
  }
  answer.level = Level::kPartly;
  answer.answer = sandbox.notes().empty() ? "no mount namespace" : sandbox.notes()[0];
  answer.advice =
      "recording works, but programs that insist on absolute paths are refused; allow user namespaces "
      "(sysctl "
      "kernel.unprivileged_userns_clone=1, user.max_user_namespaces; in a container: --security-opt "
      "seccomp=unconfined)";
  return answer;
}

DoctorAnswer AboutProcesses(const Sandbox& sandbox) {
  DoctorAnswer answer;
  answer.question = "Can everything a program starts be found and ended?";
  if (sandbox.isolation() == Isolation::kFull) {
    answer.answer = "yes: each run has a pid namespace, and process numbers repeat from run to run";
  } else {
    answer.level = Level::kPartly;
    answer.answer =
        "yes, by searching /proc: there is no pid namespace, so process numbers differ from run to run";
    answer.advice =
        "temporary names made from process numbers will differ between runs; nothing else suffers";
  }
  return answer;
}

DoctorAnswer AboutHome(const Sandbox& sandbox) {
  DoctorAnswer answer;
  answer.question = "May a program write to your home directory?";
  if (sandbox.isolation() == Isolation::kNone) {
    answer.answer = "yes: to an empty one that is thrown away afterwards";
  } else if (sandbox.home_is_thrown_away()) {
    answer.answer = "yes: it sees your files, and what it writes is thrown away afterwards";
  } else {
    answer.level = Level::kPartly;
    answer.answer = "no: it is read-only, because no overlay file system can be mounted here";
    answer.advice =
        "programs that write there are refused: name the place with --also-dir, or set HOME to another one";
  }
  return answer;
}

DoctorAnswer AboutWorkArea(const Sandbox& sandbox) {
  DoctorAnswer answer;
  answer.question = "Where do private copies lie?";
  const std::string& type = sandbox.file_system();
  const std::string place = sandbox.scratch_path().substr(0, sandbox.scratch_path().find("/oldornew-"));
  answer.answer = fmt::format("in {}, on {}", place, type);
  if (type == "tmpfs" || type == "ramfs") {
    answer.answer += ": fast; a few calls (O_DIRECT, some fallocate modes) differ from those of a disk";
    answer.advice = "give --work-dir a directory on a disk if the program uses such calls";
  } else if (type == "nfs" || type == "cifs" || type == "smb2" || type == "fuseblk" || type == "v9fs" ||
             type == "overlayfs") {
    answer.level = Level::kPartly;
    answer.answer += ": not a local disk file system, so calls may fail or behave differently";
    answer.advice = "give --work-dir a directory on ext4, xfs, btrfs or tmpfs";
  }
  return answer;
}

DoctorAnswer AboutStart(const Sandbox& sandbox) {
  DoctorAnswer answer;
  answer.question = "Do commands start in the sandbox?";
  RunSpec run;
  run.command = {"/bin/true"};
  auto result = Run(sandbox, run);
  if (result && result->exit_status == 0) {
    answer.answer =
        fmt::format("yes: /bin/true took {:.1f} ms", static_cast<double>(result->duration_ns) / 1e6);
  } else {
    answer.level = Level::kNo;
    answer.answer =
        result ? fmt::format("no: /bin/true ended with {}", result->exit_status) : result.error().message;
    answer.advice = "please report this with the output of oldornew doctor";
  }
  return answer;
}

DoctorAnswer AboutProgram(const std::string& name) {
  DoctorAnswer answer;
  answer.question = fmt::format("Can {} be recorded?", name);
  const auto program = FindProgram(name, EnvironmentVariable("PATH"), ".");
  if (!program) {
    answer.level = Level::kNo;
    answer.answer = fmt::format("there is no program {} in $PATH or at that path", name);
    answer.advice = "give the program as you would in a shell";
  } else if (auto enterable = CheckEnterable(*program); !enterable) {
    answer.level = Level::kNo;
    answer.answer = enterable.error().message;
    answer.advice =
        "use a dynamically linked build that needs no special rights; programs with special rights (setuid, "
        "file "
        "capabilities) are loaded without the recorder";
  } else {
    answer.answer = fmt::format("yes: {} loads the recorder", *program);
  }
  return answer;
}

}  // namespace

std::vector<DoctorAnswer> Examine(const std::vector<std::string>& command, const std::string& work_parent) {
  std::vector<DoctorAnswer> answers = {AboutRecording()};
  SandboxSpec spec;
  spec.work_parent = work_parent;
  auto example = TempDir::Create("oldornew-doctor-");
  auto sandbox = [&]() -> Result<Sandbox> {
    if (!example) return tl::unexpected(example.error());
    spec.directory = example->path();
    return Sandbox::Create(spec);
  }();
  if (sandbox) {
    for (auto* ask : {AboutView, AboutProcesses, AboutHome, AboutWorkArea, AboutStart})
      answers.push_back(ask(*sandbox));
  } else {
    answers.push_back({"Can private copies be made?", Level::kNo, sandbox.error().message,
                       "choose a place with --work-dir"});
  }
  if (!command.empty()) answers.push_back(AboutProgram(command[0]));
  return answers;
}

}  // namespace oldornew
