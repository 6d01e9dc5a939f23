#pragma once
// The questions that people ask of the record most, as SQL that `query` knows by name.

#include <string>
#include <vector>

namespace beamgrid {

/// Named queries of `query --list`. Each takes an optional parameter `study`; without it, all
/// studies are shown.
struct NamedQuery {
  std::string name, help, sql;
};
[[nodiscard]] const std::vector<NamedQuery>& NamedQueries();

}  // namespace beamgrid
