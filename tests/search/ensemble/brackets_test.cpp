#include "search/ensemble/brackets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "registry/scoring/metrics.h"

namespace beamgrid {
namespace {

constexpr std::size_t kTestBins = 64;

/// A ranking with its exact scores in 0..1, and the counts of bins that each score may miss by
/// `off` bins.
struct Ranking {
  std::vector<PooledScore> exact;
  BinCounts counts = BinCounts(2 * kTestBins);
};

Ranking RandomRanking(std::mt19937& random, std::size_t size, double step, double off) {
  Ranking ranking;
  std::uniform_real_distribution<double> uniform(0.02, 0.98);
  std::uniform_real_distribution<double> shifted(-off, off);
  for (std::size_t i = 0; i < size; ++i) {
    double score = uniform(random);
    if (step > 0) score = std::clamp(std::round(score / step) * step, 0.02, 0.98);
    const bool hit = uniform(random) < score * score;
    ranking.exact.push_back({score, hit});
    const double coarse = score + shifted(random) / kTestBins;
    ++ranking.counts[2 * static_cast<std::size_t>(coarse * kTestBins) + (hit ? 1 : 0)];
  }
  return ranking;
}

TEST(BoundsOf, HoldTheExactGapWhateverTheTiesAndTheErrors) {
  std::mt19937 random(1);
  HarmonicNumbers harmonic;
  harmonic.Reserve(5000);
  for (const std::size_t size : {1, 2, 7, 100, 5000}) {
    for (const double step : {0.0, 0.3, 0.05, 1.0 / kTestBins}) {
      for (const double off : {0.0, 0.5}) {
        for (int repeat = 0; repeat < 20; ++repeat) {
          Ranking ranking = RandomRanking(random, size, step, off);
          const auto positives = static_cast<std::int64_t>(size);
          const GapBounds bounds = BoundsOf(ranking.counts, positives, 0, harmonic);
          const double gap = GlobalAveragePrecision(ranking.exact, positives);
          EXPECT_LE(bounds.low, gap) << size << " " << step << " " << off;
          EXPECT_GE(bounds.high, gap) << size << " " << step << " " << off;
        }
      }
    }
  }
}

TEST(BoundsOf, AreTheTwoOrdersWithinABinAndItsNeighbour) {
  // By hand. Bin 2: a hit; bin 1: a miss and a hit; bin 0: a miss.
  BinCounts counts(2 * 3);
  counts[2 * 2 + 1] = counts[2 * 1] = counts[2 * 1 + 1] = counts[0] = 1;
  HarmonicNumbers harmonic;
  harmonic.Reserve(4);
  const GapBounds bounds = BoundsOf(counts, 2, 0, harmonic);
  // At best the hits stand first; at worst each has the misses of its bin and of the one below
  // before it: hit at 2, then at 4.
  EXPECT_NEAR(bounds.high, 1, 1e-8);
  EXPECT_NEAR(bounds.low, (1.0 / 2 + 2.0 / 4) / 2, 1e-8);
}

TEST(BoundsOf, AreCloseWhereBinsHoldFew) {
  std::mt19937 random(2);
  HarmonicNumbers harmonic;
  harmonic.Reserve(200000);
  BinCounts counts(2 * kBins);
  std::int64_t positives = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::size_t bin = random() % kBins;
    const bool hit = random() % kBins < bin / 4;
    ++counts[2 * bin + (hit ? 1 : 0)];
    positives += hit ? 1 : 0;
  }
  const GapBounds bounds = BoundsOf(counts, positives, 0, harmonic);
  EXPECT_GT(bounds.high, bounds.low);
  EXPECT_LT(bounds.high - bounds.low, 5e-4);
}

TEST(BoundsOf, AreWiderByWhatUnsureHitsCanChange) {
  // A ranking of 30 with distinct scores, of which some misses become hits and as many hits misses.
  std::mt19937 random(3);
  HarmonicNumbers harmonic;
  harmonic.Reserve(30);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<PooledScore> pool;
    BinCounts counts(2 * kTestBins);
    for (std::size_t i = 0; i < 30; ++i) {
      const bool hit = random() % 3 == 0;
      pool.push_back({static_cast<double>(2 * i), hit});
      ++counts[2 * (2 * i) + (hit ? 1 : 0)];
    }
    const std::int64_t unsure = 1 + random() % 3;
    for (std::int64_t i = 0; i < unsure; ++i) {
      PooledScore& item = pool[random() % 30];
      item.positive = !item.positive;
    }
    const GapBounds bounds = BoundsOf(counts, 10, unsure, harmonic);
    const double gap = GlobalAveragePrecision(pool, 10);
    EXPECT_LE(bounds.low, gap);
    // More than 10 hits may be there: the bound of 1 holds of true rankings only.
    EXPECT_GE(bounds.high, std::min(gap, 1.0));
  }
}

}  // namespace
}  // namespace beamgrid
