#include "search/ensemble/gap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "registry/scoring/metrics.h"

namespace beamgrid {
namespace {

constexpr int kTagBits = 5;

/// Scores 0..range-1 with random tags, as packed keys and as the registry's pool.
struct Pools {
  std::vector<std::int64_t> packed;
  std::vector<PooledScore> plain;
};
Pools RandomPools(std::mt19937_64& random, std::size_t size, std::uint64_t range) {
  Pools pools;
  for (std::size_t i = 0; i < size; ++i) {
    const auto score = static_cast<std::int64_t>(random() % range);
    const auto tag = static_cast<std::int64_t>(random() % (1U << kTagBits));
    pools.packed.push_back(score << kTagBits | tag);
    pools.plain.push_back({static_cast<double>(score), (tag & 1) != 0});
  }
  return pools;
}

/// As long as the longest ranking of these tests.
const HarmonicNumbers& Harmonic() {
  static const HarmonicNumbers harmonic = [] {
    HarmonicNumbers numbers;
    numbers.Reserve(30000);
    return numbers;
  }();
  return harmonic;
}

TEST(PackedGap, EqualsTheRegistrysGapWithAndWithoutTies) {
  std::mt19937_64 random(1);
  for (const std::size_t size : {1, 2, 3, 10, 1000, 30000}) {
    for (const std::uint64_t range : {1ULL, 2ULL, 50ULL, 100000ULL, 1ULL << 50}) {
      Pools pools = RandomPools(random, size, range);
      const auto positives = static_cast<std::int64_t>(size + 7);
      PackedGap gap(kTagBits, positives, Harmonic());
      EXPECT_NEAR(gap(pools.packed), GlobalAveragePrecision(pools.plain, positives), 1e-12)
          << size << " scores below " << range;
    }
  }
}

TEST(PackedGap, IsReusableForPoolsOfOtherSizesAndRanges) {
  std::mt19937_64 random(2);
  PackedGap gap(kTagBits, 500, Harmonic());
  for (const std::size_t size : {5000, 3, 700, 20000}) {
    Pools pools = RandomPools(random, size, 1ULL << (size % 50));
    EXPECT_NEAR(gap(pools.packed), GlobalAveragePrecision(pools.plain, 500), 1e-12 * double(size));
  }
}

TEST(PackedGap, ScoresFarBelowTheOthersDoNotMatter) {
  // Whatever part of the pool lies far below, equal scores among them: up to 1,800 of them share
  // one bucket, which is sorted in vectors.
  struct Case {
    std::size_t size, far;
  };
  std::mt19937_64 random(3);
  for (const auto& [size, far] : {Case{1000, 1}, Case{1000, 40}, Case{1000, 60}, Case{1000, 600},
                                  Case{30000, 700}, Case{30000, 1800}}) {
    Pools pools = RandomPools(random, size, 3000);
    for (std::size_t i = 0; i < pools.packed.size(); ++i) {
      const std::int64_t above = i < far ? 0 : std::int64_t{1} << 40;
      pools.packed[i] += above << kTagBits;
      pools.plain[i].score += static_cast<double>(above);
    }
    EXPECT_NEAR(PackedGap(kTagBits, 800, Harmonic())(pools.packed),
                GlobalAveragePrecision(pools.plain, 800), 1e-12 * static_cast<double>(size))
        << far << " of " << size;
  }
}

TEST(PackedGap, IsTheSameToTheLastBitInWhateverOrderTheKeysCome) {
  std::mt19937_64 random(4);
  for (const std::uint64_t range : {500ULL, 1ULL << 45}) {
    Pools pools = RandomPools(random, 5000, range);
    PackedGap gap(kTagBits, 4000, Harmonic());
    const double expected = gap(pools.packed);
    for (int i = 0; i < 5; ++i) {
      std::shuffle(pools.packed.begin(), pools.packed.end(), random);
      EXPECT_EQ(gap(pools.packed), expected);
    }
  }
}

TEST(PackedGap, IsTheSameToTheLastBitForOneRankingWhateverTheScoresAre) {
  // Of a few keys far apart and of many close together, hits are counted in other buckets.
  std::mt19937_64 random(5);
  for (const std::uint64_t hits_in_32 : {4ULL, 16ULL, 30ULL}) {
    std::vector<std::int64_t> close, far;
    std::int64_t score = 0;
    std::int64_t far_score = 0;
    for (int i = 0; i < 2000; ++i) {
      const auto tag = static_cast<std::int64_t>(random() % 32 < hits_in_32 ? 1 : 0);
      if (i % 3 != 0) {  // else the score of the last one again
        ++score;
        far_score += 1 + static_cast<std::int64_t>(random() % (i % 7 == 0 ? 1U << 30 : 3U));
      }
      close.push_back(score << kTagBits | tag);
      far.push_back(far_score << kTagBits | tag);
    }
    EXPECT_EQ(PackedGap(kTagBits, 2000, Harmonic())(close),
              PackedGap(kTagBits, 2000, Harmonic())(far))
        << hits_in_32 << " hits among 32";
  }
}

TEST(PackedGap, IsZeroWithoutPoolOrPositives) {
  EXPECT_EQ(PackedGap(kTagBits, 3, Harmonic())({}), 0);
  const std::vector<std::int64_t> pool = {7 << kTagBits};
  EXPECT_EQ(PackedGap(kTagBits, 0, Harmonic())(pool), 0);
}

TEST(PrecisionSum, CountsATieGroupByItsExpectation) {
  // One miss, then two hits tied with one miss. By hand: the three places have precision
  // expectation (2/3)(1/2 + (1 + 1/2)/3 + (1 + 1)/4).
  HarmonicNumbers harmonic;
  harmonic.Reserve(4);
  PrecisionSum sum(harmonic);
  sum.Add(1, 0);
  sum.Add(3, 2);
  EXPECT_NEAR(sum.sum(), 2.0 / 3 * (0.5 + 0.5 + 0.5), 1e-15);
}

}  // namespace
}  // namespace beamgrid
