// Every component in train.arithmetic = "bf16": a training step of a small model that has it.

#include <gtest/gtest.h>

#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/script_files.h"
#include "tests/trainer/trial.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace arithmetic_test {

constexpr std::int64_t kVideos = 24, kFrames = 9, kClasses = 40;

DataSpec Data(const ComponentInfo& info) {
  DataSpec data{.format = "frame",
                .classes = kClasses,
                .features = {{"rgb", 64}, {"audio", 32}},
                .max_frames = kFrames};
  if (info.most_features == 1) data.features.pop_back();
  return data;
}

/// All but a script that classifies: what it multiplies is its own, and it has four classes.
std::vector<ComponentInfo> OurComponents() {
  std::vector<ComponentInfo> components = contract::Components();
  std::erase_if(components, [](const ComponentInfo& info) {
    return info.criterion == "classifier" && info.name == "script";
  });
  return components;
}

/// The contract's small options, but with widths at which a machine that has bf16 uses it.
Options OptionsOf(const ComponentInfo& info, const Options& given) {
  constexpr std::int64_t kWide = 128, kWidth = 32;
  Options options = contract::CasesOf(info, given).front().options;
  for (const OptionInfo& option : info.options) {
    const bool wide = option.type == OptionType::kInteger && option.default_value.is_int64() &&
                      option.default_value.get_int64() >= kWide;
    if (wide && options[option.name] != option.default_value) options[option.name] = kWidth;
  }
  return options;
}

ModelSpec ModelWith(const ComponentInfo& info, const Options& options) {
  Parts parts;
  if (info.criterion == "extras") {
    parts.extras[info.name] = options;
    // What zoneout acts in and skip connections go around.
    parts.parts["temporal"] = {"lstm", {{"hidden", 32}, {"layers", 2}}};
  } else {
    parts.parts[info.criterion] = {info.name, options};
  }
  return MakeModel(parts);
}

DeviceBatch Batch(const DataSpec& data) {
  torch::manual_seed(61);
  std::int64_t width = 0;
  for (const auto& [name, columns] : data.features) width += columns;
  std::vector<std::int64_t> lengths;
  for (std::int64_t video = 0; video < kVideos; ++video) lengths.push_back(1 + video % kFrames);
  return {contract::RandomSequence(lengths, kFrames, width),
          contract::RandomTargets(kVideos, kClasses)};
}

/// What a step leaves behind.
struct Stepped {
  double loss = 0;
  torch::Tensor gradients;  ///< of all parameters, one after the other
};

Stepped StepIn(const std::string& arithmetic, const ModelSpec& spec, const DataSpec& data) {
  torch::manual_seed(62);
  Model model(spec, data);
  model.train();
  const DeviceBatch batch = Batch(data);
  TrainSettings settings;
  settings.arithmetic = arithmetic;
  Optimiser optimiser(settings, model.named_parameters().pairs(), model.RegularisedWeights());
  torch::manual_seed(63);
  Stepped stepped{.loss = TrainStep(model, optimiser, batch, settings, 0.001).item<double>()};
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : model.parameters()) {
    EXPECT_EQ(parameter.scalar_type(), torch::kFloat);
    EXPECT_TRUE(parameter.isfinite().all().item<bool>());
    if (!parameter.grad().defined()) continue;
    EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat);
    gradients.push_back(parameter.grad().flatten());
  }
  stepped.gradients = torch::cat(gradients);
  return stepped;
}

class ArithmeticTest : public ::testing::TestWithParam<ComponentInfo> {
 protected:
  void SetUp() override { torch::set_num_threads(1); }
  static inline const ScriptFiles files_;
};

TEST_P(ArithmeticTest, TrainsAStepInBf16NearlyAsInFp32) {
  const ComponentInfo& info = GetParam();
  const DataSpec data = Data(info);
  const ModelSpec spec = ModelWith(info, OptionsOf(info, files_.GivenFor(info)));
  const Stepped fp32 = StepIn("fp32", spec, data), bf16 = StepIn("bf16", spec, data);
  EXPECT_NEAR(bf16.loss, fp32.loss, fp32.loss / 100);
  EXPECT_TRUE(bf16.gradients.isfinite().all().item<bool>());
  EXPECT_FALSE(bf16.gradients.equal(fp32.gradients)) << "nothing was rounded";
  const double away = (bf16.gradients - fp32.gradients).norm().item<double>();
  EXPECT_LT(away, 0.1 * fp32.gradients.norm().item<double>());
}

INSTANTIATE_TEST_SUITE_P(Catalogue, ArithmeticTest, ::testing::ValuesIn(OurComponents()),
                         [](const auto& info) {
                           return info.param.criterion + "_" + info.param.name;
                         });

}  // namespace arithmetic_test
}  // namespace beamgrid::trainer
