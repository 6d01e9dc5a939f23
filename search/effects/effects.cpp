#include "search/effects/effects.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <stdexcept>

#include "search/effects/additive_fit.h"
#include "search/effects/posterior.h"
#include "search/effects/surface.h"

namespace beamgrid {
namespace {

constexpr double kRelativeNoise = 1e-12;
constexpr double kBeyondEnd = 0.025;         ///< beyond each end of an interval
constexpr std::size_t kMostModelled = 1000;  ///< points that the covariance of is held
constexpr std::uint64_t kDrawingSeed = 20260101;

/// Of the interactions of two factors, how many are not each other's mirror image.
double DistinctInteractions(std::int32_t levels, std::int32_t others) {
  return (levels == 2 ? 1.0 : levels) * (others == 2 ? 1.0 : others);
}

/// Analysis turns a surface into effects.
class Analysis {
 public:
  Analysis(const EffectsQuestion& question, Surface surface)
      : question_(&question),
        surface_(std::move(surface)),
        grid_(surface_.points.begin(),
              surface_.points.begin() + static_cast<std::ptrdiff_t>(surface_.averaged)),
        fit_(grid_, question.levels),
        // What was measured is biased upwards by its noise, what a model expects downwards by what
        // it is not sure of.
        noise_sign_(surface_.covariance.size() == 0 ? -1 : 1) {
    FindTies();
  }

  void AddTo(Effects& effects) {
    FindLevelEffects();
    FindMean(effects);
    FindFactors(effects);
    FindPairs(effects);
    FindShares(effects);
    FindBest(effects);
    FindProposals(effects);
  }

 private:
  /// LinearEffect is one level's effect as a function of the points' scores.
  struct LinearEffect {
    std::size_t factor;
    std::int32_t level;
    Weights weights;
    std::vector<double> covariance;  ///< with each point
    double value;
  };

  /// Whether a level of the factor goes with one level of the other alone.
  [[nodiscard]] bool Settles(std::size_t factor, std::size_t other) const {
    std::map<std::int32_t, std::int32_t> level_of;
    return std::ranges::all_of(grid_, [&](const GridPoint& point) {
      return level_of.try_emplace(point[factor], point[other]).first->second == point[other];
    });
  }

  /// Of factors that are tied together the first that settles the others stands for them: these
  /// have one level in the fit, so that what all of them do is its effect.
  void FindTies() {
    ties_.resize(question_->levels.size());
    for (std::size_t f = 0; f < ties_.size(); ++f) ties_[f].to = fit_.TiedTo(f);
    for (std::size_t f = 0; f < ties_.size(); ++f) {
      const std::set<std::size_t>& others = ties_[f].to;
      if (others.empty() || ties_[f].stood_for) continue;
      const bool settles =
          std::ranges::all_of(others, [&](std::size_t other) { return Settles(f, other); });
      ties_[f].told = settles;
      if (!settles) continue;
      for (const std::size_t other : others) {
        ties_[other].stood_for = true;
        ties_[other].told = false;
        for (GridPoint& point : grid_) point[other] = 0;
      }
    }
    fit_ = AdditiveFit(grid_, question_->levels);
  }

  /// Returns what is no difference: scores are known to so many digits.
  [[nodiscard]] double rounding() const {
    return kRelativeNoise * (std::abs(surface_.mean.front()) + std::abs(surface_.mean.back()));
  }
  [[nodiscard]] double points() const { return static_cast<double>(surface_.averaged); }

  /// Returns 0 for what is only rounding.
  [[nodiscard]] double Rounded(double value) const {
    return std::abs(value) <= rounding() ? 0 : value;
  }

  [[nodiscard]] Estimate EstimateOf(double value, double variance, double tail = kBeyondEnd) const {
    Estimate estimate{.value = Rounded(value)};
    if (surface_.noise) {
      const double reach = surface_.Quantile(tail) * std::sqrt(std::max(0.0, variance));
      estimate.interval = ConfidenceInterval{Rounded(value - reach), Rounded(value + reach)};
    }
    return estimate;
  }

  void FindLevelEffects() {
    for (std::size_t f = 0; f < question_->levels.size(); ++f) {
      for (std::int32_t level = 0; level < question_->levels[f]; ++level) {
        if (fit_.Count(f, level) == 0) continue;
        LinearEffect effect{.factor = f, .level = level, .weights = fit_.LevelEffect(f, level)};
        effect.covariance = surface_.CovarianceWith(effect.weights);
        effect.value = Sum(effect.weights, surface_.mean);
        level_effects_.push_back(std::move(effect));
      }
    }
  }

  static double Covariance(const LinearEffect& one, const LinearEffect& other) {
    return Sum(one.weights, other.covariance);
  }
  static double VarianceOfDifference(const LinearEffect& one, const LinearEffect& other) {
    return Covariance(one, one) + Covariance(other, other) - 2 * Covariance(one, other);
  }

  void FindMean(Effects& effects) {
    const Weights mean(surface_.averaged, 1 / points());
    const double variance = Sum(mean, surface_.CovarianceWith(mean));
    effects.mean = EstimateOf(Sum(mean, surface_.mean), variance);
    // Between the points: of their means, and of what is not known of them.
    double errors = 0;
    for (std::size_t i = 0; i < surface_.averaged; ++i) {
      total_ += std::pow(surface_.mean[i] - effects.mean.value, 2) / points();
      errors += surface_.VarianceOf(i) / points();
    }
    total_ += noise_sign_ * (errors - variance) + surface_.beyond;
  }

  void FindFactors(Effects& effects) {
    effects.factors.resize(question_->levels.size());
    for (std::size_t f = 0; f < effects.factors.size(); ++f) {
      effects.factors[f].levels.resize(static_cast<std::size_t>(question_->levels[f]));
      effects.factors[f].confounded = !ties_[f].to.empty();
      effects.factors[f].tied_to.assign(ties_[f].to.begin(), ties_[f].to.end());
      effects.factors[f].told = ties_[f].told;
    }
    for (const LinearEffect& effect : level_effects_) {
      if (!ties_[effect.factor].told) continue;
      effects.factors[effect.factor].levels[static_cast<std::size_t>(effect.level)].effect =
          EstimateOf(effect.value, Covariance(effect, effect));
    }
    for (std::size_t f = 0; f < effects.factors.size(); ++f) {
      if (ties_[f].told) FindBestLevels(f, effects.factors[f]);
    }
  }

  [[nodiscard]] std::vector<const LinearEffect*> OfFactor(std::size_t factor) const {
    std::vector<const LinearEffect*> found;
    for (const LinearEffect& effect : level_effects_) {
      if (effect.factor == factor) found.push_back(&effect);
    }
    return found;
  }

  void FindBestLevels(std::size_t factor, FactorEffects& effects) {
    const std::vector<const LinearEffect*> levels = OfFactor(factor);
    const LinearEffect* highest = levels[0];
    for (const LinearEffect* level : levels) {
      // Of equal levels rounding would make one the best.
      if (level->value > highest->value + rounding()) highest = level;
    }
    const LinearEffect& best = *highest;
    effects.best = best.level;
    for (const LinearEffect* level : levels) {
      LevelEffect& effect = effects.levels[static_cast<std::size_t>(level->level)];
      if (level == &best || !surface_.noise) {
        effect.may_be_best = true;
        continue;
      }
      // All comparisons with the best hold together.
      const double tail = kBeyondEnd / static_cast<double>(levels.size() - 1);
      const double variance = VarianceOfDifference(best, *level);
      const Estimate difference = EstimateOf(best.value - level->value, variance, tail);
      effect.may_be_best = difference.interval->low <= rounding();
      if (effect.may_be_best) {
        Weights weights = best.weights;
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= level->weights[i];
        open_.push_back({std::move(weights), variance});
      }
    }
  }

  void FindPairs(Effects& effects) {
    const std::vector<std::int32_t>& levels = question_->levels;
    std::vector<std::size_t> varied;
    for (std::size_t f = 0; f < levels.size(); ++f) {
      if (levels[f] > 1) varied.push_back(f);
    }
    effects.pairs_are_noise = surface_.source == NoiseSource::kInteractions && varied.size() == 2;
    std::erase_if(varied, [this](std::size_t f) { return ties_[f].stood_for; });
    double cells = 0;
    for (std::size_t f = 0; f < varied.size(); ++f) {
      for (std::size_t g = f + 1; g < varied.size(); ++g) {
        cells += static_cast<double>(levels[varied[f]]) * levels[varied[g]];
        interactions_ += DistinctInteractions(levels[varied[f]], levels[varied[g]]);
      }
    }
    const double per_cell =
        points() * (surface_.covariance.size() == 0 ? static_cast<double>(levels.size())
                                                    : static_cast<double>(surface_.points.size()));
    effects.pairs_left_out = cells * per_cell > question_->budget.most_pair_work;
    if (effects.pairs_left_out) return;
    for (std::size_t f = 0; f < varied.size(); ++f) {
      for (std::size_t g = f + 1; g < varied.size(); ++g) {
        effects.pairs.push_back(PairOf(varied[f], varied[g], effects.pairs_are_noise));
      }
    }
  }

  /// The pair's share is left as a variance; FindShares divides it.
  [[nodiscard]] PairEffect PairOf(std::size_t first, std::size_t second, bool is_noise) const {
    PairEffect pair{.first = first, .second = second};
    double clearest = -1;
    for (std::int32_t a = 0; a < question_->levels[first]; ++a) {
      for (std::int32_t b = 0; b < question_->levels[second]; ++b) {
        const auto count = static_cast<double>(fit_.Count(first, a, second, b));
        if (count == 0) continue;
        const Weights weights = fit_.Interaction(first, a, second, b);
        const double value = Sum(weights, surface_.mean);
        const double variance = std::max(0.0, Sum(weights, surface_.CovarianceWith(weights)));
        pair.share += count / points() * (value * value + noise_sign_ * variance);
        // Rounding is not an interaction; without noise any other is as clear as can be.
        const double clear = std::abs(value) / (std::sqrt(variance) + 1e-12);
        if (clear <= clearest) continue;
        clearest = clear;
        pair.first_level = a;
        pair.second_level = b;
        pair.strongest = EstimateOf(value, variance, kBeyondEnd / interactions_);
      }
    }
    pair.matters = !is_noise && pair.strongest.interval &&
                   pair.strongest.interval->excludes_zero() && clearest > 1e-3;
    return pair;
  }

  /// Of the variance between points: each factor's part of the additive fit's, each pair's part of
  /// what that leaves over, and the rest. Squares of level effects are too large by their errors,
  /// measured or modelled, because these effects are as free as the scores let them be.
  void FindShares(Effects& effects) {
    std::vector<double> variances(effects.factors.size(), 0.0);
    double rest = total_,
           terms = std::abs(total_);  // the sum of sizes, of which rounding is a part
    for (const LinearEffect& one : level_effects_) {
      for (const LinearEffect& other : level_effects_) {
        const auto count =
            static_cast<double>(fit_.Count(one.factor, one.level, other.factor, other.level));
        if (count == 0) continue;
        const double square = count / points() * one.value * other.value;
        const double error = count / points() * Covariance(one, other);
        variances[one.factor] += square - error;
        rest -= square + noise_sign_ * error;
        terms += std::abs(square) + std::abs(error);
      }
    }
    double sum = 0;
    for (double& variance : variances) sum += variance = std::max(0.0, variance);
    for (PairEffect& pair : effects.pairs) {
      rest -= pair.share;
      sum += pair.share = std::max(0.0, pair.share);
    }
    constexpr double kRounding = 1e-12;
    sum += rest = rest <= kRounding * terms ? 0 : rest;
    const double total = total_ <= kRounding * terms ? 0 : total_;
    effects.deviation = std::sqrt(noise_sign_ < 0 ? total : sum);
    // Where all scores are the same there is nothing to share, and rounding is not shared either.
    const double scale = std::max(kRounding * terms, std::pow(effects.mean.value, 2) * 1e-24);
    if (sum <= scale) sum = std::numeric_limits<double>::infinity();
    for (std::size_t f = 0; f < variances.size(); ++f) {
      effects.factors[f].share = ties_[f].told ? variances[f] / sum : 0;
    }
    for (PairEffect& pair : effects.pairs) pair.share /= sum;
    effects.higher_share = rest / sum;
  }

  void FindBest(Effects& effects) const {
    const auto best = static_cast<std::size_t>(
        std::max_element(surface_.mean.begin(), surface_.mean.end()) - surface_.mean.begin());
    effects.best = surface_.points[best];
    effects.best_score = EstimateOf(surface_.mean[best], surface_.VarianceOf(best));
    if (!question_->baseline || !surface_.Find(*question_->baseline)) return;
    OneAtATime one{.chosen = ChosenOneAtATime()};
    const std::optional<std::size_t> chosen = surface_.Find(one.chosen);
    one.allowed = chosen.has_value();
    if (chosen) one.loss = LossOf(*chosen, best);
    effects.one_at_a_time = std::move(one);
  }

  [[nodiscard]] GridPoint ChosenOneAtATime() const {
    GridPoint chosen = *question_->baseline;
    const double start = surface_.mean[*surface_.Find(chosen)];
    for (std::size_t f = 0; f < chosen.size(); ++f) {
      double highest = start;
      GridPoint point = *question_->baseline;
      for (std::int32_t level = 0; level < question_->levels[f]; ++level) {
        point[f] = level;
        const std::optional<std::size_t> found = surface_.Find(point);
        if (!found || surface_.mean[*found] <= highest) continue;
        highest = surface_.mean[*found];
        chosen[f] = level;
      }
    }
    return chosen;
  }

  /// Multiple comparisons with the best (Hsu 1984): bounds on the lead over the chosen point that
  /// hold for all points that may be the best hold for the best, whichever it is.
  [[nodiscard]] Estimate LossOf(std::size_t chosen, std::size_t best) const {
    double top = surface_.mean[best];
    if (question_->highest)
      top = std::min(top, std::max(*question_->highest, surface_.mean[chosen]));
    Estimate loss{.value = top - surface_.mean[chosen]};
    if (!surface_.noise) return loss;
    const std::vector<std::size_t> contenders = Contenders(best);
    const double reach = surface_.Quantile(kBeyondEnd / static_cast<double>(contenders.size()));
    loss.interval.emplace();
    for (const std::size_t contender : contenders) {
      const double lead = surface_.mean[contender] - surface_.mean[chosen];
      const double error = reach * std::sqrt(surface_.VarianceOfDifference(contender, chosen));
      loss.interval->low = std::max(loss.interval->low, lead - error);
      loss.interval->high = std::max(loss.interval->high, lead + error);
    }
    if (surface_.covariance.size() > 0) {
      // Points that a model knows little of cannot all be as good as it allows each to be; but one
      // that was measured may be as good as it seemed, where the model takes it for luck.
      loss.interval->high =
          std::max({loss.value, surface_.MostLead(chosen, kBeyondEnd), MostMeasuredLead(chosen)});
    }
    if (question_->highest) {
      const double lowest =
          surface_.mean[chosen] -
          surface_.Quantile(kBeyondEnd) * std::sqrt(std::max(0.0, surface_.VarianceOf(chosen)));
      const double most = std::max(loss.value, *question_->highest - lowest);
      loss.interval->high = std::min(loss.interval->high, most);
    }
    return loss;
  }

  [[nodiscard]] double MostMeasuredLead(std::size_t chosen) const {
    const double reach = surface_.Quantile(kBeyondEnd);
    double most = 0;
    for (const MeasuredCombination& observation : question_->observations) {
      if (observation.point == surface_.points[chosen]) continue;
      const auto seeds = static_cast<double>(observation.scores.size());
      const double mean =
          std::accumulate(observation.scores.begin(), observation.scores.end(), 0.0) / seeds;
      const double error = std::sqrt(*surface_.noise / seeds + surface_.VarianceOf(chosen));
      most = std::max(most, mean - surface_.mean[chosen] + reach * error);
    }
    return most;
  }

  /// Returns the points that may be the best, all but surely.
  [[nodiscard]] std::vector<std::size_t> Contenders(std::size_t best) const {
    constexpr double kUnlikely = 0.005;
    const std::size_t others = std::max<std::size_t>(1, surface_.points.size() - 1);
    const double reach = surface_.Quantile(kUnlikely / static_cast<double>(others));
    std::vector<std::size_t> contenders;
    for (std::size_t i = 0; i < surface_.points.size(); ++i) {
      const double behind = surface_.mean[best] - surface_.mean[i];
      if (behind <= reach * std::sqrt(surface_.VarianceOfDifference(best, i))) {
        contenders.push_back(i);
      }
    }
    return contenders;
  }

  /// One after the other, each the trial after which the differences between levels that may be a
  /// factor's best are expected to be known best.
  void FindProposals(Effects& effects) {
    if (open_.empty() || !surface_.noise) return;
    const auto is_available = [this](const GridPoint& point) {
      return !question_->unavailable || !question_->unavailable(point);
    };
    Surface expected = surface_;
    for (std::size_t n = 0; n < question_->proposals; ++n) {
      std::vector<double> reductions(expected.points.size(), 0.0);
      for (const Difference& difference : open_) {
        if (difference.variance <= 0) continue;
        const std::vector<double> covariance = expected.CovarianceWith(difference.weights);
        for (std::size_t i = 0; i < reductions.size(); ++i) {
          const double total = expected.VarianceOf(i) + expected.beyond + *expected.noise;
          if (total <= 0) continue;
          reductions[i] += covariance[i] * covariance[i] / total / difference.variance /
                           static_cast<double>(open_.size());
        }
      }
      std::optional<std::size_t> next;
      for (std::size_t i = 0; i < reductions.size(); ++i) {
        if (reductions[i] <= 0 || (next && !IsBetter(reductions, i, *next))) continue;
        if (is_available(expected.points[i])) next = i;
      }
      if (!next) return;
      effects.proposals.push_back({expected.points[*next], reductions[*next]});
      expected.Expect(*next);
    }
  }

  /// Of trials that tell the same, the one of the better model: it may be wanted for itself.
  [[nodiscard]] bool IsBetter(const std::vector<double>& reductions, std::size_t one,
                              std::size_t other) const {
    constexpr double kSame = 1e-9;
    if (std::abs(reductions[one] - reductions[other]) > kSame * reductions[other]) {
      return reductions[one] > reductions[other];
    }
    return surface_.mean[one] > surface_.mean[other];
  }

  /// Difference is that of a factor's best level to one that may be better.
  struct Difference {
    Weights weights;
    double variance;
  };

  /// Tie is what exclusions tie a factor to.
  struct Tie {
    std::set<std::size_t> to;
    bool told = true;        ///< see FactorEffects
    bool stood_for = false;  ///< by one of them
  };

  const EffectsQuestion* question_;
  Surface surface_;
  std::vector<Tie> ties_;
  std::vector<GridPoint> grid_;  ///< a factor that another stands for has one level
  AdditiveFit fit_;
  double noise_sign_;
  std::vector<LinearEffect> level_effects_;
  std::vector<Difference> open_;
  double total_ = 0;  ///< variance between points
  double interactions_ = 0;
};

void Require(const EffectsQuestion& question) {
  if (std::ranges::none_of(question.levels, [](std::int32_t count) { return count > 1; })) {
    throw std::invalid_argument("no factor has 2 levels");
  }
  if (question.observations.size() < 2) {
    throw std::invalid_argument("fewer than 2 points were measured");
  }
}

void CountMeasured(const EffectsQuestion& question, Effects& effects) {
  for (const MeasuredCombination& observation : question.observations) {
    for (std::size_t f = 0; f < effects.factors.size(); ++f) {
      ++effects.factors[f].levels[static_cast<std::size_t>(observation.point[f])].measured;
    }
  }
}

/// Returns `most` of the observations, at random, and always the same ones: first those that a
/// level needs to be seen at all.
std::vector<MeasuredCombination> Draw(std::vector<MeasuredCombination> observations,
                                      std::size_t most) {
  std::mt19937_64 random(kDrawingSeed);
  for (std::size_t i = 0; i + 1 < observations.size(); ++i) {
    std::swap(observations[i], observations[i + random() % (observations.size() - i)]);
  }
  std::set<std::pair<std::size_t, std::int32_t>> seen;
  const auto brings_a_level = [&seen](const MeasuredCombination& observation) {
    bool brings = false;
    for (std::size_t f = 0; f < observation.point.size(); ++f) {
      brings |= seen.emplace(f, observation.point[f]).second;
    }
    return brings;
  };
  const auto rest = std::stable_partition(observations.begin(), observations.end(), brings_a_level);
  observations.resize(std::max(most, static_cast<std::size_t>(rest - observations.begin())));
  return observations;
}

}  // namespace

bool FactorEffects::open() const {
  return std::ranges::count_if(levels, &LevelEffect::may_be_best) > 1;
}

Effects FindEffects(const EffectsQuestion& question) {
  Require(question);
  Effects effects{.measured = std::ssize(question.observations)};
  effects.fewest_scores = std::numeric_limits<std::int64_t>::max();
  for (const MeasuredCombination& observation : question.observations) {
    const std::int64_t scores = std::ssize(observation.scores);
    effects.scores += scores;
    effects.fewest_scores = std::min(effects.fewest_scores, scores);
    effects.most_scores = std::max(effects.most_scores, scores);
  }
  const Grid grid = GridOf(question, kMostModelled);
  effects.grid_points = std::ssize(grid.points);
  effects.sampled = grid.sampled;
  const bool whole = !grid.sampled && effects.measured == effects.grid_points;
  effects.method = whole ? EffectsMethod::kExact : EffectsMethod::kPosterior;
  const std::size_t most = question.budget.most_observations;
  const bool is_cut = !whole && most > 0 && question.observations.size() > most;
  EffectsQuestion asked = question;
  if (is_cut) {
    asked.observations = Draw(std::move(asked.observations), most);
    // Which combination is the best, and which trial tells most, is a question to all of them.
    asked.baseline.reset();
    asked.proposals = 0;
  }
  effects.looked_at = std::ssize(asked.observations);
  Surface surface = whole ? MeasuredSurface(grid, asked) : PosteriorSurface(grid, asked);
  if (surface.noise) effects.noise = std::sqrt(*surface.noise);
  effects.noise_source = surface.source;
  Analysis(asked, std::move(surface)).AddTo(effects);
  CountMeasured(question, effects);
  return effects;
}

}  // namespace beamgrid
