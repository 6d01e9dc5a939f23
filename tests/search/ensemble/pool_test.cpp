#include "search/ensemble/pool.h"

#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "tests/search/ensemble/ensemble_support.h"

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
        factors[m] = 0.3 + 0.1 * static_cast<double>(m);
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
                    Case{kTied, ScoreDomain::kLogits, Missing::kZero}));

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
