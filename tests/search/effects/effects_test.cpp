// Effects of grids that were measured whole: by hand, beside a slow reference, and how often their
// intervals hold.

#include "search/effects/effects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/search/effects/planted.h"

namespace beamgrid {
namespace effects_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kExact = 1e-12;
constexpr double kT4 = 2.7764451051977987;  // Student's t with 4 degrees of freedom, 0.975
constexpr double kT6 = 2.4469118511449692;

std::vector<double> ValuesOf(const FactorEffects& factor) {
  std::vector<double> values;
  for (const LevelEffect& level : factor.levels) values.push_back(level.effect->value);
  return values;
}

TEST(Effects, OfTwoByTwoAreThoseByHand) {
  // Means 2, 5 / 8, 10; the mean of all 6.25.
  const Effects effects = FindEffects(
      {.levels = {2, 2},
       .observations = {{{0, 0}, {1, 3}}, {{0, 1}, {4, 6}}, {{1, 0}, {7, 9}}, {{1, 1}, {9, 11}}},
       .baseline = GridPoint{0, 0}});
  EXPECT_EQ(effects.method, EffectsMethod::kExact);
  EXPECT_EQ(effects.grid_points, 4);
  EXPECT_EQ(effects.scores, 8);
  EXPECT_NEAR(effects.mean.value, 6.25, kExact);
  EXPECT_EQ(effects.noise_source, NoiseSource::kSeeds);
  EXPECT_NEAR(*effects.noise, std::sqrt(2), kExact);  // squares 2 per cell, 4 degrees of freedom

  // An effect is half a difference of two means of 4 scores: variance 2 / 4 * 2 / 4.
  EXPECT_NEAR(effects.factors[0].levels[0].effect->value, -2.75, kExact);
  EXPECT_NEAR(effects.factors[0].levels[1].effect->value, 2.75, kExact);
  EXPECT_NEAR(effects.factors[0].levels[1].effect->interval->low, 2.75 - kT4 / 2, kExact);
  EXPECT_NEAR(effects.factors[0].levels[1].effect->interval->high, 2.75 + kT4 / 2, kExact);
  EXPECT_NEAR(effects.factors[1].levels[0].effect->value, -1.25, kExact);
  EXPECT_EQ(effects.factors[0].best, 1);
  EXPECT_FALSE(effects.factors[0].open());
  EXPECT_TRUE(effects.factors[1].open()) << "a difference of 2.5, known to 2.7764 / 2 * 2";

  // Squares 7.5625 and 1.5625, less a quarter each that the noise is expected to give; the
  // interaction's 0.0625 is less than that.
  EXPECT_NEAR(effects.factors[0].share, 7.3125 / 8.625, kExact);
  EXPECT_NEAR(effects.factors[1].share, 1.3125 / 8.625, kExact);
  ASSERT_EQ(effects.pairs.size(), 1U);
  EXPECT_NEAR(effects.pairs[0].share, 0, kExact);
  EXPECT_NEAR(std::abs(effects.pairs[0].strongest.value), 0.25, kExact);
  EXPECT_FALSE(effects.pairs[0].matters);
  EXPECT_NEAR(effects.higher_share, 0, kExact);

  EXPECT_THAT(effects.best, ElementsAre(1, 1));
  EXPECT_NEAR(effects.best_score.value, 10, kExact);
  EXPECT_THAT(effects.one_at_a_time->chosen, ElementsAre(1, 1));
  EXPECT_EQ(effects.one_at_a_time->loss->value, 0);
  EXPECT_EQ(effects.one_at_a_time->loss->interval->low, 0);
  // A column's difference has variance 1; a third seed of a cell brings 1/12 of it down by a third.
  ASSERT_EQ(effects.proposals.size(), 3U);
  EXPECT_THAT(effects.proposals[0].point, ElementsAre(1, 1)) << "the best of equally telling ones";
  EXPECT_NEAR(effects.proposals[0].reduction, 1.0 / 12, kExact);
}

TEST(Effects, OfThreeByTwoWithAnInteractionAreThoseByHand) {
  // Means 1, 3 / 2, 4 / 6, 2: of rows 2, 3, 4; of columns 3, 3.
  const Effects effects = FindEffects({.levels = {3, 2},
                                       .observations = {{{0, 0}, {0.9, 1.1}},
                                                        {{0, 1}, {2.9, 3.1}},
                                                        {{1, 0}, {1.9, 2.1}},
                                                        {{1, 1}, {3.9, 4.1}},
                                                        {{2, 0}, {5.9, 6.1}},
                                                        {{2, 1}, {1.9, 2.1}}},
                                       .baseline = GridPoint{0, 1}});
  EXPECT_NEAR(effects.factors[0].levels[0].effect->value, -1, kExact);
  EXPECT_NEAR(effects.factors[0].levels[1].effect->value, 0, kExact);
  EXPECT_NEAR(effects.factors[0].levels[2].effect->value, 1, kExact);
  EXPECT_NEAR(effects.factors[1].levels[0].effect->value, 0, kExact);
  EXPECT_TRUE(effects.factors[1].open()) << "both columns have the same mean";
  // 6 - 4 - 3 + 3; its mirror image has the same size.
  EXPECT_TRUE(effects.pairs[0].matters);
  EXPECT_EQ(effects.pairs[0].first_level, 2);
  EXPECT_NEAR(std::abs(effects.pairs[0].strongest.value), 2, kExact);
  // Variances 2/3, 0 and (4 * 1 + 2 * 4) / 6; noise 0.02 of a seed, 0.01 of a mean.
  EXPECT_NEAR(*effects.noise, std::sqrt(0.02), kExact);
  const double rows = 2.0 / 3 - 0.01 * 2 / 6;
  const double both = 2 - 0.01 * 2 / 6;
  EXPECT_NEAR(effects.factors[0].share, rows / (rows + both), kExact);
  EXPECT_NEAR(effects.pairs[0].share, both / (rows + both), kExact);
  EXPECT_NEAR(effects.deviation, std::sqrt(16.0 / 6 - 0.01 * 5 / 6), kExact);

  // From (0, 1): row 1 is the best of column 1, column 1 the best of row 0; (2, 0) has 6.
  EXPECT_THAT(effects.best, ElementsAre(2, 0));
  EXPECT_THAT(effects.one_at_a_time->chosen, ElementsAre(1, 1));
  EXPECT_NEAR(effects.one_at_a_time->loss->value, 2, kExact);
  // No other point may be the best: Student's t with 6 degrees of freedom, of a difference.
  EXPECT_NEAR(effects.one_at_a_time->loss->interval->low, 2 - kT6 * std::sqrt(0.02), kExact);
  EXPECT_NEAR(effects.one_at_a_time->loss->interval->high, 2 + kT6 * std::sqrt(0.02), kExact);
  ASSERT_EQ(effects.proposals.size(), 3U);
  EXPECT_THAT(effects.proposals[0].point, ElementsAre(2, 0))
      << "all tell as much of the columns; of these it is the best";
  EXPECT_GT(effects.proposals[0].reduction, 0);
}

/// What analysis of variance says, by averages over subsets, for grids without exclusions.
class Reference {
 public:
  explicit Reference(const EffectsQuestion& question) : question_(question) {
    double squares = 0;
    for (const MeasuredCombination& observation : question.observations) {
      double mean = 0;
      for (const double score : observation.scores) mean += score;
      mean /= static_cast<double>(observation.scores.size());
      for (const double score : observation.scores) squares += std::pow(score - mean, 2);
      freedom_ += static_cast<double>(observation.scores.size()) - 1;
      means_.push_back(mean);
    }
    noise_ = squares / freedom_;
  }
  [[nodiscard]] double noise() const { return std::sqrt(noise_); }

  /// The weights of the points in f_S(levels), by inclusion and exclusion over subsets of S.
  [[nodiscard]] std::vector<double> Weights(const std::vector<std::size_t>& factors,
                                            const GridPoint& at) const {
    std::vector<double> weights(means_.size(), 0.0);
    for (unsigned subset = 0; subset < 1U << factors.size(); ++subset) {
      const auto has = [&](const GridPoint& point) {
        for (std::size_t i = 0; i < factors.size(); ++i) {
          if ((subset >> i & 1U) != 0 && point[factors[i]] != at[factors[i]]) return false;
        }
        return true;
      };
      double count = 0;
      for (const MeasuredCombination& observation : question_.observations)
        count += has(observation.point);
      const int left = static_cast<int>(factors.size()) - __builtin_popcount(subset);
      for (std::size_t i = 0; i < weights.size(); ++i) {
        if (has(question_.observations[i].point)) weights[i] += (left % 2 == 0 ? 1 : -1) / count;
      }
    }
    return weights;
  }
  [[nodiscard]] double Value(const std::vector<double>& weights) const {
    double value = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) value += weights[i] * means_[i];
    return value;
  }
  [[nodiscard]] double Variance(const std::vector<double>& weights) const {
    double variance = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      variance += weights[i] * weights[i] * noise_ /
                  static_cast<double>(question_.observations[i].scores.size());
    }
    return variance;
  }
  /// The variance of f_S over the points, the noise's part taken out.
  [[nodiscard]] double Component(const std::vector<std::size_t>& factors) const {
    double component = 0;
    for (const MeasuredCombination& observation : question_.observations) {
      const auto weights = Weights(factors, observation.point);
      component +=
          (std::pow(Value(weights), 2) - Variance(weights)) / static_cast<double>(means_.size());
    }
    return std::max(0.0, component);
  }

 private:
  EffectsQuestion question_;
  std::vector<double> means_;
  double freedom_ = 0, noise_ = 0;
};

TEST(Effects, AreThoseOfASlowReferenceWithUnequalSeeds) {
  Normals normal(3);
  EffectsQuestion question{.levels = {3, 4, 2}};
  for (const GridPoint& point : AllPoints(question.levels)) {
    MeasuredCombination observation{.point = point};
    const double score = 0.1 * point[0] + 0.05 * point[1] * point[2] +
                         (point[0] == 2 && point[1] == 3 && point[2] == 1 ? 0.2 : 0);
    for (int seed = 0; seed < 1 + (point[0] + point[1]) % 3; ++seed) {
      observation.scores.push_back(score + 0.01 * normal());
    }
    question.observations.push_back(std::move(observation));
  }
  const Effects effects = FindEffects(question);
  const Reference reference(question);
  EXPECT_EQ(effects.fewest_scores, 1);
  EXPECT_EQ(effects.most_scores, 3);
  EXPECT_NEAR(*effects.noise, reference.noise(), kExact);
  for (std::size_t f = 0; f < 3; ++f) {
    for (std::int32_t level = 0; level < question.levels[f]; ++level) {
      GridPoint at(3, 0);
      at[f] = level;
      const auto weights = reference.Weights({f}, at);
      const Estimate& effect = *effects.factors[f].levels[static_cast<std::size_t>(level)].effect;
      EXPECT_NEAR(effect.value, reference.Value(weights), kExact);
      // 48 scores of 24 points: Student's t with 24 degrees of freedom.
      EXPECT_NEAR(effect.interval->high - effect.value,
                  2.063898561628021 * std::sqrt(reference.Variance(weights)), 1e-9);
    }
  }
  const std::vector<std::vector<std::size_t>> subsets = {{0},    {1},    {2},      {0, 1},
                                                         {0, 2}, {1, 2}, {0, 1, 2}};
  double sum = 0;
  for (const auto& subset : subsets) sum += reference.Component(subset);
  for (std::size_t f = 0; f < 3; ++f) {
    EXPECT_NEAR(effects.factors[f].share, reference.Component({f}) / sum, 1e-9);
  }
  ASSERT_EQ(effects.pairs.size(), 3U);
  for (const PairEffect& pair : effects.pairs) {
    EXPECT_NEAR(pair.share, reference.Component({pair.first, pair.second}) / sum, 1e-9);
    GridPoint at(3, 0);
    at[pair.first] = pair.first_level;
    at[pair.second] = pair.second_level;
    EXPECT_NEAR(pair.strongest.value,
                reference.Value(reference.Weights({pair.first, pair.second}, at)), kExact);
  }
  EXPECT_NEAR(effects.higher_share, reference.Component({0, 1, 2}) / sum, 1e-9);
}

TEST(Effects, WithExclusionsBlameNoLevelForItsCompany) {
  // Level 2 of the first factor is never allowed with the good level of the second: its plain mean
  // would be too low.
  const auto truth = [](const GridPoint& point) {
    return 0.5 + 0.1 * point[0] + 0.3 * point[1] - 0.2 * (point[2] == 1);
  };
  EffectsQuestion question{.levels = {3, 2, 3}, .baseline = GridPoint{0, 0, 0}};
  question.allowed = [](const GridPoint& point) { return point[0] != 2 || point[1] != 1; };
  for (const GridPoint& point : AllPoints(question.levels)) {
    if (!question.allowed(point)) continue;
    question.observations.push_back({point, {truth(point) - 0.001, truth(point) + 0.001}});
  }
  const Effects effects = FindEffects(question);
  EXPECT_EQ(effects.method, EffectsMethod::kExact) << "every allowed point was measured";
  EXPECT_EQ(effects.grid_points, 15);
  const std::vector<double> first = ValuesOf(effects.factors[0]);
  EXPECT_NEAR(first[1] - first[0], 0.1, kExact);
  EXPECT_NEAR(first[2] - first[0], 0.2, kExact);
  EXPECT_NEAR(6 * first[0] + 6 * first[1] + 3 * first[2], 0, kExact) << "0 on average";
  const std::vector<double> second = ValuesOf(effects.factors[1]);
  EXPECT_NEAR(second[1] - second[0], 0.3, kExact);
  for (const PairEffect& pair : effects.pairs) EXPECT_FALSE(pair.matters);
  double shares = effects.higher_share;
  for (const FactorEffects& factor : effects.factors) shares += factor.share;
  for (const PairEffect& pair : effects.pairs) shares += pair.share;
  EXPECT_NEAR(shares, 1, kExact);
  // One at a time takes the excluded pair together.
  EXPECT_THAT(effects.one_at_a_time->chosen, ElementsAre(2, 1, 0));
  EXPECT_FALSE(effects.one_at_a_time->allowed);
  EXPECT_FALSE(effects.one_at_a_time->loss);
}

TEST(Effects, OfFactorsThatExclusionsTieTogetherAreSaidToBe) {
  // The second factor is the first one's shadow.
  EffectsQuestion question{.levels = {2, 2, 2}};
  question.allowed = [](const GridPoint& point) { return point[0] == point[1]; };
  for (const GridPoint& point : AllPoints(question.levels)) {
    if (question.allowed(point)) {
      question.observations.push_back({point, {0.5 + point[0], 0.51 + point[0]}});
    }
  }
  const Effects effects = FindEffects(question);
  EXPECT_TRUE(effects.factors[0].confounded);
  EXPECT_TRUE(effects.factors[1].confounded);
  EXPECT_FALSE(effects.factors[2].confounded);
  // One stands for both, and of the other there is no number and no best.
  EXPECT_TRUE(effects.factors[0].told);
  EXPECT_NEAR(effects.factors[0].levels[1].effect->value, 0.5, kExact);
  EXPECT_NEAR(effects.factors[0].share, 1, 1e-3);
  EXPECT_FALSE(effects.factors[1].told);
  EXPECT_THAT(effects.factors[1].tied_to, ElementsAre(0));
  EXPECT_EQ(effects.factors[1].share, 0);
  for (const LevelEffect& level : effects.factors[1].levels) {
    EXPECT_FALSE(level.effect);
    EXPECT_FALSE(level.may_be_best);
    EXPECT_EQ(level.measured, 2);
  }
  for (const PairEffect& pair : effects.pairs) EXPECT_NE(pair.first, 1U);
}

TEST(Effects, OfAFactorThatSettlesAnEarlierOneAreOfBoth) {
  // The first factor's level follows from the second one's: 0, 0, 1.
  EffectsQuestion question{.levels = {2, 3, 2}};
  question.allowed = [](const GridPoint& point) { return point[0] == point[1] / 2; };
  for (const GridPoint& point : AllPoints(question.levels)) {
    if (!question.allowed(point)) continue;
    const double score = 0.1 * point[1] + 0.01 * point[2];
    question.observations.push_back({point, {score - 0.001, score + 0.001}});
  }
  const Effects effects = FindEffects(question);
  EXPECT_FALSE(effects.factors[0].told);
  ASSERT_TRUE(effects.factors[1].told);
  const std::vector<double> both = ValuesOf(effects.factors[1]);
  EXPECT_NEAR(both[0], -0.1, kExact);
  EXPECT_NEAR(both[1], 0, kExact);
  EXPECT_NEAR(both[2], 0.1, kExact);
  EXPECT_EQ(effects.factors[1].best, 2);
  EXPECT_NEAR(ValuesOf(effects.factors[2])[1], 0.005, kExact) << "what is not tied is as ever";
  EXPECT_FALSE(effects.factors[2].confounded);
}

TEST(Effects, OfTiedFactorsOfWhichNoneSettlesTheOtherAreNone) {
  // {0, 1} x {0, 1} and {2} x {2, 3}: which of the two makes the step between them is not known.
  EffectsQuestion question{.levels = {3, 4}};
  question.allowed = [](const GridPoint& point) { return point[0] / 2 == point[1] / 2; };
  for (const GridPoint& point : AllPoints(question.levels)) {
    if (!question.allowed(point)) continue;
    const double score = 0.1 * point[0] + 0.01 * point[1];
    question.observations.push_back({point, {score - 0.001, score + 0.001}});
  }
  const Effects effects = FindEffects(question);
  for (std::size_t f = 0; f < 2; ++f) {
    EXPECT_FALSE(effects.factors[f].told);
    EXPECT_THAT(effects.factors[f].tied_to, ElementsAre(1 - f));
    for (const LevelEffect& level : effects.factors[f].levels) EXPECT_FALSE(level.effect);
  }
}

TEST(Effects, OfALevelThatIsNeverAllowedAreNone) {
  EffectsQuestion question{.levels = {3, 2}};
  question.allowed = [](const GridPoint& point) { return point[0] != 1; };
  for (const GridPoint& point : AllPoints(question.levels)) {
    if (question.allowed(point))
      question.observations.push_back({point, {1.0 * point[0], 0.1 + point[0]}});
  }
  const Effects effects = FindEffects(question);
  EXPECT_FALSE(effects.factors[0].levels[1].effect);
  EXPECT_FALSE(effects.factors[0].levels[1].may_be_best);
  EXPECT_FALSE(effects.factors[0].confounded);
  EXPECT_NEAR(effects.factors[0].levels[2].effect->value, 1, kExact);
}

TEST(Effects, OfALevelThatIsAnothersAliasAreTheSameAndOpen) {
  EffectsQuestion question{.levels = {3, 2, 1}};
  for (const GridPoint& point : AllPoints(question.levels)) {
    const double score = 0.1 * std::min(point[0], 1) + 0.01 * point[1];
    question.observations.push_back({point, {score, score}});
  }
  const Effects effects = FindEffects(question);
  EXPECT_NEAR(effects.factors[0].levels[1].effect->value,
              effects.factors[0].levels[2].effect->value, kExact);
  EXPECT_FALSE(effects.factors[0].levels[0].may_be_best) << "without noise all else is certain";
  EXPECT_TRUE(effects.factors[0].levels[1].may_be_best);
  EXPECT_TRUE(effects.factors[0].levels[2].may_be_best);
  EXPECT_EQ(effects.factors[2].levels.size(), 1U) << "a factor with one level has no effect";
  EXPECT_NEAR(effects.factors[2].levels[0].effect->value, 0, kExact);
  EXPECT_EQ(effects.factors[2].share, 0);
  EXPECT_THAT(effects.proposals, IsEmpty()) << "another seed would be the same";
}

TEST(Effects, OfEqualScoresAreNothing) {
  EffectsQuestion question{.levels = {2, 3}, .baseline = GridPoint{0, 0}};
  for (const GridPoint& point : AllPoints(question.levels)) {
    question.observations.push_back({point, {0.7, 0.7}});
  }
  const Effects effects = FindEffects(question);
  for (const FactorEffects& factor : effects.factors) {
    EXPECT_EQ(factor.share, 0);
    EXPECT_TRUE(factor.open());
  }
  EXPECT_FALSE(effects.pairs[0].matters);
  EXPECT_EQ(effects.pairs[0].share, 0);
  EXPECT_EQ(effects.higher_share, 0);
  EXPECT_NEAR(effects.one_at_a_time->loss->value, 0, kExact);
  EXPECT_THAT(effects.one_at_a_time->chosen, ElementsAre(0, 0));
}

// Sums of tenths are not exact in binary: what is left of them is no effect.
TEST(Effects, OfAPartThatChangesNothingAreNoRounding) {
  EffectsQuestion question{.levels = {2, 3, 2}, .baseline = GridPoint{0, 0, 0}};
  for (const GridPoint& point : AllPoints(question.levels)) {
    const double score = 0.1 + 0.1 * point[1] + 0.2 * point[2];
    question.observations.push_back({point, {score, score, score}});
  }
  const Effects effects = FindEffects(question);
  for (const LevelEffect& level : effects.factors[0].levels) {
    EXPECT_EQ(level.effect->value, 0);
    EXPECT_EQ(level.effect->interval->low, 0);
    EXPECT_EQ(level.effect->interval->high, 0);
    EXPECT_TRUE(level.may_be_best);
  }
  for (const PairEffect& pair : effects.pairs) {
    EXPECT_EQ(pair.strongest.value, 0);
    EXPECT_FALSE(pair.strongest.interval->excludes_zero());
  }
  EXPECT_NEAR(effects.factors[2].levels[1].effect->value, 0.1, kExact);
}

// Means that differ by less than their seeds make them: no variance is theirs, and what rounding
// leaves over is none of combinations that one part does not have.
TEST(Effects, BelowTheNoiseShareNothing) {
  for (const double offset : {0.0, 0.1, 1.0 / 3, 0.7}) {
    const Effects effects = FindEffects({.levels = {3},
                                         .observations = {{{0}, {offset + 0.61, offset + 0.75}},
                                                          {{1}, {offset + 0.57, offset + 0.72}},
                                                          {{2}, {offset + 0.6, offset + 0.76}}}});
    EXPECT_EQ(effects.deviation, 0) << offset;
    EXPECT_EQ(effects.factors[0].share, 0) << offset;
    EXPECT_EQ(effects.higher_share, 0) << offset;
  }
}

TEST(Effects, OfOneSeedTakeTheNoiseFromTheHighestInteractions) {
  // Three factors: what pairs leave over is noise.
  Normals normal(5);
  EffectsQuestion question{.levels = {4, 4, 4}};
  for (const GridPoint& point : AllPoints(question.levels)) {
    question.observations.push_back({point, {0.1 * point[0] * point[1] + 0.02 * normal()}});
  }
  const Effects three = FindEffects(question);
  EXPECT_EQ(three.noise_source, NoiseSource::kInteractions);
  EXPECT_FALSE(three.pairs_are_noise);
  EXPECT_NEAR(*three.noise, 0.02, 0.006);
  EXPECT_TRUE(three.pairs[0].matters);
  EXPECT_FALSE(three.pairs[1].matters);

  // Two factors: by hand 0, 1 / 1, 4, whose interaction is a half, with one degree of freedom.
  const Effects two =
      FindEffects({.levels = {2, 2},
                   .observations = {{{0, 0}, {0}}, {{0, 1}, {1}}, {{1, 0}, {1}}, {{1, 1}, {4}}}});
  EXPECT_EQ(two.noise_source, NoiseSource::kInteractions);
  EXPECT_TRUE(two.pairs_are_noise);
  EXPECT_NEAR(*two.noise, 1, kExact);  // 4 * 0.5^2 / 1
  EXPECT_NEAR(two.factors[0].levels[1].effect->value, 1, kExact);
  EXPECT_NEAR(two.factors[0].levels[1].effect->interval->high, 1 + 12.706204736174694 * 0.5, 1e-9);
  EXPECT_FALSE(two.pairs[0].matters);

  // One factor: nothing is left over, and nothing is claimed.
  const Effects one = FindEffects(
      {.levels = {2}, .observations = {{{0}, {0.5}}, {{1}, {0.7}}}, .baseline = GridPoint{0}});
  EXPECT_EQ(one.noise_source, NoiseSource::kNone);
  EXPECT_FALSE(one.noise);
  EXPECT_NEAR(one.factors[0].levels[1].effect->value, 0.1, kExact);
  EXPECT_FALSE(one.factors[0].levels[1].effect->interval);
  EXPECT_TRUE(one.factors[0].open());
  EXPECT_FALSE(one.one_at_a_time->loss->interval);
  EXPECT_THAT(one.proposals, IsEmpty());
}

TEST(Effects, NeedTwoPointsAndAFactor) {
  EXPECT_THROW((void)FindEffects({.levels = {2}, .observations = {{{0}, {1, 2}}}}),
               std::invalid_argument);
  EXPECT_THROW((void)FindEffects({.levels = {1, 1}, .observations = {{{0, 0}, {1}}}}),
               std::invalid_argument);
}

TEST(Effects, LoseNoMoreThanTheHighestScoreAllows) {
  EffectsQuestion question{.levels = {2}, .baseline = GridPoint{0}};
  question.observations = {{{0}, {0.2, 0.8}}, {{1}, {0.3, 0.9}}};
  const auto most = [&] { return FindEffects(question).one_at_a_time->loss->interval->high; };
  EXPECT_GT(most(), 1.7);
  question.highest = 1;
  // The one that was chosen has 0.6 and may have less: t with 2 degrees of freedom, noise 0.18 / 2.
  EXPECT_NEAR(most(), 1 - (0.6 - 4.302652729696142 * 0.3), 1e-9);
}

TEST(Effects, LoseNothingToAScoreThatCannotBe) {
  EffectsQuestion question{.levels = {2, 2}, .baseline = GridPoint{0, 0}};
  question.observations = {
      {{0, 0}, {0.5, 0.6}}, {{0, 1}, {0.4, 0.5}}, {{1, 0}, {0.4, 0.5}}, {{1, 1}, {1.2, 1.3}}};
  EXPECT_NEAR(FindEffects(question).one_at_a_time->loss->value, 1.25 - 0.55, kExact);
  question.highest = 1;
  EXPECT_NEAR(FindEffects(question).one_at_a_time->loss->value, 1 - 0.55, kExact);
}

TEST(Effects, ProposeNoTrialThatFails) {
  EffectsQuestion question{.levels = {2, 2}};
  for (const GridPoint& point : AllPoints(question.levels)) {
    question.observations.push_back({point, {0.5, 0.6}});
  }
  const auto proposed = [&] {
    std::vector<GridPoint> points;
    for (const Proposal& proposal : FindEffects(question).proposals)
      points.push_back(proposal.point);
    return points;
  };
  EXPECT_EQ(proposed().size(), 3U);
  question.unavailable = [](const GridPoint& point) { return point != GridPoint{1, 0}; };
  EXPECT_THAT(proposed(), ElementsAre(GridPoint{1, 0}, GridPoint{1, 0}, GridPoint{1, 0}));
  question.proposals = 0;
  EXPECT_THAT(proposed(), IsEmpty());
}

/// How often intervals hold over replications of a planted grid.
struct Coverage {
  double effects = 0, losses = 0, mean = 0;
  double false_pairs = 0;  ///< replications in which a pair without interaction "matters"
};

Coverage CoverageOf(const std::vector<std::int32_t>& levels, const PlantedTruth& truth, int seeds,
                    bool unequal, double noise) {
  constexpr int kReplications = 400;
  const std::vector<GridPoint> points = AllPoints(levels);
  double best = -1e9;
  for (const GridPoint& point : points) best = std::max(best, truth(point));
  Coverage coverage;
  double intervals = 0;
  for (int replication = 0; replication < kReplications; ++replication) {
    Normals normal(static_cast<std::uint64_t>(replication));
    EffectsQuestion question{.levels = levels, .baseline = GridPoint(levels.size(), 0)};
    for (const GridPoint& point : points) {
      MeasuredCombination observation{.point = point};
      const int more = unequal ? static_cast<int>(normal.Uniform() * 3) : 0;
      for (int seed = 0; seed < seeds + more; ++seed) {
        observation.scores.push_back(truth(point) + noise * normal());
      }
      question.observations.push_back(std::move(observation));
    }
    const Effects effects = FindEffects(question);
    const auto holds = [](const Estimate& estimate, double value) {
      return estimate.interval->low <= value && value <= estimate.interval->high;
    };
    for (std::size_t f = 0; f < levels.size(); ++f) {
      for (std::int32_t level = 0; level < levels[f]; ++level) {
        const double planted =
            PlainEffect(points, truth, [&](const GridPoint& point) { return point[f] == level; });
        coverage.effects +=
            holds(*effects.factors[f].levels[static_cast<std::size_t>(level)].effect, planted);
        ++intervals;
      }
    }
    coverage.losses +=
        holds(*effects.one_at_a_time->loss, best - truth(effects.one_at_a_time->chosen));
    coverage.mean += holds(
        effects.mean, PlainEffect(points, truth, [](const GridPoint&) { return true; }) + [&] {
          double sum = 0;
          for (const GridPoint& point : points) sum += truth(point);
          return sum / static_cast<double>(points.size());
        }());
    coverage.false_pairs += std::ranges::any_of(
        effects.pairs, [](const PairEffect& pair) { return pair.matters && pair.second == 2; });
  }
  coverage.effects /= intervals;
  coverage.losses /= kReplications;
  coverage.mean /= kReplications;
  coverage.false_pairs /= kReplications;
  return coverage;
}

void ExpectNominal(const Coverage& coverage) {
  EXPECT_GE(coverage.effects, 0.90);
  EXPECT_LE(coverage.effects, 0.98);
  EXPECT_GE(coverage.mean, 0.90);
  EXPECT_LE(coverage.mean, 0.98);
  EXPECT_GE(coverage.losses, 0.93) << "bounds for all that may be the best are wider than needed";
  EXPECT_LE(coverage.false_pairs, 0.05) << "all pairs together";
  testing::Test::RecordProperty("effects", std::to_string(coverage.effects));
  testing::Test::RecordProperty("losses", std::to_string(coverage.losses));
  testing::Test::RecordProperty("mean", std::to_string(coverage.mean));
  testing::Test::RecordProperty("false_pairs", std::to_string(coverage.false_pairs));
}

double Planted(const GridPoint& point) {
  // The first two interact; the third stands alone.
  return 0.7 + 0.02 * point[0] + 0.01 * (point[1] == 1) + 0.03 * (point[0] == 2 && point[1] == 2) -
         0.015 * point[2];
}

TEST(EffectsCoverage, OfTwoSeedsIsNominal) {
  ExpectNominal(CoverageOf({3, 4, 2}, Planted, 2, false, 0.02));
}
TEST(EffectsCoverage, OfUnequalSeedsIsNominal) {
  ExpectNominal(CoverageOf({3, 4, 2}, Planted, 1, true, 0.02));
}
TEST(EffectsCoverage, OfOneSeedIsNominal) {
  ExpectNominal(CoverageOf({3, 4, 3}, Planted, 1, false, 0.02));
}
TEST(EffectsCoverage, OfTwoFactorsIsNominal) {
  const auto additive = [](const GridPoint& point) { return 0.1 * point[0] + 0.05 * point[1]; };
  ExpectNominal(CoverageOf({4, 5}, additive, 1, false, 0.1));
}

}  // namespace effects_test
}  // namespace beamgrid
