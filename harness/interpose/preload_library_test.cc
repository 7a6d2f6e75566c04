// The laws of the preload library that can be read off the built file.
#include <elf.h>
#include <gtest/gtest.h>
#include <string.h>

#include <string>
#include <vector>

#include "base/files.h"

namespace oldornew {
namespace {

class PreloadLibrary : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::string> read = ReadFile(OLDORNEW_PRELOAD_LIBRARY);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    bytes_ = *read;
    ASSERT_GE(bytes_.size(), sizeof(Elf64_Ehdr));
    memcpy(&elf_, bytes_.data(), sizeof elf_);
    for (int i = 0; i < elf_.e_shnum; ++i)
      sections_.push_back(At<Elf64_Shdr>(elf_.e_shoff, static_cast<uint64_t>(i)));
    for (int i = 0; i < elf_.e_phnum; ++i)
      segments_.push_back(At<Elf64_Phdr>(elf_.e_phoff, static_cast<uint64_t>(i)));
  }

  template <typename T>
  T At(uint64_t offset, uint64_t index) const {
    T value;
    memcpy(&value, bytes_.data() + offset + index * sizeof(T), sizeof(T));
    return value;
  }

  std::string Name(const Elf64_Shdr& section) const {
    return bytes_.data() + sections_[elf_.e_shstrndx].sh_offset + section.sh_name;
  }

  std::vector<Elf64_Sym> DynamicSymbols() const {
    std::vector<Elf64_Sym> symbols;
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type != SHT_DYNSYM) continue;
      for (uint64_t i = 1; i < section.sh_size / sizeof(Elf64_Sym); ++i)
        symbols.push_back(At<Elf64_Sym>(section.sh_offset, i));
    }
    return symbols;
  }

  std::string bytes_;
  Elf64_Ehdr elf_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<Elf64_Phdr> segments_;
};

TEST_F(PreloadLibrary, NeedsNoOtherLibraryAndIsInitialisedFirst) {
  bool first = false;
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type != SHT_DYNAMIC) continue;
    for (uint64_t i = 0; i < section.sh_size / sizeof(Elf64_Dyn); ++i) {
      const Elf64_Dyn entry = At<Elf64_Dyn>(section.sh_offset, i);
      EXPECT_NE(entry.d_tag, DT_NEEDED);
      if (entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_INITFIRST) != 0) first = true;
    }
  }
  EXPECT_TRUE(first);
}

TEST_F(PreloadLibrary, ImportsAndExportsNothing) {
  EXPECT_EQ(DynamicSymbols().size(), 0u) << "run nm -D on it";
}

TEST_F(PreloadLibrary, HasNoThreadLocalDataAndNothingWritableToExecute) {
  for (const Elf64_Phdr& segment : segments_) {
    EXPECT_NE(segment.p_type, static_cast<uint32_t>(PT_TLS));
    EXPECT_NE(segment.p_flags & (PF_W | PF_X), static_cast<uint32_t>(PF_W | PF_X));
  }
}

/// The bytes of `syscall`, `sysenter` and `int 0x80` appear nowhere in executable sections but in
/// the gate.
TEST_F(PreloadLibrary, HasSystemCallInstructionsOnlyInTheGate) {
  int in_gate = 0;
  for (const Elf64_Shdr& section : sections_) {
    if ((section.sh_flags & SHF_EXECINSTR) == 0) continue;
    const std::string name = Name(section);
    for (uint64_t i = 0; i + 1 < section.sh_size; ++i) {
      const auto first = static_cast<unsigned char>(bytes_[section.sh_offset + i]);
      const auto second = static_cast<unsigned char>(bytes_[section.sh_offset + i + 1]);
      if (first != 0x0f || (second != 0x05 && second != 0x34)) continue;
      if (name == ".gate") {
        ++in_gate;
      } else {
        ADD_FAILURE() << name << " has a system call instruction at " << std::hex
                      << section.sh_addr + i;
      }
    }
  }
  EXPECT_GE(in_gate, 4);
}

TEST_F(PreloadLibrary, TheGateIsWholePages) {
  for (const Elf64_Shdr& section : sections_) {
    if (Name(section) != ".gate") continue;
    EXPECT_EQ(section.sh_addr % 4096, 0u);
    EXPECT_EQ(section.sh_size % 4096, 0u);
    return;
  }
  FAIL() << "no section .gate";
}

/// libgcc's unwinder recognises a signal frame by the nine bytes of glibc's restorer.
TEST_F(PreloadLibrary, ReturnsFromSignalsWithTheBytesOfGlibc) {
  const std::string restorer("\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05", 9);
  EXPECT_NE(bytes_.find(restorer), std::string::npos);
}

}  // namespace
}  // namespace oldornew
