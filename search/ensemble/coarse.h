#pragma once
// Terms of scores in single precision: all that a bracket needs, in loops that compilers vectorise.

#include <vector>

#include "search/ensemble/combine.h"
#include "search/ensemble/model_lists.h"

namespace beamgrid {

/// Puts Combination::Term of each score of a list into `terms`, no further from it than
/// CoarseError. Not for votes, where a score next to 1/2 would count as the wrong one.
void CoarseTerms(const ModelLists& lists, ModelLists::Range list, const Combination& combination,
                 std::vector<float>& terms);

/// Returns how far a coarse term is from the true one at most.
[[nodiscard]] double CoarseError(const Combination& combination);

}  // namespace beamgrid
