#pragma once
// How wide terminals draw a character.

#include <cstddef>

namespace beamgrid {

/// Returns the columns that a terminal draws a character in, by the C library's tables of Unicode:
/// none for a mark that stands on the character before, two for East Asian wide ones and emoji,
/// else one.
[[nodiscard]] std::size_t CharacterColumns(char32_t character);

}  // namespace beamgrid
