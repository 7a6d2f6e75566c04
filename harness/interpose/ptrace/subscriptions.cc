#include "interpose/ptrace/subscriptions.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>

#include "interpose/file_calls.h"
#include "interpose/funnel/numbers.h"
#include "interpose/ptrace/arch.h"

namespace oldornew::ptrace {
namespace {

constexpr uint32_t kForeignNumbers = 0x40000000;  // x32; no table of any machine reaches so far
constexpr uint32_t kOpens = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

constexpr long kAlwaysSeen[] = {
    SYS_write,
    SYS_sendto,
    SYS_sendmsg,
    SYS_sendmmsg,
    SYS_pwrite64,
    SYS_writev,
    SYS_pwritev,
    SYS_pwritev2,
    SYS_sendfile,
    SYS_splice,
    SYS_copy_file_range,
    SYS_truncate,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync,
    SYS_syncfs,
    SYS_sync_file_range,
    SYS_openat2,
    SYS_close,
    SYS_close_range,
    SYS_dup,
    SYS_dup3,
    SYS_mkdirat,
    SYS_mknodat,
    SYS_symlinkat,
    SYS_linkat,
    SYS_unlinkat,
    SYS_renameat2,
    SYS_fchmod,
    SYS_fchmodat,
    preload::kSysFchmodat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_utimensat,
    preload::kSysFileSetattr,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    preload::kSysSetxattrat,
    preload::kSysRemovexattrat,
    SYS_mremap,
    SYS_munmap,
    SYS_mlockall,
    SYS_io_submit,
    SYS_io_uring_setup,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_move_mount,
    SYS_fsmount,
    SYS_mount_setattr,
    SYS_unshare,
    SYS_setns,
    SYS_open_by_handle_at,
    SYS_chdir,
    SYS_fchdir,
    SYS_chroot,
    SYS_bind,
    SYS_wait4,
    SYS_waitid,
    SYS_exit,
    SYS_exit_group,
    // Of the entry side: processes, images, filters, other tracers, and where we may run.
    SYS_clone,
    SYS_clone3,
    SYS_execve,
    SYS_execveat,
    SYS_seccomp,
    SYS_ptrace,
    SYS_sched_getaffinity,
    SYS_sched_setaffinity,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_rename  // younger machines have only the calls with a directory descriptor
    SYS_creat,
    SYS_dup2,
    SYS_mkdir,
    SYS_mknod,
    SYS_symlink,
    SYS_link,
    SYS_unlink,
    SYS_rmdir,
    SYS_rename,
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
    SYS_fork,
    SYS_vfork,
#endif
};

std::vector<Subscription> MakeTable() {
  using enum When;
  std::vector<Subscription> table = {
      {SYS_openat, kAnyBit, 2, kOpens},
      {SYS_fcntl, kEquals, 1, ~0u, F_DUPFD},
      {SYS_fcntl, kEquals, 1, ~0u, F_DUPFD_CLOEXEC},
      {SYS_fcntl, kEquals, 1, ~0u, F_SETFD},
      {SYS_fcntl, kEquals, 1, ~0u, F_SETFL},
      // ioctl by the type in its number: of btrfs (and FICLONE), of ext4 and the generic inode
      // flags, of xfs, of f2fs.
      {SYS_ioctl, kEquals, 1, 0xff00, 0x9400},
      {SYS_ioctl, kEquals, 1, 0xff00, 0x6600},
      {SYS_ioctl, kEquals, 1, 0xff00, 0x5800},
      {SYS_ioctl, kEquals, 1, 0xff00, 0xf500},
      {SYS_mmap, kEquals, 3, MAP_ANONYMOUS, 0},  // of files
      {SYS_mprotect, kAnyBit, 2, PROT_WRITE},
      {SYS_pkey_mprotect, kAnyBit, 2, PROT_WRITE},
      {SYS_msync, kAnyBit, 2, MS_SYNC},
      {SYS_prlimit64, kEquals, 1, ~0u, RLIMIT_AS},
      {SYS_prlimit64, kEquals, 1, ~0u, RLIMIT_FSIZE},
      {SYS_prctl, kEquals, 0, ~0u, PR_SET_SECCOMP},
#ifdef SYS_open
      {SYS_open, kAnyBit, 1, kOpens},
#endif
#ifdef SYS_getrlimit
      {SYS_getrlimit, kEquals, 0, ~0u, RLIMIT_AS},
      {SYS_setrlimit, kEquals, 0, ~0u, RLIMIT_AS},
      {SYS_setrlimit, kEquals, 0, ~0u, RLIMIT_FSIZE},
#endif
  };
  for (const long nr : kAlwaysSeen) table.push_back({nr});
  std::stable_sort(table.begin(), table.end(),
                   [](const Subscription& a, const Subscription& b) { return a.nr < b.nr; });
  return table;
}

bool Matches(const Subscription& row, const uint64_t (&args)[6]) {
  const auto value = static_cast<uint32_t>(args[row.argument]) & row.mask;
  switch (row.when) {
    case When::kAlways:
      return true;
    case When::kAnyBit:
      return value != 0;
    case When::kEquals:
      return value == row.value;
  }
  return true;
}

sock_filter Statement(unsigned code, uint32_t value) {
  return BPF_STMT(static_cast<uint16_t>(code), value);
}

sock_filter Jump(unsigned how, uint32_t value, size_t yes, size_t no) {
  return BPF_JUMP(static_cast<uint16_t>(BPF_JMP | how | BPF_K), value, static_cast<uint8_t>(yes),
                  static_cast<uint8_t>(no));
}

constexpr unsigned kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr unsigned kReturn = BPF_RET | BPF_K;

/// Behind the comparison of the number: the conditions of one call's rows, and what to return.
std::vector<sock_filter> Conditions(const Subscription* first, const Subscription* last) {
  std::vector<sock_filter> code;
  for (const Subscription* row = first; row != last && row->when != When::kAlways; ++row) {
    const auto at = static_cast<uint32_t>(offsetof(seccomp_data, args) +
                                          8 * static_cast<size_t>(row->argument));
    code.push_back(Statement(kLoad, at));
    if (row->when == When::kAnyBit) {
      code.push_back(Jump(BPF_JSET, row->mask, 0, 1));
    } else {
      code.push_back(Statement(BPF_ALU | BPF_AND | BPF_K, row->mask));
      code.push_back(Jump(BPF_JEQ, row->value, 0, 1));
    }
    code.push_back(Statement(kReturn, SECCOMP_RET_TRACE));
  }
  const bool always = first->when == When::kAlways;
  code.push_back(Statement(kReturn, always ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW));
  return code;
}

std::vector<Subscription>& Table() {
  static std::vector<Subscription> table = MakeTable();
  return table;
}

}  // namespace

void SubscribeToPlan(const uint64_t* calls) {
  std::vector<Subscription>& table = Table();
  table = MakeTable();
  for (const wire::FileCallShape& shape : wire::kFileCalls) {
    if (calls == nullptr || (calls[shape.nr / 64] >> (shape.nr % 64) & 1) == 0) continue;
    std::erase_if(table, [&](const Subscription& row) { return row.nr == shape.nr; });
    const auto at = std::lower_bound(table.begin(), table.end(), shape.nr,
                                     [](const Subscription& row, long nr) { return row.nr < nr; });
    table.insert(at, {shape.nr});
  }
}

const std::vector<Subscription>& Subscriptions() { return Table(); }

bool IsSubscribed(long nr, const uint64_t (&args)[6]) {
  const std::vector<Subscription>& table = Subscriptions();
  auto row = std::lower_bound(table.begin(), table.end(), nr,
                              [](const Subscription& a, long wanted) { return a.nr < wanted; });
  for (; row != table.end() && row->nr == nr; ++row) {
    if (Matches(*row, args)) return true;
  }
  return false;
}

std::vector<sock_filter> BuildFilter() {
  std::vector<sock_filter> filter = {
      Statement(kLoad, offsetof(seccomp_data, arch)), Jump(BPF_JEQ, kNativeArchitecture, 1, 0),
      Statement(kReturn, SECCOMP_RET_TRACE),          Statement(kLoad, offsetof(seccomp_data, nr)),
      Jump(BPF_JGE, kForeignNumbers, 0, 1),           Statement(kReturn, SECCOMP_RET_TRACE)};
  const std::vector<Subscription>& table = Subscriptions();
  for (size_t i = 0; i < table.size();) {
    size_t end = i;
    while (end < table.size() && table[end].nr == table[i].nr) ++end;
    const std::vector<sock_filter> conditions = Conditions(&table[i], &table[i] + (end - i));
    filter.push_back(Jump(BPF_JEQ, static_cast<uint32_t>(table[i].nr), 0, conditions.size()));
    filter.insert(filter.end(), conditions.begin(), conditions.end());
    i = end;
  }
  filter.push_back(Statement(kReturn, SECCOMP_RET_ALLOW));
  return filter;
}

}  // namespace oldornew::ptrace
