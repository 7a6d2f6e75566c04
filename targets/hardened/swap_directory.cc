#include "hardened/swap_directory.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "hardened/steps.h"

namespace oldornew::hardened {
namespace {

constexpr char kPrefix[] = ".sw-";

/// ".sw-<16 digits of a hash of the name>-": several names share a parent, and recovery of one must
/// not touch another's.
std::string PatternOf(std::string_view name) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char character : name)
    hash = (hash ^ static_cast<uint8_t>(character)) * 1099511628211u;
  char digits[17];
  snprintf(digits, sizeof(digits), "%016lx", static_cast<unsigned long>(hash));
  return kPrefix + std::string(digits) + "-";
}

/// One SwapDirectory call. Each step fills result_ when it fails.
class DirectorySwap {
 public:
  DirectorySwap(int parent, std::string_view name, const SwapOptions& options)
      : caller_parent_(parent), name_(name), pattern_(PatternOf(name)), options_(options) {}

  SwapResult Run(const Populate& populate) {
    const bool published =
        CheckArguments() && Lock() && LookAtTarget() && Recover() && Stage(populate) &&
        (options_.form == SwapForm::kSymlink ? PublishLink() : PublishExchange());
    if (result_.committed == Committed::kNo) Abandon();
    if (published) Retire();
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
    return Done("check name", CheckName(name_, kPrefix)) &&
           Done("check directory", CheckDirectory(caller_parent_));
  }

  /// A descriptor of our own: locks belong to open file descriptions, and the caller's may be
  /// locked by the caller.
  bool Lock() {
    if (!Done("open the parent", OpenDirectoryAt(caller_parent_, ".", &parent_))) return false;
    return Restart([&] { return flock(parent_.get(), LOCK_EX); }) == 0 ||
           Failed("lock the parent", errno);
  }

  bool LookAtTarget() {
    struct stat info;
    if (fstatat(parent_.get(), name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT || Failed("look at the target", errno);
    }
    exists_ = true;
    if (options_.form == SwapForm::kExchange)
      return S_ISDIR(info.st_mode) || Failed("look at the target", ENOTDIR);
    if (!S_ISLNK(info.st_mode)) return Failed("look at the target", EEXIST);
    std::string target(PATH_MAX, '\0');
    const ssize_t size = readlinkat(parent_.get(), name_.c_str(), target.data(), target.size());
    if (size < 0) return Failed("look at the target", errno);
    target.resize(static_cast<size_t>(size));
    if (!IsOurs(target)) return Failed("look at the target", EEXIST);
    previous_ = target;
    return true;
  }

  bool IsOurs(const std::string& name) const {
    return name.size() == pattern_.size() + 26 && name.starts_with(pattern_) &&
           name.find_first_not_of("0123456789abcdef", pattern_.size()) == name.npos;
  }

  /// Removes all that carries our pattern but the live tree. The lock says that nobody is at work
  /// on it.
  bool Recover() {
    std::vector<std::string> names;
    result_.retire_error = NamesIn(parent_.get(), &names);
    // What cannot be removed is litter, not a reason to refuse every swap from now on.
    for (const std::string& name : names) {
      if (!IsOurs(name) || name == previous_) continue;
      if (int error = RemoveAt(parent_.get(), name)) result_.retire_error = error;
    }
    return true;
  }

  bool Stage(const Populate& populate) {
    if (!Done("choose a name", UniqueName(pattern_, &staging_))) return false;
    if (mkdirat(parent_.get(), staging_.c_str(), 0700) != 0) {
      const int error = errno;
      staging_.clear();  // not ours to remove
      return Failed("create the staging directory", error);
    }
    Fd directory;
    if (!Done("open the staging directory", OpenDirectoryAt(parent_.get(), staging_, &directory)))
      return false;
    if (!Done("populate", populate(directory.get()))) return false;
    if (fchmod(directory.get(), options_.mode) != 0) return Failed("set the mode", errno);
    return Done("fsync the new tree", SyncTree(directory.get())) &&
           Done("look at the staging directory", IdentityOf(directory.get(), &identity_));
  }

  bool PublishLink() {
    if (!Done("choose a name", UniqueName(pattern_, &link_))) return false;
    if (symlinkat(staging_.c_str(), parent_.get(), link_.c_str()) != 0) {
      const int error = errno;
      link_.clear();
      return Failed("create the link", error);
    }
    if (!Done("look at the link", IdentityAt(parent_.get(), link_, &identity_))) return false;
    // The link cannot be fsynced itself: its inode reaches the disk with the directory, before any
    // name depends on it.
    if (!Done("fsync the parent", Sync(parent_.get()))) return false;
    return Rename(link_, 0) && Published();
  }

  bool PublishExchange() {
    if (!Done("fsync the parent", Sync(parent_.get()))) return false;
    const unsigned flags = exists_ ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    if (!Rename(staging_, flags)) return false;
    if (exists_) previous_ = staging_;
    return Published();
  }

  bool Published() {
    result_.committed = Committed::kYes;
    result_.durable = Done("fsync the parent", Sync(parent_.get()));
    return true;
  }

  /// Makes `from` the published name. The call may report an error though it was carried out: what
  /// counts is where the inode is. That is looked at before a call is restarted: an exchange done
  /// twice is undone.
  bool Rename(const std::string& from, unsigned flags) {
    for (;;) {
      if (renameat2(parent_.get(), from.c_str(), parent_.get(), name_.c_str(), flags) == 0)
        return true;
      const int error = errno;
      Identity found;
      const int at_name = IdentityAt(parent_.get(), name_, &found);
      if (at_name == 0 && found == identity_) return true;
      const bool elsewhere = at_name == 0 || at_name == ENOENT;
      if (!elsewhere || IdentityAt(parent_.get(), from, &found) != 0 || found != identity_) {
        result_.committed = Committed::kUnknown;
      } else if (error == EINTR) {
        continue;
      }
      return Failed("rename", error);
    }
  }

  /// Before the commit only. The names are random and under our lock: they mean what we made.
  void Abandon() {
    for (const std::string& name : {link_, staging_}) {
      if (name.empty()) continue;
      if (int error = RemoveAt(parent_.get(), name)) result_.left_behind = error;
    }
  }

  /// The old tree goes only when the new one is sure to survive.
  void Retire() {
    if (!previous_.empty()) {
      if (!result_.durable || options_.keep_previous) return;
      if (int error = RemoveAt(parent_.get(), previous_)) result_.retire_error = error;
    }
    result_.old_removed = result_.retire_error == 0;
  }

  const int caller_parent_;
  const std::string name_;
  const std::string pattern_;
  const SwapOptions options_;
  SwapResult result_;
  Fd parent_;             ///< holds the lock
  bool exists_ = false;   ///< `name` was there
  std::string previous_;  ///< name of the old tree, once it has one of our pattern
  std::string staging_;   ///< empty: not made
  std::string link_;      ///< empty: not made
  Identity identity_;     ///< of what the publishing rename moves
};

}  // namespace

SwapResult SwapDirectory(int parent, std::string_view name, const Populate& populate,
                         const SwapOptions& options) {
  return DirectorySwap(parent, name, options).Run(populate);
}

}  // namespace oldornew::hardened
