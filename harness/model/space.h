// What is asked of the model: where to look, how finely, and how far.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oldornew {

/// What an oracle looks at: paths below the judged roots, "a/b" form; "" = everything. A path that
/// names a directory means all that is below it. Symlinks are not followed.
struct Projection {
  std::vector<std::string> paths;
};

/// How finely one write call is taken apart (model.md, section 2).
enum class Grain : uint8_t {
  kCall,    ///< first page, interior, last page, and one torn form of each
  kPage,    ///< every page on its own, one torn form each
  kSector,  ///< every page, torn in every prefix, every suffix and every single 512-byte sector
};
const char* GrainName(Grain grain);

struct Limits {
  uint64_t max_states = 50000;  ///< combinations looked at, before deduplication
  Grain grain = Grain::kCall;
};

}  // namespace oldornew
