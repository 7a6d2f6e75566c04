// Text as XML needs it.
#pragma once

#include <string>
#include <string_view>

namespace oldornew {

/// Escaped for element text and attribute values. XML 1.0 has no way to write most control
/// characters: they become "?".
std::string Xml(std::string_view text);

}  // namespace oldornew
