#include "search/ensemble/search.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

/// The picks of a greedy search for each member: enough for weights in steps of 1/4 of a member's
/// share.
constexpr std::int64_t kPicksPerMember = 4;
constexpr std::int64_t kExhaustiveLimit = 1'000'000;

ModelSet With(ModelSet models, int added) {
  models.insert(std::upper_bound(models.begin(), models.end(), added), added);
  return models;
}

bool Contains(const ModelSet& models, int model) {
  return std::binary_search(models.begin(), models.end(), model);
}

std::int64_t Distinct(const ModelSet& models) {
  return std::ssize(std::set<int>(models.begin(), models.end()));
}

class Searcher {
 public:
  explicit Searcher(const SearchProblem& problem) : problem_(problem) {}

  SearchResult Beam() {
    std::vector<ScoredSet> beam = Singles();
    KeepBest(beam);
    for (std::int64_t members = 2; members <= problem_.members && !beam.empty(); ++members) {
      std::vector<Extension> extensions;
      std::set<ModelSet> seen;
      for (const ScoredSet& state : beam) {
        for (int model = 0; model < models(); ++model) {
          if (Contains(state.models, model) || !Fits(state, model)) continue;
          // Two sets of the beam grow into the same one: it is scored once, and takes one place in
          // the next beam.
          if (seen.insert(With(state.models, model)).second) extensions.push_back({&state, model});
        }
      }
      beam = Extend(extensions, static_cast<std::size_t>(problem_.beam_width));
      KeepBest(beam);
    }
    return result_;
  }

  SearchResult Greedy() {
    ScoredSet state = BestOf(Singles());
    const std::int64_t picks = MaxTerms(EnsembleSearch::kGreedy, problem_.members);
    for (std::int64_t pick = 1; pick < picks; ++pick) {
      const bool full = Distinct(state.models) >= problem_.members;
      std::vector<Extension> extensions;
      for (int model = 0; model < models(); ++model) {
        if (Contains(state.models, model) || (!full && Fits(state, model))) {
          extensions.push_back({&state, model});
        }
      }
      // Also where it is worse than before: a pick may pay only together with a later one. Note
      // keeps the best set on the way.
      state = BestOf(Extend(extensions, 1));
    }
    return result_;
  }

  SearchResult Exhaustive() {
    RefuseTooMany();
    for (const ScoredSet& single : Singles()) Descend(single);
    return result_;
  }

 private:
  [[nodiscard]] int models() const { return static_cast<int>(problem_.sizes.size()); }

  [[nodiscard]] std::int64_t SizeOf(int model) const {
    return problem_.sizes[static_cast<std::size_t>(model)];
  }

  /// True if the set with the model stays within the limit. Written so that no sum can overflow.
  [[nodiscard]] bool Fits(const ScoredSet& state, int added) const {
    return SizeOf(added) <= problem_.size_limit - state.size_bytes;
  }

  std::vector<ScoredSet> Singles() {
    std::vector<ScoredSet> singles;
    for (int model = 0; model < models(); ++model) {
      Note({{model}, SizeOf(model), problem_.single_gaps[static_cast<std::size_t>(model)]},
           singles);
    }
    return singles;
  }

  /// Extension is a set that has been scored and a model more.
  struct Extension {
    const ScoredSet* state;
    int added;
  };

  /// Scores the extensions and returns those that may be among the `keep` best of them, or the best
  /// one of all sets so far.
  std::vector<ScoredSet> Extend(const std::vector<Extension>& extensions, std::size_t keep,
                                double at_least = 0) {
    std::vector<Growth> growths;
    for (const auto& [state, added] : extensions) growths.push_back({&state->models, added});
    const std::vector<std::optional<double>> gaps =
        problem_.pool->ScoreBest(growths, keep, at_least);
    std::vector<ScoredSet> scored;
    for (std::size_t i = 0; i < extensions.size(); ++i) {
      const auto& [state, added] = extensions[i];
      // One without a GAP has been scored too, as far as was needed.
      if (!gaps[i]) {
        ++result_.evaluated;
        continue;
      }
      const std::int64_t more = Contains(state->models, added) ? 0 : SizeOf(added);
      Note({With(state->models, added), state->size_bytes + more, *gaps[i]}, scored);
    }
    return scored;
  }

  void Note(ScoredSet set, std::vector<ScoredSet>& scored) {
    // Over all sizes: a larger set may well be worse.
    if (result_.evaluated == 0 || Better(set, result_.best)) result_.best = set;
    ++result_.evaluated;
    scored.push_back(std::move(set));
  }

  void KeepBest(std::vector<ScoredSet>& beam) const {
    std::sort(beam.begin(), beam.end(), Better);
    if (std::ssize(beam) > problem_.beam_width) {
      beam.resize(static_cast<std::size_t>(problem_.beam_width));
    }
  }

  static ScoredSet BestOf(const std::vector<ScoredSet>& sets) {
    return *std::min_element(sets.begin(), sets.end(), Better);
  }

  /// Scores every set that begins with this one, each once: members are added in ascending order.
  void Descend(const ScoredSet& state) {
    if (std::ssize(state.models) >= problem_.members) return;
    std::vector<Extension> extensions;
    for (int model = state.models.back() + 1; model < models(); ++model) {
      if (Fits(state, model)) extensions.push_back({&state, model});
    }
    // Only the best of all counts.
    Extend(extensions, 1, result_.best.gap);
    for (const auto& [set, added] : extensions) {
      Descend({With(set->models, added), set->size_bytes + SizeOf(added), 0});
    }
  }

  void RefuseTooMany() const {
    // As doubles: the number of sets leaves 64 bits soon. The size limit is left out, so this is
    // the most that there can be.
    double sets = 0;
    double of_size = 1;
    for (std::int64_t size = 1; size <= std::min<std::int64_t>(problem_.members, models());
         ++size) {
      of_size *= static_cast<double>(models() - size + 1) / static_cast<double>(size);
      sets += of_size;
    }
    if (sets <= static_cast<double>(kExhaustiveLimit)) return;
    throw UsageError("ensemble: search = 'exhaustive' over " + std::to_string(models()) +
                     " models with up to " + std::to_string(problem_.members) +
                     " members is more than " + std::to_string(kExhaustiveLimit) +
                     " sets; use search = 'beam'");
  }

  const SearchProblem& problem_;
  SearchResult result_;
};

}  // namespace

bool Better(const ScoredSet& a, const ScoredSet& b) {
  if (a.gap != b.gap) return a.gap > b.gap;
  if (a.size_bytes != b.size_bytes) return a.size_bytes < b.size_bytes;
  return a.models < b.models;
}

SearchResult SearchEnsembles(EnsembleSearch search, const SearchProblem& problem) {
  Searcher searcher(problem);
  switch (search) {
    case EnsembleSearch::kBeam:
      return searcher.Beam();
    case EnsembleSearch::kExhaustive:
      return searcher.Exhaustive();
    case EnsembleSearch::kGreedy:
      return searcher.Greedy();
  }
  return {};
}

std::int64_t MaxTerms(EnsembleSearch search, std::int64_t members) {
  return search == EnsembleSearch::kGreedy ? kPicksPerMember * members : members;
}

}  // namespace beamgrid
