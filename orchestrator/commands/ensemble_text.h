#pragma once
// An ensemble's answer as people read it. On a terminal no line is wider than it.

#include <ostream>

#include "search/ensemble/ensemble.h"

namespace beamgrid {

/// Prints the members, a line each, what they score where they were chosen and on the holdout part,
/// and whether the gain over the best single model is shown; then what else was found out: the
/// certificate, the frontier, and why it is these members.
void PrintEnsemble(std::ostream& out, const EnsembleAnswer& answer);

}  // namespace beamgrid
