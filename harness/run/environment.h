// Environments as lists of "NAME=value", as execve takes them.
#pragma once

#include <string>
#include <vector>

namespace oldornew {

/// This process's own.
std::vector<std::string> CallersEnvironment();

/// "NAME=value" replaces or adds; "NAME" removes.
void EditEnvironment(std::vector<std::string>& environment, const std::string& edit);

/// The value of `name`, or "" when there is none.
std::string ValueIn(const std::vector<std::string>& environment, const std::string& name);

}  // namespace oldornew
