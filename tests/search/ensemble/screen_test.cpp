#include "search/ensemble/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "registry/scoring/metrics.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;

TEST(StagesOf, DoubleTheSampleAndTakeEachPieceOnce) {
  for (const std::size_t pieces : {64, 65, 96, 97, 391, 2149}) {
    const auto stages = StagesOf(pieces);
    ASSERT_GE(stages.size(), 2) << pieces;
    std::set<std::size_t> seen;
    for (const std::vector<std::size_t>& stage : stages) {
      EXPECT_TRUE(std::ranges::is_sorted(stage));
      const std::size_t before = seen.size();
      seen.insert(stage.begin(), stage.end());
      EXPECT_EQ(seen.size(), before + stage.size());
      if (&stage == &stages.back()) {
        EXPECT_EQ(stage.back(), pieces - 1);
        EXPECT_GE(2 * stage.size(), before);
      } else {
        EXPECT_EQ(stage.size(), before == 0 ? kStrands : before);
      }
    }
    EXPECT_EQ(seen.size(), pieces);
  }
  EXPECT_THAT(StagesOf(3), ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_EQ(StagesOf(63).size(), 1);
  // Drawn, and not the first of them: videos may be in an order that means something.
  EXPECT_GT(StagesOf(640)[0].back(), 320);
}

/// Labels of two sets, piece by piece of a population: the same truth, seen through noise of which
/// a part is the sets' own.
struct Population {
  struct Piece {
    std::vector<PooledScore> labels[2];
    std::int64_t positives = 0;
  };
  std::vector<Piece> pieces;

  Population(std::size_t count, double own_noise, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    for (std::size_t p = 0; p < count; ++p) {
      Piece& piece = pieces.emplace_back();
      // A piece of its own difficulty, for all of its labels and for each set.
      const double hard = 0.3 * normal(random);
      const double of_set[2] = {0.2 * normal(random), 0.2 * normal(random)};
      for (int label = 0; label < 60; ++label) {
        const bool hit = random() % 4 == 0;
        piece.positives += hit ? 1 : 0;
        const double seen = (hit ? 1 : -1) * (1 - hard) + normal(random);
        for (int set = 0; set < 2; ++set) {
          const double x = seen + (hit ? of_set[set] : 0) + own_noise * (1 + set) * normal(random);
          piece.labels[set].push_back({1 / (1 + std::exp(-x)), hit});
        }
      }
      piece.positives += 2;  // that are in no list
    }
  }

  /// GAP of a set over some of the pieces, each as often as it is named.
  [[nodiscard]] double Gap(int set, const std::vector<std::size_t>& of) const {
    std::vector<PooledScore> pool;
    std::int64_t positives = 0;
    for (const std::size_t p : of) {
      pool.insert(pool.end(), pieces[p].labels[set].begin(), pieces[p].labels[set].end());
      positives += pieces[p].positives;
    }
    return GlobalAveragePrecision(pool, positives);
  }
};

std::vector<std::uint16_t> BinsOfLabels(const std::vector<PooledScore>& labels) {
  std::vector<std::uint16_t> bins;
  for (const PooledScore& label : labels) {
    const auto bin = static_cast<std::uint16_t>(label.score * kBins);
    bins.push_back(static_cast<std::uint16_t>(bin << 1 | (label.positive ? 1 : 0)));
  }
  return bins;
}

Screen ScreenOf(const Population& population, const std::vector<std::size_t>& pieces) {
  Screen screen(2);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Population::Piece& piece = population.pieces[pieces[i]];
    for (int set = 0; set < 2; ++set) {
      screen.Add(static_cast<std::size_t>(set), i % kStrands, BinsOfLabels(piece.labels[set]));
    }
    screen.AddPositives(i % kStrands, piece.positives);
  }
  return screen;
}

std::vector<std::size_t> FirstPieces(std::size_t count) {
  std::vector<std::size_t> pieces(count);
  for (std::size_t p = 0; p < count; ++p) pieces[p] = p;
  return pieces;
}

TEST(Screen, InfluencesAreWhatOneMoreOfAStrandWouldChange) {
  const Population population(kStrands, 0.5, 1);
  const Screen screen = ScreenOf(population, FirstPieces(kStrands));
  for (int set = 0; set < 2; ++set) {
    const Screen::Influences influences = screen.InfluencesOf(static_cast<std::size_t>(set));
    double sum = 0, largest = 0;
    for (const double influence : influences) {
      sum += influence;
      largest = std::max(largest, std::abs(influence));
    }
    EXPECT_NEAR(sum, 0, 1e-12);
    // The slow way: all pieces 40 times, one of them once more.
    constexpr int kTimes = 40;
    std::vector<std::size_t> repeated;
    for (int i = 0; i < kTimes; ++i) {
      for (std::size_t p = 0; p < kStrands; ++p) repeated.push_back(p);
    }
    const double gap = population.Gap(set, repeated);
    repeated.push_back(0);
    for (std::size_t strand = 0; strand < kStrands; ++strand) {
      repeated.back() = strand;
      const double change = (population.Gap(set, repeated) - gap) * kTimes;
      EXPECT_NEAR(influences[strand], change, 0.05 * largest) << strand;
    }
  }
}

TEST(Screen, TheErrorOfADifferenceIsItsSpreadOverSamples) {
  const Population population(256, 0.3, 2);
  const auto all = FirstPieces(256);
  const double truth = population.Gap(0, all) - population.Gap(1, all);
  std::mt19937_64 random(3);
  for (const std::size_t size : {kStrands, 4 * kStrands}) {
    double squares = 0, errors = 0, worst = 0;
    constexpr int kSamples = 300;
    for (int sample = 0; sample < kSamples; ++sample) {
      std::vector<std::size_t> pieces = all;
      for (std::size_t i = 0; i < size; ++i) {
        std::swap(pieces[i], pieces[i + random() % (pieces.size() - i)]);
      }
      pieces.resize(size);
      const Screen screen = ScreenOf(population, pieces);
      const Sampled a{{}, screen.InfluencesOf(0)}, b{{}, screen.InfluencesOf(1)};
      const double error =
          DifferenceError(a, b, static_cast<double>(size) / static_cast<double>(all.size()));
      const double off = population.Gap(0, pieces) - population.Gap(1, pieces) - truth;
      squares += off * off;
      errors += error * error;
      worst = std::max(worst, std::abs(off) / error);
    }
    EXPECT_NEAR(std::sqrt(squares / errors), 1, 0.15) << size;
    EXPECT_LT(worst, 5) << size;
  }
}

/// Sampled as if the GAP had no error (`spread` 0), or one of about 1.4 spread.
Sampled At(double low, double high, double spread = 0) {
  Sampled sampled{{low, high}, {}};
  sampled.influences[0] = spread;
  sampled.influences[1] = -spread;
  return sampled;
}

TEST(MayBeAmong, KeepsWhatIsNotSurelyWorseThanEachOfTheBest) {
  const std::vector<Sampled> sets = {At(0.50, 0.51), At(0.70, 0.71), At(0.60, 0.61),
                                     At(0.605, 0.615), At(0.40, 0.41, 0.1)};
  EXPECT_THAT(MayBeAmong(sets, 1, 0.5), ElementsAre(1, 4));
  // Bounds that overlap.
  EXPECT_THAT(MayBeAmong(sets, 2, 0.5), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(MayBeAmong(sets, 5, 0.5), ElementsAre(0, 1, 2, 3, 4));
  // All videos but a few: the error is gone.
  EXPECT_THAT(MayBeAmong(sets, 1, 0.9999), ElementsAre(1));
  // Equal ones are not told apart.
  EXPECT_THAT(MayBeAmong(std::vector(3, At(0.5, 0.5)), 1, 0.5), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace beamgrid
