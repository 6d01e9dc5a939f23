#pragma once
// LibTorch's Adam, stepping through large parameters piece by piece.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "trainer/training/checkpoint.h"
#include "trainer/training/train_settings.h"

namespace beamgrid::trainer {

/// Optimiser steps a model's parameters with torch::optim::Adam (Kingma and Ba 2015), which makes
/// about ten passes over each tensor. Over a classifier's 100 MB matrix
/// each of them goes through main memory; over views of a few hundred kB all but the first stay in
/// the cache. So on the CPU it is given such views: element for element the same arithmetic and
/// result.
///
/// Gradients are taken from the parameters' own .grad; parameters without one are left alone.
/// Not thread-safe.
class Optimiser {
 public:
  /// `regularised` are those of `parameters` that AddL2 applies to. Takes two more tensors of each
  /// parameter's size, on its device, for the moments.
  Optimiser(const TrainSettings& settings, const NamedTensors& parameters,
            const std::vector<torch::Tensor>& regularised);

  /// Adds l2 * w, the gradient of l2/2 w^2, to the gradient of each regularised parameter. This is
  /// how the reference models penalise weights, not the decoupled decay of AdamW.
  void AddL2();
  /// Moves the parameters against the gradients that they have now.
  void Step(double learning_rate);
  /// Drops the gradients: the next backward pass stores new ones instead of adding to zeros.
  void DropGradients();

  /// Everything that the next step depends on beside parameters and gradients. The tensors are the
  /// optimiser's own: copy into them, then call OnStateRestored.
  [[nodiscard]] NamedTensors State() const;
  void OnStateRestored();

 private:
  struct Parameter {
    std::string name;
    torch::Tensor value, first_moment, second_moment;
    std::vector<torch::Tensor> pieces;  ///< flat views of `value`, what Adam sees
  };
  void LendGradient(Parameter& parameter);

  double l2_;
  std::vector<torch::Tensor> regularised_;
  std::vector<Parameter> parameters_;
  torch::Tensor steps_;  ///< [parameters] int64 on the CPU: steps that each parameter has made
  std::unique_ptr<torch::optim::Adam> adam_;
};

}  // namespace beamgrid::trainer
