// What every temporal component with a state for each frame must do when asked for them.

#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace states_test {

using contract::Alone;
using contract::Padded;
using contract::RandomSequence;

constexpr std::int64_t kWidth = 5;
const std::vector<std::int64_t> kLengths = {6, 1, 3, 2};

/// What has no default must be given: a file.
bool CanBeBuiltAlone(const ComponentInfo& info) {
  return std::ranges::none_of(
      info.options, [](const OptionInfo& option) { return option.default_value.is_null(); });
}

/// All variants of the catalogue's temporal components that have states.
void ForEach(const std::function<void(Temporal&)>& check) {
  torch::manual_seed(2);
  for (const ComponentInfo& info : BuiltCatalogue().components) {
    if (info.criterion != "temporal" || !CanBeBuiltAlone(info)) continue;
    for (const contract::Case& c : contract::CasesOf(info)) {
      SCOPED_TRACE(c.name + ", " + c.label);
      const auto subject = contract::Build(c, {.features = {{"rgb", 3}, {"audio", 2}}});
      if (!subject) continue;
      auto& module = dynamic_cast<Temporal&>(*subject->module);
      if (module.states_width() == 0) continue;
      reference::Randomise(module);
      module.eval();
      check(module);
    }
  }
}

TEST(States, AreAsWideAsDeclaredAndZeroOnPadding) {
  const torch::NoGradGuard no_gradient;
  int components = 0;
  ForEach([&](Temporal& module) {
    ++components;
    const Sequence input = RandomSequence(kLengths, 8, kWidth);
    for (const bool training : {true, false}) {
      module.train(training);
      const Sequence states = module.States(input, {});
      EXPECT_TRUE(states.mask.equal(input.mask));
      EXPECT_TRUE(states.lengths.equal(input.lengths));
      EXPECT_EQ(states.frames.sizes().vec(),
                (std::vector<std::int64_t>{4, 8, module.states_width()}));
      EXPECT_EQ(states.frames.index({input.mask.logical_not()}).abs().max().item<double>(), 0);
    }
  });
  EXPECT_GT(components, 20) << "rnn, lstm, gru, blstm, bigru, hm_lstm and mean have states";
}

TEST(States, DependOnTheVideosOwnFramesOnly) {
  const torch::NoGradGuard no_gradient;
  ForEach([](Temporal& module) {
    const Sequence input = RandomSequence(kLengths, 6, kWidth);
    const torch::Tensor together = module.States(input, {}).frames;
    const torch::Tensor padded = module.States(Padded(input, 3, 0), {}).frames;
    EXPECT_TRUE(padded.slice(1, 0, 6).allclose(together, 0, 2e-5));
    for (std::int64_t b = 0; b < 4; ++b) {
      const torch::Tensor alone = module.States(Alone(input, b), {}).frames[0];
      EXPECT_TRUE(alone.allclose(together[b].slice(0, 0, alone.size(0)), 0, 2e-5)) << b;
    }
  });
}

// Where the embedding is a mean over the frames, it is the mean of the states.
TEST(States, AreWhatTheMeanPoolPools) {
  const torch::NoGradGuard no_gradient;
  for (const char* name : {"rnn", "lstm", "gru", "blstm", "bigru", "hm_lstm"}) {
    const auto module = reference::MakeTemporal(name, {{"hidden", 4}, {"pool", "mean"}}, kWidth);
    module->eval();
    const Sequence input = RandomSequence(kLengths, 6, kWidth);
    EXPECT_TRUE(contract::MeanFrame(module->States(input, {}))
                    .allclose(module->forward(input, {}), 0, 1e-5))
        << name;
  }
}

}  // namespace states_test
}  // namespace beamgrid::trainer
