#pragma once
// Whether a study's numbers of seeds were chosen beforehand.

#include "registry/store/store.h"

namespace beamgrid {

/// Returns true if one of the recipes that the study has had lets models race for further seeds:
/// then how many a model has depends on what they measured, and a p-value is not what it says. A
/// recipe that this program cannot read says nothing.
[[nodiscard]] bool RacesForSeeds(const Store& store, const StudyRecord& study);

}  // namespace beamgrid
