#include "reports/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace beamgrid {
namespace {

TEST(Statistics, MeanAndSampleDeviation) {
  EXPECT_DOUBLE_EQ(Mean({1, 2, 6}), 3);
  EXPECT_DOUBLE_EQ(SampleDeviation({1, 2, 6}), std::sqrt(7.0));
}

// With 1 degree of freedom t is Cauchy distributed: p = 1 - 2 atan(t) / pi. With 2 it is
// p = 1 - t / sqrt(2 + t^2).
TEST(PairedTTest, EqualsTheClosedFormsOfOneAndTwoDegreesOfFreedom) {
  const double pi = std::acos(-1.0);
  // Differences 1 and 3: mean 2, standard error 1.
  EXPECT_NEAR(PairedTTest({1, 3}, {0, 0}), 1 - 2 * std::atan(2.0) / pi, 1e-12);
  // Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3).
  const double t = 2 * std::sqrt(3.0);
  EXPECT_NEAR(PairedTTest({2, 4, 6}, {1, 2, 3}), 1 - t / std::sqrt(2 + t * t), 1e-12);
}

TEST(PairedTTest, IsSymmetricAndKnowsNoSpread) {
  EXPECT_DOUBLE_EQ(PairedTTest({1, 5, 2}, {2, 3, 4}), PairedTTest({2, 3, 4}, {1, 5, 2}));
  EXPECT_EQ(PairedTTest({1, 2}, {1, 2}), 1);
  EXPECT_EQ(PairedTTest({2, 3}, {1, 2}), 0);
}

TEST(WelchTTest, EqualsStudentsTestWhereSizesAndSpreadsAreEqual) {
  // Both have deviation 1 and n = 2... 2 degrees of freedom; t = 3 / sqrt(1/2 * 2 * 1/2 * 2).
  const double deviation = std::sqrt(0.5);
  const double error = std::sqrt(2 * deviation * deviation / 2);
  const double t = 3 / error;
  EXPECT_NEAR(WelchTTest({3, 4}, {0, 1}), 1 - t / std::sqrt(2 + t * t), 1e-12);
}

TEST(WelchTTest, TakesOnlyTheSpreadThatThereIs) {
  // b has no spread: the degrees of freedom are those of a alone (2).
  const double t = 2 / (1 / std::sqrt(3.0));
  EXPECT_NEAR(WelchTTest({1, 2, 3}, {0, 0}), 1 - t / std::sqrt(2 + t * t), 1e-12);
  EXPECT_EQ(WelchTTest({1, 1}, {1, 1}), 1);
  EXPECT_EQ(WelchTTest({2, 2}, {1, 1}), 0);
}

}  // namespace
}  // namespace beamgrid
