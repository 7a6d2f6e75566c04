// The program's own seccomp filters hold for its calls, but a program that allows nothing except
// write and exit must not die of ours. So each filter that it installs gets a head that lets the
// calls of our page of code through:
//
//     if (instruction_pointer >> 12 is our page, here or at kMovedGate) return ALLOW; A = 0;
//
// Jumps in these programs are relative and forward, so what follows is as it was. This opens the
// sandbox for whoever jumps into that page; in a test run of a program nobody does.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

namespace oldornew::preload {

inline constexpr uint32_t kFilterHead = 12;
inline constexpr uint32_t kMaxFilter = 4096;  // BPF_MAXINSNS

/// Where our page is in what is executed under a filter, and in what is traced. rr has its page
/// there too: within the program's part of memory for all sanitizers, and left alone by Wine.
inline constexpr uint64_t kMovedGate = 0x70000000;

/// Writes kFilterHead instructions. `page`: where our page is in this process.
inline void WriteFilterHead(sock_filter* out, uint64_t page) {
  constexpr uint32_t kPointer = offsetof(seccomp_data, instruction_pointer);
  const auto at = [out](int index, unsigned code, unsigned yes, unsigned no, uint64_t value) {
    out[index] = {static_cast<uint16_t>(code), static_cast<uint8_t>(yes), static_cast<uint8_t>(no),
                  static_cast<uint32_t>(value)};
  };
  constexpr unsigned kLoad = BPF_LD | BPF_W | BPF_ABS, kEqual = BPF_JMP | BPF_JEQ | BPF_K;
  at(0, kLoad, 0, 0, kPointer + 4);
  at(1, kEqual, 0, 3, page >> 32);
  at(2, kLoad, 0, 0, kPointer);
  at(3, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xfffff000u);
  at(4, kEqual, 5, 0, page);
  at(5, kLoad, 0, 0, kPointer + 4);
  at(6, kEqual, 0, 4, kMovedGate >> 32);
  at(7, kLoad, 0, 0, kPointer);
  at(8, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xfffff000u);
  at(9, kEqual, 0, 1, kMovedGate);
  at(10, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
  at(11, BPF_LD | BPF_W | BPF_IMM, 0, 0, 0);
}

}  // namespace oldornew::preload
