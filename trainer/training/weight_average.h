#pragma once
// Averages of the weights over the course of a training. They are what is evaluated and shipped;
// the training goes on with the weights themselves.
//
// With ema = d, each step n = 1, 2, ... does average += (1-d) / (1-d^n) * (weights - average),
// which is the sum over steps i of d^(n-i) w_i divided by the sum of d^(n-i): an exponential moving
// average without bias towards where it began. The weights before the first step, be they random or
// those of another model, have no share. Skalic and Austin 2018 took d = 1 - 1/2000.
//
// With average_checkpoints = N, the average is the mean of the weights (of their moving average,
// where ema is on too) at the ends of those of the last N planned epochs that have been trained so
// far. The teams in 4th and 7th place of the 2018 challenge averaged checkpoints like this.
//
// Running statistics of batch norm are averaged like the weights that they belong to: those of the
// last step alone describe the activations of the last weights. Constants stay what they are.
// Counts and indices (integers) are copied, since nothing between two of them means anything.

#include "trainer/training/checkpoint.h"
#include "trainer/training/train_settings.h"

namespace beamgrid::trainer {

/// WeightAverage follows a model's weights and keeps the averages that its settings ask for, one
/// more tensor of the same size for each. Not thread-safe.
class WeightAverage {
 public:
  /// `weights` show the shapes and the device of all later ones; their values have no share.
  /// Nothing is allocated for an average that is off.
  WeightAverage(const TrainSettings& settings, const NamedTensors& weights);

  /// True where the settings ask for any average.
  [[nodiscard]] bool IsOn() const { return OfSteps() || OfEpochs(); }
  /// True where AfterStep does something.
  [[nodiscard]] bool OfSteps() const { return decay_ > 0; }

  /// Takes the weights after a training step into the moving average.
  void AfterStep(const NamedTensors& weights);
  /// Takes the weights after an epoch into the mean over epochs. `epoch` is 1-based. Once an epoch
  /// is in the mean, another call for it changes nothing.
  void AfterEpoch(std::int64_t epoch, const NamedTensors& weights);

  /// The weights that are to be evaluated and shipped: an average, or `weights` themselves where
  /// there is none yet. The tensors are shared, not copied.
  [[nodiscard]] NamedTensors Average(const NamedTensors& weights) const;

  /// Everything that the averages consist of. The tensors are our own: copy into them to go on from
  /// there. Empty where nothing is averaged.
  [[nodiscard]] NamedTensors State() const;

 private:
  [[nodiscard]] bool OfEpochs() const { return epochs_.defined(); }
  [[nodiscard]] NamedTensors AverageOfSteps(const NamedTensors& weights) const;

  double decay_;
  std::int64_t first_epoch_;      ///< the first epoch of the mean, 1-based
  NamedTensors step_average_;     ///< empty unless OfSteps
  NamedTensors epoch_average_;    ///< empty unless OfEpochs
  torch::Tensor steps_, epochs_;  ///< scalar int64 on the CPU: how many they hold
};

}  // namespace beamgrid::trainer
