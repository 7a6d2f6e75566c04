#include "lab/testing/fake_lab.h"

#include "base/check.h"
#include "lab/testing/fake_kernel.h"

namespace oldornew::testing {

namespace {

constexpr const char* kProgram = "program";

LabSpec SpecOf(std::chrono::milliseconds time_limit) {
  LabSpec out;
  out.run.command = {kProgram};
  out.run.time_limit = time_limit;
  out.jobs = 1;
  return out;
}

}  // namespace

FileTree TreeOf(const std::map<std::string, std::string>& files) {
  FileTree tree;
  for (const auto& [path, bytes] : files) {
    const bool directory = path.ends_with("/");
    const std::string whole = directory ? path.substr(0, path.size() - 1) : path;
    const size_t slash = whole.rfind('/');
    const auto parent = tree.Lookup(slash == std::string::npos ? "" : whole.substr(0, slash));
    CHECK(parent.has_value());
    Inode inode;
    inode.kind = directory ? FileKind::kDirectory : FileKind::kFile;
    inode.mode = directory ? 0755 : 0644;
    inode.content = Content::FromBytes(bytes);
    const InodeIndex added = tree.Add(std::move(inode));
    tree.at(*parent).entries[slash == std::string::npos ? whole : whole.substr(slash + 1)] = added;
  }
  return tree;
}

FakeLab::FakeLab(FakeProgram program, std::chrono::milliseconds time_limit)
    : Lab(SpecOf(time_limit), nullptr) {
  Know(kProgram, std::move(program));
}

const std::string& FakeLab::working_directory() const {
  static const std::string directory = "/sandbox";
  return directory;
}

Result<Trace> FakeLab::Run(size_t index, const RunSpec& run, const FileTree* old,
                           const SpaceLimit* space) {
  CHECK(index == 0 && space == nullptr);
  const auto program = programs_.find(run.command.front());
  if (program == programs_.end())
    return FailWith(ExitCode::kUsage, "{}: command not found", run.command.front());
  ++runs_;
  Trace trace = FakeKernel(run, old == nullptr ? there_ : *old, &machine_).Run(program->second);
  there_ = trace.new_tree;
  return trace;
}

void FakeLab::WaitUntil(std::chrono::steady_clock::time_point) { machine_.now += 2'000; }

}  // namespace oldornew::testing
