// Helpers of this room's tests: a directory made to order, and its exact state before and after.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <map>
#include <string>

#include "base/files.h"
#include "base/text.h"
#include "run/places.h"
#include "run/runner.h"
#include "run/sandbox.h"

namespace oldornew::testing {

#define ASSERT_OK(expr)                                    \
  do {                                                     \
    const auto& status_of_ = (expr);                       \
    ASSERT_TRUE(status_of_) << status_of_.error().message; \
  } while (0)

/// Kinds of sandboxes that tests are run in.
struct Kind {
  const char* name;
  Isolation isolation;
  bool in_memory;
};

inline void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

inline constexpr Kind kKinds[] = {{"Full", Isolation::kFull, false},
                                  {"FullInMemory", Isolation::kFull, true},
                                  {"MountOnly", Isolation::kMountOnly, false},
                                  {"MountOnlyInMemory", Isolation::kMountOnly, true},
                                  {"NoNamespace", Isolation::kNone, false}};

/// Everything that stat shows except the access time, and the bytes: by path.
inline std::map<std::string, std::string> Fingerprint(const std::string& directory) {
  std::map<std::string, std::string> result;
  std::vector<std::string> paths = LeavesBelow(directory);
  paths.push_back("");
  for (const std::string& leaf : std::vector<std::string>(paths)) {
    for (size_t at = leaf.find('/'); at != std::string::npos; at = leaf.find('/', at + 1))
      paths.push_back(leaf.substr(0, at));
  }
  for (const std::string& path : paths) {
    const std::string full = path.empty() ? directory : directory + "/" + path;
    struct stat st;
    if (lstat(full.c_str(), &st) != 0) continue;
    std::string text = fmt::format(
        "{:o} {} {} {} {} {}.{} {}.{} {}", st.st_mode, st.st_uid, st.st_gid, st.st_nlink, st.st_ino,
        st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_ctim.tv_sec, st.st_ctim.tv_nsec, st.st_size);
    if (S_ISREG(st.st_mode)) text += "\n" + ReadFile(full).value_or("unreadable");
    result[path] = text;
  }
  return result;
}

inline RunResult MustRun(const Sandbox& sandbox, std::vector<std::string> command) {
  RunSpec spec;
  spec.command = std::move(command);
  auto result = Run(sandbox, spec);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : RunResult{};
}

inline RunResult Shell(const Sandbox& sandbox, const std::string& script) {
  return MustRun(sandbox, {"/bin/sh", "-c", script});
}

}  // namespace oldornew::testing
