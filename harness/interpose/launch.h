// Launching a program under the preload library: can it be done on this machine, with this program,
// and with which environment.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace oldornew {

/// Path of liboldornew_preload.so: $OLDORNEW_PRELOAD, else next to the running executable in the
/// build tree, else in ../lib*/oldornew of an installation. Errors: where it was looked for; a path
/// that LD_PRELOAD cannot express (':' or ' ').
Result<std::string> FindPreload();

/// `environment` ("NAME=value" each) with what loads the library into the program and names the
/// recording. Other entries of LD_PRELOAD and other ASAN_OPTIONS stay. The program does not see
/// these changes, and its children get them whatever environment it gives them. An empty
/// `recording_path` arms the library without recording (for tests).
std::vector<std::string> PreloadEnvironment(std::vector<std::string> environment,
                                            const std::string& preload_path,
                                            const std::string& recording_path);

/// Arms Syscall User Dispatch in a child process and dispatches one call, as the library will.
/// Errors say in words why this machine cannot (exit code 5). OLDORNEW_NO_SUD=1 in the environment
/// pretends that it cannot. Once it has worked in this process only the environment is asked again.
Status ProbeUserDispatch();

/// Can an exec of `path` be entered by the preload library? Errors (exit code 5): "/bin/busybox is
/// statically linked: ...". For a script this looks at its interpreter. A path that cannot be read
/// is fine here: its exec will tell.
Status CheckEnterable(const std::string& path);
/// Can it be recorded by ptrace? A static program can, a setuid one cannot.
Status CheckTraceable(const std::string& path);

}  // namespace oldornew
