#include "interpose/funnel/glob.h"

namespace oldornew::preload {

namespace {

/// One element of the glob at `*glob`, no star, against one byte. Moves `*glob` past it.
bool MatchesOne(const char** glob, char byte) {
  const char* at = *glob;
  bool matches = false;
  if (*at == '?') {
    matches = byte != '/';
  } else if (*at == '[') {
    const char* set = at + 1;
    const bool except = *set == '!' || *set == '^';
    if (except) set++;
    bool found = false;
    for (bool first = true; *set != 0 && (first || *set != ']'); first = false) {
      if (*set == '\\' && set[1] != 0) set++;
      const char low = *set++;
      char high = low;
      if (*set == '-' && set[1] != 0 && set[1] != ']') {
        set++;
        if (*set == '\\' && set[1] != 0) set++;
        high = *set++;
      }
      found = found || ((unsigned char)low <= (unsigned char)byte &&
                        (unsigned char)byte <= (unsigned char)high);
    }
    if (*set == 0) {  // never closed: a bracket like any other byte
      matches = byte == '[';
      *glob = at + 1;
      return matches;
    }
    at = set;
    matches = found != except && byte != '/';
  } else {
    if (*at == '\\' && at[1] != 0) at++;
    matches = *at == byte;
  }

  *glob = at + 1;

  return matches;
}

/// A star is undone by going on one byte later; of several only the last of each kind has to be,
/// because an earlier one that took more would leave the later ones less.
bool MatchesWhole(const char* glob, const char* path) {
  const char* const begin = glob;
  const char* star = nullptr;  // what follows the last "*", and how far it has reached
  const char* star_at = nullptr;
  const char* stars = nullptr;  // the same of the last "**"
  const char* stars_at = nullptr;
  bool whole = false;  // it was "**/", which takes whole components
  for (;;) {
    if (*glob == '*' && glob[1] == '*') {
      glob += 2;
      whole = *glob == '/' && (glob - begin == 2 || glob[-3] == '/');
      if (whole) glob++;
      stars = glob;
      stars_at = path;
      star = nullptr;
      continue;
    }
    if (*glob == '*') {
      star = ++glob;
      star_at = path;
      continue;
    }
    if (*path == 0 && *glob == 0) return true;
    if (*path != 0 && *glob != 0 && MatchesOne(&glob, *path)) {
      path++;
      continue;
    }
    if (star != nullptr && *star_at != 0 && *star_at != '/') {
      glob = star;
      path = ++star_at;
    } else if (stars != nullptr && *stars_at != 0) {
      star = nullptr;
      glob = stars;
      stars_at++;
      while (whole && *stars_at != 0 && stars_at[-1] != '/') stars_at++;
      if (whole && stars_at[-1] != '/') return false;
      path = stars_at;
    } else {
      return false;
    }
  }
}

}  // namespace

bool MatchesGlob(const char* glob, const char* path) {
  if (MatchesWhole(glob, path)) return true;
  const char* last = path;
  for (const char* at = path; *at != 0; at++) {
    if (*at == '/') last = at + 1;
  }
  return last != path && MatchesWhole(glob, last);
}

}  // namespace oldornew::preload
