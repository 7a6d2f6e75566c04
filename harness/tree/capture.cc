// Capture: a directory on disk becomes a FileTree.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/text.h"
#include "tree/file_tree.h"

namespace oldornew {

namespace {

class Capturer {
 public:
  explicit Capturer(uint64_t max_bytes) : bytes_left_(max_bytes), max_bytes_(max_bytes) {}

  Status AddRoot(const std::string& path) {
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat st{};
    if (!fd.valid() || fstat(fd.get(), &st) != 0) {
      return FailWith(ExitCode::kUsage, "cannot read directory {}: {}", path, ErrnoText(errno));
    }
    device_ = st.st_dev;
    const InodeIndex root = first_ ? out_.tree.roots()[0] : out_.tree.Add({});
    if (!first_) out_.tree.AddRoot(root);
    first_ = false;
    Remember(st, root);
    Fill(st, root);
    ReadXattrs(fmt::format("/proc/self/fd/{}", fd.get()), root, /*follow=*/true);
    return ReadDirectory(fd.get(), path, root);
  }

  CapturedTree Take() { return std::move(out_); }

 private:
  void Remember(const struct stat& st, InodeIndex index) {
    if (out_.ids.size() <= static_cast<size_t>(index))
      out_.ids.resize(static_cast<size_t>(index) + 1);
    out_.ids[static_cast<size_t>(index)] = {st.st_dev, st.st_ino};
    seen_[{st.st_dev, st.st_ino}] = index;
  }

  void Fill(const struct stat& st, InodeIndex index) {
    Inode& inode = out_.tree.at(index);
    inode.kind = KindOf(st.st_mode);
    inode.mode = st.st_mode & 07777;
    inode.uid = st.st_uid;
    inode.gid = st.st_gid;
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) inode.rdev = st.st_rdev;
  }

  void ReadXattrs(const std::string& path, InodeIndex index, bool follow) {
    std::string names(4096, '\0');
    const auto list = follow ? listxattr : llistxattr;
    const auto get = follow ? getxattr : lgetxattr;
    ssize_t n = list(path.c_str(), names.data(), names.size());
    if (n < 0 && errno == ERANGE) {
      names.resize(65536);  // XATTR_LIST_MAX
      n = list(path.c_str(), names.data(), names.size());
    }

    if (n <= 0) return;
    names.resize(static_cast<size_t>(n) - 1);
    for (const std::string& name : Split(names, '\0')) {
      std::string value(65536, '\0');  // XATTR_SIZE_MAX
      const ssize_t length = get(path.c_str(), name.c_str(), value.data(), value.size());
      if (length < 0) continue;  // Removed meanwhile, or not ours to read.
      value.resize(static_cast<size_t>(length));
      out_.tree.at(index).xattrs[name] = std::move(value);
    }
  }

  Status ReadDirectory(int fd, const std::string& path, InodeIndex index) {
    DIR* dir = fdopendir(dup(fd));
    if (dir == nullptr) return Fail("cannot list {}: {}", path, ErrnoText(errno));
    std::vector<std::string> names;
    while (const dirent* entry = readdir(dir)) {
      if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
        names.emplace_back(entry->d_name);
      }
    }

    closedir(dir);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) RETURN_IF_ERROR(ReadEntry(fd, path, index, name));
    return {};
  }

  Status ReadEntry(int parent_fd, const std::string& parent_path, InodeIndex parent,
                   const std::string& name) {
    const std::string path = JoinPath(parent_path, name);
    struct stat st{};
    if (fstatat(parent_fd, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT ? Status{} : Fail("cannot read {}: {}", path, ErrnoText(errno));
    }
    if (const auto known = seen_.find({st.st_dev, st.st_ino});
        known != seen_.end() && !S_ISDIR(st.st_mode)) {
      out_.tree.at(parent).entries[name] = known->second;
      return {};
    }

    const InodeIndex index = out_.tree.Add({});
    Remember(st, index);
    Fill(st, index);
    out_.tree.at(parent).entries[name] = index;
    const std::string at_path = fmt::format("/proc/self/fd/{}/{}", parent_fd, name);
    ReadXattrs(at_path, index, /*follow=*/false);
    switch (KindOf(st.st_mode)) {
      case FileKind::kFile:
        return ReadContent(parent_fd, name, path, index);
      case FileKind::kSymlink:
        return ReadTarget(parent_fd, name, path, index);
      case FileKind::kDirectory: {
        // A mount point inside: its content is another file system's.
        if (st.st_dev != device_) return {};
        const UniqueFd fd(
            openat(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd.valid()) return Fail("cannot read directory {}: {}", path, ErrnoText(errno));
        return ReadDirectory(fd.get(), path, index);
      }
      default:
        return {};
    }
  }

  Status ReadContent(int parent_fd, const std::string& name, const std::string& path,
                     InodeIndex index) {
    const UniqueFd fd(
        openat(parent_fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) return Fail("cannot read {}: {}", path, ErrnoText(errno));
    struct stat st{};
    if (fstat(fd.get(), &st) != 0) return Fail("cannot read {}: {}", path, ErrnoText(errno));
    std::vector<PageRef> pages;
    uint64_t size = 0;
    char buffer[kPageSize * 16];

    // Whole pages at a time, so that memory is shared and bounded by the pages themselves. Holes
    // are skipped by the kernel quickly enough; a sparse giant is refused by the limit on its
    // apparent size.
    if (static_cast<uint64_t>(st.st_size) > bytes_left_) {
      return FailWith(ExitCode::kUsage, "{} and what was read before hold more than {}", path,
                      ByteSize(max_bytes_));
    }

    while (true) {
      size_t filled = 0;
      while (filled < sizeof buffer) {
        const ssize_t n = read(fd.get(), buffer + filled, sizeof buffer - filled);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return Fail("cannot read {}: {}", path, ErrnoText(errno));
        if (n == 0) break;
        filled += static_cast<size_t>(n);
      }
      for (size_t at = 0; at < filled; at += kPageSize) {
        pages.push_back(MakePage({buffer + at, std::min(kPageSize, filled - at)}));
      }
      size += filled;
      if (filled < sizeof buffer) break;
    }

    bytes_left_ -= std::min(bytes_left_, size);
    out_.tree.at(index).content = Content::FromPages(std::move(pages), size);
    return {};
  }

  Status ReadTarget(int parent_fd, const std::string& name, const std::string& path,
                    InodeIndex index) {
    char target[4096];
    const ssize_t n = readlinkat(parent_fd, name.c_str(), target, sizeof target);
    if (n < 0) return Fail("cannot read symlink {}: {}", path, ErrnoText(errno));
    out_.tree.at(index).target.assign(target, static_cast<size_t>(n));
    return {};
  }

  CapturedTree out_;
  std::map<DiskId, InodeIndex> seen_;
  dev_t device_ = 0;
  uint64_t bytes_left_;
  uint64_t max_bytes_;
  bool first_ = true;
};

}  // namespace

Result<CapturedTree> Capture(const std::vector<std::string>& roots, uint64_t max_bytes) {
  Capturer capturer(max_bytes);
  for (const std::string& root : roots) RETURN_IF_ERROR(capturer.AddRoot(root));
  return capturer.Take();
}

}  // namespace oldornew
