#include "search/ensemble/contest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

namespace beamgrid {
namespace {

TEST(Contest, AsksForAllThatMayBeAmongTheBestAndForFewOthers) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::size_t computed = 0;
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<double> gaps(100);
    std::vector<GapBounds> bounds;
    for (double& gap : gaps) {
      gap = std::round(uniform(random) * 50) / 50;
      bounds.push_back({gap - 0.05 * uniform(random), gap + 0.05 * uniform(random)});
    }
    const std::size_t keep = 1 + random() % 10;
    const double at_least = repeat % 3 == 0 ? 0.9 : 0;
    Contest contest(bounds, keep, at_least);
    std::vector<bool> known(gaps.size());
    for (auto next = contest.Next(); !next.empty(); next = contest.Next()) {
      ASSERT_TRUE(std::ranges::is_sorted(next));
      for (const std::size_t set : next) {
        ASSERT_FALSE(known[set]) << "asked for twice";
        known[set] = true;
        contest.Tell(set, gaps[set]);
        ++computed;
      }
    }
    std::vector<double> sorted = gaps;
    std::ranges::sort(sorted, std::greater<>());
    for (std::size_t set = 0; set < gaps.size(); ++set) {
      EXPECT_TRUE(known[set] || gaps[set] < std::max(sorted[keep - 1], at_least));
    }
  }
  EXPECT_LT(computed, 200U * 35U);
}

TEST(Contest, OfWhichNothingIsKnownAsksForAllAtOnceAndOfNoneForNothing) {
  const std::vector<GapBounds> unknown(40);
  EXPECT_EQ(Contest(unknown, 1, 0).Next().size(), 40U);
  EXPECT_TRUE(Contest({}, 1, 0).Next().empty());
}

}  // namespace
}  // namespace beamgrid
