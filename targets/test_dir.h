// A fresh directory for one test, and short forms for looking at what is in it. Tests only.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace oldornew::targets {

class TestDir {
 public:
  TestDir() {
    path_ = (std::filesystem::temp_directory_path() / "oldornew-target-XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;
  ~TestDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  void Put(const std::string& name, const std::string& bytes, mode_t mode = 0644) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    chmod((*this / name).c_str(), mode);
  }
  void MakeDir(const std::string& name) const { std::filesystem::create_directory(*this / name); }
  void MakeLink(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, *this / name);
  }

  /// The bytes of a file, links followed; "<none>" when there is nothing to read.
  std::string Get(const std::string& name) const {
    std::ifstream stream(*this / name, std::ios::binary);
    if (!stream) return "<none>";
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  mode_t Mode(const std::string& name) const {
    struct stat info;
    return lstat((*this / name).c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }
  bool IsLink(const std::string& name) const { return std::filesystem::is_symlink(*this / name); }
  std::string Target(const std::string& name) const {
    return std::filesystem::read_symlink(*this / name).string();
  }
  /// All names in the directory `name` ("" for the top).
  std::set<std::string> Names(const std::string& name = "") const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(*this / name)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

 private:
  std::string path_;
};

/// Sets the umask for one scope.
class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask) : old_(umask(mask)) {}
  ScopedUmask(const ScopedUmask&) = delete;
  ScopedUmask& operator=(const ScopedUmask&) = delete;
  ~ScopedUmask() { umask(old_); }

 private:
  mode_t old_;
};

/// Makes `path` the working directory for one scope.
class ScopedWorkingDirectory {
 public:
  explicit ScopedWorkingDirectory(const std::string& path) : old_(std::filesystem::current_path()) {
    std::filesystem::current_path(path);
  }
  ScopedWorkingDirectory(const ScopedWorkingDirectory&) = delete;
  ScopedWorkingDirectory& operator=(const ScopedWorkingDirectory&) = delete;
  ~ScopedWorkingDirectory() { std::filesystem::current_path(old_); }

 private:
  std::filesystem::path old_;
};

}  // namespace oldornew::targets
