#pragma once
// How far a search's answer is from the best set that fits.

#include "search/ensemble/findings.h"
#include "search/ensemble/search.h"

namespace beamgrid {

/// Scores all sets that fit where they are at most kMostExhaustive; else carries the search out on
/// random parts of the pool, the same ones each time, and scores all sets of these. Whatever is
/// better than `result` becomes the result, and the frontier is of these sets too. `told` hears of
/// the parts of the pool.
[[nodiscard]] Certificate Certify(EnsembleSearch search, const SearchProblem& problem,
                                  SearchResult& result, const Told& told = {});

}  // namespace beamgrid
