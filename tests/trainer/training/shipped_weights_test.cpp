// Weights as shipped: rounding against plain loops, sizes against what is stored, the file.

#include "trainer/training/shipped_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace {

using ::testing::HasSubstr;

constexpr std::array kPrecisions = {Precision::kFp32, Precision::kFp16, Precision::kBf16,
                                    Precision::kInt8};

torch::Tensor Shipped(const torch::Tensor& tensor, Precision precision) {
  torch::Tensor out = torch::empty_like(tensor);
  ShippedWeights({{"x", tensor}}, precision).CopyTo({{"x", out}});
  return out;
}

double ShippedNumber(double number, Precision precision) {
  return Shipped(torch::tensor(number, torch::kFloat), precision).item<double>();
}

TEST(ShippedWeightsTest, Fp32IsExact) {
  const torch::Tensor tensor = torch::randn({20'000});
  EXPECT_TRUE(Shipped(tensor, Precision::kFp32).equal(tensor));
}

// Ten bits after the binary point for fp16, seven for bf16; halfway goes to the even one.
TEST(ShippedWeightsTest, HalvesRoundToTheNearest) {
  const double ulp16 = std::ldexp(1, -10), ulp_b16 = std::ldexp(1, -7);
  for (const auto& [precision, ulp] :
       {std::pair{Precision::kFp16, ulp16}, std::pair{Precision::kBf16, ulp_b16}}) {
    EXPECT_EQ(ShippedNumber(1 + ulp, precision), 1 + ulp);
    EXPECT_EQ(ShippedNumber(1 + 0.5 * ulp, precision), 1);
    EXPECT_EQ(ShippedNumber(1 + 1.5 * ulp, precision), 1 + 2 * ulp);
    EXPECT_EQ(ShippedNumber(-1 - 0.6 * ulp, precision), -1 - ulp);
  }
  EXPECT_EQ(ShippedNumber(std::ldexp(1, -24), Precision::kFp16), std::ldexp(1, -24));
  EXPECT_EQ(ShippedNumber(1e5, Precision::kFp16), 65504) << "not infinity";
  EXPECT_EQ(ShippedNumber(-1e9, Precision::kFp16), -65504);
  EXPECT_NEAR(ShippedNumber(1e9, Precision::kBf16), 1e9, 1e9 / 256);
}

TEST(ShippedWeightsTest, Int8TakesTheNearestOf256EvenlySpacedValues) {
  torch::manual_seed(4);
  const torch::Tensor tensor = torch::randn({100, 171}) * 3 + 1;
  const torch::Tensor shipped = Shipped(tensor, Precision::kInt8);
  const double least = tensor.min().item<double>(), greatest = tensor.max().item<double>();
  const double step = (greatest - least) / 255;
  const float* from = tensor.data_ptr<float>();
  const float* to = shipped.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const double code = std::nearbyint((static_cast<double>(from[i]) - least) / step);
    const double nearest = least + code * step;
    // Between two table entries float and double may disagree about which is nearer.
    const bool tie = std::abs(std::abs(from[i] - nearest) - step / 2) < 1e-4 * step;
    EXPECT_NEAR(to[i], nearest, tie ? 1.001 * step : 1e-5 * step) << i;
  }
  EXPECT_EQ(shipped.min().item<double>(), least);
  EXPECT_EQ(shipped.max().item<double>(), greatest);
}

TEST(ShippedWeightsTest, Int8LeavesSmallTensorsAlone) {
  const torch::Tensor small = torch::randn({17'000}), large = torch::randn({17'001});
  EXPECT_TRUE(Shipped(small, Precision::kInt8).equal(small));
  EXPECT_FALSE(Shipped(large, Precision::kInt8).equal(large));
}

TEST(ShippedWeightsTest, Int8OfAConstantIsTheConstant) {
  const torch::Tensor tensor = torch::full({20'000}, 0.3);
  EXPECT_TRUE(Shipped(tensor, Precision::kInt8).equal(tensor));
}

TEST(ShippedWeightsTest, IntegersAreNeverRounded) {
  const torch::Tensor tensor = torch::arange(100'000, 120'000);
  for (const Precision precision : kPrecisions) {
    EXPECT_TRUE(Shipped(tensor, precision).equal(tensor));
    EXPECT_EQ(ShippedBytes("x", tensor, precision), 8 * 20'000);
  }
}

TEST(ShippedWeightsTest, ShippingAgainChangesNothing) {
  torch::manual_seed(5);
  const torch::Tensor tensor = torch::randn({30'000});
  for (const Precision precision : kPrecisions) {
    const torch::Tensor once = Shipped(tensor, precision);
    EXPECT_TRUE(Shipped(once, precision).equal(once));
  }
}

TEST(ShippedWeightsTest, WordsOfTheSetting) {
  EXPECT_EQ(PrecisionOf({{"precision", "bf16"}}), Precision::kBf16);
  EXPECT_EQ(PrecisionOf({}), Precision::kFp32);
  EXPECT_THAT(ErrorText<SpecError>([] { static_cast<void>(ParsePrecision("fp8")); }),
              HasSubstr("fp8"));
}

// ---- The file -----------------------------------------------------------------------------------

NamedTensors SomeWeights() {
  torch::manual_seed(6);
  return {{"linear.weight", torch::randn({300, 400})},
          {"linear.bias", torch::randn({300})},
          {"norm.steps", torch::tensor(std::int64_t{12345678901})},
          {"projection.indices", torch::randperm(50)}};
}

NamedTensors ZerosLike(const NamedTensors& weights) {
  NamedTensors zeros;
  for (const auto& [name, tensor] : weights) zeros.emplace_back(name, torch::zeros_like(tensor));
  return zeros;
}

class ModelFileTest : public ::testing::TestWithParam<Precision> {
 protected:
  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "model.pt";
};

TEST_P(ModelFileTest, ReadsBackBitForBit) {
  const NamedTensors weights = SomeWeights(), direct = ZerosLike(weights),
                     read = ZerosLike(weights);
  const ShippedWeights shipped(weights, GetParam());
  shipped.CopyTo(direct);
  shipped.Write(file_);
  ShippedWeights::Read(file_).CopyTo(read);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_TRUE(read[i].second.equal(direct[i].second)) << weights[i].first;
  }
}

TEST_P(ModelFileTest, IsOfTheSizeThatWasCounted) {
  const NamedTensors weights = SomeWeights();
  std::int64_t counted = 0;
  for (const auto& [name, tensor] : weights) counted += ShippedBytes(name, tensor, GetParam());
  ShippedWeights(weights, GetParam()).Write(file_);
  EXPECT_EQ(ShippedWeights::Read(file_).Bytes(), counted);
  const auto file_bytes = static_cast<double>(std::filesystem::file_size(file_));
  EXPECT_GT(file_bytes, counted);
  EXPECT_LT(file_bytes, 1.001 * static_cast<double>(counted) + 4096);
}

INSTANTIATE_TEST_SUITE_P(All, ModelFileTest, ::testing::ValuesIn(kPrecisions));

TEST_F(ModelFileTest, OfAnotherModelIsRefused) {
  const ShippedWeights shipped(SomeWeights(), Precision::kFp16);
  EXPECT_THAT(ErrorText<Error>([&] { shipped.CopyTo({{"gate.weight", torch::zeros({1})}}); }),
              HasSubstr("no tensor 'gate.weight'"));
  EXPECT_THAT(ErrorText<Error>([&] { shipped.CopyTo({{"linear.bias", torch::zeros({301})}}); }),
              HasSubstr("'linear.bias' has not the model's shape"));
  EXPECT_THROW(shipped.CopyTo({{"linear.bias", torch::zeros({300}, torch::kLong)}}), Error);
}

TEST_F(ModelFileTest, ADamagedOneIsRefusedWithItsPath) {
  ShippedWeights(SomeWeights(), Precision::kInt8).Write(file_);
  const std::string whole = ReadFile(file_);
  for (const std::string& bytes :
       {std::string(), std::string("junk"), whole.substr(0, 900), whole.substr(1000)}) {
    WriteFileAtomically(file_, bytes);
    EXPECT_THAT(ErrorText<Error>([&] { static_cast<void>(ShippedWeights::Read(file_)); }),
                HasSubstr(file_.string()));
  }
}

TEST_F(ModelFileTest, AFileThatIsNoDictionaryIsRefused) {
  const std::vector<char> bytes = torch::pickle_save(torch::ones({2}));
  WriteFileAtomically(file_, std::string_view(bytes.data(), bytes.size()));
  EXPECT_THROW(static_cast<void>(ShippedWeights::Read(file_)), Error);
}

// ---- Sizes of models ----------------------------------------------------------------------------

/// Kim et al. 2018: BLSTM of 1024 cells, batch-normalised gate, mixture of two experts.
ModelSpec KimModel(const char* precision) {
  return MakeModel(
      {.parts = {{"temporal", {"blstm", {{"hidden", 1024}, {"layers", 1}, {"residual", true}}}},
                 {"classifier", {"moe", {{"experts", 2}}}}},
       .extras = {{"context_gating", {{"batch_norm", true}}}},
       .train = {{"precision", precision}}});
}

TEST(ShippedSizeTest, HalvesHalveAndInt8QuartersAPapersModel) {
  const auto size = [](const char* precision) {
    return MeasureModel(KimModel(precision), PaperData());
  };
  const ModelSize full = size("fp32");
  constexpr std::int64_t kCounter = 8;  // batch norm's
  EXPECT_EQ(full.size_bytes, 4 * full.parameters + kCounter);
  EXPECT_EQ(size("fp16").size_bytes, 2 * full.parameters + kCounter);
  EXPECT_EQ(size("bf16").size_bytes, 2 * full.parameters + kCounter);
  EXPECT_EQ(size("int8").parameters, full.parameters);
  EXPECT_NEAR(static_cast<double>(size("int8").size_bytes) / static_cast<double>(full.size_bytes),
              0.25, 0.001);
}

TEST(ShippedSizeTest, IsThatOfTheStoredTensors) {
  DataSpec data{.format = "frame", .classes = 900, .features = {{"rgb", 20}, {"audio", 4}}};
  for (const char* precision : {"fp32", "fp16", "bf16", "int8"}) {
    const ModelSpec spec = MakeModel({.parts = {{"classifier", {"moe", {}}}},
                                      .extras = {{"context_gating", {{"batch_norm", true}}}},
                                      .train = {{"precision", precision}}});
    Model model(spec, data);
    NamedTensors tensors;
    for (const auto& item : model.named_parameters()) {
      tensors.emplace_back(item.key(), item.value().detach());
    }
    for (const auto& item : model.named_buffers()) tensors.emplace_back(item.key(), item.value());
    const ShippedWeights shipped(tensors, ParsePrecision(precision));
    EXPECT_EQ(shipped.Bytes(), model.SizeBytes()) << precision;
    EXPECT_EQ(shipped.Bytes(), MeasureModel(spec, data).size_bytes) << precision;
  }
}

}  // namespace
}  // namespace beamgrid::trainer
