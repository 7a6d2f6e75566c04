#include "run/environment.h"

#include <unistd.h>

#include <algorithm>

namespace oldornew {

std::vector<std::string> CallersEnvironment() {
  std::vector<std::string> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    result.emplace_back(*entry);
  return result;
}

void EditEnvironment(std::vector<std::string>& environment, const std::string& edit) {
  const size_t equals = edit.find('=');
  const std::string prefix = edit.substr(0, equals) + "=";
  const auto is_it = [&](const std::string& entry) { return entry.starts_with(prefix); };
  if (equals == std::string::npos) {
    std::erase_if(environment, is_it);
    return;
  }

  // In place, so that the order of the environment does not change.
  const auto found = std::find_if(environment.begin(), environment.end(), is_it);
  if (found == environment.end()) {
    environment.push_back(edit);
  } else {
    *found = edit;
  }
}

std::string ValueIn(const std::vector<std::string>& environment, const std::string& name) {
  for (const std::string& entry : environment) {
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  }
  return "";
}

}  // namespace oldornew
