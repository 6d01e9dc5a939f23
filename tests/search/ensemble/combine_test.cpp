#include "search/ensemble/combine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "registry/util/error.h"
#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {
namespace {

double Logit(double p) {
  p = std::min(std::max(p, 1e-6), 1 - 1e-6);
  return std::log(p) - std::log1p(-p);
}

/// One label's ensemble score by the definition.
double ByDefinition(const std::vector<const Predictions*>& members, std::size_t video,
                    const std::vector<double>& weights, std::int32_t label, bool logits,
                    Missing missing) {
  double sum = 0;
  double weight_sum = 0;
  for (std::size_t m = 0; m < members.size(); ++m) {
    const auto& top = members[m]->videos[video].top;
    double p = missing == Missing::kZero || top.empty() ? 0 : top.back().score;
    for (const auto& entry : top) p = entry.label == label ? entry.score : p;
    sum += weights[m] * (logits ? Logit(p) : p);
    weight_sum += weights[m];
  }
  const double mean = sum / weight_sum;
  return logits ? 1 / (1 + std::exp(-mean)) : mean;
}

TEST(Combine, EqualsItsDefinitionLabelByLabel) {
  const auto models = PlantPool({.models = 3, .videos = 20, .classes = 30, .list_length = 9}, 3);
  std::vector<const Predictions*> members;
  for (const auto& model : models) members.push_back(&model.predictions);
  for (const bool logits : {true, false}) {
    for (const Missing missing : {Missing::kZero, Missing::kLastOfList}) {
      for (const auto& weights :
           {std::vector<double>{1, 1, 1}, std::vector<double>{0.2, 0.7, 0.1}}) {
        const Predictions combined =
            Combine(members, weights, logits ? ScoreDomain::kLogits : ScoreDomain::kProbabilities,
                    missing, 100);
        for (std::size_t v = 0; v < combined.videos.size(); ++v) {
          std::map<std::int32_t, double> expected;
          for (const Predictions* member : members) {
            for (const auto& entry : member->videos[v].top) {
              expected[entry.label] =
                  ByDefinition(members, v, weights, entry.label, logits, missing);
            }
          }
          const auto& top = combined.videos[v].top;
          ASSERT_EQ(top.size(), expected.size());
          for (std::size_t i = 0; i < top.size(); ++i) {
            EXPECT_NEAR(top[i].score, expected.at(top[i].label), 1e-11);
            EXPECT_GE(top[i == 0 ? 0 : i - 1].score, top[i].score);
          }
          EXPECT_EQ(combined.videos[v].labels, models[0].predictions.videos[v].labels);
        }
      }
    }
  }
}

Predictions OneVideo(std::vector<ScoredLabelDouble> top) {
  return {.classes = 10, .top_k = 5, .videos = {{.id = "a", .top = std::move(top), .labels = {1}}}};
}

TEST(Combine, KeepsScoresEqualThatAreEqualOnPaper) {
  // 0.3 + 0.5 and 0.7 + 0.1 differ in binary.
  const Predictions a = OneVideo({{4, 0.7}, {2, 0.3}});
  const Predictions b = OneVideo({{2, 0.5}, {4, 0.1}});
  const Predictions combined =
      Combine({&a, &b}, {0.5, 0.5}, ScoreDomain::kProbabilities, Missing::kZero, 5);
  const auto& top = combined.videos[0].top;
  ASSERT_EQ(top.size(), 2U);
  EXPECT_EQ(top[0].label, 2) << "equal scores: the lower label first";
  EXPECT_EQ(top[0].score, top[1].score);
  EXPECT_DOUBLE_EQ(top[0].score, 0.4);
}

TEST(Combine, ZeroAndOneAreAsFarFromOneHalfAsLogits) {
  // 1 and nothing on the label 2, 1/2 and 1/2 on the label 4.
  const Predictions a = OneVideo({{2, 1.0}, {4, 0.5}});
  const Predictions b = OneVideo({{4, 0.5}});
  const Predictions combined = Combine({&a, &b}, {1, 1}, ScoreDomain::kLogits, Missing::kZero, 5);
  const auto& top = combined.videos[0].top;
  ASSERT_EQ(top.size(), 2U);
  EXPECT_EQ(top[0].label, 2) << "equal scores: the lower label first";
  EXPECT_EQ(top[0].score, top[1].score);
  EXPECT_NEAR(top[0].score, 0.5, 1e-12);
}

TEST(Combine, DoesNotDependOnTheOrderOfMembers) {
  const auto models = PlantPool({.models = 3, .videos = 10}, 5);
  const auto& [a, b, c] =
      std::tie(models[0].predictions, models[1].predictions, models[2].predictions);
  const Predictions one =
      Combine({&a, &b, &c}, {0.5, 0.3, 0.2}, ScoreDomain::kLogits, Missing::kZero, 20);
  const Predictions other =
      Combine({&c, &a, &b}, {0.2, 0.5, 0.3}, ScoreDomain::kLogits, Missing::kZero, 20);
  for (std::size_t v = 0; v < one.videos.size(); ++v) {
    for (std::size_t i = 0; i < one.videos[v].top.size(); ++i) {
      EXPECT_EQ(one.videos[v].top[i].label, other.videos[v].top[i].label);
      EXPECT_EQ(one.videos[v].top[i].score, other.videos[v].top[i].score);
    }
  }
}

TEST(Combine, OfOneModelIsThatModelCut) {
  // 1 and 0.9999999 would both be clamped to one logit.
  const Predictions a = OneVideo({{7, 1.0}, {3, 0.9999999}, {1, 0.5}});
  const Predictions combined = Combine({&a}, {1}, ScoreDomain::kLogits, Missing::kZero, 2);
  const auto& top = combined.videos[0].top;
  ASSERT_EQ(top.size(), 2U);
  EXPECT_EQ(top[0].label, 7);
  EXPECT_EQ(top[1].label, 3);
  EXPECT_EQ(top[1].score, 0.9999999);
}

TEST(Combine, AnAbsentLabelMeansToEachListWhatItSays) {
  const Predictions ours{.classes = 3, .videos = {{"v", {{0, 0.8}, {1, 0.4}}, {}}}};
  const Predictions file{.classes = 3, .videos = {{"v", {{2, 0.9}}, {}}}};
  const Predictions combined =
      Combine({&ours, &file}, {1, 1}, ScoreDomain::kProbabilities,
              std::vector<Missing>{Missing::kLastOfList, Missing::kZero}, 3);
  const auto& top = combined.videos[0].top;
  ASSERT_EQ(top.size(), 3U);
  EXPECT_EQ(top[0].label, 2);
  EXPECT_NEAR(top[0].score, (0.4 + 0.9) / 2, 1e-12);
  EXPECT_NEAR(top[1].score, (0.8 + 0) / 2, 1e-12);
  EXPECT_NEAR(top[2].score, (0.4 + 0) / 2, 1e-12);
}

TEST(Combine, RefusesOtherVideosAndMissingWeights) {
  const Predictions a = OneVideo({{1, 0.5}});
  Predictions b = a;
  b.videos[0].id = "b";
  EXPECT_THROW((void)Combine({&a, &b}, {1, 1}, ScoreDomain::kLogits, Missing::kZero, 5),
               UsageError);
  EXPECT_THROW((void)Combine({&a, &a}, {1}, ScoreDomain::kLogits, Missing::kZero, 5), UsageError);
  EXPECT_THROW((void)Combine({}, {}, ScoreDomain::kLogits, Missing::kZero, 5), UsageError);
}

TEST(CombineVideo, WeightsThatAreWholeNumbersToEachOtherKeepTies) {
  // 3, 1, 1, 1 of 19: the first model alone says as much as the three together.
  const Combination votes(ScoreDomain::kVotes);
  const VideoPrediction one{.id = "v", .top = {{7, 0.9}}}, other{.id = "v", .top = {{4, 0.9}}};
  const VideoPrediction rest{.id = "v", .top = {{1, 0.9}}};
  const std::vector<const VideoPrediction*> members = {&one, &other, &other, &other, &rest};
  const std::vector<Missing> missing(members.size(), Missing::kZero);
  const std::vector<double> weights = {3.0 / 19, 1.0 / 19, 1.0 / 19, 1.0 / 19, 13.0 / 19};
  const VideoPrediction combined = CombineVideo(members, weights, votes, missing, 5);
  ASSERT_EQ(combined.top.size(), 3U);
  EXPECT_EQ(combined.top[0].label, 1);
  EXPECT_EQ(combined.top[1].label, 4);
  EXPECT_EQ(combined.top[2].label, 7);
  EXPECT_EQ(combined.top[1].score, combined.top[2].score);
  EXPECT_DOUBLE_EQ(combined.top[1].score, 3.0 / 19);
}

TEST(Rounded, IsLlround) {
  std::mt19937_64 random(1);
  for (const double number : {0.0, 0.25, 0.49999999999999994, 0.5, 0.5000000000000001, 1.5, 2.5,
                              4503599627370495.5, 4503599627370497.0, 9007199254740993.0, 4e18}) {
    EXPECT_EQ(Rounded(number), std::llround(number)) << number;
  }
  for (int i = 0; i < 10000; ++i) {
    const double number =
        std::ldexp(static_cast<double>(random()), -static_cast<int>(random() % 64) - 2);
    ASSERT_EQ(Rounded(number), std::llround(number)) << number;
    const double half = std::floor(number) + 0.5;
    ASSERT_EQ(Rounded(half), std::llround(half)) << half;
    ASSERT_EQ(Rounded(std::nextafter(half, 0)), std::llround(std::nextafter(half, 0))) << half;
  }
}

}  // namespace
}  // namespace beamgrid
