#pragma once
// How wide terminals draw a character.

#include <cstddef>

namespace beamgrid {

/// Returns the columns that a terminal draws a character in: none for a mark that stands on the
/// character before (general categories Mn and Me of Unicode 14, vowels and finals of Hangul, the
/// joiners), two for East Asian wide and fullwidth ones and emoji (EastAsianWidth.txt: W, F), else
/// one.
[[nodiscard]] std::size_t CharacterColumns(char32_t character);

}  // namespace beamgrid
