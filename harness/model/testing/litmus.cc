#include "model/testing/litmus.h"

#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/files.h"
#include "base/text.h"
#include "model/stale.h"

namespace oldornew {

namespace {

uint64_t Bytes(std::string count) {
  uint64_t unit = 1;
  if (count.back() == 'p') {
    unit = kPageSize;
    count.pop_back();
  }

  return std::stoull(count) * unit;
}

std::string Expand(const std::string& content) {
  std::string out;
  if (content == "empty") return out;
  for (const std::string& run : Split(content, '+')) {
    CHECK(run.size() >= 3 && run[1] == '*');
    out.append(Bytes(run.substr(2)), run[0] == '0' ? '\0' : run[0]);
  }

  return out;
}

using Runs = std::vector<std::pair<char, uint64_t>>;  // letter ('0' zeros, '?' stale), length

void AddRun(Runs* runs, char letter, uint64_t length) {
  if (!runs->empty() && runs->back().first == letter) {
    runs->back().second += length;
  } else {
    runs->emplace_back(letter, length);
  }
}

Runs RunsOf(std::string_view bytes) {
  Runs runs;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    AddRun(&runs, byte == 0 ? '0' : byte >= 0xF5 ? '?' : c, 1);
  }

  return runs;
}

std::string RunLengths(const Content& content) {
  thread_local std::map<Digest, Runs> known;  // of whole pages
  if (content.empty()) return "empty";
  Runs runs;
  for (uint64_t at = 0; at < content.size(); at += kPageSize) {
    const PageRef& page = content.pages()[at / kPageSize];
    const uint64_t length = std::min(kPageSize, content.size() - at);
    if (page == nullptr) {
      AddRun(&runs, '0', length);
      continue;
    }

    if (length < kPageSize) {
      for (auto [letter, n] : RunsOf(page->bytes().substr(0, length))) AddRun(&runs, letter, n);
      continue;
    }

    auto [entry, fresh] = known.try_emplace(page->digest());
    if (fresh) entry->second = RunsOf(page->bytes());
    for (auto [letter, n] : entry->second) AddRun(&runs, letter, n);
  }

  std::vector<std::string> words;
  for (auto [letter, n] : runs) {
    words.push_back(n % kPageSize == 0 ? fmt::format("{}*{}p", letter, n / kPageSize)
                                       : fmt::format("{}*{}", letter, n));
  }

  return Join(words, "+");
}

std::vector<std::string> Words(const std::string& line) {
  std::vector<std::string> out;
  for (std::string& word : Split(line, ' ')) {
    if (!word.empty()) out.push_back(std::move(word));
  }
  return out;
}

std::map<std::string, std::string> ParseState(const std::string& state);

// The names in the order in which DescribeState has them.
std::string Canonical(const std::string& state) {
  std::vector<std::string> words;
  for (const auto& [path, text] : ParseState(state)) {
    std::vector<std::string> parts = Split(text, ' ');
    const bool content = text.find('*') != std::string::npos &&
                         parts[0].find("..") == std::string::npos &&
                         parts[0].find('?') == std::string::npos;
    if (content) parts[0] = RunLengths(Content::FromBytes(Expand(parts[0])));
    words.push_back(text.empty() ? path : fmt::format("{}[{}]", path, Join(parts, " ")));
  }

  return words.empty() ? "(none)" : Join(words, " ");
}

// Row names and patterns of them; "!PATTERN" takes rows out again.
std::vector<std::string> Rows(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const std::string& word : words) {
    const bool without = word[0] == '!';
    const std::string pattern = without ? word.substr(1) : word;
    size_t matches = 0;
    for (const Profile& row : Profiles()) {
      if (!GlobMatches(pattern, row.name)) continue;
      ++matches;
      if (without) {
        std::erase(out, row.name);
      } else if (std::find(out.begin(), out.end(), row.name) == out.end()) {
        out.push_back(row.name);
      }
    }
    CHECK(matches > 0);
  }

  return out;
}

class Parser {
 public:
  explicit Parser(Litmus* out) : out_(*out) {}

  void Line(const std::string& line) {
    const std::vector<std::string> w = Words(line);
    if (w.empty()) return;
    if (w[0] == "#") {
      if (out_.title.empty()) out_.title = line.substr(2);
    } else if (w[0] == "grain") {
      out_.grain = w[1] == "call" ? Grain::kCall : w[1] == "sector" ? Grain::kSector : Grain::kPage;
      CHECK(GrainName(out_.grain) == w[1]);
    } else if (w[0] == "old") {
      out_.program.push_back({w, 0, 0});
      Old(w);
    } else if (w[0] == "op") {
      const auto before = static_cast<uint32_t>(b_.ops());
      Op(w);
      out_.program.push_back({w, before, static_cast<uint32_t>(b_.ops())});
    } else if (w[0] == "mark") {
      out_.program.push_back({w, static_cast<uint32_t>(b_.ops()), static_cast<uint32_t>(b_.ops())});
      out_.marks.emplace_back(w[1], static_cast<uint32_t>(b_.ops()));
    } else if (w[0] == "observed" || w[0] == "expected" || w[0] == "allowed") {
      rows_ = Rows({w.begin() + 1, w.end()});
      into_ = w[0] == "allowed"    ? &out_.allowed
              : w[0] == "expected" ? &out_.expected
                                   : &out_.observed;
    } else if (w[0] == "forbidden") {
      Forbid(line.substr(line.find(' ')));
    } else {
      CHECK(line[0] == ' ');
      const size_t colon = line.find(':');
      const std::string mark = Words(line.substr(0, colon))[0];
      std::string rest = line.substr(colon + 1);
      for (size_t at; !rest.empty();) {
        at = rest.find("||");
        const std::string state = Canonical(Join(Words(rest.substr(0, at)), " "));
        for (const std::string& row : rows_) (*into_)[row][mark].push_back(state);
        rest = at == std::string::npos ? "" : rest.substr(at + 2);
      }
    }
  }

  void Finish() { out_.trace = b_.Build(); }

 private:
  void Old(const std::vector<std::string>& w) {
    if (w[1] == "root") {
      b_.OldRoot(w[2], RootRole::kJudged, 2);
    } else if (w[1] == "file") {
      b_.OldFile(w[2], Expand(w[3]));
      names_.insert(w[2]);
    } else if (w[1] == "dir") {
      b_.OldDir(w[2]);
    } else if (w[1] == "symlink") {
      b_.OldSymlink(w[3], w[2]);
    } else {
      CHECK(w[1] == "link");
      b_.OldLink(w[2], w[3]);
      names_.insert(w[3]);
    }
  }

  void Write(const std::vector<std::string>& w) {
    const std::set<std::string> flags(w.begin() + 5, w.end());
    if (names_.insert(w[2]).second && w[2][0] != '@') b_.Create(w[2]);
    if (flags.count("trunc")) b_.OpenTruncate(w[2]);
    b_.Write(w[2], std::stoull(w[3]), Expand(w[4]),
             (flags.count("sync") ? kFlagSync : 0u) | (flags.count("dsync") ? kFlagDataSync : 0u) |
                 (flags.count("direct") ? kFlagDirect : 0u));
    b_.Close(w[2], flags.count("trunc") ? kFlagOpenTruncate : 0u);
  }

  void Move(const std::string& from, const std::string& to) {
    if (names_.erase(from)) names_.insert(to);
  }

  // Words behind the arguments that say how the call went.
  void Op(std::vector<std::string> w) {
    bool overlap = false;
    for (; !w.empty(); w.pop_back()) {
      if (w.back() == "overlap") {
        overlap = true;
      } else if (w.back() == "in-flight") {
        b_.InFlight();
      } else if (w.back() == "fails=EIO") {
        b_.Failing(EIO);
      } else {
        break;
      }
    }

    Call(w);
    if (overlap) b_.Overlapping();
  }

  void Call(const std::vector<std::string>& w) {
    const std::string& op = w[1];
    if (op == "w") return Write(w);
    if (op == "create") {
      names_.insert(w[2]);
      b_.Create(w[2], w.size() > 3 ? static_cast<uint32_t>(std::stoul(w[3], nullptr, 8)) : 0644);
    } else if (op == "touch") {
      b_.SetTimes(w[2]);
    } else if (op == "punch") {
      const uint64_t size = std::stoull(w[5]);
      b_.Allocate(w[2], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, std::stoull(w[3]),
                  std::stoull(w[4]), size);
    } else if (op == "mkdir") {
      b_.Mkdir(w[2]);
    } else if (op == "unlink" || op == "rmdir") {
      names_.erase(w[2]);
      b_.Unlink(w[2]);
    } else if (op == "rename") {
      b_.Rename(w[2], w[3]);
      Move(w[2], w[3]);
    } else if (op == "xchg") {
      b_.Exchange(w[2], w[3]);
    } else if (op == "whiteout") {
      b_.Rename(w[2], w[3], kFlagWhiteout);
    } else if (op == "link") {
      b_.Link(w[2], w[3]);
      names_.insert(w[3]);
    } else if (op == "symlink") {
      b_.Symlink(w[3], w[2]);
    } else if (op == "truncate") {
      b_.Truncate(w[2], std::stoull(w[3]));
    } else if (op == "chmod") {
      b_.Chmod(w[2], static_cast<uint32_t>(std::stoul(w[3], nullptr, 8)));
    } else if (op == "setxattr") {
      b_.SetXattr(w[2], w[3], w[4]);
    } else if (op == "falloc") {
      b_.Allocate(w[2], 0, std::stoull(w[3]), std::stoull(w[4]),
                  std::stoull(w[3]) + std::stoull(w[4]));
    } else if (op == "tmpfile") {
      b_.Tmpfile(w[2]);
    } else if (op == "close") {
      b_.Close(w[2]);
    } else if (op == "fsync") {
      b_.Fsync(w[2]);
    } else if (op == "fdatasync") {
      b_.Fdatasync(w[2]);
    } else if (op == "sfr") {
      b_.SyncRange(w[2]);
    } else if (op == "syncfs") {
      b_.SyncFs(w.size() > 2 ? w[2] : "");
    } else {
      CHECK(op == "trig");
      const std::string fresh = fmt::format("trig{}", trigs_++);
      b_.Create(fresh).Write(fresh, 0, "o").Fsync(fresh);
    }
  }

  void Forbid(const std::string& rest) {
    const std::vector<std::string> parts = Split(rest, '|');
    CHECK(parts.size() == 4);
    Litmus::Forbidden f;
    f.mark = Words(parts[0])[0];
    f.conditions = Words(parts[1]);
    for (const std::string& row : Rows(Words(parts[2]))) f.rows.insert(row);
    f.reason = Join(Words(parts[3]), " ");
    out_.forbidden.push_back(std::move(f));
  }

  Litmus& out_;
  TraceBuilder b_;
  std::set<std::string> names_;
  std::vector<std::string> rows_;
  Litmus::States* into_ = nullptr;
  int trigs_ = 0;
};

std::map<std::string, std::string> ParseState(const std::string& state) {
  std::map<std::string, std::string> out;
  if (state == "(none)") return out;
  for (size_t at = 0; at < state.size();) {
    if (state[at] == ' ') {
      ++at;
      continue;
    }

    const size_t slash = state.find_first_of(" [", at);
    if (slash == std::string::npos || state[slash] == ' ') {
      out[state.substr(at, slash - at)] = "";
      at = slash == std::string::npos ? state.size() : slash;
      continue;
    }

    const size_t close = state.find(']', slash);
    out[state.substr(at, slash - at)] = state.substr(slash + 1, close - slash - 1);
    at = close + 1;
  }

  return out;
}

// path -> the same form as in an observed state; directories end with '/'.
std::map<std::string, std::string> Lines(const FileTree& tree) {
  std::map<std::string, std::string> out;
  for (size_t root = 0; root < tree.roots().size(); ++root) {
    const std::string prefix = root == 0 ? "" : "other:";
    const auto walk = tree.Walk(root);
    std::map<InodeIndex, int> names;
    for (const auto& [path, index] : walk) ++names[index];
    for (const auto& [path, index] : walk) {
      if (path.empty() || path.rfind("trig", 0) == 0) continue;
      const Inode& inode = tree.at(index);
      if (inode.kind == FileKind::kDirectory) {
        out[prefix + path + "/"] = "";
      } else if (inode.kind == FileKind::kSymlink) {
        out[prefix + path] = "->" + inode.target;
      } else if (inode.kind == FileKind::kCharDevice) {
        out[prefix + path] = "READ:ENXIO m0";
      } else {
        std::string text = RunLengths(inode.content);
        if (names[index] > 1) text += fmt::format(" nl{}", names[index]);
        if (inode.mode != 0644) text += fmt::format(" m{:o}", inode.mode);
        for (const auto& [key, value] : inode.xattrs) text += fmt::format(" {}={}", key, value);
        out[prefix + path] = text;
      }
    }
  }

  return out;
}

bool SameContent(const Content& model, const std::string& observed) {
  const Content real = Content::FromBytes(Expand(observed));
  if (model.size() != real.size()) return false;
  for (size_t i = 0; i < real.pages().size(); ++i) {
    const PageRef& page = model.pages()[i];
    if (ContainsStaleBytes(page)) continue;
    const bool same = page == real.pages()[i] || (page != nullptr && real.pages()[i] != nullptr &&
                                                  page->digest() == real.pages()[i]->digest());
    if (!same) return false;
  }

  return true;
}

}  // namespace

uint32_t Litmus::PointOf(const std::string& mark) const {
  for (const auto& [name_of, point] : marks) {
    if (name_of == mark) return point;
  }
  CHECK(false);
  return 0;
}

std::pair<uint32_t, uint32_t> Litmus::IntervalOf(const std::string& mark) const {
  for (size_t i = 0; i < marks.size(); ++i) {
    if (marks[i].first != mark) continue;
    const auto last = static_cast<uint32_t>(trace.ops.size());
    return {marks[i].second, i + 1 < marks.size() ? marks[i + 1].second : last};
  }

  CHECK(false);
  return {};
}

Litmus ParseLitmus(const std::string& name, const std::string& text) {
  Litmus litmus;
  litmus.name = name;
  litmus.marks.emplace_back("START", 0);
  Parser parser(&litmus);
  for (const std::string& line : Split(text, '\n')) parser.Line(line);
  parser.Finish();
  return litmus;
}

std::string DescribeState(const FileTree& tree) {
  std::vector<std::string> words;
  for (const auto& [path, text] : Lines(tree))
    words.push_back(text.empty() ? path : fmt::format("{}[{}]", path, text));
  return words.empty() ? "(none)" : Join(words, " ");
}

bool Accounts(const FileTree& model, const std::string& observed) {
  const auto real = ParseState(observed);
  const auto mine = Lines(model);
  if (real.size() != mine.size()) return false;
  for (const auto& [path, text] : real) {
    auto found = mine.find(path);
    if (found == mine.end()) return false;
    if (found->second == text) continue;
    // Only the bytes may differ, and only where the model says that they can be anything.
    const auto at = model.Lookup(path);
    if (!at || model.at(*at).kind != FileKind::kFile) return false;
    const auto real_words = Split(text, ' ');
    const auto mine_words = Split(found->second, ' ');
    if (!std::equal(real_words.begin() + 1, real_words.end(), mine_words.begin() + 1,
                    mine_words.end()))
      return false;
    if (!SameContent(model.at(*at).content, real_words[0])) return false;
  }

  return true;
}

bool Holds(const FileTree& tree, const std::string& condition) {
  const size_t op = condition.find_first_of("=!~@");
  CHECK(op != std::string::npos);
  const auto at = tree.Lookup(condition.substr(0, op));
  if (condition[op] == '~') {
    if (!at) return false;
    return tree.at(*at).content.ToString().find('\0') != std::string::npos;
  }

  if (condition[op] == '@')
    return at && tree.at(*at).mode == std::stoul(condition.substr(op + 1), nullptr, 8);
  const bool negated = condition[op] == '!';
  const std::string want = condition.substr(op + (negated ? 2 : 1));
  bool equal = false;
  if (want == "absent") {
    equal = !at.has_value();
  } else if (at) {
    equal = tree.at(*at).kind == FileKind::kFile &&
            tree.at(*at).content == Content::FromBytes(Expand(want));
  }

  return negated ? !equal : equal;
}

}  // namespace oldornew
