// A fake program that replaces the file f, and what it can get wrong: one mistake at a time makes a
// flawed program, none makes its correct twin.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <string>

#include "lab/testing/fake_process.h"

namespace oldornew::testing {

struct Mistakes {
  bool ignores_short_write = false;  ///< the rest of the bytes is never written
  bool ignores_fsync = false;        ///< an error of fsync of the file changes nothing
  bool ignores_rename = false;       ///< an error of rename is no failure
  bool leaves_temporary = false;     ///< an error path forgets f.tmp
  bool retries_for_ever = false;     ///< a write that fails is tried again
  bool takes_no_leftover = false;    ///< f.tmp must not be there (O_EXCL)
  /// Looks at f when it is replaced, and says that nothing was changed when that fails.
  bool looks_again = false;
  bool random_name = false;  ///< no mistake: the temporary is f.RANDOM, not f.tmp
  std::string content = "the new content";
};

class ReplaceFile {
 public:
  explicit ReplaceFile(Mistakes mistakes = {}) : m_(std::move(mistakes)) {}

  int operator()(FakeProcess& p) const {
    const std::string temporary = m_.random_name ? "f." + p.Random() : "f.tmp";
    const int fd =
        p.Open(temporary, O_WRONLY | O_CREAT | (m_.takes_no_leftover ? O_EXCL : O_TRUNC));
    if (fd < 0) return Fail(p, "cannot make the temporary file");
    if (!WriteAll(p, fd)) return GiveUp(p, fd, temporary);
    if (p.Fsync(fd) != 0 && !m_.ignores_fsync) return GiveUp(p, fd, temporary);
    if (p.Close(fd) != 0) return GiveUp(p, -1, temporary);
    if (p.Rename(temporary, "f") != 0 && !m_.ignores_rename) return GiveUp(p, -1, temporary);

    const int directory = p.Open(".", O_RDONLY | O_DIRECTORY);
    if (directory < 0 || p.Fsync(directory) != 0) return Fail(p, "f may not last");
    p.Close(directory);
    if (m_.looks_again && !p.Exists("f")) return Fail(p, "nothing was changed");
    return 0;
  }

 private:
  bool WriteAll(FakeProcess& p, int fd) const {
    std::string_view rest = m_.content;
    while (!rest.empty()) {
      const int64_t count = p.Write(fd, rest);
      if (count < 0 && !m_.retries_for_ever) return false;
      if (count > 0) rest.remove_prefix(static_cast<size_t>(count));
      if (m_.ignores_short_write) break;
    }
    return true;
  }

  static int Fail(FakeProcess& p, const std::string& why) {
    p.Say(why + "\n");
    return 1;
  }

  int GiveUp(FakeProcess& p, int fd, const std::string& temporary) const {
    if (fd >= 0) p.Close(fd);
    if (!m_.leaves_temporary) p.Unlink(temporary);
    return Fail(p, "cannot replace f");
  }

  Mistakes m_;
};

}  // namespace oldornew::testing
