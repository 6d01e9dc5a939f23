#pragma once
// A place in what the user typed, shown as compilers do.

#include <cstddef>
#include <string>

namespace beamgrid {

/// Returns the line of `text` that holds byte `at` (its end counts as one), and below it a caret
/// that points at the byte.
[[nodiscard]] std::string Marked(const std::string& text, std::size_t at);

}  // namespace beamgrid
