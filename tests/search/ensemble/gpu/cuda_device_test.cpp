// A GPU's grid beside the processor's scorer, and a whole search with it.

#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include "search/ensemble/pool.h"
#include "tests/search/ensemble/grid_pool.h"
#include "tests/search/ensemble/varied_pool.h"

namespace beamgrid::gpu {
namespace {

TEST(CudaDevice, KeysAndCountsAreTheProcessorsToTheLastOne) {
  if (FirstCudaDevice() == nullptr) GTEST_SKIP() << "no GPU";
  const std::vector<Growth> growths = GridGrowths();
  const GrowthPlan plan(growths);
  for (const std::uint64_t distinct :
       {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{1} << 40}) {
    const GridPool pool = PlantGridPool(5000, 5, distinct, static_cast<std::uint32_t>(distinct));
    DevicePool device(FirstCudaDevice(), ShapeOf(pool), Serially);
    std::vector<std::vector<std::int64_t>> keys = device.Keys(plan);
    std::vector<BinCounts> counts(growths.size());
    const std::int64_t largest_sum = 6 * pool.largest_units;
    device.Count(plan, largest_sum, counts);
    for (std::size_t g = 0; g < growths.size(); ++g) {
      std::ranges::sort(keys[g]);
      const std::vector<std::int64_t> expected = KeysOnProcessor(pool, growths[g]);
      EXPECT_EQ(keys[g], expected) << "growth " << g << " of " << distinct << " scores";
      EXPECT_EQ(counts[g], CountsOnProcessor(expected, BinningTo(largest_sum))) << g;
    }
  }
}

TEST(CudaDevice, SaysHowMuchMemoryItLacks) {
  const std::unique_ptr<Device> device = FirstCudaDevice();
  if (device == nullptr) GTEST_SKIP() << "no GPU";
  EXPECT_THAT([&] { static_cast<void>(device->Allocate(std::size_t{1} << 50)); },
              testing::ThrowsMessage<DeviceError>(testing::HasSubstr("needs 1048576.0 GiB")));
  void* const memory = device->Allocate(1 << 20);
  EXPECT_NE(memory, nullptr) << "what failed before is forgotten";
  device->Free(memory);
}

TEST(CudaDevice, FindsTheEnsembleThatTheProcessorFinds) {
  if (FirstCudaDevice() == nullptr) GTEST_SKIP() << "no GPU";
  const std::vector<EnsembleModel> models =
      PlantPool({.models = 12, .videos = 5000, .classes = 60, .list_length = 30}, 7);
  EnsembleQuestion question{.size_limit = 700, .members = 4, .beam_width = 3};
  std::vector<std::string> warnings;
  const DeviceOffer offer{.open = FirstCudaDevice,
                          .fewest_lists = 0,
                          .warn = [&warnings](const std::string& why) { warnings.push_back(why); }};
  const EnsembleModels pool = PoolOf(models);
  EXPECT_EQ(boost::json::serialize(ToJson(FindEnsemble(question, pool, Serially, offer))),
            boost::json::serialize(ToJson(FindEnsemble(question, pool, Serially))));
  EXPECT_THAT(warnings, testing::IsEmpty());
}

}  // namespace
}  // namespace beamgrid::gpu
