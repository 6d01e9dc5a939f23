#pragma once
// Text of unknown origin (paths, ids, what libraries say) as text that JSON can carry.

#include <cstddef>
#include <string>
#include <string_view>

namespace beamgrid {

/// `text` with '?' in the place of every byte that is no part of a well-formed UTF-8 character
/// (The Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing beyond U+10FFFF).
[[nodiscard]] std::string WellFormedUtf8(std::string_view text);

/// The bytes of the well-formed character that a text, which is not empty, begins with; 0 if it
/// begins with none.
[[nodiscard]] std::size_t CharacterBytes(std::string_view text);

/// How many bytes at the end of the text, 0 to 3, are the beginning of a character whose rest may
/// be still to come.
[[nodiscard]] std::size_t CutOffBytes(std::string_view text);

/// Whether the whole text is well-formed UTF-8.
[[nodiscard]] bool IsWellFormedUtf8(std::string_view text);

/// Returns what is wrong with a path that the record and trial.json cannot hold because its bytes
/// are no UTF-8, with the fix; empty where they are.
[[nodiscard]] std::string ProblemOfPath(std::string_view path);

/// Whether the byte of a well-formed text goes on with a character that an earlier one began.
[[nodiscard]] constexpr bool ContinuesCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace beamgrid
