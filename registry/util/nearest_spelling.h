#pragma once
// "Did you mean": the word that a misspelt one was probably meant to be.

#include <string>
#include <string_view>
#include <vector>

namespace beamgrid {

/// The candidate nearest to `word` by edit distance, or empty if none is near enough to be a
/// misspelling.
[[nodiscard]] std::string NearestSpelling(std::string_view word,
                                          const std::vector<std::string>& candidates);

}  // namespace beamgrid
