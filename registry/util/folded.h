#pragma once
// Lines that are too wide for where they are shown.

#include <cstddef>
#include <string>
#include <string_view>

namespace beamgrid {

/// Returns a printable line in lines of at most `width` columns, broken at spaces alone: a word
/// that is longer stays whole. What goes on below begins two columns farther in than the line.
[[nodiscard]] std::string Folded(std::string_view line, std::size_t width);

/// Returns the text with each of its lines folded; but not a line with a mark in it, a '^' alone on
/// the next line, which points at a column.
[[nodiscard]] std::string FoldedLines(std::string_view text, std::size_t width);

}  // namespace beamgrid
