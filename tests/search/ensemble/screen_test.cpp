#include "search/ensemble/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "registry/scoring/metrics.h"
#include "registry/util/threads.h"
#include "search/ensemble/search.h"
#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;

TEST(StagesOf, DoubleTheSampleAndTakeEachPieceOnce) {
  for (const std::size_t pieces : {64, 65, 96, 97, 391, 2149}) {
    const auto [stages, strands] = StagesOf(pieces);
    ASSERT_GE(stages.size(), 2) << pieces;
    ASSERT_EQ(strands.size(), pieces);
    std::set<std::size_t> seen;
    for (const std::vector<std::size_t>& stage : stages) {
      EXPECT_TRUE(std::ranges::is_sorted(stage));
      const std::size_t before = seen.size();
      seen.insert(stage.begin(), stage.end());
      EXPECT_EQ(seen.size(), before + stage.size());
      if (&stage == &stages.back()) {
        EXPECT_GE(2 * stage.size(), before);
        continue;
      }
      EXPECT_EQ(stage.size(), before == 0 ? kStrands : before);
      // To each strand as many.
      std::map<int, std::size_t> dealt;
      for (const std::size_t piece : stage) ++dealt[strands[piece]];
      EXPECT_EQ(dealt.size(), kStrands);
      for (const auto& [strand, count] : dealt) EXPECT_EQ(count, stage.size() / kStrands);
    }
    EXPECT_EQ(seen.size(), pieces);
  }
  EXPECT_THAT(StagesOf(3).pieces, ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_EQ(StagesOf(63).pieces.size(), 1);
}

TEST(StagesOf, DrawAnyPieceFirst) {
  // Videos may be in an order that means something: not the first of them, and not all but the
  // last.
  std::size_t with_the_last = 0;
  for (std::size_t pieces = 64; pieces < 128; ++pieces) {
    const std::vector<std::size_t> first = StagesOf(pieces).pieces[0];
    EXPECT_GT(first.back(), pieces / 2);
    with_the_last += first.back() == pieces - 1 ? 1 : 0;
  }
  EXPECT_GT(with_the_last, 10);
  EXPECT_LT(with_the_last, 50);
}

TEST(StagesOf, NoStrandStandsForAPartOfTheVideos) {
  // The mean place of a strand's pieces, which would be from 0 to 1 if they were dealt by place.
  const auto [stages, strands] = StagesOf(6'400);
  std::vector<double> places(kStrands), counts(kStrands);
  for (std::size_t piece = 0; piece < strands.size(); ++piece) {
    places[strands[piece]] += static_cast<double>(piece) / static_cast<double>(strands.size());
    ++counts[strands[piece]];
  }
  for (std::size_t strand = 0; strand < kStrands; ++strand) {
    EXPECT_NEAR(places[strand] / counts[strand], 0.5, 0.1) << strand;
  }
}

/// Labels of two sets, piece by piece of a population: the same truth, seen through noise of which
/// a part is the sets' own.
struct Population {
  struct Piece {
    std::vector<PooledScore> labels[2];
    std::int64_t positives = 0;
  };
  std::vector<Piece> pieces;

  /// Scores lie within lowest..highest.
  Population(std::size_t count, double own_noise, std::uint32_t seed, double lowest = 0,
             double highest = 1) {
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
          const double score = lowest + (highest - lowest) / (1 + std::exp(-x));
          piece.labels[set].push_back({score, hit});
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

/// Levels by the labels of one set in some pieces.
Levels LevelsBy(const Population& population, int set, const std::vector<std::size_t>& pieces) {
  BinCounts counts(2 * kBins);
  for (const std::size_t p : pieces) {
    for (const std::uint16_t bin : BinsOfLabels(population.pieces[p].labels[set])) ++counts[bin];
  }
  return LevelsOf({&counts, 1});
}

Screen ScreenOf(const Population& population, const std::vector<std::size_t>& pieces) {
  Screen screen(2, LevelsBy(population, 0, pieces));
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

TEST(LevelsOf, AreEvenlyFilledWhereverTheScoresLie) {
  BinCounts counts(2 * kBins);
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) ++counts[2 * (500 + random() % 100)];
  for (int i = 0; i < 1'000; ++i) ++counts[2 * (32'000 + random() % 700) + 1];
  const Levels levels = LevelsOf({&counts, 1});
  ASSERT_EQ(levels.size(), kBins);
  EXPECT_TRUE(std::ranges::is_sorted(levels));
  EXPECT_EQ(levels[499], 0);
  EXPECT_EQ(levels[599], 63);
  EXPECT_NEAR(levels[549], 32, 1);
  EXPECT_NEAR(levels[32'350], 96, 2);
  EXPECT_EQ(levels[kBins - 1], 127);
  // Nothing is known.
  const BinCounts none(2 * kBins);
  EXPECT_EQ(LevelsOf({&none, 1}), Levels(kBins));
}

class ScreenOfScores : public testing::TestWithParam<std::pair<double, double>> {};

TEST_P(ScreenOfScores, InfluencesAreWhatOneMoreOfAStrandWouldChange) {
  const auto [lowest, highest] = GetParam();
  const Population population(kStrands, 0.5, 1, lowest, highest);
  const Screen screen = ScreenOf(population, FirstPieces(kStrands));
  for (int set = 0; set < 2; ++set) {
    const Screen::Influences influences =
        screen.InfluencesOf(static_cast<std::size_t>(set)).value();
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
      EXPECT_NEAR(influences[strand], change, 0.1 * largest) << strand;
    }
  }
}

TEST_P(ScreenOfScores, TheErrorOfADifferenceIsItsSpreadOverSamples) {
  const auto [lowest, highest] = GetParam();
  const Population population(256, 0.3, 2, lowest, highest);
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

INSTANTIATE_TEST_SUITE_P(Wherever, ScreenOfScores,
                         testing::Values(std::pair(0.0, 1.0), std::pair(0.0, 0.0039),
                                         std::pair(0.9922, 0.9999)));

TEST(Screen, SaysNothingOfASetWhoseHitsShareALevel) {
  // Levels of scores from 0 to 1, for sets whose scores are all below 0.004.
  const Population wide(kStrands, 0.5, 1), narrow(kStrands, 0.5, 1, 0, 0.004);
  const auto pieces = FirstPieces(kStrands);
  Screen screen(1, LevelsBy(wide, 0, pieces));
  for (const std::size_t p : pieces) {
    screen.Add(0, p, BinsOfLabels(narrow.pieces[p].labels[0]));
    screen.AddPositives(p, narrow.pieces[p].positives);
  }
  EXPECT_FALSE(screen.InfluencesOf(0));
}

/// Sampled as if the GAP had no error (`spread` 0), or one of about 1.4 spread.
Sampled At(double low, double high, double spread = 0) {
  Screen::Influences influences{};
  influences[0] = spread;
  influences[1] = -spread;
  return {{low, high}, influences};
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
  // Of whose error nothing is known.
  std::vector<Sampled> unknown = {At(0.50, 0.51), At(0.70, 0.71), At(0.80, 0.81)};
  unknown[0].influences.reset();
  EXPECT_THAT(MayBeAmong(unknown, 1, 0.9999), ElementsAre(0, 2));
  // Equal ones are not told apart.
  EXPECT_THAT(MayBeAmong(std::vector(3, At(0.5, 0.5)), 1, 0.5), ElementsAre(0, 1, 2));
}

/// A pool of 65 pieces with its lists' order, in which models are of unlike worth.
const std::vector<EnsembleModel>& LargePool() {
  static const std::vector<EnsembleModel> models = [] {
    auto planted = PlantPool({.models = 8, .videos = 8'320, .classes = 10, .list_length = 5}, 7);
    // A twin, which no sample tells apart from its original.
    planted.push_back(planted[0]);
    planted.back().name = "twin";
    return planted;
  }();
  return models;
}

EnsemblePool PoolOfAll(const std::vector<EnsembleModel>& models, int threads = 1) {
  return {AlignModels(models),
          std::vector<double>(models.size(), 1.0),
          Combination(ScoreDomain::kLogits),
          Missing::kZero,
          8,
          [threads](std::size_t count, const std::function<void(std::size_t)>& body) {
            ForEachOnThreads(threads, count, body);
          }};
}

TEST(ScreenedPool, GivesUpOnlyWhatIsWorseAndBracketsTheRestAsWithout) {
  const ModelSet pair = {0, 5}, weak = {4}, rival = {0, 1, 5};
  std::vector<Growth> growths;
  for (const ModelSet* set : {&pair, &weak}) {
    for (int added = 0; added < 9; ++added) growths.push_back({set, added});
  }
  const EnsemblePool pool = PoolOfAll(LargePool());
  const std::vector<GapBounds> bounds = pool.Bracket(growths);
  const std::vector<double> gaps = pool.Score(growths);
  const double of_rival = pool.Score({{Growth{&pair, 1}}})[0];
  std::size_t with_rival = 0, without = 0;
  for (const std::size_t keep : {1, 4, 18}) {
    for (const bool against_rival : {false, true}) {
      const EnsemblePool::BestOf group{.growths = growths,
                                       .keep = keep,
                                       .at_least = against_rival ? of_rival : 0,
                                       .screen = true,
                                       .rival = against_rival ? &rival : nullptr};
      // Beside a group that is not screened.
      const EnsemblePool::BestOf whole{.growths = growths};
      const std::vector<GapBounds> screened = pool.Bracket({{group, whole}});
      ASSERT_EQ(screened.size(), 2 * growths.size());
      std::vector<double> sorted = gaps;
      std::ranges::sort(sorted, std::greater<>());
      const double wanted = std::max(sorted[keep - 1], group.at_least);
      std::size_t given_up = 0;
      for (std::size_t g = 0; g < growths.size(); ++g) {
        const GapBounds& of_whole = screened[growths.size() + g];
        EXPECT_EQ(of_whole.low, bounds[g].low);
        EXPECT_EQ(of_whole.high, bounds[g].high);
        if (screened[g].high == EnsemblePool::kGivenUp.high) {
          ++given_up;
          EXPECT_LT(gaps[g], wanted) << keep << " " << g;
        } else {
          EXPECT_EQ(screened[g].low, bounds[g].low);
          EXPECT_EQ(screened[g].high, bounds[g].high);
        }
      }
      if (keep == 18) {
        (against_rival ? with_rival : without) = given_up;
      } else {
        EXPECT_GT(given_up, growths.size() / 4) << keep;
      }
      // Twins: both, or neither.
      EXPECT_EQ(screened[0].high, screened[8].high);
      EXPECT_EQ(pool.ScoreBest({{group}}), pool.ScoreBest({{[&] {
        EnsemblePool::BestOf unscreened = group;
        unscreened.screen = false;
        return unscreened;
      }()}}));
      EXPECT_EQ(PoolOfAll(LargePool(), 3).ScoreBest({{group}}), pool.ScoreBest({{group}}));
    }
  }
  // All are wanted, but not if they are worse than the rival.
  EXPECT_EQ(without, 0);
  EXPECT_GT(with_rival, growths.size() / 4);
}

/// SearchOf is a search over a pool of all models, each of one byte.
SearchResult SearchOf(const EnsemblePool& pool, const std::vector<AlignedModel>& models,
                      EnsembleSearch search, bool frontier = false) {
  SearchProblem problem{
      .pool = &pool, .size_limit = 100, .members = 3, .beam_width = 2, .frontier = frontier};
  for (const AlignedModel& model : models) {
    problem.candidates.push_back(static_cast<int>(problem.sizes.size()));
    problem.sizes.push_back(1);
    problem.single_gaps.push_back(SingleGap(model));
  }
  return SearchEnsembles(search, problem);
}

TEST(ScreenedSearch, FindsWhatTheWholeSearchFinds) {
  const EnsemblePool pool = PoolOfAll(LargePool());
  const auto models = AlignModels(LargePool());
  for (const EnsembleSearch search : {EnsembleSearch::kBeam, EnsembleSearch::kGreedy}) {
    const SearchResult screened = SearchOf(pool, models, search);
    // The frontier needs all sets' GAPs, so nothing is given up for it.
    const SearchResult whole = SearchOf(pool, models, search, true);
    EXPECT_EQ(screened.best.models, whole.best.models);
    EXPECT_EQ(screened.best.gap, whole.best.gap);
    EXPECT_EQ(screened.evaluated, whole.evaluated);
  }
}

TEST(ScreenedSearch, ASampleMayMisleadItButNotTheCertificate) {
  // A model that is right about everything, but says nothing of the videos that are looked at
  // first.
  std::vector<EnsembleModel> models =
      PlantPool({.models = 5, .videos = 8'320, .classes = 10, .list_length = 5}, 9);
  for (EnsembleModel& model : models) {
    for (std::size_t v = 0; v < model.predictions.videos.size(); ++v) {
      model.predictions.videos[v].id = "v" + std::to_string(100'000 + v);
    }
  }
  EnsembleModel& trap = models[4];
  const std::vector<std::size_t> first = StagesOf(65).pieces[0];
  for (std::size_t v = 0; v < trap.predictions.videos.size(); ++v) {
    VideoPrediction& video = trap.predictions.videos[v];
    const bool looked_at = std::ranges::binary_search(first, v / 128);
    video.top.clear();
    for (std::int32_t label = 0; label < 10; ++label) {
      const bool positive = std::ranges::find(video.labels, label) != video.labels.end();
      if (positive && !looked_at) video.top.push_back({label, 0.99});
    }
  }
  const auto aligned = AlignModels(models);
  const EnsemblePool pool = PoolOfAll(models);
  SearchProblem problem{
      .pool = &pool, .size_limit = 2, .members = 2, .beam_width = 1, .candidates = {0, 1, 2, 3, 4}};
  problem.sizes.assign(5, 1);
  // As if it were the worst by itself: a pair with it is what is looked for.
  problem.single_gaps = {0.5, 0.4, 0.3, 0.2, 0.1};
  const ScoredSet beam = SearchEnsembles(EnsembleSearch::kBeam, problem).best;
  const ScoredSet all = SearchEnsembles(EnsembleSearch::kExhaustive, problem).best;
  EXPECT_THAT(all.models, testing::Contains(4));
  EXPECT_THAT(beam.models, testing::Not(testing::Contains(4)));
  EXPECT_GT(all.gap, beam.gap);
}

}  // namespace
}  // namespace beamgrid
