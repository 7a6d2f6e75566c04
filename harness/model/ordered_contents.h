// OrderedContents: which sizes a file can have on disk, and which versions the units below each can
// have there, on rows whose metadata has an order. cell_contents.h is the same for META_ORDER=none.
//
// The rules page-order, torn, zero-tail, data-before-metadata and stale-pattern are decided here.
#pragma once

#include "model/contents.h"
#include "model/file_sizes.h"
#include "model/profile.h"

namespace oldornew {

Contents OrderedContents(const FileHistory& file, ObjectId object, const Profile& profile,
                         const FileQuery& query, Grain grain);

}  // namespace oldornew
