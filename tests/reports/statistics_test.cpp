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

// The values below are SciPy 1.17.1's: stats.permutation_test of the differences with
// permutation_type="samples" and n_resamples=inf, stats.ttest_rel, stats.ttest_ind with
// equal_var=False, stats.t.ppf.
const std::vector<double> kA = {0.8213, 0.8190, 0.8251, 0.8222, 0.8240, 0.8199, 0.8275};
const std::vector<double> kB = {0.8201, 0.8195, 0.8213, 0.8209, 0.8251, 0.8171, 0.8239};
const std::vector<double> kFirstB(kB.begin(), kB.begin() + 5);

TEST(SignFlipTest, TriesAllSigns) {
  EXPECT_DOUBLE_EQ(*SignFlipTest(kA, kB), 0.09375);
  EXPECT_DOUBLE_EQ(*SignFlipTest(kB, kA), 0.09375);
  // By hand: of +-1 +-2 +-3 only 6 and -6 are as far from 0 as 6.
  EXPECT_DOUBLE_EQ(*SignFlipTest({1, 2, 3}, {0, 0, 0}), 0.25);
  // Sums of 2 and more: 1 + 2 - 3 is not, 3 + 1 - 2 is, and the rounding of 0.1 + 0.2 plays no
  // part.
  EXPECT_DOUBLE_EQ(*SignFlipTest({0.3, -0.2, 0.1}, {0, 0, 0}), 0.75);
  EXPECT_DOUBLE_EQ(*SignFlipTest({0.3, 0.2, -0.1}, {0, 0, 0}), 0.5);
  EXPECT_DOUBLE_EQ(*SignFlipTest({1, 1}, {1, 1}), 1);
}

// Of 24 differences 20 are 1 and 4 are -1: as far from 0 as 16 is every choice with at most 4 of
// one sign, 2 (1 + 24 + 276 + 2024 + 10626) of 2^24. Of 40 likewise with 10, SciPy's 2
// binom.cdf(10, 40, 0.5).
TEST(SignFlipTest, CountsTheFlipsOfManyPairs) {
  std::vector<double> ones(24, 1.0);
  for (std::size_t i = 0; i < 4; ++i) ones[5 * i] = -1;
  EXPECT_DOUBLE_EQ(*SignFlipTest(ones, std::vector<double>(24)), 25902 / std::pow(2.0, 24));
  std::vector<double> forty(kMostSignFlips, 0.1);
  for (std::size_t i = 0; i < 10; ++i) forty[4 * i] = -0.1;
  EXPECT_NEAR(*SignFlipTest(forty, std::vector<double>(kMostSignFlips)), 0.0022214337732293643,
              1e-12);
  // Different sizes, an odd number of them, and one that is 0: against every choice of signs.
  const std::vector<double> uneven = {0.31, -0.07, 0.23,  0.11, -0.19, 0,
                                      0.05, 0.02,  -0.43, 0.17, 0.08};
  double sum = 0;
  for (const double value : uneven) sum += value;
  std::size_t as_far = 0;
  for (std::size_t signs = 0; signs < std::size_t{1} << uneven.size(); ++signs) {
    double flipped = 0;
    for (std::size_t i = 0; i < uneven.size(); ++i) {
      flipped += (signs >> i & 1U) != 0 ? uneven[i] : -uneven[i];
    }
    if (std::abs(flipped) >= std::abs(sum) - 1e-12) ++as_far;
  }
  EXPECT_DOUBLE_EQ(*SignFlipTest(uneven, std::vector<double>(uneven.size())),
                   static_cast<double>(as_far) / std::pow(2.0, uneven.size()));
}

TEST(SignFlipTest, CanSayNothingWithoutPairsOrWithTooMany) {
  EXPECT_FALSE(SignFlipTest({}, {}));
  EXPECT_FALSE(SignFlipTest(std::vector<double>(41), std::vector<double>(41)));
  EXPECT_TRUE(SignFlipTest(std::vector<double>(12, 1.0), std::vector<double>(12)));
}

TEST(SignFlipTest, HasALeastPThatOnlySixSeedsBringBelowTheLevel) {
  EXPECT_DOUBLE_EQ(LeastSignFlipP(3), 0.25);
  EXPECT_DOUBLE_EQ(*SignFlipTest({2, 3, 4, 5, 6}, {1, 1, 1, 1, 1}), LeastSignFlipP(5));
  EXPECT_GT(LeastSignFlipP(kLeastSignFlips - 1), 0.05);
  EXPECT_LT(LeastSignFlipP(kLeastSignFlips), 0.05);
}

TEST(TTests, EqualSciPys) {
  EXPECT_NEAR(PairedTTest(kA, kB), 0.07209259153417531, 1e-12);
  EXPECT_NEAR(WelchTTest(kA, kFirstB), 0.39503849202001384, 1e-12);
  EXPECT_NEAR(WelchFreedom(kA, kFirstB), 9.969586455786168, 1e-9);
  EXPECT_NEAR(StudentQuantile(0.975, 2), 4.302652729749462, 1e-12);
  EXPECT_NEAR(StudentQuantile(0.975, 9), 2.262157162798205, 1e-12);
  EXPECT_NEAR(StudentQuantile(0.9, 3.5), 1.5765766051364052, 1e-12);
}

// scipy.integrate.quad over z of norm.pdf(z) (t.sf((d - b z) / a) + t.sf((d + b z) / a)).
TEST(BehrensFisherP, EqualsSciPysIntegral) {
  EXPECT_NEAR(BehrensFisherP(3, 1, 2, 1), 0.12595462165572202, 1e-9);
  EXPECT_NEAR(BehrensFisherP(-0.02, 0.001, 1, 0.01), 0.0851726816650072, 1e-9);
  EXPECT_NEAR(BehrensFisherP(2.5, 1, 9, 0.2), 0.03572249996041843, 1e-9);
  EXPECT_NEAR(BehrensFisherP(0.5, 0.3, 3.7, 0.9), 0.6115184048422782, 1e-9);
}

TEST(BehrensFisherP, IsTheNormalOrTheTTestWhereThereIsOnePart) {
  EXPECT_NEAR(BehrensFisherP(1.959963984540054, 0, 2, 1), 0.05, 1e-12);
  EXPECT_NEAR(BehrensFisherP(4.302652729749462, 1, 2, 0), 0.05, 1e-12);
  EXPECT_EQ(BehrensFisherP(0, 0, 1, 0), 1);
  EXPECT_EQ(BehrensFisherP(0.1, 0, 1, 0), 0);
}

// By hand, by Holm's rule: the smallest of m times m, the next times m - 1, never below the one
// before.
TEST(Holm, MultipliesStepByStep) {
  const std::vector<double> corrected = Holm({0.01, 0.04, 0.03, 0.005, 0.9});
  const double expected[] = {0.04, 0.09, 0.09, 0.025, 0.9};
  ASSERT_EQ(corrected.size(), std::size(expected));
  for (std::size_t i = 0; i < corrected.size(); ++i) EXPECT_NEAR(corrected[i], expected[i], 1e-15);
  EXPECT_EQ(Holm({0.7, 0.6}), (std::vector<double>{1, 1}));
  EXPECT_TRUE(Holm({}).empty());
}

}  // namespace
}  // namespace beamgrid
