// A call that the funnel cares about and the kernel's filter lets by would be missed by the ptrace
// backend.
#include "interpose/ptrace/subscriptions.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstring>
#include <set>

#include "interpose/decode.h"
#include "interpose/file_calls.h"
#include "interpose/syscall_numbers.h"

namespace oldornew::ptrace {
namespace {

/// Runs the filter as the kernel does.
uint32_t Evaluate(const std::vector<sock_filter>& filter, const seccomp_data& data) {
  uint32_t a = 0;
  for (size_t at = 0; at < filter.size(); ++at) {
    const sock_filter& i = filter[at];
    switch (i.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, sizeof a);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= i.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += a == i.k ? i.jt : i.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += a >= i.k ? i.jt : i.jf;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        at += (a & i.k) != 0 ? i.jt : i.jf;
        break;
      case BPF_RET | BPF_K:
        return i.k;
      default:
        ADD_FAILURE() << "instruction " << i.code;
        return 0;
    }
  }
  ADD_FAILURE() << "the filter runs off its end";
  return 0;
}

TEST(Subscriptions, HoldEveryCallOfTheFunnel) {
  struct Row {
    long nr;
    std::string name;
    std::string handler;
  };
  const std::vector<Row> rows = {
#define SYSCALL(name, shape, handler, ...) {__NR_##name, #name, #handler},
#include "interpose/syscalls.def"
  };

  std::set<long> subscribed;
  for (const Subscription& row : Subscriptions()) subscribed.insert(row.nr);
  // What is known of the program's own memory matters only to who lives in it.
  const std::set<std::string> plain = {"CarryOut", "HandleAdvice", "HandleArchPrctl"};

  size_t handled = 0;
  for (const Row& row : rows) {
    if (plain.contains(row.handler)) continue;
    ++handled;
    EXPECT_TRUE(subscribed.contains(row.nr))
        << row.name << " reaches the funnel, but no tracer stops at it";
  }
  EXPECT_GT(handled, 70u);
}

TEST(Subscriptions, TheFilterSaysWhatTheTableSays) {
  const std::vector<sock_filter> filter = BuildFilter();
  ASSERT_LT(filter.size(), 4096u);
  for (uint32_t nr = 0; nr < 520; ++nr) {
    for (int argument = 0; argument < 6; ++argument) {
      for (uint64_t value :
           {0ull, 1ull, 2ull, 3ull, 4ull, 9ull, 22ull, 0x40ull, 0x200ull, 0x241ull, 0x406ull,
            0x9409ull, 0x40049409ull, 0x400000000ull, 0x410000ull, ~0ull}) {
        seccomp_data data = {};
        data.nr = static_cast<int>(nr);
        data.arch = AUDIT_ARCH_X86_64;
        uint64_t args[6] = {};
        args[argument] = value;
        data.args[argument] = value;
        const uint32_t wanted = IsSubscribed(nr, args) ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW;
        ASSERT_EQ(Evaluate(filter, data), wanted) << nr << " argument " << argument << " " << value;
      }
    }
  }
}

TEST(Subscriptions, APlanIsToldOfEachOfItsCallsWhateverTheArguments) {
  uint64_t calls[wire::kMaxSyscall / 64] = {};
  const uint64_t nothing[6] = {0, 0, 0, MAP_ANONYMOUS, 0, 0};
  size_t let_by = 0;
  for (const wire::FileCallShape& shape : wire::kFileCalls) {
    const auto nr = static_cast<uint64_t>(shape.nr);
    let_by += IsSubscribed(shape.nr, nothing) ? 0 : 1;
    calls[nr / 64] = uint64_t{1} << (nr % 64);
    SubscribeToPlan(calls);
    EXPECT_TRUE(IsSubscribed(shape.nr, nothing)) << SyscallName(shape.nr);
    EXPECT_EQ(IsSubscribed(SYS_read, nothing), shape.nr == SYS_read);
    seccomp_data data = {};
    data.arch = AUDIT_ARCH_X86_64;
    data.nr = shape.nr;
    EXPECT_EQ(Evaluate(BuildFilter(), data), SECCOMP_RET_TRACE) << SyscallName(shape.nr);
    calls[nr / 64] = 0;
    SubscribeToPlan(nullptr);
  }
  EXPECT_GT(let_by, 20u);
  for (uint64_t& word : calls) word = ~uint64_t{0};
  SubscribeToPlan(calls);
  EXPECT_TRUE(
      std::is_sorted(Subscriptions().begin(), Subscriptions().end(),
                     [](const Subscription& a, const Subscription& b) { return a.nr < b.nr; }));
  SubscribeToPlan(nullptr);
  EXPECT_FALSE(IsSubscribed(SYS_read, nothing));
}

TEST(Subscriptions, ForeignNumbersAreNeverLetBy) {
  const std::vector<sock_filter> filter = BuildFilter();
  seccomp_data data = {};
  data.arch = AUDIT_ARCH_I386;
  EXPECT_EQ(Evaluate(filter, data), SECCOMP_RET_TRACE);
  data.arch = AUDIT_ARCH_X86_64;
  data.nr = 0x40000000;
  EXPECT_EQ(Evaluate(filter, data), SECCOMP_RET_TRACE);
}

}  // namespace
}  // namespace oldornew::ptrace
