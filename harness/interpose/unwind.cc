#include "interpose/unwind.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <string.h>

#include <optional>
#include <set>
#include <utility>

#include "base/files.h"

namespace oldornew {

namespace {

constexpr size_t kMaxFrames = 64;

/// Where address 0 of the file's own numbering came to lie.
std::optional<uint64_t> BiasOf(const Module& module) {
  UniqueFd fd(open(module.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr);
  std::optional<uint64_t> bias;
  size_t count = 0;
  if (elf != nullptr && elf_getphdrnum(elf, &count) == 0) {
    for (size_t i = 0; i < count; i++) {
      GElf_Phdr header;
      if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) break;
      uint64_t page_start = header.p_offset & ~uint64_t{4095};
      bool here = header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0 &&
                  module.file_offset >= page_start && module.file_offset < header.p_offset + header.p_filesz;
      if (here) bias = module.start - header.p_vaddr + header.p_offset - module.file_offset;
    }
  }
  elf_end(elf);
  return bias;
}

int NoDebugInfo(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word, char**) {
  return -1;
}
int NoOtherElf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; }

}  // namespace

/// One libdwfl state: the modules of a process image. The stack to unwind is exchanged for each question.
class Unwinder::Session {
 public:
  explicit Session(const std::vector<Module>& modules) {
    static char* no_path = nullptr;
    static const Dwfl_Callbacks kCallbacks = {NoOtherElf, NoDebugInfo, nullptr, &no_path};
    dwfl_ = dwfl_begin(&kCallbacks);
    if (dwfl_ == nullptr) return;
    dwfl_report_begin(dwfl_);
    std::set<std::pair<std::string, uint64_t>> reported;
    for (const Module& module : modules) {
      std::optional<uint64_t> bias = BiasOf(module);
      if (!bias || !reported.emplace(module.path, *bias).second) continue;
      dwfl_report_elf(dwfl_, module.path.c_str(), module.path.c_str(), -1, *bias, true);
    }
    dwfl_report_end(dwfl_, nullptr, nullptr);
    static const Dwfl_Thread_Callbacks kThreads = {NextThread,   nullptr, ReadMemory,
                                                   SetRegisters, nullptr, nullptr};
    attached_ = dwfl_attach_state(dwfl_, nullptr, kPid, &kThreads, this);
  }
  ~Session() {
    if (dwfl_ != nullptr) dwfl_end(dwfl_);
  }

  std::vector<uint64_t> Unwind(const wire::Record& record, std::string_view words) {
    record_ = &record;
    memory_.clear();
    frames_.clear();
    for (size_t at = 0; at + 8 <= words.size(); at += 8) {
      uint64_t word;
      memcpy(&word, words.data() + at, sizeof word);
      memory_[(record.stack_pointer & ~uint64_t{7}) + (word >> 48) * 8] = word & 0xffffffffffff;
    }
    if (attached_) dwfl_getthread_frames(dwfl_, kPid, TakeFrame, this);
    if (frames_.empty()) frames_.push_back(record.ip);
    return std::move(frames_);
  }

 private:
  static constexpr pid_t kPid = 1;

  static pid_t NextThread(Dwfl*, void* self, void** thread) {
    if (*thread != nullptr) return 0;
    *thread = self;
    return kPid;
  }
  static bool ReadMemory(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* self) {
    const auto& memory = static_cast<Session*>(self)->memory_;
    auto found = memory.find(address);
    if (found == memory.end()) return false;
    *result = found->second;
    return true;
  }
  static bool SetRegisters(Dwfl_Thread* thread, void* self) {
    const wire::Record& record = *static_cast<Session*>(self)->record_;
    const Dwarf_Word frame_and_stack[] = {record.frame_pointer,
                                          record.stack_pointer};  // DWARF numbers 6 and 7
    if (!dwfl_thread_state_registers(thread, 6, 2, frame_and_stack)) return false;
    dwfl_thread_state_register_pc(thread, record.ip);
    return true;
  }
  static int TakeFrame(Dwfl_Frame* frame, void* self) {
    auto& frames = static_cast<Session*>(self)->frames_;
    Dwarf_Addr pc = 0;
    if (!dwfl_frame_pc(frame, &pc, nullptr) || pc == 0 || frames.size() >= kMaxFrames) return DWARF_CB_ABORT;
    frames.push_back(pc);
    return DWARF_CB_OK;
  }

  Dwfl* dwfl_ = nullptr;
  bool attached_ = false;
  const wire::Record* record_ = nullptr;
  std::map<uint64_t, uint64_t> memory_;
  std::vector<uint64_t> frames_;
};

Unwinder::Unwinder() = default;
Unwinder::~Unwinder() = default;

std::vector<uint64_t> Unwinder::Unwind(const std::vector<Module>& modules, const wire::Record& record,
                                       std::string_view words) {
  std::string key;
  for (const Module& module : modules) key += fmt::format("{:x}{}\n", module.start, module.path);
  std::unique_ptr<Session>& session = sessions_[key];
  if (!session) session = std::make_unique<Session>(modules);
  return session->Unwind(record, words);
}

}  // namespace oldornew
