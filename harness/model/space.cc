#include "model/space.h"

namespace oldornew {

const char* GrainName(Grain grain) {
  switch (grain) {
    case Grain::kCall:
      return "call";
    case Grain::kPage:
      return "page";
    case Grain::kSector:
      return "sector";
  }

  return "?";
}

}  // namespace oldornew
