#include "hardened/write_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "hardened/steps.h"

namespace oldornew::hardened {
namespace {

constexpr char kPrefix[] = ".aw-";
constexpr int kNameAttempts = 100;
constexpr char kAccessAcl[] = "system.posix_acl_access";

/// Copies user.* attributes and the access ACL from one file to another. 0 or errno.
int CopyXattrs(int from, int to) {
  ssize_t size = flistxattr(from, nullptr, 0);
  if (size < 0) return errno == EOPNOTSUPP ? 0 : errno;
  std::string list(static_cast<size_t>(size), '\0');
  size = flistxattr(from, list.data(), list.size());
  if (size < 0) return errno;
  list.resize(static_cast<size_t>(size));
  for (size_t at = 0; at < list.size(); at += std::char_traits<char>::length(&list[at]) + 1) {
    const std::string key = &list[at];
    if (!key.starts_with("user.") && key != kAccessAcl) continue;
    ssize_t length = fgetxattr(from, key.c_str(), nullptr, 0);
    if (length < 0) return errno;
    std::string value(static_cast<size_t>(length), '\0');
    length = fgetxattr(from, key.c_str(), value.data(), value.size());
    if (length < 0) return errno;
    if (fsetxattr(to, key.c_str(), value.data(), static_cast<size_t>(length), 0) != 0) return errno;
  }
  return 0;
}

/// One WriteFile call. Each step fills result_ when it fails.
class FileUpdate {
 public:
  FileUpdate(int dir, std::string_view name, const WriteFileOptions& options)
      : dir_(dir), name_(name), options_(options) {}

  UpdateResult Run(std::string_view data) {
    const bool published = CheckArguments() && CreateTemporary() && Fill(data) && SetAttributes() &&
                           Settle() && Publish();
    if (result_.committed == Committed::kNo) Abandon();
    if (published) result_.durable = Done("fsync directory", Sync(dir_));
    return result_;
  }

 private:
  bool Failed(const char* step, int error) {
    if (result_.error == 0) {
      result_.step = step;
      result_.error = error;
    }
    return false;
  }
  bool Done(const char* step, int error) { return error == 0 || Failed(step, error); }

  bool CheckArguments() {
    if (!Done("check name", CheckName(name_, kPrefix))) return false;
    if (!Done("check directory", CheckDirectory(dir_))) return false;
    struct stat info;
    if (fstatat(dir_, name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT || Failed("look at the target", errno);
    }
    if (options_.create_only) return Failed("look at the target", EEXIST);
    if (S_ISDIR(info.st_mode)) return Failed("look at the target", EISDIR);
    if (S_ISLNK(info.st_mode)) return Failed("look at the target", ELOOP);
    if (!options_.keep_attributes) return true;
    if (!S_ISREG(info.st_mode)) return Failed("look at the target", EINVAL);
    old_ = Fd(Restart([&] {
      return openat(dir_, name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    }));
    return old_.valid() || Failed("read the old attributes", errno);
  }

  bool CreateTemporary() {
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
      if (!Done("choose a name", UniqueName(kPrefix, &temporary_))) return false;
      fd_ = Fd(Restart([&] {
        return openat(dir_, temporary_.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      }));
      if (fd_.valid() || errno != EEXIST) break;
    }
    if (!fd_.valid()) return Failed("create the temporary", errno);
    created_ = true;
    // Tells CollectStaleTemporaries that the writer lives. A file system without locks only loses
    // that hint.
    (void)flock(fd_.get(), LOCK_EX | LOCK_NB);
    known_ = Done("look at the temporary", IdentityOf(fd_.get(), &identity_));
    return known_;
  }

  bool Fill(std::string_view data) {
    if (!Done("write", WriteAll(fd_.get(), data))) return false;
    struct stat info;
    if (fstat(fd_.get(), &info) != 0) return Failed("check the size", errno);
    return info.st_size == static_cast<off_t>(data.size()) || Failed("check the size", EIO);
  }

  bool SetAttributes() {
    mode_t mode = options_.mode;
    if (old_.valid()) {
      struct stat old;
      if (fstat(old_.get(), &old) != 0) return Failed("read the old attributes", errno);
      mode = old.st_mode & 07777;
      if (fchown(fd_.get(), old.st_uid, old.st_gid) != 0) return Failed("set the owner", errno);
      if (!Done("copy attributes", CopyXattrs(old_.get(), fd_.get()))) return false;
    }
    return fchmod(fd_.get(), mode) == 0 || Failed("set the mode", errno);
  }

  bool Settle() { return Done("fsync", Sync(fd_.get())) && Done("close", fd_.Close()); }

  bool Publish() {
    const unsigned flags = options_.create_only ? RENAME_NOREPLACE : 0;
    if (Restart([&] { return renameat2(dir_, temporary_.c_str(), dir_, name_.c_str(), flags); }) ==
        0)
      return Published();
    if (flags != 0 && errno == EINVAL) return PublishByLink();
    return PublishedNevertheless("rename", errno);
  }

  /// Create-only where the file system lacks RENAME_NOREPLACE: link never replaces.
  bool PublishByLink() {
    if (Restart([&] { return linkat(dir_, temporary_.c_str(), dir_, name_.c_str(), 0); }) != 0 &&
        !PublishedNevertheless("link", errno))
      return false;
    Remove();
    return Published();
  }

  bool Published() {
    result_.committed = Committed::kYes;
    return true;
  }

  /// The publishing call reported an error. A network file system can have carried it out
  /// nevertheless, and a restarted one finds it done: what counts is where the inode is.
  bool PublishedNevertheless(const char* step, int error) {
    Identity found;
    const int at_name = IdentityAt(dir_, name_, &found);
    if (at_name == 0 && found == identity_) return Published();
    const bool elsewhere = at_name == 0 || at_name == ENOENT;
    if (!elsewhere || IdentityAt(dir_, temporary_, &found) != 0 || found != identity_)
      result_.committed = Committed::kUnknown;
    return Failed(step, error);
  }

  /// Before the commit only, and not if the name is seen to mean another inode than ours.
  void Abandon() {
    if (!created_) return;
    (void)fd_.Close();
    Identity found;
    if (known_ && IdentityAt(dir_, temporary_, &found) == 0 && found != identity_) return;
    Remove();
  }

  void Remove() {
    if (Restart([&] { return unlinkat(dir_, temporary_.c_str(), 0); }) != 0 && errno != ENOENT)
      result_.left_behind = errno;
  }

  const int dir_;
  const std::string name_;
  const WriteFileOptions options_;
  UpdateResult result_;
  Fd old_;  ///< the file that is replaced, if its attributes are kept
  Fd fd_;
  std::string temporary_;
  Identity identity_;
  bool created_ = false;
  bool known_ = false;  ///< identity_ is that of the temporary
};

bool IsTemporaryName(std::string_view name) {
  const std::string_view prefix = kPrefix;
  return name.starts_with(prefix) && name.size() == prefix.size() + 26 &&
         name.find_first_not_of("0123456789abcdef", prefix.size()) == name.npos;
}

/// Removes one left-over temporary if it is one. Returns whether it did; `error` says what went
/// wrong.
bool CollectOne(int dir, const std::string& name, int minimum_age_seconds, int* error) {
  Fd fd(Restart(
      [&] { return openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); }));
  if (!fd.valid()) return false;
  struct stat info;
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1 ||
      info.st_uid != geteuid())
    return false;
  if (time(nullptr) - info.st_mtime < minimum_age_seconds) return false;
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return false;
  Identity found;
  if (IdentityAt(dir, name, &found) != 0 || found != Identity{info.st_dev, info.st_ino})
    return false;
  if (unlinkat(dir, name.c_str(), 0) == 0) return true;
  if (*error == 0) *error = errno;
  return false;
}

}  // namespace

UpdateResult WriteFile(int dir, std::string_view name, std::string_view data,
                       const WriteFileOptions& options) {
  return FileUpdate(dir, name, options).Run(data);
}

Collected CollectStaleTemporaries(int dir, int minimum_age_seconds) {
  Collected collected;
  std::vector<std::string> names;
  collected.error = NamesIn(dir, &names);
  for (const std::string& name : names) {
    if (IsTemporaryName(name))
      collected.removed += CollectOne(dir, name, minimum_age_seconds, &collected.error);
  }
  return collected;
}

}  // namespace oldornew::hardened
