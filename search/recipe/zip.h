#pragma once
// `zip = ["hidden", "layers"]`: options given as lists that vary together.

#include <set>
#include <string>
#include <vector>

#include "search/recipe/section.h"
#include "search/variants.h"

namespace beamgrid {

/// Ties the axes that `zip` names into one, in the place of the first. `wrong_lists`: options whose
/// lists have mistakes of their own, already reported. False after a mistake; `axes` as they were.
bool ApplyZip(const toml::node& zip, const ComponentInfo& component, const std::string& path,
              const std::set<std::string>& wrong_lists, std::vector<OptionAxis>& axes,
              Mistakes& mistakes);

}  // namespace beamgrid
