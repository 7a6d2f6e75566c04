// Environments as lists of "NAME=value", as execve takes them.
#pragma once

#include <string>
#include <vector>

namespace oldornew {

/// The environment of this process.
std::vector<std::string> CallersEnvironment();

/// `edit` is "NAME=value", which replaces or adds an entry, or "NAME", which removes one.
void EditEnvironment(std::vector<std::string>& environment, const std::string& edit);

/// The value of `name`, or "" when there is none.
std::string ValueIn(const std::vector<std::string>& environment, const std::string& name);

}  // namespace oldornew
