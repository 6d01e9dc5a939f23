// Effects of grids of which only some points were measured.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "search/effects/effects.h"
#include "tests/search/effects/planted.h"

namespace beamgrid {
namespace posterior_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

/// RealGrid is a table of real scores, every combination with its seeds.
struct RealGrid {
  std::vector<std::int32_t> levels;
  std::vector<GridPoint> points;
  std::vector<std::vector<double>> scores;
  std::map<GridPoint, double> means;
};

RealGrid ReadRealGrid() {
  constexpr std::size_t kFactors = 5;
  RealGrid grid{.levels = std::vector<std::int32_t>(kFactors, 3)};
  std::ifstream file(BEAMGRID_SOURCE_DIR "/tests/data/nasbench201_cifar100_part.csv");
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    GridPoint point;
    std::vector<double> scores;
    for (std::string cell; std::getline(cells, cell, ',');) {
      if (point.size() < kFactors) {
        point.push_back(std::stoi(cell));
      } else if (!cell.empty()) {
        scores.push_back(std::stod(cell));
      }
    }
    double sum = 0;
    for (const double score : scores) sum += score;
    grid.means[point] = sum / static_cast<double>(scores.size());
    grid.points.push_back(std::move(point));
    grid.scores.push_back(std::move(scores));
  }
  return grid;
}

bool Holds(const Estimate& estimate, double value) {
  return estimate.interval->low <= value && value <= estimate.interval->high;
}

/// Returns the order of n things by a seed, the same everywhere.
std::vector<std::size_t> Shuffled(std::size_t n, Normals& random) {
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    std::swap(order[i],
              order[i + static_cast<std::size_t>(random.Uniform() * static_cast<double>(n - i))]);
  }
  return order;
}

struct Coverage {
  double effects = 0, losses = 0;
};

/// Over samples of `measured` points of a grid, of each `seeds` scores drawn by `score`.
Coverage CoverageOf(const std::vector<GridPoint>& points, const std::vector<std::int32_t>& levels,
                    const PlantedTruth& truth, std::size_t measured, int replications,
                    const std::function<std::vector<double>(std::size_t, Normals&)>& scores) {
  double best = -1e9;
  for (const GridPoint& point : points) best = std::max(best, truth(point));
  std::vector<std::vector<double>> planted(levels.size());
  for (std::size_t f = 0; f < levels.size(); ++f) {
    for (std::int32_t level = 0; level < levels[f]; ++level) {
      planted[f].push_back(
          PlainEffect(points, truth, [&](const GridPoint& point) { return point[f] == level; }));
    }
  }
  Coverage coverage;
  double intervals = 0;
  for (int replication = 0; replication < replications; ++replication) {
    Normals random(static_cast<std::uint64_t>(replication) + 1);
    const std::vector<std::size_t> order = Shuffled(points.size(), random);
    EffectsQuestion question{
        .levels = levels, .baseline = GridPoint(levels.size(), 0), .proposals = 0};
    for (std::size_t i = 0; i < measured; ++i) {
      question.observations.push_back({points[order[i]], scores(order[i], random)});
    }
    const Effects effects = FindEffects(question);
    EXPECT_EQ(effects.method, EffectsMethod::kPosterior);
    for (std::size_t f = 0; f < levels.size(); ++f) {
      for (std::size_t level = 0; level < planted[f].size(); ++level) {
        coverage.effects += Holds(*effects.factors[f].levels[level].effect, planted[f][level]);
        ++intervals;
      }
    }
    coverage.losses +=
        Holds(*effects.one_at_a_time->loss, best - truth(effects.one_at_a_time->chosen));
  }
  coverage.effects /= intervals;
  coverage.losses /= replications;
  testing::Test::RecordProperty("effects", std::to_string(coverage.effects));
  testing::Test::RecordProperty("losses", std::to_string(coverage.losses));
  return coverage;
}

void ExpectNominal(const Coverage& coverage) {
  EXPECT_GE(coverage.effects, 0.90);
  EXPECT_LE(coverage.effects, 0.98);
}

double Planted(const GridPoint& point) {
  return 0.7 + 0.02 * point[0] + 0.01 * (point[1] == 1) + 0.03 * (point[0] == 2 && point[1] == 2) -
         0.015 * point[2];
}

Coverage PlantedCoverage(std::size_t measured, int seeds) {
  const std::vector<std::int32_t> levels = {3, 4, 3};
  const std::vector<GridPoint> points = AllPoints(levels);
  return CoverageOf(points, levels, Planted, measured, 200,
                    [&](std::size_t point, Normals& random) {
                      std::vector<double> scores;
                      for (int seed = 0; seed < seeds; ++seed) {
                        scores.push_back(Planted(points[point]) + 0.02 * random());
                      }
                      return scores;
                    });
}

TEST(PosteriorCoverage, OfHalfAPlantedGridIsNominal) {
  const Coverage coverage = PlantedCoverage(18, 2);
  ExpectNominal(coverage);
  EXPECT_GE(coverage.losses, 0.90);
}
TEST(PosteriorCoverage, OfHalfAPlantedGridWithOneSeedIsNominal) {
  ExpectNominal(PlantedCoverage(18, 1));
}
TEST(PosteriorCoverage, OfMostOfAPlantedGridIsNominal) { ExpectNominal(PlantedCoverage(35, 2)); }

Coverage RealCoverage(std::size_t measured, std::size_t seeds) {
  const RealGrid grid = ReadRealGrid();
  EXPECT_EQ(grid.points.size(), 243U);
  return CoverageOf(
      grid.points, grid.levels, [&](const GridPoint& point) { return grid.means.at(point); },
      measured, 40,
      [&](std::size_t point, Normals& random) {
        std::vector<double> scores;
        for (const std::size_t i : Shuffled(grid.scores[point].size(), random)) {
          if (scores.size() < seeds) scores.push_back(grid.scores[point][i]);
        }
        return scores;
      });
}

/// Of one sample in ten the loss is less than its interval says: real scores have a longer tail.
TEST(PosteriorCoverage, OfARealGridIsNominal) {
  ExpectNominal(RealCoverage(30, 1));
  ExpectNominal(RealCoverage(80, 1));
}

TEST(Posterior, OfNearlyAllPointsIsNearTheAnalysisOfVariance) {
  EffectsQuestion question{.levels = {3, 4, 2}, .baseline = GridPoint{0, 0, 0}};
  Normals normal(11);
  const auto truth = [](const GridPoint& point) {
    return 0.5 + 0.1 * point[0] - 0.05 * (point[1] == 2) + 0.02 * point[2];
  };
  for (const GridPoint& point : AllPoints(question.levels)) {
    question.observations.push_back(
        {point, {truth(point) + 0.002 * normal(), truth(point) + 0.002 * normal()}});
  }
  const Effects exact = FindEffects(question);
  question.observations.erase(question.observations.begin() + 7);
  const Effects posterior = FindEffects(question);
  EXPECT_EQ(exact.method, EffectsMethod::kExact);
  EXPECT_EQ(posterior.method, EffectsMethod::kPosterior);
  EXPECT_EQ(posterior.noise_source, NoiseSource::kModel);
  EXPECT_EQ(posterior.grid_points, 24);
  EXPECT_EQ(posterior.measured, 23);
  for (std::size_t f = 0; f < 3; ++f) {
    EXPECT_EQ(posterior.factors[f].best, exact.factors[f].best);
    EXPECT_NEAR(posterior.factors[f].share, exact.factors[f].share, 0.01);
    for (std::size_t level = 0; level < exact.factors[f].levels.size(); ++level) {
      EXPECT_NEAR(posterior.factors[f].levels[level].effect->value,
                  exact.factors[f].levels[level].effect->value, 0.002);
    }
  }
  EXPECT_NEAR(*posterior.noise, *exact.noise, 0.001);
  double shares = posterior.higher_share;
  for (const FactorEffects& factor : posterior.factors) shares += factor.share;
  for (const PairEffect& pair : posterior.pairs) shares += pair.share;
  EXPECT_NEAR(shares, 1, 1e-9);
}

TEST(Posterior, FindsAPairThatMattersAndWhatOneAtATimeLoses) {
  // A stair that is climbed only with both feet: from (0, 0, 0) each step alone leads down.
  const std::vector<std::int32_t> levels = {3, 3, 4};
  const auto truth = [](const GridPoint& point) {
    const bool one = point[0] == 2;
    const bool other = point[1] == 2;
    return 0.5 + (one && other ? 0.2 : one || other ? -0.1 : 0) + 0.01 * point[2];
  };
  EffectsQuestion question{.levels = levels, .baseline = GridPoint{0, 0, 0}};
  Normals random(2);
  const std::vector<GridPoint> points = AllPoints(levels);
  const std::vector<std::size_t> order = Shuffled(points.size(), random);
  for (std::size_t i = 0; i < 28; ++i) {
    MeasuredCombination observation{.point = points[order[i]]};
    for (int seed = 0; seed < 2; ++seed) {
      observation.scores.push_back(truth(observation.point) + 0.005 * random());
    }
    question.observations.push_back(std::move(observation));
  }
  const Effects effects = FindEffects(question);
  ASSERT_EQ(effects.pairs.size(), 3U);
  EXPECT_TRUE(effects.pairs[0].matters);
  EXPECT_FALSE(effects.pairs[1].matters);
  EXPECT_FALSE(effects.pairs[2].matters);
  EXPECT_EQ(effects.pairs[0].first_level, 2);
  EXPECT_EQ(effects.pairs[0].second_level, 2);
  EXPECT_EQ(effects.best[0], 2);
  EXPECT_EQ(effects.best[1], 2);
  EXPECT_NE(effects.one_at_a_time->chosen[0], 2);
  EXPECT_NEAR(effects.one_at_a_time->loss->value, 0.2, 0.03);
  EXPECT_GT(effects.one_at_a_time->loss->interval->low, 0.1);
}

TEST(Posterior, ProposesTrialsThatBringMost) {
  // Two levels that only one trial each tells apart, in a grid where little else is open.
  EffectsQuestion question{.levels = {2, 4}, .baseline = GridPoint{0, 0}};
  question.observations = {{{0, 0}, {0.50, 0.51}},
                           {{0, 1}, {0.60, 0.61}},
                           {{0, 2}, {0.70, 0.71}},
                           {{0, 3}, {0.80, 0.81}},
                           {{1, 3}, {0.80, 0.82}}};
  const Effects effects = FindEffects(question);
  EXPECT_TRUE(effects.factors[0].open());
  ASSERT_THAT(effects.proposals, Not(IsEmpty()));
  EXPECT_EQ(effects.proposals[0].point[0], 1) << "the level that was measured once";
  EXPECT_NE(effects.proposals[0].point[1], 3) << "in another company";
  EXPECT_GT(effects.proposals[0].reduction, 0.1);
  EXPECT_LT(effects.proposals[0].reduction, 1);
  question.unavailable = [](const GridPoint& point) { return point[0] == 1 && point[1] < 3; };
  for (const Proposal& proposal : FindEffects(question).proposals) {
    EXPECT_FALSE(question.unavailable(proposal.point));
  }
}

TEST(Posterior, OfAHugeGridIsOverASample) {
  EffectsQuestion question{.levels = std::vector<std::int32_t>(12, 10), .proposals = 1};
  question.allowed = [](const GridPoint& point) { return point[0] != 9 || point[1] != 9; };
  Normals random(4);
  for (int i = 0; i < 40; ++i) {
    GridPoint point;
    for (int f = 0; f < 12; ++f) point.push_back(static_cast<std::int32_t>(random.Uniform() * 10));
    question.observations.push_back({point, {0.01 * point[0] + 0.001 * random()}});
  }
  question.levels.resize(2);
  for (MeasuredCombination& observation : question.observations) observation.point.resize(2);
  std::ranges::sort(question.observations, {}, &MeasuredCombination::point);
  const auto same = std::ranges::unique(question.observations, {}, &MeasuredCombination::point);
  question.observations.erase(same.begin(), same.end());
  for (MeasuredCombination& observation : question.observations) observation.point.resize(12, 0);
  question.levels = std::vector<std::int32_t>(12, 10);
  const Effects effects = FindEffects(question);
  EXPECT_TRUE(effects.sampled);
  EXPECT_GT(effects.grid_points, 300);
  EXPECT_LE(effects.grid_points, 1000);
  EXPECT_EQ(effects.factors[0].best, 9);
}

/// Two of the scores lie far out, so that the intervals follow from their tails.
TEST(Posterior, TheOrderOfCandidatesAndTrialsSaysNothing) {
  const std::vector<std::int32_t> levels = {3, 4, 3};
  const std::vector<GridPoint> points = AllPoints(levels);
  Normals random(3);
  const std::vector<std::size_t> order = Shuffled(points.size(), random);
  EffectsQuestion question{.levels = levels};
  for (std::size_t i = 0; i < 24; ++i) {
    const GridPoint& point = points[order[i]];
    question.observations.push_back(
        {point, {Planted(point) + (i < 2 ? -0.5 : 0) + 0.02 * random()}});
  }
  EffectsQuestion reversed = question;
  std::ranges::reverse(reversed.observations);
  for (MeasuredCombination& observation : reversed.observations) {
    for (std::size_t f = 0; f < levels.size(); ++f) {
      observation.point[f] = levels[f] - 1 - observation.point[f];
    }
  }
  const Effects one = FindEffects(question), other = FindEffects(reversed);
  for (std::size_t f = 0; f < levels.size(); ++f) {
    for (std::size_t level = 0; level < one.factors[f].levels.size(); ++level) {
      const Estimate& left = *one.factors[f].levels[level].effect;
      const Estimate& right =
          *other.factors[f].levels[one.factors[f].levels.size() - 1 - level].effect;
      EXPECT_NEAR(left.interval->low, right.interval->low, 1e-9);
      EXPECT_NEAR(left.interval->high, right.interval->high, 1e-9);
    }
  }
}

TEST(Posterior, OfEqualScoresIsNothing) {
  EffectsQuestion question{.levels = {2, 3}, .baseline = GridPoint{0, 0}};
  for (const GridPoint& point : AllPoints(question.levels)) {
    question.observations.push_back({point, {0.7, 0.7}});
  }
  question.observations.pop_back();
  const Effects effects = FindEffects(question);
  for (const FactorEffects& factor : effects.factors) {
    EXPECT_TRUE(factor.open());
    for (const LevelEffect& level : factor.levels) EXPECT_NEAR(level.effect->value, 0, 1e-6);
  }
  EXPECT_FALSE(effects.pairs[0].matters);
}

TEST(Posterior, OfTwoPointsIsUncertain) {
  const Effects effects =
      FindEffects({.levels = {2, 2}, .observations = {{{0, 0}, {0.5}}, {{1, 1}, {0.6}}}});
  EXPECT_TRUE(effects.factors[0].open());
  EXPECT_TRUE(effects.factors[1].open());
  EXPECT_FALSE(effects.factors[0].levels[0].effect->interval->excludes_zero());
}

}  // namespace posterior_test
}  // namespace beamgrid
