#pragma once
// The criteria and their defaults.

#include <string>
#include <string_view>
#include <vector>

namespace beamgrid {

/// All criteria in the order of the pipeline, `extras` and `train` included.
[[nodiscard]] const std::vector<std::string>& AllCriteria();
[[nodiscard]] bool IsCriterion(std::string_view word);
/// Does the criterion hold exactly one variant (all but `extras` and `train`)?
[[nodiscard]] bool IsSingle(std::string_view criterion);
/// The component that a single criterion has where the recipe names none ("concat").
[[nodiscard]] std::string DefaultComponent(std::string_view criterion);

}  // namespace beamgrid
