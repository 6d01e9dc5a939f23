#pragma once
// What a search learnt: which parts matter, which of them only together, and what is still open.
//
// A factor is what a recipe varies independently of the rest (a criterion, an extra, a training
// setting), its levels are the candidates, and the grid is every allowed combination. What is known
// of the scores of the grid's points is turned into main effects, interactions of pairs, shares of
// variance, and a judgement of the best: exactly where every point was measured, by a Gaussian
// process where not. Pure: values in, values out, the same each time.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace beamgrid {

/// GridPoint is one combination: the index of the level of each factor.
using GridPoint = std::vector<std::int32_t>;

/// MeasuredCombination is one combination that was measured: the score of each seed, at least one.
struct MeasuredCombination {
  GridPoint point;
  std::vector<double> scores;
};

/// EffectsBudget bounds what the answer may cost; what is left out is said in the answer.
struct EffectsBudget {
  /// So many measured combinations are looked at, drawn with a fixed seed, where the grid was not
  /// measured whole: the work grows with the cube of them. 0: all.
  std::size_t most_observations = 0;
  double most_pair_work = 4e9;  ///< additions for all pairs: some seconds
};

/// EffectsQuestion is what was measured of which grid.
struct EffectsQuestion {
  std::vector<std::int32_t> levels;               ///< per factor, each at least 1
  std::vector<MeasuredCombination> observations;  ///< no point twice
  std::function<bool(const GridPoint&)> allowed;  ///< empty: every point; measured ones always are
  std::optional<GridPoint> baseline;              ///< where "one at a time" starts
  /// Points that cannot be measured, as they failed for good: not proposed; empty: there is none.
  std::function<bool(const GridPoint&)> unavailable;
  std::size_t proposals = 3;      ///< trials to propose at most
  std::optional<double> highest;  ///< no score can be higher
  EffectsBudget budget = {};
};

/// ConfidenceInterval holds the true value with probability 0.95.
struct ConfidenceInterval {
  double low = 0, high = 0;
  /// True if 0 lies outside.
  [[nodiscard]] bool excludes_zero() const { return low > 0 || high < 0; }
};

/// Estimate is a value with its interval; without one where nothing says how large the noise is.
struct Estimate {
  double value = 0;
  std::optional<ConfidenceInterval> interval;
};

/// LevelEffect is one level's main effect: its difference from the mean over the grid, with the
/// other factors averaged uniformly over the allowed points. Where points are excluded it is that
/// of the additive function that fits the allowed points best, so that a level is not blamed for
/// the company it is kept from.
struct LevelEffect {
  std::optional<Estimate> effect;  ///< nothing: no allowed point has the level, or see `told`
  std::int64_t measured = 0;       ///< combinations with the level that were measured
  bool may_be_best = false;        ///< nothing shows that another level is better on average
};

/// FactorEffects is what one factor does.
struct FactorEffects {
  std::vector<LevelEffect> levels;
  double share = 0;         ///< of the variance between combinations, 0..1
  std::int32_t best = 0;    ///< the level with the largest effect
  bool confounded = false;  ///< exclusions tie it to others: they cannot be told apart
  std::vector<std::size_t> tied_to = {};  ///< these others
  /// Of factors that are tied together at most one is told: the one whose level settles theirs. Its
  /// effects are those of all of them; the others have no effect, no share and no best level.
  bool told = true;
  /// True if more than one level may be the best.
  [[nodiscard]] bool open() const;
};

/// PairEffect is what two factors do together beyond what each does alone.
struct PairEffect {
  std::size_t first = 0, second = 0;  ///< the factors
  double share = 0;
  /// The combination of levels whose interaction is clearest. Its interval is simultaneous: all
  /// interactions of all pairs lie in theirs with probability 0.95 (Bonferroni).
  std::int32_t first_level = 0, second_level = 0;
  Estimate strongest;
  bool matters = false;  ///< that interval excludes 0
};

/// OneAtATime is what varying each factor alone, the others at the baseline, would have led to.
struct OneAtATime {
  GridPoint chosen;  ///< each factor's best level, put together
  bool allowed = true;
  /// What it loses against the best combination. The interval allows for the best being whichever
  /// of them it is; nothing where the choice is not allowed.
  std::optional<Estimate> loss;
};

/// Proposal is a trial that would tell most about what is open.
struct Proposal {
  GridPoint point;
  double reduction = 0;  ///< expected share of the open differences' variance that it takes, 0..1
};

/// EffectsMethod is how the scores of the grid's points are known.
enum class EffectsMethod {
  kExact,     ///< every point was measured
  kPosterior  ///< a Gaussian process says what the others would be
};

/// NoiseSource is where the noise of a seed was learnt.
enum class NoiseSource {
  kSeeds,         ///< seeds of one combination differ: pooled over all of them
  kInteractions,  ///< one seed each: what factors (k = 2) or pairs (k > 2) leave over, so too large
                  ///< where there are higher interactions
  kModel,         ///< by the Gaussian process
  kNone           ///< nothing says
};

/// Effects is the answer.
struct Effects {
  EffectsMethod method = EffectsMethod::kExact;
  std::int64_t grid_points = 0;  ///< that effects are averaged over
  bool sampled = false;          ///< the grid is larger: these are a seeded sample of it
  std::int64_t measured = 0, scores = 0;
  std::int64_t looked_at = 0;  ///< of those measured: fewer where the budget allowed no more
  std::int64_t fewest_scores = 0, most_scores = 0;  ///< of a combination

  Estimate mean;                ///< over the grid
  double deviation = 0;         ///< standard deviation between combinations, the noise taken out
  std::optional<double> noise;  ///< standard deviation of a seed
  NoiseSource noise_source = NoiseSource::kNone;

  std::vector<FactorEffects> factors;
  std::vector<PairEffect> pairs;  ///< every pair of factors with 2 levels or more
  bool pairs_left_out = false;    ///< there are too many to look at
  bool pairs_are_noise = false;   ///< their size is all that is known of the noise
  double higher_share = 0;        ///< of three and more factors together

  GridPoint best;  ///< the highest estimate of the grid
  Estimate best_score;
  std::optional<OneAtATime> one_at_a_time;  ///< nothing: no baseline, or it is not allowed
  std::vector<Proposal> proposals;          ///< none where nothing is open
};

/// Finds out what the measurements say. At least 2 points must be measured and 1 factor must have 2
/// levels (std::invalid_argument). A level that no measurement has is better left out of the
/// question: nothing is known of it, and that makes all effects of its factor as uncertain.
[[nodiscard]] Effects FindEffects(const EffectsQuestion& question);

}  // namespace beamgrid
