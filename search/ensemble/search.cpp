#include "search/ensemble/search.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <list>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "registry/util/error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// The picks of a greedy search for each member: enough for weights in steps of 1/4 of a member's
/// share.
constexpr std::int64_t kPicksPerMember = 4;

ModelSet With(ModelSet models, int added) {
  models.insert(std::upper_bound(models.begin(), models.end(), added), added);
  return models;
}

bool Contains(const ModelSet& models, int model) {
  return std::binary_search(models.begin(), models.end(), model);
}

/// Returns the set without one of its models.
ModelSet Without(ModelSet models, int removed) {
  models.erase(std::lower_bound(models.begin(), models.end(), removed));
  return models;
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
      for (const ScoredSet& state : beam) AddUnseen(state, extensions);
      beam = Score(extensions, static_cast<std::size_t>(problem_.beam_width));
      KeepBest(beam);
    }
    Float();
    return result_;
  }

  SearchResult Greedy() {
    ScoredSet state = BestOf(Singles());
    const std::int64_t picks = MaxTerms(EnsembleSearch::kGreedy, problem_.members);
    for (std::int64_t pick = 1; pick < picks; ++pick) {
      const bool full = Distinct(state.models) >= problem_.members;
      std::vector<Extension> extensions;
      for (const int model : problem_.candidates) {
        if (Contains(state.models, model) || (!full && Fits(state, model))) {
          extensions.push_back({&state, model});
        }
      }
      // Also where it is worse than before: a pick may pay only together with a later one. Note
      // keeps the best set on the way.
      state = BestOf(Score(extensions, 1));
    }
    return result_;
  }

  SearchResult Exhaustive() {
    RefuseTooMany();
    screen_ = false;  // the best of all sets, for certain
    all_ = problem_.told ? CountSets(problem_) : 0;
    std::vector<ScoredSet> sets = Singles();
    for (std::int64_t members = 2; members <= problem_.members && !sets.empty(); ++members) {
      std::vector<Extension> extensions;
      for (const ScoredSet& set : sets) {
        // In ascending order, so that each set is scored once.
        for (const int model : problem_.candidates) {
          if (model > set.models.back() && Fits(set, model)) extensions.push_back({&set, model});
        }
      }
      ScoreInParts(extensions);
      std::vector<ScoredSet> larger;
      for (const Extension& extension : extensions) larger.push_back(SetOf(extension, 0));
      sets = std::move(larger);
    }
    return result_;
  }

 private:
  [[nodiscard]] std::int64_t SizeOf(int model) const {
    return problem_.sizes[static_cast<std::size_t>(model)];
  }

  /// True if the set with the model stays within the limit. Written so that no sum can overflow.
  [[nodiscard]] bool Fits(const ScoredSet& state, int added) const {
    return SizeOf(added) <= problem_.size_limit - state.size_bytes;
  }

  std::vector<ScoredSet> Singles() {
    std::vector<ScoredSet> singles;
    for (const int model : problem_.candidates) {
      const double gap = problem_.single_gaps[static_cast<std::size_t>(model)];
      singles.push_back({{model}, SizeOf(model), gap});
      Note(singles.back());
      ++result_.evaluated;
    }
    return singles;
  }

  /// Extension is a set that is to be scored: one that is known and a model more.
  struct Extension {
    const ScoredSet* of = nullptr;
    int added = 0;
  };

  [[nodiscard]] ScoredSet SetOf(const Extension& extension, double gap) const {
    const auto& [of, added] = extension;
    const std::int64_t more = Contains(of->models, added) ? 0 : SizeOf(added);
    return {With(of->models, added), of->size_bytes + more, gap};
  }

  /// Scores sets and returns those that may be among the `keep` best of them and not worse than
  /// `at_least`; all of them where the frontier is wanted.
  std::vector<ScoredSet> Score(const std::vector<Extension>& extensions, std::size_t keep,
                               double at_least = 0) {
    return Score({Wanted{extensions, keep, at_least}}).front();
  }

  /// Scores sets of which only the best of all counts, so many at once that what the first turn out
  /// to be spares the others.
  void ScoreInParts(const std::vector<Extension>& extensions) {
    constexpr std::size_t kAtOnce = 4096;
    for (std::size_t begin = 0; begin < extensions.size(); begin += kAtOnce) {
      const auto part =
          std::span(extensions).subspan(begin).first(std::min(kAtOnce, extensions.size() - begin));
      Score({part.begin(), part.end()}, 1, result_.best.gap);
    }
  }

  /// Wanted is extensions of which the best are wanted.
  struct Wanted {
    const std::vector<Extension>& extensions;
    std::size_t keep = 1;
    double at_least = 0;
    const ModelSet* rival = nullptr;  ///< the set whose GAP `at_least` is
  };
  /// Does the same for several groups of extensions, in common passes over the videos.
  std::vector<std::vector<ScoredSet>> Score(std::initializer_list<Wanted> groups) {
    std::vector<std::vector<Growth>> growths;
    std::vector<EnsemblePool::BestOf> best_of;
    for (const Wanted& group : groups) {
      std::vector<Growth>& of_group = growths.emplace_back();
      for (const Extension& extension : group.extensions) {
        of_group.push_back({&extension.of->models, extension.added});
      }
      const std::size_t all = std::max<std::size_t>(1, of_group.size());
      best_of.push_back({.growths = {},
                         .keep = problem_.frontier ? all : group.keep,
                         .at_least = problem_.frontier ? 0 : group.at_least,
                         .screen = screen_ && !problem_.frontier,
                         .rival = group.rival});
    }
    for (std::size_t g = 0; g < growths.size(); ++g) best_of[g].growths = growths[g];
    const auto gaps = problem_.pool->ScoreBest(best_of);

    std::vector<std::vector<ScoredSet>> scored(groups.size());
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const std::vector<Extension>& extensions = std::data(groups)[g].extensions;
      for (std::size_t i = 0; i < extensions.size(); ++i) {
        // One without a GAP has been scored too, as far as was needed.
        ++result_.evaluated;
        if (gaps[g][i]) scored[g].push_back(SetOf(extensions[i], *gaps[g][i]));
      }
      for (const ScoredSet& set : scored[g]) Note(set);
    }
    if (problem_.told) problem_.told("sets scored", result_.evaluated, all_);
    return scored;
  }

  /// Adds the extensions of the set that fit and were not scored yet. Two sets of a beam grow into
  /// the same one, and a swap leads back: each is scored once.
  void AddUnseen(const ScoredSet& state, std::vector<Extension>& extensions) {
    for (const int model : problem_.candidates) {
      if (Contains(state.models, model) || !Fits(state, model)) continue;
      if (seen_.insert(With(state.models, model)).second) extensions.push_back({&state, model});
    }
  }

  /// Moves on from the best set as long as that makes a better one, then from the best set of each
  /// number of members, back where a better smaller one was found. Each turn that does not go on
  /// makes the best set of some number better, so this ends.
  void Float() {
    // Sets of hundreds of members have very many neighbours: no more work than the beam was.
    const std::int64_t most = 2 * result_.evaluated;
    for (ScoredSet state; state.models != result_.best.models && result_.evaluated < most;) {
      state = result_.best;
      ScoreNeighbours(state);
    }
    std::int64_t members = 2;
    while (best_of_.contains(members) && result_.evaluated < most) {
      const ScoredSet state = best_of_.at(members);
      const ModelSet smaller = best_of_.at(members - 1).models;
      ScoreNeighbours(state);
      if (members > 2 && best_of_.at(members - 1).models != smaller) {
        --members;
      } else if (best_of_.at(members).models == state.models) {
        ++members;
      }
    }
  }

  /// Scores what comes of dropping, swapping or adding one model, as far as it may be better than
  /// the best known set of as many members.
  void ScoreNeighbours(const ScoredSet& state) {
    std::vector<Extension> added, swapped, dropped;
    if (std::ssize(state.models) < problem_.members) AddUnseen(state, added);
    // The sets without one member, and what a set of these is without its last: of one model
    // nothing is left, and all models alone are scored.
    std::list<ScoredSet> smaller;
    const ModelSet removable = state.models.size() > 1 ? state.models : ModelSet();
    for (const int model : removable) {
      const ScoredSet& rest = smaller.emplace_back(Less(state, model));
      AddUnseen(rest, swapped);
      if (rest.models.size() < 2 || !seen_.insert(rest.models).second) continue;
      const int last = rest.models.back();
      dropped.push_back({&smaller.emplace_back(Less(rest, last)), last});
    }
    const std::int64_t members = std::ssize(state.models);
    Score({BetterThanBest(added, members + 1), BetterThanBest(swapped, members),
           BetterThanBest(dropped, members - 1)});
  }

  /// Returns that of the extensions the best is wanted, if it is no worse than the best known set
  /// of so many members.
  [[nodiscard]] Wanted BetterThanBest(const std::vector<Extension>& extensions,
                                      std::int64_t members) const {
    const auto best = best_of_.find(members);
    if (best == best_of_.end()) return {extensions};
    return {extensions, 1, best->second.gap, &best->second.models};
  }

  /// Returns the set without one of its models, not scored.
  [[nodiscard]] ScoredSet Less(const ScoredSet& set, int model) const {
    return {Without(set.models, model), set.size_bytes - SizeOf(model)};
  }

  void Note(const ScoredSet& set) {
    // A model that greedy took again is the model, whose own scores were noted.
    if (set.models.size() > 1 && Distinct(set.models) == 1) return;
    // Over all sizes: a larger set may well be worse.
    if (!found_ || Better(set, result_.best)) result_.best = set;
    found_ = true;
    result_.frontier.Add(set);
    const auto [best, first] = best_of_.try_emplace(std::ssize(set.models), set);
    if (!first && Better(set, best->second)) best->second = set;
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

  void RefuseTooMany() const {
    if (CountSets(problem_) <= kMostExhaustive) return;
    throw UsageError(
        "ensemble: search = 'exhaustive' over " + CountText(problem_.candidates.size(), "model") +
        " with up to " + CountText(static_cast<std::size_t>(problem_.members), "member") +
        " is more than " + std::to_string(kMostExhaustive) + " sets that fit; use search = 'beam'");
  }

  const SearchProblem& problem_;
  SearchResult result_;
  bool found_ = false;    ///< anything yet
  bool screen_ = true;    ///< sets are given up that a sample of the videos shows to be worse
  std::int64_t all_ = 0;  ///< how many sets are scored in the end, where that is known
  std::set<ModelSet> seen_;
  std::map<std::int64_t, ScoredSet> best_of_;  ///< by the number of members
};

/// SetCounter counts sets of models, the smallest model first: the first that does not fit ends a
/// row of them.
class SetCounter {
 public:
  SetCounter(std::vector<std::int64_t> sizes, std::int64_t most)
      : sizes_(std::move(sizes)), most_(most) {
    std::ranges::sort(sizes_);
  }
  std::int64_t Count(std::int64_t size_limit, std::int64_t members) {
    CountFrom(0, size_limit, members);
    return count_;
  }

 private:
  void CountFrom(std::size_t first, std::int64_t left, std::int64_t members) {
    for (std::size_t model = first; model < sizes_.size() && sizes_[model] <= left; ++model) {
      if (++count_ > most_) return;
      if (members > 1) CountFrom(model + 1, left - sizes_[model], members - 1);
      if (count_ > most_) return;
    }
  }

  std::vector<std::int64_t> sizes_;
  std::int64_t most_;
  std::int64_t count_ = 0;
};

}  // namespace

void Frontier::Add(const ScoredSet& set) {
  const auto after = sets_.upper_bound(set.size_bytes);
  if (after != sets_.begin() && !Better(set, std::prev(after)->second)) return;
  auto at = sets_.lower_bound(set.size_bytes);
  while (at != sets_.end() && !Better(at->second, set)) at = sets_.erase(at);
  sets_.emplace(set.size_bytes, set);
}

std::vector<ScoredSet> Frontier::sets() const {
  std::vector<ScoredSet> sets;
  for (const auto& [size, set] : sets_) sets.push_back(set);
  return sets;
}

std::int64_t CountSets(const SearchProblem& problem, std::int64_t most) {
  std::vector<std::int64_t> sizes;
  for (const int model : problem.candidates) {
    sizes.push_back(problem.sizes[static_cast<std::size_t>(model)]);
  }
  return SetCounter(std::move(sizes), most).Count(problem.size_limit, problem.members);
}

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
