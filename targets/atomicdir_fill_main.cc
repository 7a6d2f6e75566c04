// usage: atomicdir-fill D FILE=CONTENT...
// Makes D a symlink to a fresh directory that holds the given files. Exit status: 0 done, 1 failed,
// 2 usage.
#include <cstdio>
#include <vector>

#include "atomicdir_fill.h"
#include "driver.h"

int main(int argc, char** argv) {
  using namespace oldornew::targets;
  std::vector<FileArgument> files(argc > 2 ? static_cast<size_t>(argc - 2) : 0);
  bool usable = argc >= 2;
  for (size_t i = 0; i < files.size(); ++i)
    usable = ParseFileArgument(argv[i + 2], &files[i]) && usable;
  if (!usable) {
    std::fprintf(stderr, "usage: atomicdir-fill D FILE=CONTENT...\n");
    return 2;
  }
  GoStatus status = Fill(argv[1], [&](const std::string& dir) -> GoStatus {
    for (const FileArgument& file : files) {
      GoStatus written = goos::WriteFile(goos::Join(dir, file.name), file.content, 0600);
      if (!written) return written;
    }
    return {};
  });
  if (!status) {
    std::fprintf(stderr, "atomicdir-fill: %s\n", status.error().Text().c_str());
    return 1;
  }
  return 0;
}
