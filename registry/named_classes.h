#pragma once
// What the classes of some data are called, to be compared with what those of others are.

#include <string>
#include <vector>

namespace beamgrid {

/// NamedClasses are names by class.
struct NamedClasses {
  std::string where;               ///< says whose they are, for messages: a file, a study
  std::vector<std::string> names;  ///< an empty one is not known; none: nobody knows any
};

/// Returns the first number that means two classes, "class 0 is 'cat' in A and 'ant' in B", and how
/// many more do; empty: none does. A class that only one of the two names is no contradiction, so
/// one may go on where the other ends.
[[nodiscard]] std::string Contradiction(const NamedClasses& one, const NamedClasses& other);

}  // namespace beamgrid
