#pragma once
// A census as the cache keeps it.

#include <optional>
#include <string>
#include <string_view>

#include "trainer/data/census.h"

namespace beamgrid {

/// Returns the findings of the files' contents: all of a census but what is looked at each time
/// (digest, same_files, unfinished).
[[nodiscard]] std::string CensusText(const Census& census);

/// Returns what CensusText wrote for lists of so many files; nothing where the text is anything
/// else.
[[nodiscard]] std::optional<Census> CensusFromText(std::string_view text, std::size_t train_files,
                                                   std::size_t validate_files);

}  // namespace beamgrid
