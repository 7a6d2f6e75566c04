// usage: torture --list | torture CASE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "interpose/testing/cases.h"

namespace oldornew::testing {

const char* self;

bool WriteNull() {
  const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const bool good = fd >= 0 && write(fd, "x", 1) == 1;
  close(fd);
  return good;
}

namespace {

const TortureCase* const kTables[] = {kSignalCases,  kWaitCases, kThreadCases,
                                      kProcessCases, kExecCases, kMemoryCases};

int Main(int argc, char** argv) {
  self = argv[0];
  if (argc >= 3 && strcmp(argv[1], "--again") == 0) return Again(argc, argv);
  for (const TortureCase* table : kTables) {
    for (const TortureCase* entry = table; entry->name != nullptr; ++entry) {
      if (argc == 2 && strcmp(argv[1], "--list") == 0) puts(entry->name);
      if (argc == 2 && strcmp(argv[1], entry->name) == 0) {
        entry->run();
        return 0;
      }
    }
  }
  return argc == 2 && strcmp(argv[1], "--list") == 0 ? 0 : 2;
}

}  // namespace
}  // namespace oldornew::testing

int main(int argc, char** argv) { return oldornew::testing::Main(argc, argv); }
