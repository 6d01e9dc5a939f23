#pragma once
// Names that are two and look as if they were meant to be one.

#include <set>
#include <string>
#include <vector>

namespace beamgrid {

/// Returns names that differ only in the case of ASCII letters and in blanks, "'Dog', 'dog'" for
/// each such set, in the order of the first of each.
[[nodiscard]] std::vector<std::string> NearNames(const std::set<std::string>& names);

}  // namespace beamgrid
