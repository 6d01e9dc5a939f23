// From bytes to normalised frames, from index lists to the label matrix.

#include "trainer/training/input.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "trainer/data/quantise.h"

namespace beamgrid::trainer {
namespace {

const InputNormalisation kJointly({.format = "frame"});

/// Lengths 3, 1, 2; all bytes random, padding included: it must not matter.
Batch RandomBatch() {
  Batch batch{.ids = {"a", "b", "c"},
              .labels = {0, 4, 2},
              .label_offsets = {0, 2, 2, 3},
              .longest = 3,
              .width = 5,
              .lengths = {3, 1, 2}};
  std::mt19937 random(9);
  for (int i = 0; i < 3 * 3 * 5; ++i) {
    batch.frames.push_back(static_cast<std::uint8_t>(random() % 256));
  }
  return batch;
}

TEST(InputTest, DequantisesThenNormalisesTheWholeFrame) {
  const Batch batch = RandomBatch();
  const DeviceBatch result = ToDevice(batch, 6, torch::kCPU, kJointly);
  ASSERT_EQ(result.input.frames.sizes().vec(), (std::vector<std::int64_t>{3, 3, 5}));
  for (std::int64_t b = 0; b < 3; ++b) {
    for (std::int64_t t = 0; t < 3; ++t) {
      const bool valid = t < batch.lengths[static_cast<std::size_t>(b)];
      EXPECT_EQ(result.input.mask[b][t].item<bool>(), valid);
      double squares = 0;
      std::vector<double> expected;
      for (std::int64_t j = 0; j < 5; ++j) {
        expected.push_back(Dequantise(batch.frames[static_cast<std::size_t>((b * 3 + t) * 5 + j)]));
        squares += expected.back() * expected.back();
      }
      for (std::int64_t j = 0; j < 5; ++j) {
        const double value = result.input.frames[b][t][j].item<double>();
        if (valid) {
          EXPECT_NEAR(value, expected[static_cast<std::size_t>(j)] / std::sqrt(squares), 1e-6);
        } else {
          EXPECT_EQ(value, 0) << "padding is 0 after dequantising, not before";
        }
      }
    }
  }
}

TEST(InputTest, GoldenCodes) {
  const torch::Tensor codes = torch::tensor({0, 127, 128, 255}, torch::kByte).view({4, 1, 1});
  const torch::Tensor signs =
      kJointly.Apply(Dequantised(codes), torch::ones({4, 1}, torch::kBool)).flatten();
  EXPECT_TRUE(torch::allclose(signs, torch::tensor({-1, -1, 1, 1}, torch::kFloat)));
}

TEST(InputTest, ScattersTheLabels) {
  const torch::Tensor labels = ToDevice(RandomBatch(), 6, torch::kCPU, kJointly).targets.labels;
  const torch::Tensor expected =
      torch::tensor({1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, torch::kFloat);
  EXPECT_TRUE(labels.flatten().equal(expected)) << "video b has no label";
}

TEST(InputTest, EveryCellWeighsTheSameUnlessTheBatchSaysOtherwise) {
  EXPECT_FALSE(ToDevice(RandomBatch(), 6, torch::kCPU, kJointly).targets.weights.defined());
}

TEST(InputTest, UnratedCellsWeighNothing) {
  Batch batch = RandomBatch();
  batch.rated = {0, 3, 4, 2};
  batch.rated_offsets = {0, 3, 3, 4};
  EXPECT_FALSE(ToDevice(batch, 6, torch::kCPU, kJointly).targets.weights.defined())
      << "they are negatives";
  batch.unrated_weight = 0;
  const torch::Tensor weights = ToDevice(batch, 6, torch::kCPU, kJointly).targets.weights;
  const torch::Tensor expected =
      torch::tensor({1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, torch::kFloat);
  EXPECT_TRUE(weights.flatten().equal(expected));
}

TEST(InputTest, ClassesWeighOnTopOfRatings) {
  Batch batch = RandomBatch();
  batch.class_weights = {1, 1, 5, 5, 1, 1};
  const torch::Tensor row = torch::tensor({1, 1, 5, 5, 1, 1}, torch::kFloat);
  EXPECT_TRUE(ToDevice(batch, 6, torch::kCPU, kJointly).targets.weights.equal(row.expand({3, 6})));
  batch.rated = {0, 3, 4, 2};
  batch.rated_offsets = {0, 3, 3, 4};
  batch.unrated_weight = 0;
  const torch::Tensor expected =
      torch::tensor({1, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0}, torch::kFloat);
  EXPECT_TRUE(ToDevice(batch, 6, torch::kCPU, kJointly).targets.weights.flatten().equal(expected));
}

TEST(InputTest, NormalisesVideoLevelVectors) {
  Batch batch{.ids = {"a", "b"},
              .label_offsets = {0, 0, 0},
              .longest = 1,
              .width = 2,
              .lengths = {1, 1},
              .features = {3, 4, 0, 0}};
  const DeviceBatch result =
      ToDevice(batch, 3, torch::kCPU, InputNormalisation({.format = "video"}));
  EXPECT_TRUE(torch::allclose(result.input.frames.flatten(),
                              torch::tensor({0.6, 0.8, 0.0, 0.0}, torch::kFloat)));
  EXPECT_TRUE(result.input.mask.all().item<bool>());
}

TEST(InputTest, TheBatchMayBeRefilled) {
  Batch batch = RandomBatch();
  const DeviceBatch result = ToDevice(batch, 6, torch::kCPU, kJointly);
  const torch::Tensor frames = result.input.frames.clone();
  std::ranges::fill(batch.frames, std::uint8_t{7});
  std::ranges::fill(batch.lengths, 99);
  EXPECT_TRUE(result.input.frames.equal(frames));
  EXPECT_TRUE(result.input.lengths.equal(torch::tensor({3, 1, 2}, torch::kLong)));
}

}  // namespace
}  // namespace beamgrid::trainer
