#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace input_noise_test {

std::shared_ptr<Extra> Make(const Options& set) {
  return Makers<Extra>::All().at("input_noise")(
      {}, reference::WithDefaults("extras", "input_noise", set));
}

const std::vector<std::int64_t> kLengths = {40, 1, 25};

Sequence Input() {
  torch::manual_seed(31);
  return contract::RandomSequence(kLengths, 50, 300);
}

torch::Tensor NoiseOf(Extra& module, const Sequence& input) {
  torch::manual_seed(32);
  const Sequence output = module.OnInput(input);
  EXPECT_TRUE(output.mask.equal(input.mask));
  EXPECT_TRUE(output.lengths.equal(input.lengths));
  return output.frames - input.frames;
}

TEST(InputNoiseTest, IsNormalWithTheStandardDeviation) {
  for (const double stddev : {0.001, 0.2}) {
    const Sequence input = Input();
    const torch::Tensor noise =
        NoiseOf(*Make({{"stddev", stddev}}), input).index({input.mask}) / stddev;
    ASSERT_EQ(noise.sizes().vec(), (std::vector<std::int64_t>{66, 300}));
    EXPECT_NEAR(noise.mean().item<double>(), 0, 0.03);
    EXPECT_NEAR(noise.std().item<double>(), 1, 0.03);
    EXPECT_NEAR(noise.pow(4).mean().item<double>(), 3, 0.3) << "not normal";
  }
}

TEST(InputNoiseTest, IsAThousandthByDefault) {
  const Sequence input = Input();
  EXPECT_TRUE(NoiseOf(*Make({}), input).equal(NoiseOf(*Make({{"stddev", 0.001}}), input)));
}

TEST(InputNoiseTest, DiffersFromFrameToFrame) {
  const torch::Tensor noise = NoiseOf(*Make({{"stddev", 1.0}}), Input());
  EXPECT_GT((noise[0][0] - noise[0][1]).abs().max().item<double>(), 1);
  EXPECT_GT((noise[0][0] - noise[1][0]).abs().max().item<double>(), 1);
}

TEST(InputNoiseTest, LeavesPaddingZero) {
  const Sequence input = Input();
  const torch::Tensor padding =
      NoiseOf(*Make({{"stddev", 1.0}}), input).index({input.mask.logical_not()});
  EXPECT_EQ(padding.abs().max().item<double>(), 0);
}

TEST(InputNoiseTest, DoesNothingOutsideTraining) {
  const auto module = Make({{"stddev", 1.0}});
  module->eval();
  const Sequence input = Input();
  EXPECT_TRUE(module->OnInput(input).frames.equal(input.frames));
}

TEST(InputNoiseTest, LeavesTheCallersFramesAlone) {
  const Sequence input = Input();
  const torch::Tensor before = input.frames.clone();
  Make({{"stddev", 1.0}})->OnInput(input);
  EXPECT_TRUE(input.frames.equal(before));
}

TEST(InputNoiseTest, ComesFromTorchsGenerator) {
  const auto module = Make({});
  const Sequence input = Input();
  const torch::Tensor first = module->OnInput(input).frames;
  EXPECT_FALSE(first.equal(module->OnInput(input).frames));
  EXPECT_TRUE(NoiseOf(*module, input).equal(NoiseOf(*module, input)));
}

}  // namespace input_noise_test
}  // namespace beamgrid::trainer
