#pragma once
// The classes that a recipe weighs more or less than the others.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "search/recipe.h"

namespace beamgrid {

/// Reads the classes of a file, sorted, each below `classes`: a header line whose first column is
/// `Index`, then a class a line (segment_label_ids.csv; further columns are not read). Throws
/// InputError with the line of what is wrong.
[[nodiscard]] std::vector<std::int32_t> ReadClassList(const std::filesystem::path& path,
                                                      std::int64_t classes);

/// Returns data.weighted_classes, sorted, from the recipe or from the file that it names (relative
/// to `folder`). What is wrong goes to `diagnostics`.
[[nodiscard]] std::vector<std::int32_t> WeightedClasses(const DataSettings& settings,
                                                        const std::filesystem::path& folder,
                                                        std::vector<Diagnostic>* diagnostics);

}  // namespace beamgrid
