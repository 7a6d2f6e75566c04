// usage: hardened-write-file [--keep-attributes] [--create-only] DIR NAME PERM < data
// Replaces DIR/NAME by what is on standard input. PERM is octal and exact. Exit status: 0 done and
// durable, 1 failed and nothing changed, 2 usage, 3 failed, though the new content is live or may
// be.
#include <fcntl.h>

#include <cstdio>
#include <cstring>

#include "driver.h"
#include "hardened/report.h"
#include "hardened/write_file.h"

int main(int argc, char** argv) {
  using namespace oldornew;
  hardened::WriteFileOptions options;
  int next = 1;
  for (; next < argc && std::strncmp(argv[next], "--", 2) == 0; ++next) {
    if (std::strcmp(argv[next], "--keep-attributes") == 0) {
      options.keep_attributes = true;
    } else if (std::strcmp(argv[next], "--create-only") == 0) {
      options.create_only = true;
    } else {
      break;
    }
  }
  if (argc - next != 3 || !targets::ParseMode(argv[next + 2], &options.mode)) {
    std::fprintf(
        stderr,
        "usage: hardened-write-file [--keep-attributes] [--create-only] DIR NAME PERM < data\n");
    return 2;
  }
  std::string data;
  const int dir = open(argv[next], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0 || !targets::ReadStandardInput(&data)) {
    std::perror(dir < 0 ? argv[next] : "standard input");
    return 1;
  }
  return hardened::ReportResult("hardened-write-file",
                                hardened::WriteFile(dir, argv[next + 1], data, options));
}
