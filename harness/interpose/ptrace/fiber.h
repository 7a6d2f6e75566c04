// Fibers: the funnel looks, carries out and records as if it ran in the traced program. In the
// tracer it runs on a fiber of its own per traced thread, which gives way while the thread carries
// a system call out, so that one thread that blocks (in wait4, on a pipe) holds up nobody. Fibers
// and not threads, because only the thread that attached may use ptrace, and because the funnel's
// code needs no locking then.
//
// Their stacks stand on the stage (stage.h): what the funnel passes to the kernel by address of a
// local variable has to be there, at this address, in the traced program as well.
#pragma once

#include <ucontext.h>

#include <functional>

namespace oldornew::ptrace {

class Fiber {
 public:
  /// `stack` stays the caller's.
  Fiber(char* stack, size_t size);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  /// Dropping a fiber that has not ended is fine: it never goes on. What its frames own is not
  /// destroyed.
  ~Fiber() = default;

  /// Runs until the body ends or yields. REQUIRES: not on a fiber.
  void Run(std::function<void()> body);
  void Resume();
  bool ended() const { return ended_; }
  /// Gives way to whoever called Run or Resume. REQUIRES: on this fiber.
  void Yield();

 private:
  static void Enter(unsigned high, unsigned low);

  ucontext_t here_;
  ucontext_t caller_;
  char* stack_;
  size_t size_;
  std::function<void()> body_;
  bool ended_ = true;
};

}  // namespace oldornew::ptrace
