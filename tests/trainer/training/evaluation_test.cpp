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

}  // namespace
}  // namespace beamgrid::trainer
