#pragma once
// Adam over a model's parameters.

#include <torch/torch.h>

#include <string>
#include <vector>

#include "trainer/training/checkpoint.h"
#include "trainer/training/train_settings.h"

namespace beamgrid::trainer {

/// Optimiser steps a model's parameters with Adam (Kingma and Ba 2015): element for element the
/// arithmetic and result of torch::optim::Adam, on the CPU in one pass over the memory (adam.h).
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
  /// optimiser's own: copy into them to go on from there.
  [[nodiscard]] NamedTensors State() const;

 private:
  struct Parameter {
    std::string name;
    torch::Tensor value, first_moment, second_moment;
  };

  double l2_;
  std::vector<torch::Tensor> regularised_;
  std::vector<Parameter> parameters_;
  torch::Tensor steps_;  ///< [parameters] int64 on the CPU: steps that each parameter has made
};

}  // namespace beamgrid::trainer
