#include "search/ensemble/weigh.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "search/ensemble/weights.h"
#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// How a model sees the truth: logit = scale * (evidence + noise) + shift.
struct View {
  double noise = 1, scale = 1, shift = 0;
};

/// Models that see the same evidence, each through noise of its own. Every class is listed.
std::vector<EnsembleModel> Plant(const std::vector<View>& views, int videos, std::uint32_t seed) {
  constexpr int kClasses = 8;
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<EnsembleModel> models(views.size());
  for (std::size_t m = 0; m < models.size(); ++m) {
    models[m].name = std::string(1, static_cast<char>('a' + m));
    models[m].size_bytes = 100;
  }
  for (int v = 0; v < videos; ++v) {
    std::vector<std::int32_t> labels;
    std::vector<VideoPrediction> seen(views.size());
    for (std::int32_t c = 0; c < kClasses; ++c) {
      const bool positive = random() % 4 == 0;
      if (positive) labels.push_back(c);
      for (std::size_t m = 0; m < views.size(); ++m) {
        const View& view = views[m];
        const double logit =
            view.scale * ((positive ? 1 : -1) + view.noise * normal(random)) + view.shift;
        seen[m].top.push_back({c, 1 / (1 + std::exp(-logit))});
      }
    }
    for (std::size_t m = 0; m < views.size(); ++m) {
      seen[m].id = "v" + std::to_string(v);
      seen[m].labels = labels;
      models[m].predictions.videos.push_back(std::move(seen[m]));
    }
  }
  return models;
}

Weighed WeighPlanted(const std::vector<EnsembleModel>& models, Weighting weights) {
  return WeighMembers(AlignModels(models), std::vector<double>(models.size(), 1), weights,
                      Drop::kIdle, Combination(ScoreDomain::kLogits), Missing::kZero);
}

TEST(WeighMembers, AutoLearnsWhereOneModelIsMuchClearer) {
  // The best weights go by 1 / variance, 16 : 1; equal ones throw most of the first model away.
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    const auto models = Plant({{.noise = 1}, {.noise = 4, .scale = 1}}, 400, seed);
    const Weighed weighed = WeighPlanted(models, Weighting::kAuto);
    EXPECT_EQ(weighed.weights, Weighting::kLearned) << seed;
    ASSERT_EQ(weighed.scores.size(), 3U);
    EXPECT_GT(weighed.scores[2].gap, weighed.scores[0].gap);
  }
}

TEST(WeighMembers, AutoTakesTheMeanOfEqualModels) {
  // Many models of one kind and few videos: what is learned is noise, the mean is the truth.
  int learned = 0;
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    const auto models = Plant(std::vector<View>(6, {.noise = 2}), 25, seed);
    if (WeighPlanted(models, Weighting::kAuto).weights == Weighting::kLearned) ++learned;
  }
  EXPECT_LE(learned, 3);
}

TEST(WeighMembers, AutoIsNotDeceivedByWeightsThatFitTheirOwnVideos) {
  // On the videos that they were learned on, learned weights look better more often than not.
  int deceived = 0;
  int chosen = 0;
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    const auto models = Plant(std::vector<View>(8, {.noise = 2}), 15, seed);
    const auto aligned = AlignModels(models);
    const Combination combination(ScoreDomain::kLogits);
    const auto gap = [&](const std::vector<double>& weights) {
      return ScoreLists(CombineAll(aligned, weights, combination, Missing::kZero)).gap;
    };
    const double uniform = gap(std::vector<double>(models.size(), 1.0 / 8));
    double learned = 0;
    for (const double pull : {0.0, 0.1, 1.0, 10.0}) {
      const auto weights = LearnWeights(aligned, combination, Missing::kZero, pull);
      learned = std::max(learned, gap(weights));
    }
    if (learned > uniform) ++deceived;
    if (WeighPlanted(models, Weighting::kAuto).weights == Weighting::kLearned) ++chosen;
  }
  EXPECT_GT(deceived, chosen);
}

TEST(WeighMembers, AutoScoresEachFoldWithTheWeightsOfTheOthers) {
  // Uniform weights are the same in every fold: their score is the GAP of all videos.
  const auto models = Plant({{.noise = 1}, {.noise = 2}}, 60, 3);
  const Weighed weighed = WeighPlanted(models, Weighting::kAuto);
  const double uniform = ScoreLists(CombineAll(AlignModels(models), {0.5, 0.5},
                                               Combination(ScoreDomain::kLogits), Missing::kZero))
                             .gap;
  EXPECT_NEAR(weighed.scores[0].gap, uniform, 1e-12);
  EXPECT_NE(weighed.scores[2].gap, uniform);
}

TEST(WeighMembers, PullsLearnedWeightsAsStronglyAsCrossFittingSays) {
  // Where one model is much clearer, what is learned is true; among models of one kind it is noise.
  const auto clear = Plant({{.noise = 1}, {.noise = 4}}, 400, 1);
  const auto alike = Plant(std::vector<View>(6, {.noise = 2}), 25, 1);
  const Weighed weak = WeighPlanted(clear, Weighting::kLearned);
  const Weighed strong = WeighPlanted(alike, Weighting::kLearned);
  ASSERT_TRUE(weak.pull && strong.pull);
  EXPECT_LT(*weak.pull, *strong.pull);
  EXPECT_THAT(weak.scores, IsEmpty()) << "nothing but learned weights was asked for";
  EXPECT_FALSE(WeighPlanted(clear, Weighting::kUniform).pull);
}

TEST(WeighMembers, LearnedOfTooFewVideosAreNearlyEqual) {
  const auto models = Plant({{.noise = 1}, {.noise = 2}}, 1, 1);
  const Weighed weighed =
      WeighMembers(AlignModels(models), {1, 1}, Weighting::kLearned, Drop::kNone,
                   Combination(ScoreDomain::kLogits), Missing::kZero);
  EXPECT_EQ(weighed.pull, 10);
  ASSERT_EQ(weighed.members.size(), 2U);
  EXPECT_NEAR(weighed.members[0].weight, 0.5, 0.1);
}

TEST(WeighMembers, AutoOfTooFewVideosIsTheMean) {
  const Weighed weighed = WeighPlanted(Plant({{.noise = 1}, {.noise = 2}}, 1, 1), Weighting::kAuto);
  EXPECT_EQ(weighed.weights, Weighting::kUniform);
  EXPECT_THAT(weighed.scores, IsEmpty());
}

TEST(WeighMembers, DropsAMemberWithoutUse) {
  for (const Weighting weights : {Weighting::kUniform, Weighting::kGap, Weighting::kLearned}) {
    // The third says the same of every label: it moves all scores and no rank.
    const auto models = Plant({{.noise = 1.5}, {.noise = 1.5}, {.noise = 0, .scale = 0}}, 200, 5);
    const Weighed weighed = WeighPlanted(models, weights);
    EXPECT_THAT(weighed.dropped, ElementsAre(2)) << WordFor(kWeightings, weights);
    ASSERT_EQ(weighed.members.size(), 2U);
    EXPECT_NEAR(weighed.members[0].weight + weighed.members[1].weight, 1, 1e-12);
  }
}

TEST(WeighMembers, OfTwoCopiesTheLargerGoes) {
  auto models = Plant({{.noise = 1.5}, {.noise = 1.5}}, 100, 7);
  models.push_back(models[1]);
  models[2].name = "c";
  models[1].size_bytes = 200;
  const Weighed weighed = WeighPlanted(models, Weighting::kLearned);
  // The copies share one weight, so either may go without loss.
  EXPECT_THAT(weighed.dropped, ElementsAre(1));
}

TEST(WeighMembers, KeepsTheLastMember) {
  const auto models = Plant({{.noise = 0, .scale = 0}, {.noise = 0, .scale = 0}}, 20, 1);
  EXPECT_EQ(WeighPlanted(models, Weighting::kUniform).members.size(), 1U);
}

TEST(WeighMembers, KeepsEveryMemberThatAddsSomething) {
  const auto models = Plant({{.noise = 1.5}, {.noise = 1.5}, {.noise = 1.5}}, 300, 2);
  for (const Weighting weights : {Weighting::kUniform, Weighting::kLearned, Weighting::kAuto}) {
    const Weighed weighed = WeighPlanted(models, weights);
    EXPECT_THAT(weighed.dropped, IsEmpty());
    EXPECT_EQ(weighed.members.size(), 3U);
  }
}

}  // namespace
}  // namespace beamgrid
