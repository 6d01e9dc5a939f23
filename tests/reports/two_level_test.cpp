#include "reports/two_level.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reports/statistics.h"
#include "tests/reports/planted_tables.h"

namespace beamgrid {
namespace two_level_test {

/// Trials whose resamples move all by the same, or not at all.
std::vector<Resampled> Trials(const std::vector<double>& values,
                              const std::vector<double>& moves = std::vector<double>(4000)) {
  std::vector<Resampled> trials;
  for (const double value : values) {
    trials.push_back({.value = value});
    for (const double move : moves) trials.back().resamples.push_back(value + move);
  }
  return trials;
}

SeededRow RowOf(const std::vector<Resampled>& trials, std::int64_t first_seed = 1) {
  SeededRow row;
  for (const Resampled& trial : trials) {
    row.seeds.push_back(first_seed++);
    row.trials.push_back(&trial);
  }
  return row;
}

/// 4,000 moves like a normal distribution's, by its quantiles.
std::vector<double> NormalMoves(double deviation) {
  std::vector<double> moves;
  for (int i = 0; i < 4000; ++i) {
    // By Acklam's simplest form, the inverse of the logistic approximation: to 1 % in the middle.
    const double share = (i + 0.5) / 4000;
    moves.push_back(deviation * std::log(share / (1 - share)) / 1.702);
  }
  return moves;
}

TEST(TwoLevelDifference, OfSeedsAloneIsAboutTheTInterval) {
  // Differences of 10 seeds; videos do nothing.
  const std::vector<double> a = {0.52, 0.50, 0.55, 0.53, 0.51, 0.54, 0.52, 0.56, 0.49, 0.53};
  const auto row = Trials(a), zero = Trials(std::vector<double>(10, 0.5));
  const RowDifference difference = TwoLevelDifference(RowOf(row), RowOf(zero));
  const double error = SampleDeviation(a) / std::sqrt(10.0);
  EXPECT_EQ(difference.levels, Levels::kSeedsAndVideos);
  EXPECT_NEAR(difference.value, 0.025, 1e-12);
  EXPECT_NEAR(difference.seeds_variance, error * error, 1e-15);
  EXPECT_NEAR(difference.videos_variance, 0, 1e-15);
  const double half = StudentQuantile(0.975, 9) * error;
  EXPECT_NEAR(difference.interval.low, 0.025 - half, 0.08 * half);
  EXPECT_NEAR(difference.interval.high, 0.025 + half, 0.08 * half);
  EXPECT_NEAR(difference.p, PairedTTest(a, std::vector<double>(10, 0.5)), 1e-9);
  EXPECT_GT(*difference.above, 0.99);
}

TEST(TwoLevelDifference, OfVideosAloneIsTheirPercentiles) {
  const std::vector<double> moves = NormalMoves(0.01);
  const auto row = Trials({0.6, 0.6, 0.6}, moves), zero = Trials({0.5, 0.5, 0.5});
  const RowDifference difference = TwoLevelDifference(RowOf(row), RowOf(zero));
  EXPECT_NEAR(difference.interval.low, 0.6 - 0.5 + moves[100], 1e-4);
  EXPECT_NEAR(difference.interval.high, 0.6 - 0.5 + moves[3899], 1e-4);
  EXPECT_NEAR(difference.seeds_variance, 0, 1e-15);
  EXPECT_NEAR(std::sqrt(difference.videos_variance), SampleDeviation(moves), 1e-9);
  EXPECT_EQ(difference.above, 1);
}

TEST(TwoLevelDifference, WhatVideosDoToBothRowsDropsOut) {
  const auto a = Trials({0.6, 0.61}, NormalMoves(0.1)), b = Trials({0.5, 0.51}, NormalMoves(0.1));
  const RowDifference difference = TwoLevelDifference(RowOf(a), RowOf(b));
  EXPECT_NEAR(difference.interval.low, 0.1, 1e-9);
  EXPECT_NEAR(difference.interval.high, 0.1, 1e-9);
  // Other seeds: what seeds do drops out no more, and what videos do still does.
  const RowDifference others = TwoLevelDifference(RowOf(a), RowOf(b, 7));
  EXPECT_NEAR(others.value, 0.1, 1e-12);
  EXPECT_NEAR(others.seeds_variance, 2 * 0.00005 / 2, 1e-9);
  EXPECT_NEAR(others.videos_variance, 0, 1e-12);
  EXPECT_LT(others.interval.low, 0.09);
}

TEST(TwoLevelDifference, OfOneSeedSpeaksOfVideosOnly) {
  const std::vector<double> moves = NormalMoves(0.01);
  const auto a = Trials({0.6}, moves), b = Trials({0.5, 0.52, 0.54});
  const RowDifference difference = TwoLevelDifference(RowOf(a), RowOf(b));
  EXPECT_EQ(difference.levels, Levels::kVideos);
  EXPECT_EQ(difference.seeds_variance, 0);
  EXPECT_NEAR(difference.value, 0.08, 1e-12);
  EXPECT_NEAR(difference.interval.high, 0.08 + moves[3899], 1e-4);
  EXPECT_NEAR(difference.p, std::erfc(0.08 / SampleDeviation(moves) / std::sqrt(2.0)), 1e-9);
}

TEST(TwoLevelDifference, EqualRowsDifferByNothing) {
  const auto a = Trials({0.5, 0.6}, NormalMoves(0.01));
  const RowDifference difference = TwoLevelDifference(RowOf(a), RowOf(a));
  EXPECT_EQ(difference.value, 0);
  EXPECT_EQ(difference.interval.low, 0);
  EXPECT_EQ(difference.interval.high, 0);
  EXPECT_EQ(difference.above, 0.5);
  EXPECT_EQ(difference.p, 1);
}

// stats.ttest_rel(a, b).confidence_interval() and stats.ttest_ind(a, b[:5], equal_var=False)'s, of
// SciPy 1.17.1.
TEST(SeedsDifference, IsTheTInterval) {
  const std::vector<double> a = {0.8213, 0.8190, 0.8251, 0.8222, 0.8240, 0.8199, 0.8275};
  const std::vector<double> b = {0.8201, 0.8195, 0.8213, 0.8209, 0.8251, 0.8171, 0.8239};
  const std::vector<std::int64_t> seeds = {1, 2, 3, 4, 5, 6, 7};
  const auto paired = SeedsDifference(seeds, a, seeds, b);
  EXPECT_NEAR(paired->interval.low, -0.00019440643526635317, 1e-12);
  EXPECT_NEAR(paired->interval.high, 0.0033658350066948927, 1e-12);
  EXPECT_EQ(paired->levels, Levels::kSeeds);
  EXPECT_FALSE(paired->above);
  const auto welch = SeedsDifference(seeds, a, {1, 2, 3, 4, 5}, {b.begin(), b.begin() + 5});
  EXPECT_NEAR(welch->interval.low, -0.0020119465913355236, 1e-12);
  EXPECT_NEAR(welch->interval.high, 0.004680518019906988, 1e-12);
  EXPECT_FALSE(SeedsDifference({1}, {0.5}, {1}, {0.6}));
  EXPECT_EQ(SeedsDifference({1, 2}, {1, 2}, {3, 4}, {1, 2})->value, 0);
  EXPECT_EQ(SeedsDifference({1, 2}, {1, 1}, {3, 4}, {2, 2})->interval.low, -1);
}

// At 10,000 tables: docs/tables.md. Here bounds that a sound test passes for certain, as the tables
// are always the same, and that a wrong one does not.
TEST(TableStatistics, RarelyClaimWhatIsNotThere) {
  const planted::Answer seeds =
      planted::Tables({.seeds = 6, .seed_spread = 0.5, .video_spread = 0}).Ask(100);
  EXPECT_LE(seeds.sign_flip_errors, 5);
  EXPECT_LE(seeds.two_level_errors, 10);
  EXPECT_GE(seeds.covered, seeds.intervals * 9 / 10);
  const planted::Answer few = planted::Tables({.seeds = 3}).Ask(100);
  EXPECT_LE(few.two_level_errors, 10);
  EXPECT_GE(few.covered, few.intervals * 9 / 10);
  // Of other videos the seeds alone know nothing: the t-test errs, the two levels do not.
  const planted::Answer videos =
      planted::Tables({.seeds = 5, .seed_spread = 0.05, .video_spread = 1.5}).Ask(100);
  EXPECT_GE(videos.t_errors, 40);
  EXPECT_LE(videos.two_level_errors, 10);
  EXPECT_GE(videos.covered, videos.intervals * 9 / 10);
}

TEST(TableStatistics, FindWhatWasPlanted) {
  const planted::Answer large = planted::Tables({.seeds = 5, .effect = 2}).Ask(50);
  EXPECT_GE(large.two_level_found, 45);
  EXPECT_EQ(large.sign_flip_found, 0) << "no rank test of five seeds can";
  EXPECT_GE(planted::Tables({.rows = 2, .seeds = 6, .effect = 2}).Ask(50).sign_flip_found, 45);
}

}  // namespace two_level_test
}  // namespace beamgrid
