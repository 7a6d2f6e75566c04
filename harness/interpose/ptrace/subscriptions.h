// Which system calls the tracer has to see: those that the funnel does not simply carry out.
// Everything else passes without a stop. One table for the kernel's filter and for the tracer
// itself; subscriptions_test.cc holds it against the funnel's own list.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace oldornew::ptrace {

enum class When : uint8_t {
  kAlways,
  kAnyBit,  ///< (args[argument] & mask) != 0
  kEquals,  ///< (args[argument] & mask) == value
};

struct Subscription {
  long nr = 0;
  When when = When::kAlways;
  int argument = 0;  ///< its lower 32 bits count
  uint32_t mask = 0;
  uint32_t value = 0;
};

/// From now on also every file call of a plan (Header::planned_calls; null: there is none).
void SubscribeToPlan(const uint64_t* calls);

/// Ordered by number. One call may have several rows: any of them.
const std::vector<Subscription>& Subscriptions();

bool IsSubscribed(long nr, const uint64_t (&args)[6]);

/// The program for seccomp(2): SECCOMP_RET_TRACE for what is subscribed and for calls by foreign
/// numbers, else SECCOMP_RET_ALLOW.
std::vector<sock_filter> BuildFilter();

}  // namespace oldornew::ptrace
