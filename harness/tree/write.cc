// WriteTo: a FileTree becomes a directory on disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "base/text.h"
#include "tree/file_tree.h"

namespace oldornew {

namespace {

Status WriteContent(const Content& content, const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return Fail("cannot create {}: {}", path, ErrnoText(errno));
  for (size_t i = 0; i < content.pages().size(); ++i) {
    if (content.pages()[i] == nullptr) continue;  // A hole.
    const uint64_t offset = i * kPageSize;
    std::string_view bytes = content.pages()[i]->bytes();
    bytes = bytes.substr(0, std::min<uint64_t>(kPageSize, content.size() - offset));
    if (pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) !=
        static_cast<ssize_t>(bytes.size())) {
      return Fail("cannot write {}: {}", path, ErrnoText(errno));
    }
  }

  if (ftruncate(fd.get(), static_cast<off_t>(content.size())) != 0) {
    return Fail("cannot size {}: {}", path, ErrnoText(errno));
  }
  return {};
}

Status MakeInode(const Inode& inode, const std::string& path) {
  int result = 0;
  switch (inode.kind) {
    case FileKind::kFile:
      return WriteContent(inode.content, path);
    case FileKind::kDirectory:
      result = mkdir(path.c_str(), 0700);
      break;
    case FileKind::kSymlink:
      result = symlink(inode.target.c_str(), path.c_str());
      break;
    case FileKind::kFifo:
      result = mkfifo(path.c_str(), 0600);
      break;
    case FileKind::kSocket:
      result = mknod(path.c_str(), S_IFSOCK | 0600, 0);
      break;
    case FileKind::kCharDevice:
    case FileKind::kBlockDevice:
      result = mknod(path.c_str(), (inode.kind == FileKind::kCharDevice ? S_IFCHR : S_IFBLK) | 0600,
                     inode.rdev);
      if (result != 0 && errno == EPERM) return {};  // Needs root; documented.
      break;
  }

  if (result != 0) return Fail("cannot create {}: {}", path, ErrnoText(errno));
  return {};
}

// Owner, then mode (chown clears suid), then xattrs; what is not permitted is left out.
void ApplyAttributes(const Inode& inode, const std::string& path) {
  if (lchown(path.c_str(), inode.uid, inode.gid) != 0) errno = 0;
  for (const auto& [key, value] : inode.xattrs) {
    if (lsetxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0) != 0) errno = 0;
  }
  if (inode.kind != FileKind::kSymlink && chmod(path.c_str(), inode.mode) != 0) errno = 0;
}

}  // namespace

Status WriteTo(const FileTree& tree, const std::string& directory, size_t root) {
  const auto paths = tree.Walk(root);
  std::map<InodeIndex, std::string> written;
  for (const auto& [path, index] : paths) {
    if (path.empty()) continue;
    const std::string full = JoinPath(directory, path);
    const Inode& inode = tree.at(index);
    const auto [first, fresh] = written.try_emplace(index, full);
    if (!fresh && inode.kind != FileKind::kDirectory) {
      if (link(first->second.c_str(), full.c_str()) != 0)
        return Fail("cannot link {}: {}", full, ErrnoText(errno));
      continue;
    }
    RETURN_IF_ERROR(MakeInode(inode, full));
  }

  // Attributes last and children first: a directory without w must be filled before.
  for (auto entry = paths.rbegin(); entry != paths.rend(); ++entry) {
    const std::string full = entry->first.empty() ? directory : JoinPath(directory, entry->first);
    if (!entry->first.empty() && written[entry->second] != full) continue;
    ApplyAttributes(tree.at(entry->second), full);
  }

  return {};
}

}  // namespace oldornew
