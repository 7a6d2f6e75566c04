// What a path names for the kernel: the directory in which the last component stands, by identity,
// and the component.
//
// The kernel resolves; we only split off the last component and ask for the directory before it.
// dirfds, chdir, chroot, "..", symlinks on the way and mount points are thereby always right.
#pragma once

#include "interpose/funnel/recorder.h"

namespace oldornew::preload {

struct Place {
  wire::FileId dir = {0, 0};
  const char* name = nullptr;  // within the path it was made from, name_length bytes
  // without trailing slashes. 0: no such place ("..", "/", an unreachable directory)
  uint32_t name_length = 0;
  bool valid() const { return name_length != 0; }
};

/// Where `path` (in our memory, may be changed and is restored) puts its last component. A path
/// that ends in "." or ".." and the root have none: calls that make or remove names fail on them.
Place FindPlace(int dirfd, char* path);

/// FindPlace(dirfd2, path2), for free when it is in the same directory as `known`, the place of
/// (dirfd, path).
Place FindPlaceBeside(const Place& known, int dirfd, const char* path, int dirfd2, char* path2);

/// The same for the file open as `fd`, by the path /proc shows for it, which is written to `buffer`
/// (kPathMax bytes).
Place FindPlaceOfDescriptor(int fd, char* buffer);

/// Resolved, absolute form of the last component's directory and the component, for messages:
/// written to `out` (kPathMax bytes, NUL-terminated). Falls back to the path as given.
void ResolveForMessage(int dirfd, char* path, char* out);

/// The directory of `path`'s last component, opened where the roots of the sandbox that are on one
/// mount for the user meet (wire.h: kMeetingPlace). -EXDEV: it is not in one of those, or what
/// stands there is not `dir`, because something else is mounted over it. Overwrites g_scratch.
long OpenAtMeetingPlace(int dirfd, char* path, const wire::FileId& dir);

/// True when changing names in the directory of `path` (or, with `whole`, the file itself) is
/// allowed without a mount namespace: it lies below one of Header::roots. Always true unless
/// kCheckRoots is set.
bool InsideRoots(int dirfd, char* path, bool whole);
/// The same for an open descriptor.
bool DescriptorInsideRoots(int fd);

/// The current directory may have changed (chdir, fchdir, chroot, a namespace): ask for its
/// identity again.
void ForgetCurrentDirectory();

/// Directories may have moved or gone: forget which were found inside.
void ForgetDirectories();

/// Ends the run: the call would have changed something outside. Records what and where, stops
/// everybody, does not return.
[[noreturn]] void Refuse(const Call& call, int dirfd, char* path);

}  // namespace oldornew::preload
