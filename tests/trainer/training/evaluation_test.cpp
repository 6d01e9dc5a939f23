#include "trainer/training/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace beamgrid::trainer {
namespace {

TEST(ScoresOf, WhatRoundingPutAboveOneIsOne) {
  const float above = std::nextafter(1.0F, 2.0F), nan = std::nanf("");
  const torch::Tensor scores = ScoresOf(torch::tensor({0.0F, 0.25F, 1.0F, above, 1.5F, nan}));
  const float* const values = scores.data_ptr<float>();
  EXPECT_EQ(values[0], 0);
  EXPECT_EQ(values[1], 0.25F);
  EXPECT_EQ(values[2], 1);
  EXPECT_EQ(values[3], 1) << "a softmax over experts";
  EXPECT_EQ(values[4], 1.5F) << "no probability, and no rounding";
  EXPECT_TRUE(std::isnan(values[5]));
}

TEST(ScoresOf, AreFloatsOneAfterTheOther) {
  const torch::Tensor scores = ScoresOf(torch::rand({3, 4}, torch::kDouble).t());
  EXPECT_EQ(scores.dtype(), torch::kFloat);
  EXPECT_TRUE(scores.is_contiguous());
}

/// Of rows in which all but three scores are denormals: these are in the order of their values, or
/// where they count as 0 in that of their labels.
TEST(BestLabels, AreTheSameForAnyNumberOfThreads) {
  constexpr std::int64_t kVideos = 400, kClasses = 2000;
  // A test before may have had denormals count as 0, here and in LibTorch's threads.
  at::globalContext().setFlushDenormal(false);
  torch::set_num_threads(1);
  torch::manual_seed(4);
  torch::Tensor scores = torch::rand({kVideos, kClasses}, torch::kFloat);
  torch::Tensor small = scores.slice(1, 3);
  for (float& score : std::span(scores.data_ptr<float>(), kVideos * kClasses)) score *= 1e-10F;
  small.copy_((small * 1e-15F) * 1e-15F);
  std::vector<std::size_t> counts;
  for (std::int64_t video = 0; video < kVideos; ++video)
    counts.push_back(static_cast<std::size_t>(5 + video % 20));
  for (const bool flush : {false, true}) {
    at::globalContext().setFlushDenormal(flush);
    const auto labels = [&](int threads) {
      torch::set_num_threads(threads);
      std::vector<std::int32_t> all;
      for (const auto& row : BestLabels(scores, counts)) {
        for (const ScoredLabel& best : row) all.push_back(best.label);
      }
      return all;
    };
    const std::vector<std::int32_t> alone = labels(1);
    const std::vector<std::int32_t> fourth(alone.begin() + 3, alone.begin() + 5);
    EXPECT_EQ(fourth == (std::vector<std::int32_t>{3, 4}), flush);
    EXPECT_EQ(labels(2), alone);
    EXPECT_EQ(labels(5), alone);
  }
  at::globalContext().setFlushDenormal(false);
  torch::set_num_threads(1);
}

}  // namespace
}  // namespace beamgrid::trainer
