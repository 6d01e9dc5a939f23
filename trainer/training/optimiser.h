#pragma once
// LibTorch's Adam, stepping through large parameters piece by piece.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "trainer/training/checkpoint.h"
#include "trainer/training/train_settings.h"

namespace beamgrid::trainer {

/// torch::optim::Adam makes about ten passes over each tensor. Over a classifier's 100 MB matrix
/// each of them goes through main memory; over views of a few hundred kB all but the first stay in
/// the cache. So on the CPU it is given such views: element for element the same arithmetic and
/// result.
///
/// Gradients are taken from the parameters' own .grad; parameters without one are left alone.
class Optimiser {
 public:
  /// `regularised`: those of `parameters` that settings.l2 applies to.
  Optimiser(const TrainSettings& settings, const NamedTensors& parameters,
            const std::vector<torch::Tensor>& regularised);

  void Step(double learning_rate);
  /// Drops the gradients: the next backward pass stores new ones instead of adding to zeros.
  void DropGradients();

  /// Everything the next step depends on, in place: copy into these tensors, then call
  /// OnStateRestored.
  [[nodiscard]] NamedTensors State() const;
  void OnStateRestored();

 private:
  struct Parameter {
    std::string name;
    torch::Tensor value, first_moment, second_moment;
    std::vector<torch::Tensor> pieces;  ///< flat views of `value`, what Adam sees
  };
  void LendGradient(Parameter& parameter);

  std::vector<Parameter> parameters_;
  torch::Tensor steps_;  ///< [parameters] int64, CPU: steps that each has made
  std::unique_ptr<torch::optim::Adam> adam_;
};

}  // namespace beamgrid::trainer
