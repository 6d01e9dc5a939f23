#include "registry/store/transitions.h"

#include <stdexcept>

namespace beamgrid {

bool MayFollow(TrialState from, TrialState to) {
  switch (from) {
    case TrialState::kWaiting:
      return to == TrialState::kRunning || to == TrialState::kPruned || to == TrialState::kFailed;
    case TrialState::kRunning:
      // An attempt may end in any way, but a trial has one attempt at a time.
      return to != TrialState::kRunning;
    case TrialState::kPruned:
    case TrialState::kFailed:
      // A later run may try again what failed or was given up.
      return to == TrialState::kWaiting;
    case TrialState::kComplete:
      return false;
  }
  return false;
}

void CheckTransition(std::int64_t trial, TrialState from, TrialState to) {
  if (MayFollow(from, to)) return;
  throw std::logic_error("trial " + std::to_string(trial) + " is " + ToString(from) +
                         " and cannot become " + ToString(to));
}

}  // namespace beamgrid
