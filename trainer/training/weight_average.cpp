#include "trainer/training/weight_average.h"

#include <algorithm>
#include <cmath>

namespace beamgrid::trainer {
namespace {

NamedTensors ZerosLike(const NamedTensors& weights) {
  NamedTensors zeros;
  for (const auto& [name, tensor] : weights) zeros.emplace_back(name, torch::zeros_like(tensor));
  return zeros;
}

/// A count is a tensor so that it is saved and restored like the averages. On the CPU, because its
/// value is read in every step and would be waited for on a GPU.
torch::Tensor NoneYet() { return torch::zeros({}, torch::kLong); }

/// average += share * (weights - average); integers are copied.
void MoveTowards(const NamedTensors& average, const NamedTensors& weights, double share) {
  const torch::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < average.size(); ++i) {
    torch::Tensor target = average[i].second;
    if (target.is_floating_point()) {
      target.lerp_(weights[i].second, share);
    } else {
      target.copy_(weights[i].second);
    }
  }
}

}  // namespace

WeightAverage::WeightAverage(const TrainSettings& settings, const NamedTensors& weights)
    : decay_(settings.ema),
      first_epoch_(std::max<std::int64_t>(1, settings.epochs - settings.average_checkpoints + 1)) {
  const torch::NoGradGuard no_gradient;
  if (settings.ema > 0) {
    step_average_ = ZerosLike(weights);
    steps_ = NoneYet();
  }
  if (settings.average_checkpoints > 1) {
    epoch_average_ = ZerosLike(weights);
    epochs_ = NoneYet();
  }
}

void WeightAverage::AfterStep(const NamedTensors& weights) {
  if (!OfSteps()) return;
  steps_ += 1;
  // At step 1 the share is 1: the zeros that the average began with vanish. Computed in double,
  // since 1 - d^n loses most of a float's digits where d is close to 1.
  const double share = (1 - decay_) / (1 - std::pow(decay_, steps_.item<double>()));
  MoveTowards(step_average_, weights, share);
}

void WeightAverage::AfterEpoch(std::int64_t epoch, const NamedTensors& weights) {
  if (!OfEpochs()) return;
  const std::int64_t count = epoch - first_epoch_ + 1;
  // True also before the first epoch of the mean, where count is 0 or less.
  if (count <= epochs_.item<std::int64_t>()) return;
  epochs_.fill_(count);
  MoveTowards(epoch_average_, AverageOfSteps(weights), 1 / static_cast<double>(count));
}

NamedTensors WeightAverage::AverageOfSteps(const NamedTensors& weights) const {
  return OfSteps() && steps_.item<std::int64_t>() > 0 ? step_average_ : weights;
}

NamedTensors WeightAverage::Average(const NamedTensors& weights) const {
  return OfEpochs() && epochs_.item<std::int64_t>() > 0 ? epoch_average_ : AverageOfSteps(weights);
}

NamedTensors WeightAverage::State() const {
  NamedTensors state;
  const auto add = [&](const char* name, const torch::Tensor& count, const NamedTensors& average) {
    if (!count.defined()) return;
    state.emplace_back(std::string(name) + "s", count);
    const NamedTensors named = WithPrefix(std::string(name) + ".", average);
    state.insert(state.end(), named.begin(), named.end());
  };
  add("step", steps_, step_average_);
  add("epoch", epochs_, epoch_average_);
  return state;
}

}  // namespace beamgrid::trainer
