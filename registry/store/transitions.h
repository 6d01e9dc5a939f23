#pragma once
// The one place that knows which state of a trial may follow which.
//
//   waiting -> running             an attempt begins
//   running -> waiting             it failed or was interrupted, and another will follow
//   running -> complete, pruned, failed
//   waiting -> pruned, failed      given up before it ran
//   pruned, failed -> waiting      asked for again
//   complete                       never changes again

#include "registry/outcome.h"

namespace beamgrid {

[[nodiscard]] bool MayFollow(TrialState from, TrialState to);

/// Throws std::logic_error that names the trial: whoever asked for this change has a bug.
void CheckTransition(std::int64_t trial, TrialState from, TrialState to);

}  // namespace beamgrid
