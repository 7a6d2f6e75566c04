#include "import/symbols.h"

#include <sched.h>
#include <sys/stat.h>

namespace oldornew::replay {

const std::vector<PrintedSymbol>& StatModes() {
  static const std::vector<PrintedSymbol> table = {
      {"S_IFREG", S_IFREG},   {"S_IFDIR", S_IFDIR}, {"S_IFLNK", S_IFLNK}, {"S_IFIFO", S_IFIFO},
      {"S_IFSOCK", S_IFSOCK}, {"S_IFCHR", S_IFCHR}, {"S_IFBLK", S_IFBLK}, {"S_ISUID", S_ISUID},
      {"S_ISGID", S_ISGID},   {"S_ISVTX", S_ISVTX}};
  return table;
}

const std::vector<PrintedSymbol>& CloneFlags() {
  static const std::vector<PrintedSymbol> table = {
      {"CLONE_VM", CLONE_VM},         {"CLONE_FS", CLONE_FS},       {"CLONE_FILES", CLONE_FILES},
      {"CLONE_THREAD", CLONE_THREAD}, {"CLONE_NEWNS", CLONE_NEWNS}, {"CLONE_NEWPID", CLONE_NEWPID}};
  return table;
}

}  // namespace oldornew::replay
