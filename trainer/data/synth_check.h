#pragma once
// The options of a synthetic dataset, completed and checked.

#include "trainer/data/synth.h"

namespace beamgrid {

/// `options` with the usual features where none are named. Throws UsageError naming the option, its
/// value and what is allowed.
[[nodiscard]] SynthOptions CheckedSynthOptions(const SynthOptions& options);

}  // namespace beamgrid
