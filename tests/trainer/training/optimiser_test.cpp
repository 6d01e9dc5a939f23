// Adam against Adam's equations, its schedule and its state.

#include "trainer/training/optimiser.h"

#include <gtest/gtest.h>
#include <torch/version.h>

#include <cmath>

namespace beamgrid::trainer {
namespace {

/// One tensor larger than a piece, one small, one that never gets a gradient.
NamedTensors Parameters() {
  torch::manual_seed(2);
  return {{"large", torch::randn({300, 1000})},
          {"small", torch::randn({7})},
          {"idle", torch::randn({3})}};
}

torch::Tensor Gradient(const torch::Tensor& like, int step) {
  torch::manual_seed(static_cast<std::uint64_t>(100 + step));
  return torch::randn_like(like);
}

void StepTimes(Optimiser& optimiser, const NamedTensors& parameters, int from, int to) {
  for (int step = from; step < to; ++step) {
    optimiser.DropGradients();
    for (std::size_t i = 0; i < 2; ++i) {
      torch::Tensor(parameters[i].second).mutable_grad() = Gradient(parameters[i].second, step);
    }
    optimiser.AddL2();
    optimiser.Step(0.01);
  }
}

/// Kingma and Ba 2015, algorithm 1, in double, with coupled L2.
torch::Tensor ReferenceAdam(torch::Tensor value, int steps, double l2) {
  value = value.to(torch::kDouble).clone();
  torch::Tensor first = torch::zeros_like(value), second = torch::zeros_like(value);
  for (int step = 1; step <= steps; ++step) {
    const torch::Tensor gradient =
        Gradient(value.to(torch::kFloat), step - 1).to(torch::kDouble) + l2 * value;
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient.square();
    const torch::Tensor mean = first / (1 - std::pow(0.9, step));
    const torch::Tensor variance = second / (1 - std::pow(0.999, step));
    value = value - 0.01 * mean / (variance.sqrt() + 1e-8);
  }
  return value;
}

TEST(OptimiserTest, IsAdamWithL2OnTheClassifierOnly) {
  const NamedTensors before = Parameters(), parameters = Parameters();
  Optimiser optimiser({.l2 = 0.1}, parameters, {parameters[0].second});
  StepTimes(optimiser, parameters, 0, 4);
  for (std::size_t i = 0; i < 2; ++i) {
    const torch::Tensor expected = ReferenceAdam(before[i].second, 4, i == 0 ? 0.1 : 0);
    EXPECT_TRUE(torch::allclose(parameters[i].second.to(torch::kDouble), expected, 1e-5, 1e-6))
        << parameters[i].first;
  }
  EXPECT_TRUE(parameters[2].second.equal(before[2].second)) << "no gradient, no step";
}

/// Bit for bit those of 1.13; later ones round otherwise.
bool IsLibTorchs(const torch::Tensor& ours, const torch::Tensor& theirs) {
  return TORCH_VERSION_MAJOR == 1 ? ours.equal(theirs) : torch::allclose(ours, theirs, 1e-6, 1e-8);
}

TEST(OptimiserTest, GivesLibTorchsNumbers) {
  const NamedTensors parameters = Parameters(), plain = Parameters();
  Optimiser optimiser({}, parameters, {});
  StepTimes(optimiser, parameters, 0, 3);
  torch::optim::Adam adam({plain[0].second, plain[1].second}, torch::optim::AdamOptions(0.01));
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < 2; ++i) {
      torch::Tensor(plain[i].second).mutable_grad() = Gradient(plain[i].second, step);
    }
    adam.step();
  }
  EXPECT_TRUE(IsLibTorchs(parameters[0].second, plain[0].second));
  EXPECT_TRUE(IsLibTorchs(parameters[1].second, plain[1].second));
}

TEST(OptimiserTest, GoesOnFromItsState) {
  const NamedTensors through = Parameters();
  Optimiser uninterrupted({}, through, {});
  StepTimes(uninterrupted, through, 0, 5);

  const NamedTensors first = Parameters();
  Optimiser before({}, first, {});
  StepTimes(before, first, 0, 2);
  const NamedTensors second = Parameters();
  Optimiser after({}, second, {});
  for (std::size_t i = 0; i < second.size(); ++i) {
    torch::Tensor(second[i].second).copy_(first[i].second);
  }
  const NamedTensors from = before.State(), to = after.State();
  for (std::size_t i = 0; i < to.size(); ++i) {
    ASSERT_EQ(from[i].first, to[i].first);
    torch::Tensor(to[i].second).copy_(from[i].second);
  }
  StepTimes(after, second, 2, 5);
  for (std::size_t i = 0; i < second.size(); ++i) {
    EXPECT_TRUE(second[i].second.equal(through[i].second)) << second[i].first;
  }
}

TEST(LearningRateTest, FallsInStairs) {
  const TrainSettings settings{.learning_rate = 0.1, .decay = 0.5, .decay_examples = 100};
  EXPECT_DOUBLE_EQ(LearningRate(settings, 0), 0.1);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 99), 0.1);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 100), 0.05);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 350), 0.0125);
}

// Zhao 2017: 4,000,000 examples from one step to the next, 40,000 near convergence.
TEST(LearningRateTest, FallsFasterNearConvergence) {
  const TrainSettings settings{.learning_rate = 0.1,
                               .decay = 0.5,
                               .decay_examples = 100,
                               .late_decay_from = 250,
                               .late_decay_examples = 10};
  EXPECT_DOUBLE_EQ(LearningRate(settings, 99), 0.1);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 249), 0.025);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 250), 0.025);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 259), 0.025);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 260), 0.0125);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 285), 0.025 / 8);
}

TEST(LearningRateTest, RisesFromZeroDuringTheWarmup) {
  const TrainSettings settings{
      .learning_rate = 0.1, .decay = 0.5, .decay_examples = 100, .warmup_examples = 200};
  EXPECT_DOUBLE_EQ(LearningRate(settings, 0), 0);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 50), 0.025);
  EXPECT_DOUBLE_EQ(LearningRate(settings, 150), 0.0375) << "the stairs go on meanwhile";
  EXPECT_DOUBLE_EQ(LearningRate(settings, 200), 0.025);
}

TEST(TrainSettingsTest, AreInTheCatalogue) {
  const Catalogue catalogue = BuiltCatalogue();
  const ComponentInfo* train = catalogue.Find("train", "train");
  ASSERT_NE(train, nullptr);
  const auto settings = ReadOptions<TrainSettings>(DefaultOptions(*train));
  EXPECT_EQ(settings.batch, 128);
  EXPECT_EQ(settings.decay_examples, 4'000'000);
}

}  // namespace
}  // namespace beamgrid::trainer
