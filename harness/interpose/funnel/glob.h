// Globs of the plan (plan.h), for the preload library as well.
#pragma once

namespace oldornew::preload {

/// True if `path`, or its last component, is what `glob` describes: "*" is anything but slashes,
/// "**" anything (a component "**" any number of them: "a/**/b" is also "a/b"), "?" one byte but a
/// slash, "[a-z]" and "[!a-z]" one of a set, "\" takes the next byte as it is.
bool MatchesGlob(const char* glob, const char* path);

}  // namespace oldornew::preload
