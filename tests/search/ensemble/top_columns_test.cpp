#include "search/ensemble/top_columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

namespace beamgrid {
namespace {

constexpr int kZeroScore = -32768;

/// Rows of one video and what the long way says of them.
struct SumCase {
  std::size_t width = 0, columns = 0, models = 0;
  std::vector<std::int16_t> set, added, scratch;
  std::vector<std::int32_t> which;
  std::vector<std::uint16_t> floors, hits;
  int least = 0;

  [[nodiscard]] int Sum(std::size_t model, std::size_t column) const {
    return set[column] + added[model * width + column];
  }
  [[nodiscard]] RowSums Rows() {
    return {.width = width,
            .set = set.data(),
            .added = added.data(),
            .count = which.size(),
            .models = which.data(),
            .least = least,
            .scratch = scratch.data()};
  }
};

/// Scores below `range`: few of them make many ties.
SumCase RandomSums(std::mt19937& random, std::size_t columns, int range) {
  SumCase c;
  c.columns = columns;
  c.width = (columns + kRowStep - 1) / kRowStep * kRowStep;
  c.models = 9;
  c.set.assign(c.width, kZeroScore);
  c.added.assign(c.width * c.models, 0);
  c.scratch.resize(c.width);
  c.hits.assign(c.width, 0);
  const auto below = [&](int bound) {
    return static_cast<int>(random() % static_cast<std::uint32_t>(bound));
  };
  for (std::size_t i = 0; i < columns; ++i) {
    c.set[i] = static_cast<std::int16_t>(kZeroScore + 10 + below(range));
    for (std::size_t m = 0; m < c.models; ++m) {
      c.added[m * c.width + i] = static_cast<std::int16_t>(below(range / 4 + 1));
    }
    c.hits[i] = random() % 4 == 0 ? 1 : 0;
  }
  for (std::size_t m = 0; m < c.models; ++m) {
    c.floors.push_back(static_cast<std::uint16_t>(below(100)));
  }
  c.which = {8, 0, 3, 3, 7, 1};
  c.least = TwentiethOf(c.set.data(), c.width, kZeroScore + kLeastApart);
  return c;
}

/// The columns by falling sum.
std::vector<std::size_t> BySum(const SumCase& c, std::size_t model) {
  std::vector<std::size_t> order(c.width);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t column) { return c.Sum(model, column); });
  return order;
}

class TopColumns : public testing::TestWithParam<std::pair<std::size_t, int>> {};

TEST_P(TopColumns, AreTheTwentyBestWhereTheyStandApartAndOnlyThere) {
  const auto [columns, range] = GetParam();
  std::mt19937 random(7);
  TopGuess guess(9);
  int certain = 0, uncertain = 0;
  for (int repeat = 0; repeat < 100; ++repeat) {
    SumCase c = RandomSums(random, columns, range);
    std::vector<std::uint16_t> found(TopsRoom(c.which.size())), bins(found.size());
    std::vector<std::uint8_t> sure(c.which.size()), sure_bins(c.which.size());
    FindTopColumns(c.Rows(), guess, found.data(), sure.data());
    FindTopBins(c.Rows(), c.floors.data(), c.hits.data(), guess, bins.data(), sure_bins.data());
    for (std::size_t g = 0; g < c.which.size(); ++g) {
      const auto model = static_cast<std::size_t>(c.which[g]);
      std::vector<std::size_t> best = BySum(c, model);
      const int twentieth = c.Sum(model, best[kGapTop - 1]);
      const bool apart = twentieth >= c.least && twentieth - c.Sum(model, best[kGapTop]) >= 3;
      ASSERT_EQ(sure[g] != 0, apart) << repeat << " " << g;
      ASSERT_EQ(sure_bins[g] != 0, apart);
      ++(apart ? certain : uncertain);
      if (!apart) continue;
      best.resize(kGapTop);
      std::ranges::sort(best);
      for (std::size_t i = 0; i < best.size(); ++i) {
        ASSERT_EQ(found[g * kGapTop + i], best[i]);
        const int score = c.Sum(model, best[i]) - kZeroScore + c.floors[model];
        ASSERT_EQ(bins[g * kGapTop + i], (score & ~1) | c.hits[best[i]]);
      }
    }
  }
  EXPECT_TRUE(columns <= kGapTop || range < 4000 || certain > uncertain) << certain;
  EXPECT_TRUE(range > 40 || uncertain > 0);
}

INSTANTIATE_TEST_SUITE_P(WidthsAndTies, TopColumns,
                         testing::Values(std::pair{5U, 4000}, std::pair{20U, 4000},
                                         std::pair{21U, 4000}, std::pair{32U, 40},
                                         std::pair{33U, 25000}, std::pair{64U, 4000},
                                         std::pair{100U, 25000}, std::pair{150U, 40},
                                         std::pair{600U, 25000}, std::pair{600U, 3}));

TEST(TwentiethOf, IsTheTwentiethOrTheLeast) {
  std::mt19937 random(3);
  for (const std::size_t width : {32, 64, 256}) {
    for (const int range : {1, 7, 60000}) {
      std::vector<std::int16_t> scores(width);
      for (std::int16_t& score : scores) {
        score = static_cast<std::int16_t>(
            -32768 + static_cast<int>(random() % static_cast<std::uint32_t>(range)));
      }
      std::vector<std::int16_t> sorted = scores;
      std::ranges::sort(sorted, std::greater<>());
      for (const int least : {-32765, 0, 30000}) {
        EXPECT_EQ(TwentiethOf(scores.data(), width, least),
                  std::max<int>(least, sorted[kGapTop - 1]));
      }
    }
  }
}

}  // namespace
}  // namespace beamgrid
