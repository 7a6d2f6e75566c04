#include "rerun/path_patterns.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/text.h"
#include "finding/finding.h"

namespace oldornew {

namespace {

// A glob that fits everything says nothing; names of one length do not all fit.
constexpr size_t kLeastLiteral = 2;

std::string Escaped(std::string_view name, std::string_view special) {
  std::string out;
  for (const char c : name) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
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

}  // namespace

PathPatterns::PathPatterns(const Trace& plain, const Trace& again) : plain_(plain) {
  const std::vector<const Op*> ones = NameChanges(plain);
  const std::vector<const Op*> others = NameChanges(again);
  const auto alike = [](const Op* one, const Op* other) { return one->kind == other->kind; };
  if (!std::equal(ones.begin(), ones.end(), others.begin(), others.end(), alike)) return;
  for (size_t i = 0; i < ones.size(); ++i) {
    Learn(ones[i]->path, others[i]->path);
    if (ones[i]->kind != OpKind::kCreate) Learn(ones[i]->path2, others[i]->path2);
  }
}

void PathPatterns::Learn(const std::string& one, const std::string& other) {
  const std::vector<std::string> mine = Split(one, '/');
  const std::vector<std::string> theirs = Split(other, '/');
  if (mine.size() != theirs.size()) return;
  for (size_t i = 0; i < mine.size(); ++i) {
    const std::string& a = mine[i];
    const std::string& b = theirs[i];
    if (a == b) continue;
    const auto alnum = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    size_t front = 0;
    while (front < std::min(a.size(), b.size()) && a[front] == b[front]) ++front;
    size_t back = 0;
    while (back < std::min(a.size(), b.size()) - front && a[a.size() - 1 - back] == b[b.size() - 1 - back])
      ++back;
    // Two random words may share a letter or two at their ends. Of more in common, as in tmp3xgl8v7i, only
    // the nearest letter can be chance.
    const size_t shared = front;
    while (front > 0 && alnum(a[front - 1])) --front;
    if (shared - front > kLeastLiteral) front = shared - 1;
    while (back > 0 && alnum(a[a.size() - back])) --back;
    const bool bare = front + back < kLeastLiteral;
    if (bare && a.size() != b.size()) continue;
    const std::string random = bare ? std::string(a.size() - front - back, '?') : "*";
    std::string glob = Escaped(std::string_view(a).substr(0, front), "*?[]\\") + random +
                       Escaped(std::string_view(a).substr(a.size() - back), "*?[]\\");
    if (std::find(learned_.begin(), learned_.end(), glob) == learned_.end())
      learned_.push_back(std::move(glob));
  }
}

std::string PathPatterns::Component(const std::string& name, const std::string& by_looks) const {
  if (IsUnnamed(name)) return "#*";
  for (const std::string& glob : learned_) {
    if (fnmatch(glob.c_str(), name.c_str(), 0) == 0) return glob;
  }
  return by_looks == name ? Escaped(name, "*?[]\\") : Escaped(by_looks, "?[]\\");
}

std::string PathPatterns::Of(const std::string& path) const {
  if (path.empty() || path == ".") return ".";
  const auto place = FindPlace(plain_, path);
  if (!place || (place->path.empty() && path.starts_with("/"))) return Escaped(path, "*?[]\\");
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
    out.push_back(old ? Escaped(names[i], "*?[]\\") : Component(names[i], looks_like));
  }
  const std::string pattern = Join(out, "/");
  return top.empty() ? pattern : JoinPath(Escaped(top, "*?[]\\"), pattern);
}

bool PathPatterns::IsFixed(const std::string& path) const {
  return Of(path) == (path.empty() ? "." : Escaped(path, "*?[]\\"));
}

bool PathPatterns::Matches(const std::string& pattern, const std::string& path) {
  const std::string whole = path.empty() ? "." : path;
  return fnmatch(pattern.c_str(), whole.c_str(), FNM_PATHNAME) == 0 ||
         fnmatch(pattern.c_str(), BaseName(whole).c_str(), FNM_PATHNAME) == 0;
}

}  // namespace oldornew
