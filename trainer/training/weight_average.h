#pragma once
// Averages of the weights over the course of a training. They are what is evaluated and shipped;
// the training goes on with the weights themselves.
//
// ema = d: after each step n = 1, 2, ...: average += (1-d) / (1-d^n) * (weights - average), which
// is
//   sum over steps i of d^(n-i) w_i, divided by the sum of d^(n-i): an exponential moving average
//   without bias towards where it began. The weights before the first step, be they random or those
//   of another model, have no share. Skalic and Austin 2018 took d = 1 - 1/2000.
// average_checkpoints = N: the mean of the weights (of their moving average, where ema is on too)
// at
//   the ends of the last N of the epochs planned, so far. The mean over checkpoints of the 4th and
//   the 7th place in 2018.
//
// Running statistics of batch norm are averaged like the weights that they belong to: those of the
// last step alone describe the activations of the last weights. Constants stay what they are.
// Counts and indices (integers) are copied, since nothing between two of them means anything.

#include "trainer/training/checkpoint.h"
#include "trainer/training/train_settings.h"

namespace beamgrid::trainer {

class WeightAverage {
 public:
  /// `weights`: of the shapes and on the device of all later ones; nothing is allocated for an
  /// average that is off.
  WeightAverage(const TrainSettings& settings, const NamedTensors& weights);

  [[nodiscard]] bool IsOn() const { return OfSteps() || OfEpochs(); }
  /// True where AfterStep does something.
  [[nodiscard]] bool OfSteps() const { return decay_ > 0; }

  void AfterStep(const NamedTensors& weights);
  /// `epoch` is 1-based. Once an epoch is in the mean, another call for it changes nothing.
  void AfterEpoch(std::int64_t epoch, const NamedTensors& weights);

  /// What is to be evaluated and shipped: an average, or `weights` where there is none yet.
  [[nodiscard]] NamedTensors Average(const NamedTensors& weights) const;

  /// All of it, in place: copy into these tensors to go on. Empty where nothing is averaged.
  [[nodiscard]] NamedTensors State() const;

 private:
  [[nodiscard]] bool OfEpochs() const { return epochs_.defined(); }
  [[nodiscard]] NamedTensors AverageOfSteps(const NamedTensors& weights) const;

  double decay_;
  std::int64_t first_epoch_;      ///< of the mean
  NamedTensors step_average_;     ///< where OfSteps
  NamedTensors epoch_average_;    ///< where OfEpochs
  torch::Tensor steps_, epochs_;  ///< scalar int64 on the CPU: how many are in them
};

}  // namespace beamgrid::trainer
