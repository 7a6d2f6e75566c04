#include "import/complaints.h"

#include "base/text.h"

namespace oldornew::replay {

void Complaints::Bad(const StraceCall& call, const std::string& what) {
  if (!error_)
    error_ = Error{fmt::format("{}: {}: {}", log_.Where(call), call.name, what), ExitCode::kUsage};
}

void Complaints::Obstruct(Obstacle::Kind kind, const std::string& reason) {
  if (said_.insert(reason).second) obstacles_.push_back({kind, reason});
}

void Complaints::Missed(const StraceCall& call, const std::string& what) {
  Obstruct(Obstacle::Kind::kIncomplete, fmt::format("{}: {}", log_.Where(call), what));
}

}  // namespace oldornew::replay
