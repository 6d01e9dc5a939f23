#pragma once
// The teachers that a recipe names, looked at before anything is trained.

#include <vector>

#include "registry/model_spec.h"
#include "search/recipe.h"
#include "trainer/data/census.h"

namespace beamgrid {

/// Returns what is wrong with the teachers of the recipe (recipe.teachers), with their places: a
/// file that is not there, a line of it, training examples without a list. `data` are sound, with
/// their digest. Reads the training files once for each teacher; where the cache is to be believed,
/// not again once all was well. Throws Error where the machine is at fault.
[[nodiscard]] std::vector<Diagnostic> TeacherMistakes(
    const Recipe& recipe, const DataSpec& data,
    CensusOptions::Reading reading = CensusOptions::Reading::kWhatIsNew);

}  // namespace beamgrid
