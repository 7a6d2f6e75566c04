#include "finding/source.h"

#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/text.h"
#include "cases/call_site.h"

namespace oldornew {

namespace {

// Frames in these say how a call was made, not who wanted it.
bool IsRuntime(const std::string& path) {
  static constexpr std::array<std::string_view, 6> kPrefixes = {
      "libc.so", "libc-2", "ld-linux", "libpthread", "libstdc++", "liboldornew"};
  const std::string name = BaseName(path);
  for (const std::string_view prefix : kPrefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return path.empty() || path[0] != '/';
}

struct Frame {
  const Module* module = nullptr;
  uint64_t file_offset = 0;
};

// The frames outside the runtime, innermost first.
std::vector<Frame> OwnFrames(const Process& process, const Op& op, size_t most) {
  std::vector<Frame> out;
  for (const uint64_t address : op.stack) {
    const Module* module = ModuleAt(process, address);
    if (module != nullptr && !IsRuntime(module->path) && out.size() < most)
      out.push_back({module, address - module->start + module->file_offset});
  }
  return out;
}

// The ELF file's own address of an offset in it.
std::optional<GElf_Addr> AddressOf(Elf* elf, uint64_t file_offset) {
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr || header.p_type != PT_LOAD)
      continue;
    if (file_offset >= header.p_offset && file_offset < header.p_offset + header.p_filesz) {
      return file_offset - header.p_offset + header.p_vaddr;
    }
  }
  return std::nullopt;
}

// Separate debug files are looked for on disk only, by build id and .gnu_debuglink: libdwfl's own
// search would ask the servers that this variable names (debuginfod(7)).
bool MayAskServers() { return std::getenv("DEBUGINFOD_URLS") != nullptr; }

// "oldornew::Save" for a mangled name: without arguments, which tell a reader little and take a
// line.
std::string Readable(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), std::free);
  const std::string name = text != nullptr ? text.get() : symbol;
  return name.substr(0, name.find('('));
}

std::string Symbolise(const Frame& frame) {
  const std::string plain = fmt::format("{}+{:#x} (no debug information)",
                                        BaseName(frame.module->path), frame.file_offset);
  static char* debug_path = nullptr;  // libdwfl's default places
  static const Dwfl_Callbacks callbacks = {
      dwfl_build_id_find_elf,
      MayAskServers() ? dwfl_build_id_find_debuginfo : dwfl_standard_find_debuginfo,
      dwfl_offline_section_address, &debug_path};
  const std::unique_ptr<Dwfl, void (*)(Dwfl*)> dwfl(dwfl_begin(&callbacks), dwfl_end);
  if (dwfl == nullptr) return plain;
  dwfl_report_begin(dwfl.get());
  Dwfl_Module* module = dwfl_report_elf(dwfl.get(), "", frame.module->path.c_str(), -1, 0, false);
  if (module == nullptr || dwfl_report_end(dwfl.get(), nullptr, nullptr) != 0) return plain;
  GElf_Addr bias = 0;
  Elf* elf = dwfl_module_getelf(module, &bias);
  const auto address = elf != nullptr ? AddressOf(elf, frame.file_offset) : std::nullopt;
  if (!address) return plain;
  const GElf_Addr call = *address + bias - 1;  // A return address stands behind its call.
  GElf_Off offset = 0;
  GElf_Sym symbol;
  const char* name =
      dwfl_module_addrinfo(module, call, &offset, &symbol, nullptr, nullptr, nullptr);
  int line_number = 0;
  Dwfl_Line* line = dwfl_module_getsrc(module, call);
  const char* file = line != nullptr
                         ? dwfl_lineinfo(line, nullptr, &line_number, nullptr, nullptr, nullptr)
                         : nullptr;
  if (file != nullptr) {
    return name != nullptr ? fmt::format("{}:{} ({})", file, line_number, Readable(name))
                           : fmt::format("{}:{}", file, line_number);
  }
  if (name == nullptr || name[0] == '\0') return plain;
  return fmt::format("{}: {}+{:#x}", BaseName(frame.module->path), Readable(name), offset + 1);
}

}  // namespace

std::vector<std::string> DescribeStack(const Trace& trace, const Op& op, size_t most) {
  std::vector<std::string> out;
  if (op.process < 0 || static_cast<size_t>(op.process) >= trace.processes.size()) return out;
  const Process& process = trace.processes[static_cast<size_t>(op.process)];
  for (const Frame& frame : OwnFrames(process, op, most)) out.push_back(Symbolise(frame));
  return out;
}

std::string DescribeSource(const Trace& trace, const Op& op) {
  const std::vector<std::string> stack = DescribeStack(trace, op, 1);
  return stack.empty() ? std::string{} : stack[0];
}

std::string SourceOrProgram(const Trace& trace, uint32_t index) {
  if (index >= trace.ops.size()) return {};
  const Op& op = trace.ops[index];
  std::string source = DescribeSource(trace, op);
  if (source.empty() && op.process >= 0 && static_cast<size_t>(op.process) < trace.processes.size())
    source = trace.processes[static_cast<size_t>(op.process)].program;
  return source;
}

}  // namespace oldornew
