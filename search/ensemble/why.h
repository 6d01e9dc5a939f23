#pragma once
// Why an ensemble has the members that it has.

#include "search/ensemble/findings.h"
#include "search/ensemble/models.h"

namespace beamgrid {

/// Explains the answer to a question. `parts`: the models that fit, among them the members.
///
/// The selection videos are resampled with replacement, and the search (the beam where it was
/// exhaustive) is carried out again on each resample: 100 times where that is little work, at least
/// 10 times; no resample holds more than 20,000 videos. The same input gives the same output.
/// `told` hears of the resamples.
[[nodiscard]] EnsembleWhy ExplainEnsemble(const EnsembleQuestion& question,
                                          const SplitModels& parts, const EnsembleAnswer& answer,
                                          const ForEach& for_each, const Told& told = {});

}  // namespace beamgrid
