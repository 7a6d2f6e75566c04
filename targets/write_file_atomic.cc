#include "write_file_atomic.h"

#include <fcntl.h>

namespace oldornew::targets {
namespace {

/// Go's deferred os.Remove(path): runs on every way out, and its error is dropped.
class DeferredRemove {
 public:
  explicit DeferredRemove(std::string path) : path_(std::move(path)) {}
  DeferredRemove(const DeferredRemove&) = delete;
  DeferredRemove& operator=(const DeferredRemove&) = delete;
  ~DeferredRemove() { (void)goos::Remove(path_); }

 private:
  std::string path_;
};

}  // namespace

GoStatus WriteFileAtomic(const std::string& dir, const std::string& name, std::string_view data,
                         mode_t perm) {
  const std::string temporary = goos::Join(dir, ".tmp-" + name);
  GoResult<int> fd = goos::OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC, perm);
  if (!fd) return tl::unexpected(fd.error());
  DeferredRemove remove(temporary);

  GoStatus status = goos::Write(*fd, temporary, data);
  if (status) status = goos::Sync(*fd, temporary);
  (void)goos::Close(*fd, temporary);  // W11
  if (!status) return status;
  status = goos::Rename(temporary, goos::Join(dir, name));
#ifdef REPAIRED  // what `oldornew check` proposes for it: scripts/puzzles holds that to be enough
  GoResult<int> directory = goos::OpenFile(dir, O_RDONLY, 0);
  if (!directory) return tl::unexpected(directory.error());
  if (status) status = goos::Sync(*directory, dir);
  (void)goos::Close(*directory, dir);
#endif
  return status;
}

}  // namespace oldornew::targets
