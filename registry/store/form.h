#pragma once
// A form of a trial: its weights in another precision, without training. A trial of its own in the
// record, which no study counts (orchestrator/audit/precision_forms.h).

#include <string>

#include "registry/store/store.h"

namespace beamgrid {

/// Returns the precision that a trial is shipped in.
[[nodiscard]] std::string PrecisionOf(const TrialRecord& trial);
/// Returns whether the trial is a form of another one.
[[nodiscard]] bool IsForm(const TrialRecord& trial);

}  // namespace beamgrid
