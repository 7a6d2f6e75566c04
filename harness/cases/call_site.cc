#include "cases/call_site.h"

namespace oldornew {

const Module* ModuleAt(const Process& process, uint64_t address) {
  for (const Module& module : process.modules) {
    if (address >= module.start && address < module.end) return &module;
  }
  return nullptr;
}

std::string SiteOf(const Trace& trace, const Op& op) {
  if (op.process < 0 || static_cast<size_t>(op.process) >= trace.processes.size() ||
      op.stack.empty())
    return {};
  const Process& process = trace.processes[static_cast<size_t>(op.process)];
  Hasher hasher;
  bool known = false;
  for (const uint64_t address : op.stack) {
    const Module* module = ModuleAt(process, address);
    if (module == nullptr) continue;
    hasher.Add(module->path).Add(address - module->start + module->file_offset);
    known = true;
  }
  return known ? hasher.Finish().Hex() : std::string{};
}

}  // namespace oldornew
