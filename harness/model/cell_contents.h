// CellContents: the same as ordered_contents.h for rows with META_ORDER=none, where the size and
// every page hold any value since they were last forced, each on its own (model.md, section 5.7).
#pragma once

#include "model/contents.h"
#include "model/file_sizes.h"
#include "model/profile.h"

namespace oldornew {

Contents CellContents(const FileHistory& file, ObjectId object, const Profile& profile,
                      const FileQuery& query, Grain grain);

}  // namespace oldornew
