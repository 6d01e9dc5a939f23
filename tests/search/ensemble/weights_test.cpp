#include "search/ensemble/weights.h"

#include <gtest/gtest.h>

#include <numeric>

#include "registry/util/error.h"
#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {
namespace {

TEST(LearnWeights, FindsTheMinimumOfTheCrossEntropyOnTheSimplex) {
  const auto models = PlantPool({.models = 4, .videos = 200, .classes = 20, .list_length = 12}, 7);
  const auto members = AlignModels(models);
  for (const ScoreDomain combine : {ScoreDomain::kLogits, ScoreDomain::kProbabilities}) {
    const Combination combination(combine);
    const auto weights = LearnWeights(members, combination, Missing::kLastOfList);
    EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-12);
    const auto loss = [&](const std::vector<double>& w) {
      return CrossEntropy(members, w, combination, Missing::kLastOfList);
    };
    const double least = loss(weights);
    EXPECT_LT(least, loss({0.25, 0.25, 0.25, 0.25}));
    // The loss is convex: if no neighbour is lower, no point is.
    for (std::size_t from = 0; from < 4; ++from) {
      for (std::size_t to = 0; to < 4; ++to) {
        std::vector<double> moved = weights;
        const double amount = std::min(1e-3, moved[from]);
        moved[from] -= amount;
        moved[to] += amount;
        EXPECT_GE(loss(moved), least - 1e-9)
            << WordFor(kScoreDomains, combine) << " " << from << " to " << to;
      }
    }
  }
}

TEST(LearnWeights, OfTwoModelsEqualsAFineScan) {
  auto models = PlantPool({.models = 2, .videos = 150}, 11);
  // Model 1 becomes over-confident, so that the best mixture leans on model 0.
  for (auto& video : models[1].predictions.videos) {
    for (auto& entry : video.top) entry.score = entry.score > 0.4 ? 0.999 : 0.001;
  }
  const auto members = AlignModels(models);
  const Combination combination(ScoreDomain::kLogits);
  double best_loss = std::numeric_limits<double>::infinity();
  double best_weight = 0;
  for (int i = 0; i <= 1000; ++i) {
    const double weight = i / 1000.0;
    const double loss = CrossEntropy(members, {weight, 1 - weight}, combination, Missing::kZero);
    if (loss < best_loss) {
      best_loss = loss;
      best_weight = weight;
    }
  }
  const auto weights = LearnWeights(members, combination, Missing::kZero);
  EXPECT_GT(best_weight, 0.5);
  EXPECT_NEAR(weights[0], best_weight, 0.001);
}

TEST(LearnWeights, ArePulledTowardsEqualOnes) {
  auto models = PlantPool({.models = 3, .videos = 150}, 11);
  for (auto& video : models[1].predictions.videos) {
    for (auto& entry : video.top) entry.score = entry.score > 0.4 ? 0.999 : 0.001;
  }
  const auto members = AlignModels(models);
  for (const ScoreDomain combine : {ScoreDomain::kLogits, ScoreDomain::kProbabilities}) {
    double before = 2;
    for (const double pull : {0.0, 0.01, 0.1, 1.0, 10.0, 1000.0}) {
      const auto weights = LearnWeights(members, Combination(combine), Missing::kZero, pull);
      EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-12);
      double distance = 0;
      for (const double weight : weights) distance += std::abs(weight - 1.0 / 3);
      EXPECT_LT(distance, before) << pull;
      before = distance;
    }
    EXPECT_LT(before, 0.01);
  }
}

TEST(LearnWeights, WithAPullMinimiseTheLossAndThePullTogether) {
  const auto models = PlantPool({.models = 2, .videos = 100}, 5);
  const auto members = AlignModels(models);
  const Combination combination(ScoreDomain::kLogits);
  const double pull = 0.3;
  // Two weights: theta = (t, -t).
  const auto weights_of = [](double t) {
    return std::vector<double>{1 / (1 + std::exp(-2 * t)), 1 / (1 + std::exp(2 * t))};
  };
  double least = std::numeric_limits<double>::infinity();
  double best = 0;
  for (double t = -2; t <= 2; t += 0.001) {
    const double loss =
        CrossEntropy(members, weights_of(t), combination, Missing::kZero) + pull * t * t;
    if (loss < least) {
      least = loss;
      best = weights_of(t)[0];
    }
  }
  EXPECT_NEAR(LearnWeights(members, combination, Missing::kZero, pull)[0], best, 0.001);
}

TEST(LearnWeights, OfVeryManyVideosLearnsOnEveryNth) {
  const int videos = static_cast<int>(kMostLearnedOn) + 2;
  auto models = PlantPool({.models = 2, .videos = videos, .classes = 2, .list_length = 2}, 3);
  for (EnsembleModel& model : models) {
    int place = 0;
    for (VideoPrediction& video : model.predictions.videos) {
      video.id = "v" + std::to_string(100'000 + place++);
    }
  }
  const auto all = AlignModels(models);
  std::size_t place = 0;
  const auto half = Restrict(all, [&](const std::string&) { return place++ % 2 == 0; });
  const Combination combination(ScoreDomain::kLogits);
  EXPECT_EQ(LearnWeights(all, combination, Missing::kZero),
            LearnWeights(half, combination, Missing::kZero));
}

TEST(LearnWeights, SharesEquallyBetweenEqualModels) {
  auto models = PlantPool({.models = 2, .videos = 40}, 12);
  models[1].predictions = models[0].predictions;
  const auto weights =
      LearnWeights(AlignModels(models), Combination(ScoreDomain::kLogits), Missing::kZero);
  EXPECT_NEAR(weights[0], 0.5, 1e-9);
}

TEST(CrossEntropy, EqualsTheHandComputedSumOverListedAndTrueLabels) {
  // Labels 1 and 2 are listed; 5 is true and not listed, so it counts as the list's last value.
  EnsembleModel model{.name = "m"};
  model.predictions.videos = {{.id = "a", .top = {{1, 0.8}, {2, 0.3}}, .labels = {1, 5}}};
  const std::vector<EnsembleModel> models = {model};
  const double expected = -std::log(0.8) - std::log(1 - 0.3) - std::log(0.3);
  for (const ScoreDomain combine : {ScoreDomain::kLogits, ScoreDomain::kProbabilities}) {
    EXPECT_NEAR(CrossEntropy(AlignModels(models), {1}, Combination(combine), Missing::kLastOfList),
                expected, 1e-12);
  }
}

TEST(Normalised, DividesByTheSumAndIsUniformForNothing) {
  EXPECT_EQ(Normalised({1, 3}), (std::vector<double>{0.25, 0.75}));
  EXPECT_EQ(Normalised({0, 0}), (std::vector<double>{0.5, 0.5}));
}

TEST(NormalisedWeights, MayBeTooLargeToAddUp) {
  const std::vector<double> weights = Normalised({1, 1e308, 1e308});
  EXPECT_LT(weights[0], 1e-300);
  EXPECT_EQ(weights[1], 0.5);
  EXPECT_EQ(weights[2], 0.5);
}

}  // namespace
}  // namespace beamgrid
