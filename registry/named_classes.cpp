#include "registry/named_classes.h"

#include <algorithm>
#include <optional>

namespace beamgrid {

std::string Contradiction(const NamedClasses& one, const NamedClasses& other) {
  std::optional<std::size_t> first;
  std::size_t differing = 0;
  for (std::size_t i = 0; i < std::min(one.names.size(), other.names.size()); ++i) {
    if (one.names[i].empty() || other.names[i].empty() || one.names[i] == other.names[i]) continue;
    if (!first) first = i;
    ++differing;
  }
  if (!first) return "";
  std::string text = "class " + std::to_string(*first) + " is '" + one.names[*first] + "' in " +
                     one.where + " and '" + other.names[*first] + "' in " + other.where;
  if (differing == 1) return text;
  return text + ", and " + std::to_string(differing - 1) +
         (differing == 2 ? " more class differs" : " more classes differ");
}

}  // namespace beamgrid
