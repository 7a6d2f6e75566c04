// Columns: the cells of a profile by name, with the meaning of each value, and which values a cell
// may have given the others. Tables are read, printed, compared and tested through this; the
// enumeration itself uses the fields.
//
// The columns stand in an order in which each one's domain depends only on those before it. A
// domain of one value means that the cell does not apply in this row: the others decide what it
// would say. Such a cell is shown as "-" and cannot be set to anything else, so that no row claims
// what the model does not look at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/profile.h"

namespace oldornew {

struct ColumnValue {
  const char* text;     ///< "after_io"
  const char* meaning;  ///< one clause
};

struct Column {
  const char* name;  ///< "NEWDATA", as model.md, section 6, writes it
  const char* meaning;
  std::vector<ColumnValue> values;
  int (*get)(const Profile&);        ///< index into values
  void (*set)(Profile*, int value);  ///< REQUIRES: 0 <= value < values.size()
};

/// All columns, in their order of dependence.
const std::vector<Column>& Columns();
/// Index into Columns(), or -1.
int FindColumn(std::string_view name);

struct Domain {
  std::vector<int> values;  ///< never empty; the first is what Complete() falls back to
  /// for a domain that is not the whole column: which cell narrows it, as a clause
  std::string because;
  bool applies() const { return values.size() > 1; }
  bool Contains(int value) const;
};
/// The values that column `column` may have, given the cells of the columns before it.
Domain DomainOf(const Profile& profile, size_t column);

/// "zero", or "-" where the cell does not apply.
std::string CellText(const Profile& profile, size_t column);

/// Sentences, one for each cell that lies outside its domain; empty for a row that holds together.
std::vector<std::string> CheckCells(const Profile& profile);

/// Gives every cell after `column` that fell out of its domain the first value of it.
void Complete(Profile* profile, size_t column);

/// Identity of the cells alone: not of the name, the source or the set.
Digest CellsDigest(const Profile& profile);

/// "META_ORDER=prefix NEWDATA=zero ...": every cell that applies, in order. ParseCells reads it
/// back.
std::string CellsText(const Profile& profile);
/// Errors (usage): an unknown column or value, a cell outside its domain; all of them in one
/// message.
Result<Profile> ParseCells(std::string_view text);

}  // namespace oldornew
