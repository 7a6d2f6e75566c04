#include "run/program_image.h"

#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/files.h"
#include "base/text.h"
#include "run/find_program.h"
#include "run/places.h"

namespace oldornew {
namespace {

constexpr int kMaxInterpreters = 5;  // as the kernel has it (execve(2))

/// The interpreter that "#! INTERPRETER ARGUMENT" names; for env(1), the program that env will
/// find. Empty: the file is not a script.
std::string InterpreterOf(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char head[256];
  const ssize_t size = fd.valid() ? read(fd.get(), head, sizeof head) : 0;

  std::string line(head, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  if (!line.starts_with("#!")) return "";
  line = line.substr(
      2, line.find('\n') == std::string::npos ? std::string::npos : line.find('\n') - 2);

  std::vector<std::string> words;
  for (std::string& word : Split(line, ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }

  if (words.empty()) return "";

  // env takes options and NAME=value words before the program.
  if (!words[0].ends_with("/env")) return words[0];
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i].starts_with("-") || words[i].find('=') != std::string::npos) continue;
    return FindProgram(words[i], EnvironmentVariable("PATH"), ".").value_or(words[i]);
  }

  return words[0];
}

std::string HexOf(const unsigned char* bytes, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

/// Reads one ELF file.
class ElfReader {
 public:
  ElfReader(const std::string& path, ProgramImage* image)
      : image_(*image), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    elf_version(EV_CURRENT);
    if (fd_.valid()) elf_.reset(elf_begin(fd_.get(), ELF_C_READ_MMAP, nullptr));
  }

  void Read() {
    if (!elf_ || elf_kind(elf_.get()) != ELF_K_ELF) return;
    image_.is_elf = true;
    ReadSegments();

    size_t names = 0;
    if (elf_getshdrstrndx(elf_.get(), &names) != 0) return;
    for (Elf_Scn* section = elf_nextscn(elf_.get(), nullptr); section != nullptr;
         section = elf_nextscn(elf_.get(), section)) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr) continue;
      const char* name = elf_strptr(elf_.get(), names, header.sh_name);
      ReadSection(section, header, name == nullptr ? "" : name);
    }
    if (image_.Needs("libasan.so") || image_.Needs("libclang_rt.asan")) image_.has_asan = true;
  }

 private:
  void ReadSegments() {
    size_t count = 0;
    elf_getphdrnum(elf_.get(), &count);

    bool has_loader = false;
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf_.get(), static_cast<int>(i), &segment) != nullptr &&
          segment.p_type == PT_INTERP)
        has_loader = true;
    }
    image_.is_static = !has_loader;
  }

  void ReadSection(Elf_Scn* section, const GElf_Shdr& header, const std::string& name) {
    if (name == ".note.go.buildid" || name == ".go.buildinfo") image_.is_go = true;
    if (name == ".debug_line" || name == ".zdebug_line") image_.has_lines = true;

    Elf_Data* data = nullptr;
    if (name == ".note.gnu.build-id" || header.sh_type == SHT_DYNAMIC ||
        header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB)
      data = elf_getdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr || header.sh_entsize == 0) {
      if (data != nullptr && name == ".note.gnu.build-id") LookForSeparateLines(*data);
      return;
    }

    const int entries = static_cast<int>(header.sh_size / header.sh_entsize);
    for (int i = 0; i < entries; ++i) {
      if (header.sh_type == SHT_DYNAMIC) {
        GElf_Dyn entry;
        if (gelf_getdyn(data, i, &entry) == nullptr || entry.d_tag != DT_NEEDED) continue;
        if (const char* soname = elf_strptr(elf_.get(), header.sh_link, entry.d_un.d_val))
          image_.libraries.push_back(soname);
      } else {
        GElf_Sym symbol;
        if (gelf_getsym(data, i, &symbol) == nullptr) continue;
        const char* text = elf_strptr(elf_.get(), header.sh_link, symbol.st_name);
        if (text != nullptr && std::string_view(text) == "__asan_init") image_.has_asan = true;
      }
    }
  }

  /// A build id is a note: three words of header, "GNU\0", then the id.
  void LookForSeparateLines(const Elf_Data& data) {
    constexpr size_t kHeader = 16;
    if (data.d_size < kHeader + 2) return;

    const std::string id =
        HexOf(static_cast<const unsigned char*>(data.d_buf) + kHeader, data.d_size - kHeader);
    const std::string file =
        fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", id.substr(0, 2), id.substr(2));
    if (access(file.c_str(), R_OK) == 0) image_.has_lines = true;
  }

  struct End {
    void operator()(Elf* elf) const { elf_end(elf); }
  };
  ProgramImage& image_;
  UniqueFd fd_;
  std::unique_ptr<Elf, End> elf_;
};

}  // namespace

bool ProgramImage::Needs(const std::string& prefix) const {
  return std::any_of(libraries.begin(), libraries.end(),
                     [&](const std::string& name) { return name.starts_with(prefix); });
}

ProgramImage InspectProgram(const std::string& path) {
  ProgramImage image;
  image.path = path;
  for (int depth = 0; depth < kMaxInterpreters; ++depth) {
    const std::string interpreter = InterpreterOf(image.path);
    if (interpreter.empty()) break;
    image.interpreters.push_back(interpreter);
    image.path = interpreter;
  }

  ElfReader(image.path, &image).Read();
  return image;
}

}  // namespace oldornew
