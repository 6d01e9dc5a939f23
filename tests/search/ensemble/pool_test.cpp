#include "search/ensemble/pool.h"

#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <algorithm>

#include "registry/util/error.h"
#include "registry/util/threads.h"
#include "tests/search/ensemble/varied_pool.h"

namespace beamgrid {
namespace {

/// GAP of a set the long way: Combine, then the registry's metrics.
double GapTheLongWay(const std::vector<EnsembleModel>& models, const ModelSet& set,
                     const std::vector<double>& factors, ScoreDomain combine, Missing missing) {
  std::vector<const Predictions*> members;
  std::vector<double> weights;
  for (const int model : set) {
    members.push_back(&models[static_cast<std::size_t>(model)].predictions);
    weights.push_back(factors[static_cast<std::size_t>(model)]);
  }
  return ScoreOf(Combine(members, weights, combine, missing, kGapTop)).gap;
}

struct Case {
  PoolShape shape;
  ScoreDomain combine;
  Missing missing;
};

class EnsemblePoolCases : public testing::TestWithParam<Case> {};

TEST_P(EnsemblePoolCases, ScoresExtensionsAsCombineAndMetricsDo) {
  const Case& c = GetParam();
  for (std::uint32_t seed = 0; seed < 3; ++seed) {
    const std::vector<EnsembleModel> models = PlantPool(c.shape, seed);
    const std::vector<AlignedModel> aligned = AlignModels(models);
    for (const bool weighted : {false, true}) {
      std::vector<double> factors(models.size(), 1.0);
      for (std::size_t m = 0; weighted && m < factors.size(); ++m) {
        // Not as whole numbers to each other, as measured GAPs are not.
        factors[m] = 0.3 + 0.1037 * static_cast<double>(m);
      }
      EnsemblePool pool(aligned, factors, Combination(c.combine), c.missing, 8);
      const std::vector<int> candidates = {0, 1, 2, 3, 4};
      for (const ModelSet& set : {ModelSet{2}, ModelSet{0, 3}, ModelSet{1, 1, 4}}) {
        const std::vector<double> gaps = pool.ScoreExtensions(set, candidates);
        for (std::size_t i = 0; i < candidates.size(); ++i) {
          ModelSet extended = set;
          extended.push_back(candidates[i]);
          EXPECT_NEAR(gaps[i], GapTheLongWay(models, extended, factors, c.combine, c.missing),
                      1e-12);
        }
      }
    }
  }
}

constexpr PoolShape kShort{.models = 5, .videos = 40, .classes = 15, .list_length = 4};
constexpr PoolShape kLong{.models = 5, .videos = 25, .classes = 90, .list_length = 45};
constexpr PoolShape kDense{.models = 5, .videos = 25, .classes = 60, .list_length = 60};
constexpr PoolShape kTied{
    .models = 5, .videos = 40, .classes = 50, .list_length = 30, .step = 0.125};

INSTANTIATE_TEST_SUITE_P(
    Shapes, EnsemblePoolCases,
    testing::Values(Case{kShort, ScoreDomain::kLogits, Missing::kZero},
                    Case{kShort, ScoreDomain::kProbabilities, Missing::kLastOfList},
                    Case{kLong, ScoreDomain::kLogits, Missing::kLastOfList},
                    Case{kLong, ScoreDomain::kProbabilities, Missing::kZero},
                    Case{kDense, ScoreDomain::kLogits, Missing::kLastOfList},
                    Case{kTied, ScoreDomain::kProbabilities, Missing::kZero},
                    Case{kTied, ScoreDomain::kProbabilities, Missing::kLastOfList},
                    Case{kTied, ScoreDomain::kLogits, Missing::kZero},
                    Case{kTied, ScoreDomain::kVotes, Missing::kZero}));

/// A pool of a case, its lists as floats (as trials' files hold) or as they are planted.
EnsemblePool PoolOfCase(const Case& c, std::uint32_t seed, bool floats, bool weighted,
                        ForEach for_each = Serially) {
  std::vector<EnsembleModel> models = PlantPool(c.shape, seed);
  for (EnsembleModel& model : models) {
    for (VideoPrediction& video : model.predictions.videos) {
      for (ScoredLabelDouble& entry : video.top) {
        if (floats) entry.score = static_cast<float>(entry.score);
      }
    }
  }
  std::vector<double> factors(models.size(), 1.0);
  for (std::size_t m = 0; weighted && m < factors.size(); ++m) {
    factors[m] = 0.3 + 0.1 * static_cast<double>(m);
  }
  EnsemblePool pool(AlignModels(models), factors, Combination(c.combine), c.missing, 12,
                    std::move(for_each));
  pool.set_fewest_to_bracket(0);
  return pool;
}

const std::vector<ModelSet> kSets = {{2}, {0, 3}, {1, 1, 4}, {0, 1, 2, 3, 4}, {2, 2, 2, 2, 3}};

std::vector<Growth> AllGrowths() {
  std::vector<Growth> growths;
  for (const ModelSet& set : kSets) {
    for (int added = 0; added < 5; ++added) growths.push_back({&set, added});
  }
  return growths;
}

TEST_P(EnsemblePoolCases, BracketsHoldTheExactGap) {
  const std::vector<Growth> growths = AllGrowths();
  for (std::uint32_t seed = 0; seed < 2; ++seed) {
    for (const bool floats : {false, true}) {
      for (const bool weighted : {false, true}) {
        const EnsemblePool pool = PoolOfCase(GetParam(), seed, floats, weighted);
        const std::vector<GapBounds> bounds = pool.Bracket(growths);
        const std::vector<double> gaps = pool.Score(growths);
        for (std::size_t g = 0; g < growths.size(); ++g) {
          EXPECT_LE(bounds[g].low, gaps[g]) << g;
          EXPECT_GE(bounds[g].high, gaps[g]) << g;
        }
      }
    }
  }
}

TEST_P(EnsemblePoolCases, TheBestAreExactAndNoneOfThemIsLeftOut) {
  const std::vector<Growth> growths = AllGrowths();
  const EnsemblePool pool = PoolOfCase(GetParam(), 1, true, false);
  const std::vector<double> gaps = pool.Score(growths);
  std::vector<double> sorted = gaps;
  std::ranges::sort(sorted, std::greater<>());
  for (const std::size_t keep : {1, 3, 8, 25, 100}) {
    for (const double at_least : {0.0, sorted[2], 1.0}) {
      const auto best = pool.ScoreBest(growths, keep, at_least);
      const double reached = keep <= sorted.size() ? sorted[keep - 1] : 0;
      for (std::size_t g = 0; g < growths.size(); ++g) {
        if (best[g]) {
          EXPECT_EQ(*best[g], gaps[g]) << g;
        } else {
          EXPECT_LT(gaps[g], std::max(reached, at_least)) << g << " of " << keep;
        }
      }
    }
  }
}

TEST_P(EnsemblePoolCases, GroupsInOnePassAreScoredAsEachAlone) {
  const std::vector<Growth> growths = AllGrowths();
  const EnsemblePool pool = PoolOfCase(GetParam(), 2, true, true);
  const std::span<const Growth> all(growths);
  const std::vector<EnsemblePool::BestOf> groups = {
      {all.first(10), 2, 0}, {all.subspan(10, 0), 1, 0}, {all.subspan(10), 1, 0.4}, {all, 30, 0}};
  const auto together = pool.ScoreBest(groups);
  ASSERT_EQ(together.size(), groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    // Brackets differ with the scale of those that are asked for at once, GAPs do not.
    const std::vector<double> gaps = pool.Score(groups[g].growths);
    std::vector<double> sorted = gaps;
    std::ranges::sort(sorted, std::greater<>());
    const double reached = groups[g].keep <= sorted.size() ? sorted[groups[g].keep - 1] : 0;
    ASSERT_EQ(together[g].size(), gaps.size());
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      EXPECT_EQ(together[g][i].value_or(gaps[i]), gaps[i]);
      if (!together[g][i]) {
        EXPECT_LT(gaps[i], std::max(reached, groups[g].at_least));
      }
    }
  }
}

TEST_P(EnsemblePoolCases, AreTheSameToTheLastBitForAnyNumberOfThreads) {
  Case c = GetParam();
  c.shape.videos = 700;  // several pieces of work
  c.shape.list_length = std::min(c.shape.list_length, 25);
  std::vector<Growth> growths = AllGrowths();
  const EnsemblePool alone = PoolOfCase(c, 3, true, false);
  const auto bounds = alone.Bracket(growths);
  const auto best = alone.ScoreBest(growths, 4);
  for (const int threads : {2, 3, 7}) {
    const EnsemblePool pool =
        PoolOfCase(c, 3, true, false,
                   [threads](std::size_t count, const std::function<void(std::size_t)>& body) {
                     ForEachOnThreads(threads, count, body);
                   });
    EXPECT_EQ(pool.ScoreBest(growths, 4), best) << threads;
    const auto others = pool.Bracket(growths);
    for (std::size_t g = 0; g < growths.size(); ++g) {
      EXPECT_EQ(others[g].low, bounds[g].low);
      EXPECT_EQ(others[g].high, bounds[g].high);
    }
  }
}

TEST(EnsemblePool, UnlikeModelsAndListsOfAllLengthsAreScoredAsTheLongWay) {
  // Whatever the vectors are not sure of must come out the same.
  for (const Missing missing : {Missing::kZero, Missing::kLastOfList}) {
    const std::vector<EnsembleModel> models =
        PlantVariedPool(120, missing == Missing::kZero ? 11 : 12);
    for (const ScoreDomain combine : {ScoreDomain::kLogits, ScoreDomain::kProbabilities}) {
      for (const bool weighted : {false, true}) {
        // Not as whole numbers to each other: for those Combine rounds after it has multiplied.
        const std::vector<double> factors = weighted
                                                ? std::vector<double>{0.31, 0.4137, 0.5, 0.77, 0.9}
                                                : std::vector<double>(5, 1);
        EnsemblePool pool(AlignModels(models), factors, Combination(combine), missing, 12);
        const std::vector<Growth> growths = AllGrowths();
        const std::vector<double> gaps = pool.Score(growths);
        const std::vector<GapBounds> bounds = pool.Bracket(growths);
        for (std::size_t g = 0; g < growths.size(); ++g) {
          ModelSet grown = *growths[g].set;
          grown.push_back(growths[g].added);
          EXPECT_NEAR(gaps[g], GapTheLongWay(models, grown, factors, combine, missing), 1e-12);
          EXPECT_LE(bounds[g].low, gaps[g]);
          EXPECT_GE(bounds[g].high, gaps[g]);
        }
      }
    }
  }
}

TEST(EnsemblePool, DropsWhatCannotBeAmongTheBest) {
  // Three models as good as can be and many that know little.
  std::vector<EnsembleModel> models =
      PlantPool({.models = 30, .videos = 3000, .classes = 40, .list_length = 25}, 2);
  std::mt19937 random(4);
  for (std::size_t m = 5; m < models.size(); ++m) {
    for (VideoPrediction& video : models[m].predictions.videos) {
      for (ScoredLabelDouble& entry : video.top) {
        entry.score = static_cast<double>(random() % 4096) / 4096;
      }
    }
  }
  EnsemblePool pool(AlignModels(models), std::vector<double>(30, 1.0),
                    Combination(ScoreDomain::kLogits), Missing::kZero, 4);
  pool.set_fewest_to_bracket(0);
  const ModelSet set = {0};
  std::vector<Growth> growths;
  for (int m = 1; m < 30; ++m) growths.push_back({&set, m});
  const auto best = pool.ScoreBest(growths, 2);
  EXPECT_LT(std::ranges::count_if(best, [](const auto& gap) { return gap.has_value(); }), 15);
  for (const GapBounds& bounds : pool.Bracket(growths)) {
    EXPECT_LT(bounds.high - bounds.low, 0.02) << "a bracket of 3,000 videos that says something";
  }
}

TEST(EnsemblePool, SaysNothingInAdvanceOfVotesAndOfThousandsOfTerms) {
  const std::vector<EnsembleModel> models = PlantPool({.models = 2, .videos = 5}, 1);
  const ModelSet one = {0};
  const ModelSet many(3000, 1);
  const EnsemblePool votes(AlignModels(models), {1, 1}, Combination(ScoreDomain::kVotes),
                           Missing::kZero, 2);
  const EnsemblePool logits(AlignModels(models), {1, 1}, Combination(ScoreDomain::kLogits),
                            Missing::kZero, 3001);
  for (const GapBounds bounds :
       {votes.Bracket({{Growth{&one, 1}}}).front(), logits.Bracket({{Growth{&many, 0}}}).front()}) {
    EXPECT_EQ(bounds.low, 0);
    EXPECT_EQ(bounds.high, 1);
  }
}

TEST(EnsemblePool, ScoresASetTheSameHoweverItGrew) {
  const std::vector<EnsembleModel> models =
      PlantPool({.models = 5, .videos = 60, .classes = 80, .list_length = 40}, 9);
  EnsemblePool pool(AlignModels(models), std::vector<double>(5, 1.0),
                    Combination(ScoreDomain::kLogits), Missing::kLastOfList, 4);
  const double one_way = pool.ScoreExtensions({0, 2, 3}, {4})[0];
  EXPECT_EQ(pool.ScoreExtensions({2, 3, 4}, {0})[0], one_way);
  EXPECT_EQ(pool.ScoreExtensions({0, 3, 4}, {2})[0], one_way);
}

TEST(EnsemblePool, ManyCandidatesAreScoredInBlocks) {
  const std::vector<EnsembleModel> models = PlantPool({.models = 70, .videos = 8}, 4);
  EnsemblePool pool(AlignModels(models), std::vector<double>(70, 1.0),
                    Combination(ScoreDomain::kLogits), Missing::kZero, 4);
  std::vector<int> all(70);
  for (int m = 0; m < 70; ++m) all[static_cast<std::size_t>(m)] = m;
  const std::vector<double> gaps = pool.ScoreExtensions({3}, all);
  ASSERT_EQ(gaps.size(), 70U);
  for (const int m : {0, 31, 32, 63, 64, 69}) {
    EXPECT_EQ(gaps[static_cast<std::size_t>(m)], pool.ScoreExtensions({3}, {m})[0]) << m;
  }
}

TEST(EnsemblePool, RefusesMoreMembersThanItsKeysCanAdd) {
  const std::vector<EnsembleModel> models = PlantPool({.models = 1, .videos = 2}, 1);
  EXPECT_THROW(EnsemblePool(AlignModels(models), {1}, Combination(ScoreDomain::kLogits),
                            Missing::kZero, std::int64_t{1} << 50),
               UsageError);
}

}  // namespace
}  // namespace beamgrid
