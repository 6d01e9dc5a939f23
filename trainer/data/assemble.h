#pragma once
// Lays decoded videos out as one batch.

#include <span>

#include "registry/model_spec.h"
#include "trainer/data/batch.h"
#include "trainer/data/decoder.h"

namespace beamgrid {

/// Replaces everything in `batch` but ids and next_position. `videos` in the order of the batch.
void Assemble(const DataSpec& spec, std::span<const DecodedVideo> videos, Batch& batch);

}  // namespace beamgrid
