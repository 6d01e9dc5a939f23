#pragma once
// Names that are two and look as if they were meant to be one.

#include <set>
#include <string>
#include <vector>

namespace beamgrid {

/// Returns names that differ only in the case of ASCII letters, in blanks, or in how Unicode writes
/// letters with accents (or Korean ones), "'Dog', 'dog'" for each such set, in the order of the
/// first of each.
[[nodiscard]] std::vector<std::string> NearNames(const std::set<std::string>& names);

/// Returns pairs of an id of each list, "'Vid1.mp4' and 'vid1'", that may be meant to be one: they
/// differ in the case of ASCII letters, in blanks, in an ending such as .mp4, or in letters beyond
/// ASCII alone, which Unicode writes in more than one way. In the order of the first list.
[[nodiscard]] std::vector<std::string> NearIds(const std::vector<std::string>& ids,
                                               const std::vector<std::string>& others);

}  // namespace beamgrid
