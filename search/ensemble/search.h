#pragma once
// Which sets of a pool are scored, and which one wins.

#include <cstdint>
#include <vector>

#include "search/ensemble/pool.h"

namespace beamgrid {

/// ScoredSet is a set that has been scored.
struct ScoredSet {
  ModelSet models;
  std::int64_t size_bytes = 0;  ///< each distinct model counts once
  double gap = 0;
};

/// True if `a` is preferred: higher GAP, then smaller size, then names (indices follow names).
[[nodiscard]] bool Better(const ScoredSet& a, const ScoredSet& b);

/// SearchProblem is what a search works on. Every model alone is within the size limit.
struct SearchProblem {
  const EnsemblePool* pool = nullptr;
  std::vector<std::int64_t> sizes;  ///< [models] bytes
  std::vector<double> single_gaps;  ///< [models] each model alone
  std::int64_t size_limit = 0;
  std::int64_t members = 0;  ///< distinct models, at most
  std::int64_t beam_width = 0;
};

/// SearchResult is the winner of a search.
struct SearchResult {
  ScoredSet best;
  std::int64_t evaluated = 0;  ///< sets scored, singles included
};

/// Scores sets as `search` says and returns the best one.
///
/// beam: from the best singles, every kept set is extended by every model that is not in it and
/// fits; the best `beam_width` distinct sets go on; the best set of any size wins.
/// greedy: one set grows by whichever model, members included, makes it best; a model taken k times
/// counts k times; up to MaxTerms(members) picks; the best set on the way wins (Caruana et al.
/// 2004).
/// exhaustive: all sets that fit; UsageError where there are more than a million.
[[nodiscard]] SearchResult SearchEnsembles(EnsembleSearch search, const SearchProblem& problem);

/// Returns the most members, repetitions included, that a set of `search` can have.
[[nodiscard]] std::int64_t MaxTerms(EnsembleSearch search, std::int64_t members);

}  // namespace beamgrid
