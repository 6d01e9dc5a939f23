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

/// "; did you mean 'netvlad'?", or nothing where no candidate is near. `quote` is put on both sides
/// of the word.
[[nodiscard]] std::string Suggestion(std::string_view word,
                                     const std::vector<std::string>& candidates,
                                     std::string_view quote = "'");

}  // namespace beamgrid
