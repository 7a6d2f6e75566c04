// The text of a choice: which state it is, short and printable, meaningful with the recording it
// was found in.
//
//     call.o0.p3.s1c7f.n2=0.d5=1,0:2.a4=1
//
//     call        the grain (GrainName); "nothing" on rows on which nothing survives
//     oN, pN      the order of ops (History::timelines), the crash point
//     sNcM        of each device with judged roots one part: segment, and cut of the metadata;
//                 with an "f": the log sync under way is on disk
//     nSLOT=V     in a part: this slot has this version, and not the one of the cut
//     dOBJECT=S,UNIT:OPTION,...
//                 the file's size is number S of FileDomain::sizes(), and these units have other
//                 options than their first
//     aOBJECT=N   the object's attributes are number N of its choices
//
// What a text does not mention is not lost.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/meta_states.h"
#include "model/pictures.h"
#include "model/space.h"

namespace oldornew {

struct DataChoice {
  uint32_t size = 0;
  std::vector<std::pair<uint32_t, uint32_t>> units;  ///< (unit, option), ascending
};

/// What the text says of one device.
struct PartChoice {
  MetaId id;
  std::map<ObjectId, DataChoice> data;
  std::map<ObjectId, uint32_t> attributes;
};

struct ChoiceText {
  Grain grain = Grain::kCall;
  bool nothing = false;
  uint32_t order = 0;
  uint32_t point = 0;
  std::vector<PartChoice> parts;
};

/// The beginning of a text, and the part of one device.
std::string ChoiceHead(Grain grain, uint32_t order, uint32_t point);
std::string PartText(const Picture& picture, const Occurrence& occurrence,
                     const DimensionChoices& choices);

/// Nullopt when it cannot be read. The text may come from a file: whether the numbers fit a trace
/// is for the caller to check.
std::optional<ChoiceText> ParseChoice(std::string_view text);

}  // namespace oldornew
