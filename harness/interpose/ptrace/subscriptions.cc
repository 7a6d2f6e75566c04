#include "interpose/ptrace/subscriptions.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>

#include "interpose/file_calls.h"
#include "interpose/ptrace/arch.h"
#include "interpose/syscall_numbers.h"

namespace oldornew::ptrace {

namespace {

constexpr uint32_t kForeignNumbers = 0x40000000;  // x32; no table of any machine reaches so far
constexpr uint32_t kOpens = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

// What stands in the column `seen` of syscalls.def: the conditions of a call, any of which is
// enough.
using Conditions = std::vector<Subscription>;

const Conditions Never;
const Conditions Always = {{}};

Conditions AnyBit(int argument, uint32_t mask) { return {{0, When::kAnyBit, argument, mask}}; }

Conditions OneOf(int argument, uint32_t mask, std::initializer_list<uint32_t> values) {
  Conditions conditions;
  for (const uint32_t value : values)
    conditions.push_back({0, When::kEquals, argument, mask, value});
  return conditions;
}

void Add(long nr, const Conditions& conditions, std::vector<Subscription>* table) {
  for (Subscription row : conditions) {
    row.nr = nr;
    table->push_back(row);
  }
}

std::vector<Subscription> MakeTable() {
  std::vector<Subscription> table;
#define SYSCALL(name, shape, handler, record, account, seen, ...) Add(__NR_##name, seen, &table);
#include "interpose/syscalls.def"

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

/// What follows the comparison of the number: the conditions of one call, and what to return.
std::vector<sock_filter> ConditionCode(const Subscription* first, const Subscription* last) {
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
    const std::vector<sock_filter> conditions = ConditionCode(&table[i], &table[i] + (end - i));
    filter.push_back(Jump(BPF_JEQ, static_cast<uint32_t>(table[i].nr), 0, conditions.size()));
    filter.insert(filter.end(), conditions.begin(), conditions.end());
    i = end;
  }

  filter.push_back(Statement(kReturn, SECCOMP_RET_ALLOW));

  return filter;
}

}  // namespace oldornew::ptrace
