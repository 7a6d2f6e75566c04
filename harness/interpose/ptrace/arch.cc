#include "interpose/ptrace/arch.h"

#include <elf.h>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <iterator>

namespace oldornew::ptrace {

bool GetRegisters(pid_t thread, Registers* registers) {
  iovec part = {&registers->words, sizeof registers->words};
  return ::ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &part) == 0;
}

bool SetRegisters(pid_t thread, const Registers& registers) {
  iovec part = {const_cast<user_regs_struct*>(&registers.words), sizeof registers.words};
  return ::ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &part) == 0;
}

#if defined(__x86_64__)

const uint32_t kNativeArchitecture = AUDIT_ARCH_X86_64;
const unsigned char kCallInstruction[] = {0x0f, 0x05};  // syscall
const size_t kCallInstructionSize = std::size(kCallInstruction);

uint64_t Registers::ip() const { return words.rip; }
uint64_t Registers::sp() const { return words.rsp; }
uint64_t Registers::frame_pointer() const { return words.rbp; }

void Registers::SetResult(long result) { words.rax = static_cast<uint64_t>(result); }

namespace {

void SetArguments(user_regs_struct& words, const long (&args)[6]) {
  words.rdi = static_cast<uint64_t>(args[0]);
  words.rsi = static_cast<uint64_t>(args[1]);
  words.rdx = static_cast<uint64_t>(args[2]);
  words.r10 = static_cast<uint64_t>(args[3]);
  words.r8 = static_cast<uint64_t>(args[4]);
  words.r9 = static_cast<uint64_t>(args[5]);
}

}  // namespace

void Registers::PrepareCall(uint64_t ip, long nr, const long (&args)[6]) {
  SetArguments(words, args);
  words.rip = ip;
  words.rax = static_cast<uint64_t>(nr);
  words.orig_rax = ~uint64_t{0};  // nothing that the kernel might want to restart
}

bool ReplaceCall(pid_t thread, const Registers& now, long nr, const long (&args)[6], long result) {
  Registers next = now;
  SetArguments(next.words, args);
  next.words.orig_rax = static_cast<uint64_t>(nr);
  if (nr < 0) next.words.rax = static_cast<uint64_t>(result);
  return SetRegisters(thread, next);
}

#elif defined(__aarch64__)

const uint32_t kNativeArchitecture = AUDIT_ARCH_AARCH64;
const unsigned char kCallInstruction[] = {0x01, 0x00, 0x00, 0xd4};  // svc #0
const size_t kCallInstructionSize = std::size(kCallInstruction);

uint64_t Registers::ip() const { return words.pc; }
uint64_t Registers::sp() const { return words.sp; }
uint64_t Registers::frame_pointer() const { return words.regs[29]; }

void Registers::SetResult(long result) { words.regs[0] = static_cast<uint64_t>(result); }

namespace {

void SetArguments(user_regs_struct& words, const long (&args)[6]) {
  for (int i = 0; i < 6; ++i) words.regs[i] = static_cast<uint64_t>(args[i]);
}

}  // namespace

void Registers::PrepareCall(uint64_t ip, long nr, const long (&args)[6]) {
  SetArguments(words, args);
  words.pc = ip;
  words.regs[8] = static_cast<uint64_t>(nr);
}

bool ReplaceCall(pid_t thread, const Registers& now, long nr, const long (&args)[6], long result) {
  // The number that counts at an entry stop is not x8 but a register set of its own.
  int number = static_cast<int>(nr);
  iovec part = {&number, sizeof number};
  if (::ptrace(PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, &part) != 0) return false;
  Registers next = now;
  SetArguments(next.words, args);
  if (nr < 0) next.SetResult(result);
  return SetRegisters(thread, next);
}

#else
#error "this machine's registers are not known here"
#endif

}  // namespace oldornew::ptrace
