#include "interpose/ptrace/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "interpose/ptrace/engine.h"
#include "interpose/ptrace/subscriptions.h"

namespace oldornew::ptrace {
namespace {

/// Privileged first: no_new_privs would show in the program.
bool InstallFilter() {
  std::vector<sock_filter> filter = BuildFilter();
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return true;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

}  // namespace

Tracer::Tracer() = default;

Tracer::~Tracer() {
  for (const int fd : gate_) {
    if (fd >= 0) close(fd);
  }
}

Result<std::unique_ptr<Tracer>> Tracer::Create(const TracerOptions& options) {
  std::unique_ptr<Tracer> tracer(new Tracer);
  if (pipe2(tracer->gate_, O_CLOEXEC) != 0) return Fail("cannot make a pipe: {}", ErrnoText(errno));
  ASSIGN_OR_RETURN(tracer->engine_, Engine::Create(options));
  return tracer;
}

Status Tracer::Attach(pid_t child) {
  Status attached = engine_->Attach(child);
  const char go = attached ? 1 : 0;
  if (write(gate_[1], &go, 1) != 1) return Fail("cannot write to a pipe: {}", ErrnoText(errno));
  return attached;
}

bool Tracer::WaitToBeTraced() {
  close(gate_[1]);
  char go = 0;
  while (read(gate_[0], &go, 1) < 0 && errno == EINTR) {
  }
  close(gate_[0]);
  return go == 1 && InstallFilter();
}

bool Tracer::Handle(pid_t pid, int status) { return engine_->Handle(pid, status); }

int Tracer::door() const { return engine_->door(); }

void Tracer::AnswerDoor() { engine_->AnswerDoor(); }

bool Tracer::Waits() const { return engine_->Waits(); }

void Tracer::Poll() { engine_->Poll(); }

bool Tracer::Launching(pid_t child) const {
  const Thread* thread = engine_->FindThread(child);
  return thread != nullptr && thread->waiting == Waiting::kLaunch;
}

}  // namespace oldornew::ptrace
