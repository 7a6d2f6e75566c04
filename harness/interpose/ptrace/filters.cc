// Programs with seccomp filters of their own. The calls that their threads make for us come from
// the stage's first page, which each filter is made to let through.
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>

#include "interpose/funnel/filter_head.h"
#include "interpose/funnel/memory.h"
#include "interpose/ptrace/engine.h"

namespace oldornew::ptrace {
namespace {

using preload::Call;

static_assert(Stage::kAddress == preload::kMovedGate);

/// seccomp(2)'s strict mode, in which any other call ends in SIGKILL. A thread that has a filter
/// (ours) cannot enter it, so it gets one that does the same.
constexpr long kStrictAllows[] = {SYS_read, SYS_write, SYS_exit, SYS_rt_sigreturn};

}  // namespace

bool Engine::ForbiddenByStrictMode(long nr) {
  return std::find(std::begin(kStrictAllows), std::end(kStrictAllows), nr) ==
         std::end(kStrictAllows);
}

long Engine::EnterStrictMode(Call& call) {
  // Libraries ask what the kernel can do by calls that must fail, and whoever has a filter stays
  // with filters.
  const bool must_fail = call.nr == SYS_seccomp && (call.args[1] != 0 || call.args[2] != 0);
  Process& process = *current_->process;
  if (must_fail || process.has_filters || !current_->filtered) return preload::CarryOut(call);
  const auto at = [](unsigned code, uint32_t value, unsigned yes = 0) {
    return sock_filter{static_cast<uint16_t>(code), static_cast<uint8_t>(yes), 0, value};
  };
  constexpr unsigned kEqual = BPF_JMP | BPF_JEQ | BPF_K;
  const sock_filter filter[] = {at(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                at(kEqual, SYS_read, 4),
                                at(kEqual, SYS_write, 3),
                                at(kEqual, SYS_exit, 2),
                                at(kEqual, SYS_rt_sigreturn, 1),
                                at(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
                                at(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {std::size(filter), const_cast<sock_filter*>(filter)};
  const long result =
      preload::GateProgram(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  if (result == 0) {
    current_->strict = true;
    return 0;
  }

  preload::FunnelUnsupported(call,
                             "enters the strict mode of seccomp, which a traced program cannot");

  return -EINVAL;
}

long Engine::InstallFilter(Call& call) {
  const bool by_prctl = call.nr == SYS_prctl;
  if (by_prctl ? call.args[1] == SECCOMP_MODE_STRICT : call.args[0] == SECCOMP_SET_MODE_STRICT)
    return EnterStrictMode(call);
  sock_fprog program;
  if ((!by_prctl && call.args[0] != SECCOMP_SET_MODE_FILTER) ||
      preload::CopyIn(&program, reinterpret_cast<const sock_fprog*>(call.args[2])) != 0 ||
      program.len == 0 || program.len + preload::kFilterHead > preload::kMaxFilter)
    return preload::Funnel(call);
  AcquireLock();
  auto* filter = reinterpret_cast<sock_filter*>(Stage::kBytes);
  long result;
  if (preload::CopyIn(filter + preload::kFilterHead, program.filter,
                      program.len * sizeof(sock_filter)) == 0) {
    preload::WriteFilterHead(filter, Stage::kAddress);
    program.len = static_cast<unsigned short>(program.len + preload::kFilterHead);
    program.filter = filter;
    call.args[2] = reinterpret_cast<long>(&program);
  }

  result = preload::Funnel(call);
  if (result >= 0) current_->process->has_filters = true;
  ReleaseLock();

  return result;
}

}  // namespace oldornew::ptrace
