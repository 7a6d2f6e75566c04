// Obstacles: what makes a recorded run unfit for judgement although the recording itself is whole.
// Each function looks at one reason and adds an Obstacle, or only a note, to the trace.
#pragma once

#include <string>
#include <vector>

#include "run/sandbox.h"
#include "trace/trace.h"

namespace oldornew {

/// The file system under the private copy is full, which is no fact about the program.
void CheckRoom(const Sandbox& sandbox, Trace& trace);

/// A set-user-ID program ran without its rights, which happens in a user namespace. All of it was
/// recorded, but it does something else outside the sandbox.
void CheckLostRights(const Sandbox& sandbox, Trace& trace);

/// The program wrote below $HOME, which is thrown away and not judged. That matters most when it
/// wrote nothing else. `before`: Sandbox::HomeChanges before the run.
void CheckHome(const Sandbox& sandbox, const std::vector<std::string>& before, Trace& trace);

/// Temporary directories are private: of the machine's own files only those that the command names
/// are shown there, and they cannot be moved or removed. Reports a program that tried to, and one
/// that failed because it did not see a directory that the machine has.
void CheckTemporaries(const Sandbox& sandbox, Trace& trace);

}  // namespace oldornew
