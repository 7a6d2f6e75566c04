#include "oracle/recoverable.h"

namespace oldornew {

namespace {
constexpr int kFurtherRuns = 2;  // with the first one, three in a row
}  // namespace

Result<Wedge> FindWedge(const Trace& failed, const OnceMore& once_more, const IsSo& succeeded,
                        const IsSo& leaves_more) {
  Wedge out{true, leaves_more(failed)};
  for (int more = 0; more < kFurtherRuns; ++more) {
    ASSIGN_OR_RETURN(const Trace next, once_more());
    if (succeeded(next)) return Wedge{};
    out.piles_up = out.piles_up && leaves_more(next);
  }
  return out;
}

Result<bool> KeepsPilingUp(const OnceMore& once_more, const IsSo& leaves_more) {
  for (int more = 0; more < kFurtherRuns; ++more) {
    ASSIGN_OR_RETURN(const Trace next, once_more());
    if (!leaves_more(next)) return false;
  }
  return true;
}

}  // namespace oldornew
