// Averages of weights against sums in double over the whole history.

#include "trainer/training/weight_average.h"

#include <gtest/gtest.h>

#include <cmath>

namespace beamgrid::trainer {
namespace {

/// Weights that a training might leave after a step: two floating tensors and a counter.
NamedTensors WeightsAfter(int step) {
  torch::manual_seed(static_cast<std::uint64_t>(step));
  return {{"weight", torch::randn({3, 2})},
          {"running_mean", torch::randn({4})},
          {"steps", torch::tensor(std::int64_t{step})}};
}

/// Sum over steps 1..n of share(step) * weights, in double.
template <typename Share>
torch::Tensor WeightedSum(std::size_t tensor, int from, int to, const Share& share) {
  torch::Tensor sum = torch::zeros({}, torch::kDouble);
  for (int step = from; step <= to; ++step) {
    sum = sum + share(step) * WeightsAfter(step)[tensor].second.to(torch::kDouble);
  }
  return sum;
}

void ExpectClose(const torch::Tensor& tensor, const torch::Tensor& expected) {
  EXPECT_LT((tensor.to(torch::kDouble) - expected).abs().max().item<double>(), 1e-6);
}

TEST(WeightAverageTest, OffItIsTheWeights) {
  WeightAverage average({.average_checkpoints = 1}, WeightsAfter(0));
  EXPECT_FALSE(average.IsOn());
  EXPECT_TRUE(average.State().empty());
  const NamedTensors weights = WeightsAfter(1);
  average.AfterStep(weights);
  average.AfterEpoch(1, weights);
  EXPECT_TRUE(average.Average(weights)[0].second.is_same(weights[0].second));
}

TEST(WeightAverageTest, OfStepsForgetsExponentiallyAndHasNoBias) {
  constexpr double kDecay = 0.8;
  constexpr int kSteps = 7;
  WeightAverage average({.ema = kDecay}, WeightsAfter(0));
  for (int step = 1; step <= kSteps; ++step) average.AfterStep(WeightsAfter(step));
  double sum_of_shares = 0;
  for (int step = 1; step <= kSteps; ++step) sum_of_shares += std::pow(kDecay, kSteps - step);
  const NamedTensors averaged = average.Average(WeightsAfter(99));
  for (const std::size_t tensor : {0U, 1U}) {
    ExpectClose(averaged[tensor].second, WeightedSum(tensor, 1, kSteps, [&](int step) {
                  return std::pow(kDecay, kSteps - step) / sum_of_shares;
                }));
  }
  EXPECT_EQ(averaged[2].second.item<std::int64_t>(), kSteps) << "integers are the last ones";
}

TEST(WeightAverageTest, OfOneStepIsThatStep) {
  WeightAverage average({.ema = 0.9995}, WeightsAfter(0));
  average.AfterStep(WeightsAfter(1));
  EXPECT_TRUE(average.Average({})[0].second.equal(WeightsAfter(1)[0].second));
}

TEST(WeightAverageTest, ConstantsStayWhatTheyAre) {
  WeightAverage average({.epochs = 9, .ema = 0.7, .average_checkpoints = 9}, WeightsAfter(0));
  for (int epoch = 1; epoch <= 9; ++epoch) {
    average.AfterStep(WeightsAfter(5));
    average.AfterEpoch(epoch, WeightsAfter(5));
  }
  EXPECT_TRUE(average.Average({})[1].second.equal(WeightsAfter(5)[1].second));
}

TEST(WeightAverageTest, OfEpochsIsTheMeanOfTheLastOnes) {
  WeightAverage average({.epochs = 6, .average_checkpoints = 4}, WeightsAfter(0));
  for (int epoch = 1; epoch <= 6; ++epoch) {
    const NamedTensors weights = WeightsAfter(epoch);
    average.AfterEpoch(epoch, weights);
    average.AfterEpoch(epoch, weights);  // evaluated again after an interruption
    const NamedTensors averaged = average.Average(weights);
    const int first = epoch < 3 ? epoch : 3;
    ExpectClose(averaged[0].second,
                WeightedSum(0, first, epoch, [&](int) { return 1.0 / (epoch - first + 1); }));
    EXPECT_EQ(averaged[2].second.item<std::int64_t>(), epoch);
  }
}

TEST(WeightAverageTest, OfMoreEpochsThanThereAreIsTheMeanOfAll) {
  WeightAverage average({.epochs = 2, .average_checkpoints = 5}, WeightsAfter(0));
  for (int epoch = 1; epoch <= 2; ++epoch) average.AfterEpoch(epoch, WeightsAfter(epoch));
  ExpectClose(average.Average({})[0].second, WeightedSum(0, 1, 2, [](int) { return 0.5; }));
}

TEST(WeightAverageTest, OfEpochsTakesTheAverageOfSteps) {
  WeightAverage both({.epochs = 3, .ema = 0.5, .average_checkpoints = 2}, WeightsAfter(0));
  WeightAverage steps({.ema = 0.5}, WeightsAfter(0));
  torch::Tensor sum = torch::zeros({3, 2});
  for (int epoch = 1; epoch <= 3; ++epoch) {
    for (WeightAverage* average : {&both, &steps}) {
      average->AfterStep(WeightsAfter(epoch));
      average->AfterEpoch(epoch, WeightsAfter(epoch));
    }
    if (epoch > 1) sum = sum + steps.Average({})[0].second;
  }
  ExpectClose(both.Average({})[0].second, (sum / 2).to(torch::kDouble));
}

TEST(WeightAverageTest, GoesOnFromItsState) {
  const TrainSettings settings{.epochs = 4, .ema = 0.9, .average_checkpoints = 3};
  WeightAverage through(settings, WeightsAfter(0)), first(settings, WeightsAfter(0));
  const auto epoch = [](WeightAverage& average, int number) {
    average.AfterStep(WeightsAfter(2 * number));
    average.AfterStep(WeightsAfter(2 * number + 1));
    average.AfterEpoch(number, WeightsAfter(2 * number + 1));
  };
  for (const int number : {1, 2, 3, 4}) epoch(through, number);
  for (const int number : {1, 2}) epoch(first, number);
  WeightAverage second(settings, WeightsAfter(0));
  const NamedTensors from = first.State(), to = second.State();
  for (std::size_t i = 0; i < to.size(); ++i) {
    ASSERT_EQ(from[i].first, to[i].first);
    torch::Tensor(to[i].second).copy_(from[i].second);
  }
  for (const int number : {3, 4}) epoch(second, number);
  for (const std::size_t tensor : {0U, 1U, 2U}) {
    EXPECT_TRUE(second.Average({})[tensor].second.equal(through.Average({})[tensor].second));
  }
}

}  // namespace
}  // namespace beamgrid::trainer
