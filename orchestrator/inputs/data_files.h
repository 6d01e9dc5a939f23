#pragma once
// From a recipe's globs to the files of a study: found, checked, digested.

#include <filesystem>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "search/recipe.h"

namespace beamgrid {

/// Returns the files that a pattern (`*`, `?`, `[a-z]`, `{a,b}`) matches, as absolute paths sorted
/// by file name, then by path. A relative pattern starts at `folder`. Empty where nothing matches.
[[nodiscard]] std::vector<std::string> ExpandGlob(const std::string& pattern,
                                                  const std::filesystem::path& folder);

/// Returns the recipe's data with its globs resolved (relative to the recipe's folder) and no
/// digest yet. Throws RecipeError with the place of every glob that matches nothing and of a list
/// of classes that cannot be read.
[[nodiscard]] DataSpec FindDataFiles(const Recipe& recipe);

/// Returns FindDataFiles with the files' digest: what a fingerprint needs.
[[nodiscard]] DataSpec ResolveData(const Recipe& recipe);

}  // namespace beamgrid
