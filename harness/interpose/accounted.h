// The system calls for which every process keeps account: how many were begun, how many came back,
// how many were let by without a record. What came back and was not let by must be there as a
// record, or the recording is incomplete (completeness.h). The list is the column `account` of
// syscalls.def. Shared with the preload library.
#pragma once

#include <stdint.h>

#include "interpose/syscall_numbers.h"

namespace oldornew::wire {

enum class Accounting : uint8_t { kNone, kAccounted, kAddsUp };

struct AccountedRow {
  int16_t nr;
  Accounting accounting;
};

inline constexpr AccountedRow kAccountingOfCalls[] = {
#define SYSCALL(name, shape, handler, record, account, ...) {__NR_##name, Accounting::k##account},
#include "interpose/syscalls.def"
};

constexpr int CountAccountedCalls() {
  int count = 0;
  for (const AccountedRow& row : kAccountingOfCalls) count += row.accounting != Accounting::kNone;
  return count;
}

inline constexpr int kAccountedCount = CountAccountedCalls();
inline constexpr int kAccountRoom = 80;  // entries of wire::Account, some of them for times to come
static_assert(kAccountedCount <= kAccountRoom);

inline constexpr int kAccountedLimit = 512;  // numbers below

/// Built once, by the compiler: the accounted calls in their order, and where each one stands.
struct AccountedTable {
  int calls[kAccountedCount];
  int8_t at[kAccountedLimit];
  bool adds_up[kAccountedLimit];
};

constexpr AccountedTable IndexAccountedCalls() {
  AccountedTable table = {};
  for (int8_t& at : table.at) at = -1;
  int8_t index = 0;
  for (const AccountedRow& row : kAccountingOfCalls) {
    if (row.accounting == Accounting::kNone) continue;
    table.adds_up[row.nr] = row.accounting == Accounting::kAddsUp;
    table.at[row.nr] = index;
    table.calls[index++] = row.nr;
  }
  return table;
}

inline constexpr AccountedTable kAccountedTable = IndexAccountedCalls();

/// Where the call with that number stands in an account, or -1.
constexpr int AccountedAt(long nr) {
  return nr >= 0 && nr < kAccountedLimit ? kAccountedTable.at[nr] : -1;
}

/// The number of the call that stands at `index` in an account.
constexpr int AccountedCall(int index) { return kAccountedTable.calls[index]; }

/// Whether the kernel adds what the call transfers to wchar of /proc/PID/io.
constexpr bool KernelAddsUp(long nr) {
  return nr >= 0 && nr < kAccountedLimit && kAccountedTable.adds_up[nr];
}

}  // namespace oldornew::wire
