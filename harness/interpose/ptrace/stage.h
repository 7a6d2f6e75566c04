// The stage: one file that the tracer and every traced program map at the same address, so that a
// pointer of ours means the same on both sides and the kernel can be handed it in a call that the
// traced program makes. It holds the stacks on which the funnel runs, its path buffers, and room
// for bytes to be written.
//
// The address is fixed and low: above programs that are not position-independent and their first
// gigabyte of heap, below the shadow memory of the address sanitizer (0x7fff8000), and nowhere that
// Go, the JVM or the kernel put things by themselves. It is also what tells our pointers from the
// program's: nothing of the program is there.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace oldornew::ptrace {

class Stage {
 public:
  static constexpr uint64_t kAddress = 0x70000000;
  static constexpr uint64_t kSize = uint64_t{64} << 20;
  static constexpr uint64_t kPathSize = 4096;
  // three of them. The page before holds a call instruction
  static constexpr uint64_t kPaths = kAddress + 4096;
  static constexpr uint64_t kBytes = kAddress + (uint64_t{1} << 20);
  static constexpr uint64_t kBytesSize = uint64_t{7} << 20;
  static constexpr uint64_t kStacks = kAddress + (uint64_t{8} << 20);
  static constexpr uint64_t kStackSize = uint64_t{32} << 10;
  static constexpr uint64_t kStackCount = (kSize - (uint64_t{8} << 20)) / kStackSize;

  /// Creates the file `path`, which traced programs open by this name, and maps it. It is removed
  /// with this object.
  static Result<std::unique_ptr<Stage>> Create(const std::string& path);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  const std::string& path() const { return path_; }
  static bool Holds(uint64_t address) { return address - kAddress < kSize; }
  bool HasStack() const { return !free_.empty(); }
  /// A stack that nobody uses, or null: all are in use.
  char* TakeStack();
  void ReturnStack(char* stack) { free_.push_back(stack); }

 private:
  explicit Stage(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::vector<char*> free_;
};

}  // namespace oldornew::ptrace
