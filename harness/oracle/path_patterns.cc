#include "oracle/path_patterns.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "oracle/watch.h"

namespace oldornew {

namespace {

// A glob that fits everything says nothing; names of one length do not all fit.
constexpr size_t kLeastLiteral = 2;

constexpr std::string_view kSpecial = "*?[]\\";

std::string Escaped(std::string_view name, std::string_view special = kSpecial) {
  std::string out;
  for (const char c : name) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// What two names have in common at both ends. Two random words may begin or end alike by chance: a
// letter or two in common are nothing, of more, as in tmp3xgl8v7i, only the nearest letter can be
// chance.
std::string GlobOfBoth(const std::string& a, const std::string& b) {
  const auto alnum = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const size_t least = std::min(a.size(), b.size());
  size_t front = 0;
  while (front < least && a[front] == b[front]) ++front;
  size_t back = 0;
  while (back < least - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  const size_t shared = front;
  while (front > 0 && alnum(a[front - 1])) --front;
  if (shared - front > kLeastLiteral) front = shared - 1;
  while (back > 0 && alnum(a[a.size() - back])) --back;
  const bool bare = front + back < kLeastLiteral && a.size() == b.size();
  const std::string random = bare ? std::string(a.size() - front - back, '?') : "*";
  return Escaped(a.substr(0, front)) + random + Escaped(a.substr(a.size() - back));
}

// What tells paths from others: letters, and the length of a name.
size_t Literals(const std::vector<std::string>& globs) {
  size_t count = 0;
  for (const std::string& glob : globs)
    count += static_cast<size_t>(
        std::count_if(glob.begin(), glob.end(), [](char c) { return c != '*'; }));
  return count;
}

// "#79": a file without a name, called by the number of its inode.
bool IsUnnamed(const std::string& name) {
  return name.size() > 1 && name[0] == '#' && name.find_first_not_of("0123456789", 1) == name.npos;
}

std::vector<const Op*> NameChanges(const Trace& trace) {
  std::vector<const Op*> out;
  for (const Op& op : trace.ops) {
    if (op.error == 0 && ChangesNames(op.kind)) out.push_back(&op);
  }
  return out;
}

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

// Paths of what a run made, with the kind of it.
std::set<std::pair<std::string, FileKind>> Made(const Trace& trace) {
  std::set<std::pair<std::string, FileKind>> out;
  for (const Op& op : trace.ops) {
    if (op.error == 0 && op.kind == OpKind::kCreate && op.object != kNoObject)
      out.emplace(op.path, trace.objects[static_cast<size_t>(op.object)].kind);
  }
  return out;
}

}  // namespace

PathPatterns::PathPatterns(const Trace& plain, const Trace& again) : plain_(plain) {
  Learn(plain, again);
}

void PathPatterns::Learn(const Trace& one, const Trace& other) {
  const std::vector<const Op*> ones = NameChanges(one);
  const std::vector<const Op*> others = NameChanges(other);
  const auto alike = [](const Op* a, const Op* b) { return a->kind == b->kind; };
  if (std::equal(ones.begin(), ones.end(), others.begin(), others.end(), alike)) {
    for (size_t i = 0; i < ones.size(); ++i) {
      LearnPair(ones[i]->path, others[i]->path);
      if (ones[i]->kind != OpKind::kCreate) LearnPair(ones[i]->path2, others[i]->path2);
    }
    return;
  }
  // They went different ways: what only one of them made goes with what only the other made in the
  // same place.
  const auto mine = Made(one);
  const auto theirs = Made(other);
  for (const auto& [path, kind] : mine) {
    if (theirs.contains({path, kind})) continue;
    for (const auto& [path2, kind2] : theirs) {
      if (kind == kind2 && !mine.contains({path2, kind2}) &&
          Of(Parent(path) + "x") == Of(Parent(path2) + "x"))
        LearnPair(path, path2);
    }
  }
}

void PathPatterns::LearnPair(const std::string& one, const std::string& other) {
  const std::vector<std::string> mine = Split(one, '/');
  const std::vector<std::string> theirs = Split(other, '/');
  if (mine.size() != theirs.size() || one == other) return;
  std::vector<std::string> globs;
  for (size_t i = 0; i < mine.size(); ++i)
    globs.push_back(mine[i] == theirs[i] ? Escaped(mine[i]) : GlobOfBoth(mine[i], theirs[i]));
  if (Literals(globs) < kLeastLiteral ||
      std::find(learned_.begin(), learned_.end(), globs) != learned_.end())
    return;
  learned_.push_back(std::move(globs));
}

// The glob that component `index` of a path has been seen to need; empty: none.
std::string PathPatterns::Learned(const std::vector<std::string>& names, size_t index) const {
  for (const std::vector<std::string>& globs : learned_) {
    if (globs.size() <= index || globs[index].find_first_of("*?") == std::string::npos) continue;
    bool fits = true;
    for (size_t i = 0; i <= index && fits; ++i)
      fits = fnmatch(globs[i].c_str(), names[i].c_str(), 0) == 0;
    if (fits) return globs[index];
  }
  return {};
}

std::string PathPatterns::Of(const std::string& path) const {
  if (path.empty() || path == ".") return ".";
  const auto place = FindPlace(plain_, path);
  if (!place || (place->path.empty() && path.starts_with("/"))) return Escaped(path);
  std::string so_far;
  std::vector<std::string> out;
  const std::string top = place->root == 0 ? "" : plain_.roots[place->root].path;
  const std::vector<std::string> names = Split(place->path, '/');
  const std::string looks = SubjectPattern(plain_, path);
  const std::vector<std::string> patterns =
      Split(top.empty() ? looks : looks.substr(std::min(looks.size(), top.size() + 1)), '/');
  for (size_t i = 0; i < names.size(); ++i) {
    so_far = JoinPath(so_far, names[i]);
    const bool old = plain_.old_tree.Lookup(so_far, place->root).has_value();
    const std::string& looks_like = i < patterns.size() ? patterns[i] : names[i];
    const std::string learned = old ? "" : IsUnnamed(names[i]) ? "#*" : Learned(names, i);
    out.push_back(!learned.empty()                ? learned
                  : old || looks_like == names[i] ? Escaped(names[i])
                                                  : Escaped(looks_like, "?[]\\"));
  }
  const std::string pattern = Join(out, "/");
  return top.empty() ? pattern : JoinPath(Escaped(top), pattern);
}

bool PathPatterns::IsFixed(const std::string& path) const {
  return Of(path) == (path.empty() ? "." : Escaped(path));
}

bool PathPatterns::Matches(const std::string& pattern, const std::string& path) {
  const std::string whole = path.empty() ? "." : path;
  return fnmatch(pattern.c_str(), whole.c_str(), FNM_PATHNAME) == 0 ||
         fnmatch(pattern.c_str(), BaseName(whole).c_str(), FNM_PATHNAME) == 0;
}

namespace {

// mkstemp(3) and its like: six or more letters and digits that no word has. A run of digits that
// long is a pid, a time or a counter.
bool LooksRandom(std::string_view run) {
  if (run.size() < 6) return false;
  size_t lower = 0;
  size_t upper = 0;
  size_t digits = 0;
  for (const char c : run) {
    lower += c >= 'a' && c <= 'z';
    upper += c >= 'A' && c <= 'Z';
    digits += c >= '0' && c <= '9';
  }
  if (digits == run.size()) return true;
  const bool capitalised = upper == 1 && run[0] >= 'A' && run[0] <= 'Z';
  return (digits > 0 && upper > 0) || (lower > 0 && upper > 0 && !capitalised) ||
         (digits > 1 && lower > 0);
}

std::string WithoutRandom(const std::string& name) {
  const auto is_alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  std::string out;
  for (size_t i = 0; i < name.size();) {
    size_t end = i;
    while (end < name.size() && is_alnum(name[end])) ++end;
    if (end == i) {
      out += name[i++];
      continue;
    }
    // What is random may stand behind a word without anything between ("sedB3xK9a"): the whole run
    // gives way.
    out += LooksRandom(std::string_view(name).substr(i, end - i)) ? "*" : name.substr(i, end - i);
    i = end;
  }
  return out;
}

}  // namespace

std::string SubjectPattern(const Trace& trace, const std::string& path) {
  const auto place = FindPlace(trace, path);
  if (!place) return path;
  std::string so_far;
  std::vector<std::string> parts;
  for (const std::string& part : Split(place->path, '/')) {
    so_far = JoinPath(so_far, part);
    const bool old = trace.old_tree.Lookup(so_far, place->root).has_value();
    parts.push_back(old ? part : WithoutRandom(part));
  }
  const std::string pattern = Join(parts, "/");
  return place->root == 0 ? pattern : JoinPath(trace.roots[place->root].path, pattern);
}

}  // namespace oldornew
