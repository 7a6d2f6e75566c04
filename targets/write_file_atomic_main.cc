// usage: write-file-atomic DIR NAME PERM < data
// Replaces DIR/NAME by what is on standard input. PERM is octal. Exit status: 0 done, 1 failed, 2
// usage.
#include <cstdio>

#include "driver.h"
#include "write_file_atomic.h"

int main(int argc, char** argv) {
  using namespace oldornew::targets;
  mode_t perm = 0;
  if (argc != 4 || !ParseMode(argv[3], &perm)) {
    std::fprintf(stderr, "usage: write-file-atomic DIR NAME PERM < data\n");
    return 2;
  }
  std::string data;
  if (!ReadStandardInput(&data)) {
    std::perror("write-file-atomic: standard input");
    return 1;
  }
  GoStatus status = WriteFileAtomic(argv[1], argv[2], data, perm);
  if (!status) {
    std::fprintf(stderr, "write-file-atomic: %s\n", status.error().Text().c_str());
    return 1;
  }
  return 0;
}
