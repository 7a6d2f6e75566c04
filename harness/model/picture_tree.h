// A picture, with one choice on each dimension, as a tree.
#pragma once

#include "model/pictures.h"

namespace oldornew {

/// Puts the picture's nodes into `tree`, which has the roots already.
void AddToTree(const Picture& picture, const MetaState& state, const DimensionChoices& choices,
               FileTree* tree);

}  // namespace oldornew
