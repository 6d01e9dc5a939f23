#pragma once
// Text of unknown origin (paths, ids, what libraries say) as text that JSON can carry.

#include <string>
#include <string_view>

namespace beamgrid {

/// `text` with '?' in the place of every byte that is no part of a well-formed UTF-8 character
/// (The Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing beyond U+10FFFF).
[[nodiscard]] std::string WellFormedUtf8(std::string_view text);

/// Whether the byte of a well-formed text goes on with a character that an earlier one began.
[[nodiscard]] constexpr bool ContinuesCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace beamgrid
