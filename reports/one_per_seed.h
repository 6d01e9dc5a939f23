#pragma once
// The last look before trials become means, ranks and members: none counts twice.

#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// Throws Error naming both where two of the trials have one name, or one model, and one seed: they
/// were of different content, and a mean over them would pass for one over seeds.
void RequireOneTrialPerSeed(const std::vector<TrialRecord>& trials);

}  // namespace beamgrid
