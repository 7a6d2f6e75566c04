// A std::ofstream and a std::filesystem::rename, as most C++ programs replace a file. For
// scenarios/.
#include <filesystem>
#include <fstream>

int main() {
  std::ofstream("f.tmp") << "new\n";
  std::filesystem::rename("f.tmp", "f");
}
