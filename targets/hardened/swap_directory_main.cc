// usage: hardened-swap-directory [--exchange] [--keep-previous] PARENT NAME FILE=CONTENT...
// Makes PARENT/NAME show a fresh directory that holds the given files (FILE may lie in
// subdirectories). Exit status: 0 done and durable, 1 failed and nothing changed, 2 usage, 3
// failed, though the new content is live or may be.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "driver.h"
#include "hardened/report.h"
#include "hardened/steps.h"
#include "hardened/swap_directory.h"

namespace {

using oldornew::hardened::Fd;
using oldornew::targets::FileArgument;

/// Creates the file and the directories on its way. The swap itself fsyncs the tree.
int MakeFile(int staging, const FileArgument& file) {
  for (size_t slash = file.name.find('/'); slash != std::string::npos;
       slash = file.name.find('/', slash + 1)) {
    if (mkdirat(staging, file.name.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST)
      return errno;
  }
  Fd fd(openat(staging, file.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
               0644));
  if (!fd.valid()) return errno;
  if (int error = oldornew::hardened::WriteAll(fd.get(), file.content)) return error;
  return fd.Close();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace oldornew;
  hardened::SwapOptions options;
  int next = 1;
  for (; next < argc && std::strncmp(argv[next], "--", 2) == 0; ++next) {
    if (std::strcmp(argv[next], "--exchange") == 0) {
      options.form = hardened::SwapForm::kExchange;
    } else if (std::strcmp(argv[next], "--keep-previous") == 0) {
      options.keep_previous = true;
    } else {
      break;
    }
  }
  bool usable = argc - next >= 2;
  std::vector<FileArgument> files(usable ? static_cast<size_t>(argc - next - 2) : 0);
  for (size_t i = 0; i < files.size(); ++i)
    usable = targets::ParseFileArgument(argv[next + 2 + i], &files[i]) && usable;
  if (!usable) {
    std::fprintf(stderr,
                 "usage: hardened-swap-directory [--exchange] [--keep-previous] PARENT NAME "
                 "FILE=CONTENT...\n");
    return 2;
  }
  const int parent = open(argv[next], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) {
    std::perror(argv[next]);
    return 1;
  }
  const auto populate = [&](int staging) {
    for (const FileArgument& file : files) {
      if (int error = MakeFile(staging, file)) return error;
    }
    return 0;
  };
  const hardened::SwapResult result =
      hardened::SwapDirectory(parent, argv[next + 1], populate, options);
  if (result.retire_error != 0)
    std::fprintf(stderr, "hardened-swap-directory: old trees may be left to the next swap: %s\n",
                 std::strerror(result.retire_error));
  return hardened::ReportResult("hardened-swap-directory", result);
}
