#include "atomicdir_fill.h"

#include <cerrno>

namespace oldornew::targets {
namespace {

/// Go's deferred os.RemoveAll(path): runs on every way out, and its error is dropped. The path
/// changes on the way.
class DeferredRemoveAll {
 public:
  explicit DeferredRemoveAll(std::string path) : path_(std::move(path)) {}
  DeferredRemoveAll(const DeferredRemoveAll&) = delete;
  DeferredRemoveAll& operator=(const DeferredRemoveAll&) = delete;
  ~DeferredRemoveAll() { (void)goos::RemoveAll(path_); }
  void Retarget(std::string path) { path_ = std::move(path); }

 private:
  std::string path_;
};

}  // namespace

GoStatus Fill(const std::string& d, const std::function<GoStatus(const std::string&)>& populate) {
  GoResult<struct stat> info = goos::Lstat(d);
  if (!info && info.error().number != ENOENT) return tl::unexpected(info.error());
  std::string old;
  if (info) {
    if (!S_ISLNK(info->st_mode)) return tl::unexpected(GoError{"not a symlink", d, EEXIST});
    GoResult<std::string> target = goos::Readlink(d);
    if (!target) return tl::unexpected(target.error());
    old = *target;
  }

  const goos::SplitPath split = goos::Split(d);
  GoResult<std::string> real = goos::TempDir(split.dir, split.file + "-");
  if (!real) return tl::unexpected(real.error());
  DeferredRemoveAll remove(*real);

  GoStatus populated = populate(*real);
  if (!populated) return populated;

  const std::string link = goos::Join(split.dir, split.file + ".tmp");
  GoStatus linked = goos::Symlink(*real, link);
  if (!linked) return linked;
  GoStatus renamed = goos::Rename(link, d);
  if (!renamed) return renamed;
  remove.Retarget(old);
  return {};
}

}  // namespace oldornew::targets
