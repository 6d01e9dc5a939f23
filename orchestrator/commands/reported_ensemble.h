#pragma once
// A study's recorded ensemble as its page shows it.

#include "reports/page/study_facts.h"

namespace beamgrid {

/// Adds the latest ensemble of trials that count, and how alike its members are: that is computed
/// from their predictions with the recipe's holdout, where these are there and small, and what they
/// score together is what was recorded; else the facts say why not. Throws as KeptEnsembles.
void AddEnsembleFact(StudyFacts& facts, const Store& store);

}  // namespace beamgrid
