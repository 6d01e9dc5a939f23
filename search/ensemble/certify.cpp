#include "search/ensemble/certify.h"

#include <algorithm>
#include <random>

namespace beamgrid {
namespace {

constexpr std::int64_t kPools = 20;
constexpr std::size_t kMostModels = 16;
// The sub-pools together take about twice the sets of the search itself.
constexpr std::int64_t kShareOfSearch = 10;
constexpr std::int64_t kFewestSets = 255;  ///< of a sub-pool: eight models in every combination
constexpr std::int64_t kMostSets = 4095;
constexpr std::uint64_t kPoolSeed = 30;

void Take(const SearchResult& other, SearchResult& result) {
  for (const ScoredSet& set : other.frontier.sets()) result.frontier.Add(set);
  if (Better(other.best, result.best)) result.best = other.best;
}

/// Returns so many of the problem's models, drawn without replacement.
std::vector<int> Draw(const SearchProblem& problem, std::size_t count, std::mt19937_64& random) {
  std::vector<int> models = problem.candidates;
  // Not std::shuffle: each standard library shuffles in another way.
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(models[i], models[i + random() % (models.size() - i)]);
  }
  models.resize(count);
  std::ranges::sort(models);
  return models;
}

Certificate::SubPools MeasureOnSubPools(EnsembleSearch search, const SearchProblem& problem,
                                        SearchResult& result, const Told& told) {
  const std::int64_t most_sets =
      std::clamp(result.evaluated / kShareOfSearch, kFewestSets, kMostSets);
  std::mt19937_64 random(kPoolSeed);
  Certificate::SubPools measured{.pools = kPools};
  SearchProblem part = problem;
  part.told = {};
  for (std::int64_t pool = 0; pool < kPools; ++pool) {
    if (told) told("parts of the pool searched through", pool, kPools);
    part.candidates = Draw(problem, std::min(kMostModels, problem.candidates.size()), random);
    while (CountSets(part, most_sets) > most_sets) part.candidates.pop_back();
    const SearchResult found = SearchEnsembles(search, part);
    const SearchResult all = SearchEnsembles(EnsembleSearch::kExhaustive, part);
    // Greedy may take a model twice, and so be above all sets without repetition.
    const double below = std::max(0.0, all.best.gap - found.best.gap);
    measured.models = std::max(measured.models, std::ssize(part.candidates));
    measured.sets += all.evaluated;
    measured.optimal += below == 0 ? 1 : 0;
    measured.mean_gap += below / kPools;
    measured.largest_gap = std::max(measured.largest_gap, below);
    Take(found, result);
    Take(all, result);
  }
  return measured;
}

}  // namespace

Certificate Certify(EnsembleSearch search, const SearchProblem& problem, SearchResult& result,
                    const Told& told) {
  Certificate certificate{.found_gap = result.best.gap};
  if (search == EnsembleSearch::kExhaustive) {
    certificate.sets = result.evaluated;
    certificate.optimum = result.best.gap;
  } else if (CountSets(problem) <= kMostExhaustive) {
    const SearchResult all = SearchEnsembles(EnsembleSearch::kExhaustive, problem);
    certificate.sets = all.evaluated;
    certificate.optimum = all.best.gap;
    Take(all, result);
  } else {
    certificate.sub_pools = MeasureOnSubPools(search, problem, result, told);
  }
  certificate.best_gap = result.best.gap;
  return certificate;
}

}  // namespace beamgrid
