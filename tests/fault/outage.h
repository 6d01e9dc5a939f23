#pragma once
// One power cut in a study's life, and its going on afterwards.

#include <functional>

#include "tests/fault/faulty_study.h"

namespace beamgrid {

/// What happens to data that were not synced.
enum class Unsynced { kKept, kLost };

/// Four short trials.
[[nodiscard]] RecipeText FourTrials();

/// Starts the study anew, cuts the power when `moment` says so (it is asked again and again) or the
/// run is over, puts back what is left, and goes on: to the undisturbed result, with no trial
/// executed again that had a result before.
void CutThePower(FaultyStudy& study, Unsynced unsynced, const std::function<bool()>& moment);

}  // namespace beamgrid
