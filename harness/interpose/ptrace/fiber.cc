#include "interpose/ptrace/fiber.h"

#include <cstdint>

#include "base/check.h"

namespace oldornew::ptrace {

Fiber::Fiber(char* stack, size_t size) : stack_(stack), size_(size) {}

void Fiber::Enter(unsigned high, unsigned low) {
  auto* fiber = reinterpret_cast<Fiber*>(static_cast<uint64_t>(high) << 32 | low);
  fiber->body_();
  fiber->ended_ = true;
  swapcontext(&fiber->here_, &fiber->caller_);
}

void Fiber::Run(std::function<void()> body) {
  CHECK(ended_);
  body_ = std::move(body);
  ended_ = false;
  CHECK(getcontext(&here_) == 0);
  here_.uc_stack.ss_sp = stack_;
  here_.uc_stack.ss_size = size_;
  here_.uc_link = nullptr;
  const auto self = reinterpret_cast<uint64_t>(this);
  makecontext(&here_, reinterpret_cast<void (*)()>(&Fiber::Enter), 2,
              static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
  Resume();
}

void Fiber::Resume() { CHECK(swapcontext(&caller_, &here_) == 0); }

void Fiber::Yield() { CHECK(swapcontext(&here_, &caller_) == 0); }

}  // namespace oldornew::ptrace
