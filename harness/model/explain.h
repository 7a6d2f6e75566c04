// Explain: which effects a crash state lacks. These become the words of a finding.
#pragma once

#include <cstdint>
#include <vector>

#include "model/crash_state.h"
#include "model/pictures.h"
#include "model/space.h"

namespace oldornew {

/// Adds the effects of ops before `point` that the state lacks, and the ops that named what it has.
void Explain(const Picture& picture, const MetaState& state, const DimensionChoices& choices,
             const Projection& projection, uint32_t point, std::vector<Effect>* lost,
             std::vector<uint32_t>* named_by);

/// Brings what several calls of Explain added into trace order.
void SortEffects(CrashState* state);

}  // namespace oldornew
