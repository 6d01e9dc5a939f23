// What data.normalise does to frames, against plain loops; and that it changes nothing by default.

#include "trainer/training/normalisation.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/trainer/trial.h"
#include "trainer/data/frame_values.h"
#include "trainer/training/input.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace normalisation_test {

using enum Normalisation;

const torch::Tensor kMask =
    torch::tensor({1, 1, 1, 1, 0, 0}, torch::kLong).view({2, 3}).to(torch::kBool);

torch::Tensor Frames() {
  torch::manual_seed(4);
  return torch::randn({2, 3, 6}, torch::kFloat) * 3 + 1;
}

DataSpec Data(const std::map<std::string, Normalisation>& normalise) {
  return {.format = "frame", .features = {{"a", 3}, {"b", 2}, {"c", 1}}, .normalise = normalise};
}

TEST(NormalisationTest, EachFeatureIsDoneAsItsWordSays) {
  InputNormalisation module(Data({{"a", kL2}, {"b", kStandardise}, {"c", kNone}}));
  ASSERT_TRUE(module.standardises());
  module.SetStatistics({.mean = {9, 9, 9, 0.5, -2, 9}, .deviation = {9, 9, 9, 4, 0, 9}});
  const torch::Tensor raw = Frames();
  const torch::Tensor result = module.Apply(raw.clone(), kMask);
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t t = 0; t < 3; ++t) {
      if (!kMask[b][t].item<bool>()) {
        EXPECT_TRUE(result[b][t].eq(0).all().item<bool>());
        continue;
      }
      const auto x = [&](std::int64_t i) { return raw[b][t][i].item<double>(); };
      const double norm = std::sqrt(x(0) * x(0) + x(1) * x(1) + x(2) * x(2));
      const std::vector<double> expected = {
          x(0) / norm,      x(1) / norm, x(2) / norm,
          (x(3) - 0.5) / 4,  // deviation 0: what is left of the mean
          x(4) + 2,         x(5)};
      for (std::int64_t i = 0; i < 6; ++i) {
        EXPECT_NEAR(result[b][t][i].item<double>(), expected[static_cast<std::size_t>(i)], 1e-6);
      }
    }
  }
}

TEST(NormalisationTest, AFeatureOfZerosStaysZeros) {
  const InputNormalisation module(Data({{"a", kL2}, {"b", kL2}, {"c", kL2}}));
  EXPECT_FALSE(module.standardises());
  EXPECT_TRUE(module.Apply(torch::zeros({2, 3, 6}), kMask).eq(0).all().item<bool>());
}

// The same floats, from codes and from records of floats: the models then cannot differ in a bit.
TEST(NormalisationTest, CodesAndTheirFloatsBecomeTheSameBits) {
  std::string codes;
  for (int code = 0; code < 256; ++code) codes.push_back(static_cast<char>(code));
  std::vector<float> values(256);
  ReadFrame(FrameType::kUint8, codes.data(), values);
  const torch::Tensor of_codes =
      Dequantised(torch::arange(256, torch::kLong).to(torch::kByte)).contiguous();
  EXPECT_TRUE(of_codes.equal(torch::tensor(values, torch::kFloat)));
}

TEST(NormalisationTest, FloatFramesGoTheSameWay) {
  Batch batch{
      .ids = {"a", "b"}, .label_offsets = {0, 0, 0}, .longest = 3, .width = 6, .lengths = {3, 1}};
  for (int i = 0; i < 2 * 3 * 6; ++i) batch.frames.push_back(static_cast<std::uint8_t>(i * 7));
  Batch floats = batch;
  floats.float_frames.resize(batch.frames.size());
  ReadFrame(FrameType::kUint8, reinterpret_cast<const char*>(batch.frames.data()),
            floats.float_frames);
  floats.frames.clear();
  for (const auto& normalise : std::vector<std::map<std::string, Normalisation>>{
           {}, {{"a", kL2}, {"b", kL2}, {"c", kNone}}}) {
    const InputNormalisation module(Data(normalise));
    EXPECT_TRUE(ToDevice(batch, 3, torch::kCPU, module)
                    .input.frames.equal(ToDevice(floats, 3, torch::kCPU, module).input.frames));
  }
}

TEST(NormalisationTest, AVideosWeightMultipliesItsCells) {
  Batch batch{.ids = {"a", "b"},
              .labels = {1},
              .label_offsets = {0, 1, 1},
              .width = 6,
              .lengths = {1, 1},
              .features = std::vector<float>(12, 1.0F)};
  batch.video_weights = {0.5F, 2};
  const InputNormalisation module({.format = "video"});
  EXPECT_TRUE(
      ToDevice(batch, 2, torch::kCPU, module)
          .targets.weights.equal(torch::tensor({0.5, 0.5, 2.0, 2.0}, torch::kFloat).view({2, 2})));
  batch.class_weights = {1, 3};
  EXPECT_TRUE(
      ToDevice(batch, 2, torch::kCPU, module)
          .targets.weights.equal(torch::tensor({0.5, 1.5, 2.0, 6.0}, torch::kFloat).view({2, 2})));
}

TEST(NormalisationTest, OnlyStatisticsAreShippedAndTheyAreExact) {
  DataSpec data = Data({});
  data.classes = 2;
  data.max_frames = 3;
  const ModelSpec spec = MakeModel({.train = {{"precision", "fp16"}}});
  const Model plain(spec, data);
  EXPECT_FALSE(plain.named_buffers().contains("statistics.mean"));
  data.normalise = {{"a", kStandardise}, {"b", kNone}, {"c", kNone}};
  Model model(spec, data);
  EXPECT_EQ(model.SizeBytes(), plain.SizeBytes() + 2 * 6 * 4);
  EXPECT_EQ(model.ParameterCount(), plain.ParameterCount() + 2 * 6);
  model.normalisation().SetStatistics(
      {.mean = {100.001, 2, 3, 9, 9, 9}, .deviation = {1e-6, 1, 1, 9, 9, 9}});
  const ShippedWeights shipped(
      {{"statistics.mean", model.named_buffers()["statistics.mean"]},
       {"statistics.deviation", model.named_buffers()["statistics.deviation"]},
       {"classifier.linear.weight", torch::ones({2})}},
      Precision::kFp16);
  std::vector<torch::Tensor> stored;
  for (const auto& [name, tensor] : shipped.Stored()) stored.push_back(tensor);
  ASSERT_EQ(stored.size(), 3U);
  EXPECT_EQ(stored[0][0].item<float>(), 100.001F);
  EXPECT_EQ(stored[1][0].item<float>(), 1e-6F);
  EXPECT_EQ(stored[2].scalar_type(), torch::kHalf);
}

}  // namespace normalisation_test
}  // namespace beamgrid::trainer
