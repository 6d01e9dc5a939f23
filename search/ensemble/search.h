#pragma once
// Which sets of a pool are scored, and which one wins.

#include <cstdint>
#include <map>
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

/// SearchProblem is what a search works on. Every candidate alone is within the size limit.
struct SearchProblem {
  const EnsemblePool* pool = nullptr;
  std::vector<std::int64_t> sizes;  ///< [models] bytes
  std::vector<double> single_gaps;  ///< [models] each model alone
  std::int64_t size_limit = 0;
  std::int64_t members = 0;  ///< distinct models, at most
  std::int64_t beam_width = 0;
  std::vector<int> candidates;  ///< the models that sets are made of, ascending; at least one
  bool frontier = false;        ///< it is wanted: no set is passed over that is not among the best
  Told told = {};               ///< hears how many sets are scored
};

/// Frontier is, of the sets that it was shown, the best one for every size limit: by size, each
/// with a higher GAP than those before it.
class Frontier {
 public:
  void Add(const ScoredSet& set);
  [[nodiscard]] std::vector<ScoredSet> sets() const;

 private:
  std::map<std::int64_t, ScoredSet> sets_;  ///< by size_bytes
};

/// SearchResult is the winner of a search.
struct SearchResult {
  ScoredSet best;
  Frontier frontier;           ///< of all sets that were scored, where the problem wants it
  std::int64_t evaluated = 0;  ///< sets scored, singles included
};

/// Scores sets as `search` says and returns the best one.
///
/// beam: from the best singles, every kept set is extended by every model that is not in it and
/// fits; the best `beam_width` distinct sets go on. Then the best set of each size floats: it loses
/// a member, swaps one for another model or gains one, as long as this makes a set that is better
/// than the best known one of as many members (Pudil et al. 1994). The best set of any size wins,
/// so floating never makes the answer worse.
/// greedy: one set grows by whichever model, members included, makes it best; a model taken k times
/// counts k times; up to MaxTerms(members) picks; the best set on the way wins (Caruana et al.
/// 2004).
/// Both give up sets of large pools by a sample of the videos (EnsemblePool::BestOf::screen),
/// unless the frontier is wanted, and so may rarely miss one that was among the best. exhaustive:
/// all sets that fit; UsageError where there are more than kMostExhaustive.
[[nodiscard]] SearchResult SearchEnsembles(EnsembleSearch search, const SearchProblem& problem);

/// The most sets that are scored one and all.
inline constexpr std::int64_t kMostExhaustive = std::int64_t{1} << 20;

/// Returns how many sets fit, by size and number of members; `most` + 1 where there are more.
[[nodiscard]] std::int64_t CountSets(const SearchProblem& problem,
                                     std::int64_t most = kMostExhaustive);

/// Returns the most members, repetitions included, that a set of `search` can have.
[[nodiscard]] std::int64_t MaxTerms(EnsembleSearch search, std::int64_t members);

}  // namespace beamgrid
