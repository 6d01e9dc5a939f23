#pragma once
// What a study learnt, as `beamgrid effects` and the end of a run print it.

#include <ostream>
#include <string>

#include "reports/study_effects.h"

namespace beamgrid {

/// True if `vary` names the factor ("extras.dropout") or its criterion ("extras"), or is empty.
[[nodiscard]] bool Concerns(const StudyFactor& factor, const std::string& vary);

/// Prints everything, in lines of 80 columns but for names that are longer. `vary`: the factors
/// that it names alone, and the pairs they are in; empty: all.
void PrintEffects(std::ostream& out, const StudyEffects& made, const std::string& vary);

/// Prints a line per factor, what one at a time would have lost, and how to see the rest.
void PrintEffectsBriefly(std::ostream& out, const StudyEffects& made);

}  // namespace beamgrid
