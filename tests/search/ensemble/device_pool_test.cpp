// The grid of a GPU, emulated, beside the processor's scorer.

#include "search/ensemble/gpu/device_pool.h"

#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include "search/ensemble/pool.h"
#include "tests/search/ensemble/emulated_device.h"
#include "tests/search/ensemble/grid_pool.h"
#include "tests/search/ensemble/varied_pool.h"

namespace beamgrid::gpu {
namespace {

using Exact = std::int64_t;

TEST(DevicePool, KeysAndCountsAreTheProcessorsToTheLastOne) {
  const std::vector<Growth> growths = GridGrowths();
  const GrowthPlan plan(growths);
  for (const std::uint64_t distinct :
       {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{1} << 40}) {
    // More videos than a portion has, and a part of one.
    const GridPool pool = PlantGridPool(300, 5, distinct, static_cast<std::uint32_t>(distinct));
    EmulatedMachine machine;
    DevicePool device(std::make_unique<EmulatedDevice>(machine), ShapeOf(pool), Serially);
    const std::vector<std::vector<Exact>> keys = device.Keys(plan);
    std::vector<BinCounts> counts(growths.size());
    const std::int64_t largest_sum = 6 * pool.largest_units;
    device.Count(plan, largest_sum, counts);
    for (std::size_t g = 0; g < growths.size(); ++g) {
      std::vector<Exact> sorted = keys[g];
      std::ranges::sort(sorted);
      const std::vector<Exact> expected = KeysOnProcessor(pool, growths[g]);
      EXPECT_EQ(sorted, expected) << "growth " << g << " of " << distinct << " scores";
      EXPECT_EQ(counts[g], CountsOnProcessor(expected, BinningTo(largest_sum))) << g;
    }
  }
}

TEST(DevicePool, GivesItsMemoryBack) {
  const GridPool pool = PlantGridPool(40, 5, 5, 1);
  const std::vector<Growth> growths = GridGrowths();
  EmulatedMachine machine;
  {
    DevicePool device(std::make_unique<EmulatedDevice>(machine), ShapeOf(pool), Serially);
    EXPECT_GT(machine.allocated, 0U);
    EXPECT_EQ(device.Keys(GrowthPlan(growths)).size(), growths.size());
    const std::size_t after_one = machine.allocated;
    EXPECT_EQ(device.Keys(GrowthPlan(growths)).size(), growths.size());
    EXPECT_EQ(machine.allocated, after_one) << "a pass takes nothing more than the last one";
  }
  EXPECT_EQ(machine.allocated, 0U);
  machine.memory_bytes = 5000;
  EXPECT_THROW(DevicePool(std::make_unique<EmulatedDevice>(machine), ShapeOf(pool), Serially),
               DeviceError);
  EXPECT_EQ(machine.allocated, 0U) << "nor does one that was not made keep any";
}

TEST(DevicePool, BinsRiseWithTheSumAndUseTheWholeRange) {
  for (const std::int64_t largest :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{40'000}, (std::int64_t{1} << 31) - 1,
        std::int64_t{1} << 31, std::int64_t{1'234'567'890'123}, std::int64_t{1} << 54}) {
    const Binning binning = BinningTo(largest);
    std::int64_t last = -1;
    for (int i = 0; i <= 1000; ++i) {
      const std::int64_t bin = BinOf(largest / 1000 * i, binning);
      EXPECT_GE(bin, last);
      last = bin;
    }
    const std::int64_t top = BinOf(largest, binning);
    EXPECT_LT(top, std::int64_t{kBins});
    if (largest >= 40'000) {
      EXPECT_GE(top, std::int64_t{kBins} - 2) << largest;
    }
  }
}

TEST(DevicePool, RefusesWhatABlockOrAnEntryCannotHold) {
  const GridPool pool = PlantGridPool(4, 5, 5, 1);
  EmulatedMachine machine;
  const EmulatedDevice device(machine);
  EXPECT_TRUE(DevicePool::Fits(ShapeOf(pool), device));
  PoolShape shape = ShapeOf(pool);
  shape.largest_label = 1 << 16;
  EXPECT_FALSE(DevicePool::Fits(shape, device));
  shape = ShapeOf(pool);
  shape.largest_units = std::int64_t{1} << 47;
  EXPECT_FALSE(DevicePool::Fits(shape, device));
  shape = ShapeOf(pool);
  shape.longest = 513;
  EXPECT_FALSE(DevicePool::Fits(shape, device));
  shape = ShapeOf(pool);
  shape.largest_label = 60'000;  // 660,000 bytes
  EXPECT_FALSE(DevicePool::Fits(shape, device));
}

/// The GAPs and the best of a varied pool, on a machine or, where there is none, on the processor.
EnsemblePool VariedPool(const DeviceOffer& offer, ScoreDomain combine, Missing missing,
                        bool weighted) {
  const std::vector<double> factors =
      weighted ? std::vector<double>{0.31, 0.4137, 0.5, 0.77, 0.9} : std::vector<double>(5, 1);
  EnsemblePool pool(AlignModels(PlantVariedPool(120, 11)), factors, Combination(combine), missing,
                    12, Serially, offer);
  pool.set_fewest_to_bracket(0);
  return pool;
}

TEST(EnsembleOnDevice, ScoresAreThoseOfTheProcessorToTheLastBit) {
  const std::vector<Growth> growths = GridGrowths();
  for (const ScoreDomain combine :
       {ScoreDomain::kLogits, ScoreDomain::kProbabilities, ScoreDomain::kVotes}) {
    for (const Missing missing : {Missing::kZero, Missing::kLastOfList}) {
      for (const bool weighted : {false, true}) {
        EmulatedMachine machine;
        std::vector<std::string> warnings;
        const EnsemblePool device =
            VariedPool(Offered(machine, warnings), combine, missing, weighted);
        const EnsemblePool processor = VariedPool({}, combine, missing, weighted);
        const std::vector<double> gaps = processor.Score(growths);
        EXPECT_EQ(device.Score(growths), gaps);
        const std::vector<GapBounds> bounds = device.Bracket(growths);
        for (std::size_t g = 0; g < growths.size(); ++g) {
          EXPECT_LE(bounds[g].low, gaps[g]);
          EXPECT_GE(bounds[g].high, gaps[g]);
        }
        for (const std::size_t keep : {1, 4, 25}) {
          const auto best = device.ScoreBest(growths, keep);
          const auto expected = processor.ScoreBest(growths, keep);
          std::vector<double> sorted = gaps;
          std::ranges::sort(sorted, std::greater<>());
          for (std::size_t g = 0; g < growths.size(); ++g) {
            // Which others are computed beside the best differs with the brackets.
            if (gaps[g] < sorted[keep - 1]) continue;
            EXPECT_EQ(best[g], gaps[g]);
            EXPECT_EQ(expected[g], gaps[g]);
          }
        }
        EXPECT_GT(machine.passes, 0);
        EXPECT_TRUE(warnings.empty());
      }
    }
  }
}

/// The answer to a question of a pool of 12 models, as JSON.
std::string AnswerWith(const DeviceOffer& offer, EnsembleSearch search) {
  const std::vector<EnsembleModel> models =
      PlantPool({.models = 12, .videos = 150, .classes = 60, .list_length = 30}, 7);
  EnsembleQuestion question{.size_limit = 700, .members = 4, .beam_width = 3};
  question.search = search;
  question.holdout = 0.3;
  question.certify = true;
  return boost::json::serialize(ToJson(FindEnsemble(question, PoolOf(models), Serially, offer)));
}

TEST(EnsembleOnDevice, AnswersAreTheSameWhateverBecomesOfTheDevice) {
  for (const EnsembleSearch search :
       {EnsembleSearch::kBeam, EnsembleSearch::kGreedy, EnsembleSearch::kExhaustive}) {
    const std::string expected = AnswerWith({}, search);
    EmulatedMachine machine;
    std::vector<std::string> warnings;
    EXPECT_EQ(AnswerWith(Offered(machine, warnings), search), expected);
    EXPECT_TRUE(warnings.empty());
    EXPECT_EQ(machine.opened, 1);
    const int passes = machine.passes;
    EXPECT_GT(passes, 0);
    for (const int until : {0, 1, passes - 1}) {
      EmulatedMachine failing{.passes_until_failure = until};
      warnings.clear();
      EXPECT_EQ(AnswerWith(Offered(failing, warnings), search), expected);
      EXPECT_EQ(failing.passes, until + 1) << "not asked again once it failed";
      EXPECT_EQ(failing.allocated, 0U);
      EXPECT_THAT(warnings,
                  testing::ElementsAre("emulated GPU: the kernel failed; the processor scores the "
                                       "ensembles instead"));
    }
  }
}

TEST(EnsembleOnDevice, AMemoryThatDoesNotSufficeIsToldOnce) {
  const std::string expected = AnswerWith({}, EnsembleSearch::kBeam);
  // Too little for the lists, and too little for the results of a pass.
  for (const std::size_t bytes : {std::size_t{10'000}, std::size_t{600'000}}) {
    EmulatedMachine machine{.memory_bytes = bytes};
    std::vector<std::string> warnings;
    EXPECT_EQ(AnswerWith(Offered(machine, warnings), EnsembleSearch::kBeam), expected);
    EXPECT_THAT(warnings,
                testing::ElementsAre(testing::StartsWith("emulated GPU: memory is full")));
    EXPECT_EQ(machine.allocated, 0U);
  }
}

TEST(EnsembleOnDevice, SmallPoolsAndMachinesWithoutOneStayOnTheProcessor) {
  EmulatedMachine machine;
  std::vector<std::string> warnings;
  DeviceOffer offer = Offered(machine, warnings);
  offer.fewest_lists = 12 * 150 + 1;
  const std::string expected = AnswerWith({}, EnsembleSearch::kBeam);
  EXPECT_EQ(AnswerWith(offer, EnsembleSearch::kBeam), expected);
  EXPECT_EQ(machine.opened, 0);
  offer.fewest_lists = 0;
  offer.open = [] { return nullptr; };
  EXPECT_EQ(AnswerWith(offer, EnsembleSearch::kBeam), expected);
  machine.shared_bytes = 1000;  // a pool that it cannot hold is not its fault
  EXPECT_EQ(AnswerWith(Offered(machine, warnings), EnsembleSearch::kBeam), expected);
  EXPECT_EQ(machine.passes, 0);
  EXPECT_TRUE(warnings.empty());
}

}  // namespace
}  // namespace beamgrid::gpu
