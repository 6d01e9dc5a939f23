#pragma once
// The weights that trials are to start from (train.from), checked before any worker starts.

#include "orchestrator/study/study_plan.h"

namespace beamgrid {

/// Throws Error where a trial that is still to be trained starts from weights that are not what the
/// record holds (gone, cut off, of another content, pruned): with the trial, the file and the way
/// out. Throws RecipeError as PlanStudy does. Each file is hashed once and known from then on
/// (HashCache). Weights that only trials start from which are complete already are of no concern.
void RequireWarmStartFiles(const PlanParts& parts);

}  // namespace beamgrid
