#pragma once
// Classes as people read them: their numbers and, where somebody has said it, their names.

#include <cstddef>
#include <string>
#include <vector>

namespace beamgrid {

/// Classes that a line names at most.
inline constexpr std::size_t kClassesInLine = 40;

/// Returns "0 cat, 1 dog and 3 more". `names`: by class, "" where one has none, which is left out;
/// empty: nobody knows them. The text is as the names are: whoever prints it escapes it.
[[nodiscard]] std::string NumberedClasses(const std::vector<std::string>& names,
                                          std::size_t most = kClassesInLine);

/// Returns "1 dog", or "1" where the class has no name.
[[nodiscard]] std::string NumberedClass(std::size_t label, const std::vector<std::string>& names);

}  // namespace beamgrid
