#include "interpose/unwind.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "base/files.h"

namespace oldornew {

namespace {

constexpr size_t kMaxFrames = 64;

/// More process images than a run of any size has that are not the same ones again. Each holds its
/// files open.
constexpr size_t kSessionsKept = 24;

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
                  module.file_offset >= page_start &&
                  module.file_offset < header.p_offset + header.p_filesz;
      if (here) bias = module.start - header.p_vaddr + header.p_offset - module.file_offset;
    }
  }

  elf_end(elf);

  return bias;
}

int NoDebugInfo(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word,
                char**) {
  return -1;
}
int NoOtherElf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; }

/// Equal for lists of which one can be moved to the places of the other: the same files, as they
/// are on disk now, mapped in the same parts, and these as far from each other.
std::string KeyOf(const std::vector<Module>& modules) {
  std::string key;
  const Module* before = nullptr;
  struct stat st{};
  for (const Module& module : modules) {
    const bool same_file = before != nullptr && before->path == module.path;
    if (!same_file && stat(module.path.c_str(), &st) != 0) st = {};
    key += fmt::format("{:x} {:x} {:x} {:x} {:x} {:x}.{:x} {}\n",
                       same_file ? module.start - before->start : 0, module.end - module.start,
                       module.file_offset, st.st_dev, st.st_ino, st.st_ctim.tv_sec,
                       st.st_ctim.tv_nsec, module.path);
    before = &module;
  }

  return key;
}

}  // namespace

/// One libdwfl state: the modules of a process image. The stack to unwind is exchanged for each
/// question.
class Unwinder::Session {
 public:
  explicit Session(const std::vector<Module>& modules) : modules_(modules) {
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

  /// Where the modules of the questions that follow lie. REQUIRES: a list of the same key.
  void MoveTo(const std::vector<Module>& modules) { lie_at_ = modules; }

  /// Forgets answers: those of another run have other stacks.
  void Forget() { known_.clear(); }

  /// `interpreted` counts the answers that were not remembered.
  std::vector<uint64_t> Unwind(const wire::Record& record, std::string_view words,
                               uint64_t* interpreted) {
    record_ = &record;
    TakeWords(words);
    std::vector<Memory>& answers =
        known_[{Here(record.ip), record.stack_pointer, record.frame_pointer}];
    for (const Memory& answer : answers) {
      if (Holds(answer.reads)) return Back(answer.frames);
    }
    frames_.clear();
    reads_.clear();
    ++*interpreted;
    if (attached_) dwfl_getthread_frames(dwfl_, kPid, TakeFrame, this);
    if (frames_.empty()) frames_.push_back(Here(record.ip));
    if (answers.size() < kAnswersKept) answers.push_back({reads_, frames_});
    return Back(frames_);
  }

 private:
  static constexpr pid_t kPid = 1;

  static pid_t NextThread(Dwfl*, void* self, void** thread) {
    if (*thread != nullptr) return 0;
    *thread = self;
    return kPid;
  }

  /// An address of the code in the place where the session has it; anything else as it is.
  uint64_t Here(uint64_t address) const { return Moved(address, lie_at_, modules_); }
  std::vector<uint64_t> Back(std::vector<uint64_t> frames) const {
    for (uint64_t& frame : frames) frame = Moved(frame, modules_, lie_at_);
    return frames;
  }
  static uint64_t Moved(uint64_t address, const std::vector<Module>& from,
                        const std::vector<Module>& to) {
    // a call that does not return may be the last thing in its module
    for (uint64_t beyond : {0, 1}) {
      for (size_t i = 0; i < from.size(); ++i) {
        if (address >= from[i].start && address < from[i].end + beyond)
          return address - from[i].start + to[i].start;
      }
    }
    return address;
  }

  /// One question of libdwfl about the stack, and the answer: nullopt when the word was not
  /// recorded.
  struct Read {
    uint64_t address;
    std::optional<uint64_t> word;
  };
  /// What came out of interpreting the tables for one stack. The tables are the same, so whenever
  /// registers and all words that were read are the same, so is what comes out. A program in a loop
  /// asks the same thousands of times, with other words of its stack changed in between.
  struct Memory {
    std::vector<Read> reads;
    std::vector<uint64_t> frames;
  };
  static constexpr size_t kAnswersKept = 16;  // for one set of registers

  void TakeWords(std::string_view words) {
    words_.clear();
    for (size_t at = 0; at + 8 <= words.size(); at += 8) {
      uint64_t word;
      memcpy(&word, words.data() + at, sizeof word);
      words_.emplace_back((record_->stack_pointer & ~uint64_t{7}) + (word >> 48) * 8,
                          Here(word & 0xffffffffffff));
    }
    if (!std::is_sorted(words_.begin(), words_.end())) std::sort(words_.begin(), words_.end());
  }
  std::optional<uint64_t> WordAt(uint64_t address) const {
    auto found = std::lower_bound(words_.begin(), words_.end(), std::pair(address, uint64_t{0}));
    if (found == words_.end() || found->first != address) return std::nullopt;
    return found->second;
  }
  bool Holds(const std::vector<Read>& reads) const {
    return std::all_of(reads.begin(), reads.end(),
                       [this](const Read& read) { return WordAt(read.address) == read.word; });
  }

  static bool ReadMemory(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* self) {
    auto& session = *static_cast<Session*>(self);
    const std::optional<uint64_t> word = session.WordAt(address);
    session.reads_.push_back({address, word});
    if (word) *result = *word;
    return word.has_value();
  }
  static bool SetRegisters(Dwfl_Thread* thread, void* self) {
    const wire::Record& record = *static_cast<Session*>(self)->record_;
    const Dwarf_Word frame_and_stack[] = {record.frame_pointer,
                                          record.stack_pointer};  // DWARF numbers 6 and 7
    if (!dwfl_thread_state_registers(thread, 6, 2, frame_and_stack)) return false;
    dwfl_thread_state_register_pc(thread, static_cast<Session*>(self)->Here(record.ip));
    return true;
  }
  static int TakeFrame(Dwfl_Frame* frame, void* self) {
    auto& frames = static_cast<Session*>(self)->frames_;
    Dwarf_Addr pc = 0;
    if (!dwfl_frame_pc(frame, &pc, nullptr) || pc == 0 || frames.size() >= kMaxFrames)
      return DWARF_CB_ABORT;
    frames.push_back(pc);
    return DWARF_CB_OK;
  }

  std::vector<Module> modules_;  // where libdwfl has them
  std::vector<Module> lie_at_;   // where those of the question lie
  Dwfl* dwfl_ = nullptr;
  bool attached_ = false;
  const wire::Record* record_ = nullptr;
  std::vector<std::pair<uint64_t, uint64_t>> words_;  // address and word, by address
  std::vector<uint64_t> frames_;
  std::vector<Read> reads_;
  std::map<std::array<uint64_t, 3>, std::vector<Memory>> known_;  // by ip, stack and frame pointer
};

Unwinder::Unwinder() = default;
Unwinder::~Unwinder() = default;

Unwinder::Session& Unwinder::SessionOf(const std::vector<Module>& modules) {
  const auto same = [](const Module& a, const Module& b) {
    return a.start == b.start && a.path == b.path;
  };
  if (last_session_ != nullptr && std::equal(modules.begin(), modules.end(), last_modules_.begin(),
                                             last_modules_.end(), same)) {
    return *last_session_;
  }

  const std::string key = KeyOf(modules);
  if (!sessions_.contains(key) && sessions_.size() >= kSessionsKept) sessions_.clear();
  std::unique_ptr<Session>& session = sessions_[key];
  if (!session) {
    session = std::make_unique<Session>(modules);
    ++opened_;
  }

  session->MoveTo(modules);
  last_modules_ = modules;
  last_session_ = session.get();

  return *session;
}

void Unwinder::BeginRun() {
  last_session_ = nullptr;
  for (auto& [key, session] : sessions_) session->Forget();
}

std::vector<uint64_t> Unwinder::Unwind(const std::vector<Module>& modules,
                                       const wire::Record& record, std::string_view words) {
  return SessionOf(modules).Unwind(record, words, &interpreted_);
}

}  // namespace oldornew
