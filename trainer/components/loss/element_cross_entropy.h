#pragma once
// The cross entropy of each cell of a batch, which all losses are made of.

#include "trainer/component.h"

namespace beamgrid::trainer {

/// The cross entropy of each cell, -log(q + 1e-5), where q is the probability given to the truth: p
/// where the label is 1, 1 - p elsewhere (YouTube-8M starter code's CrossEntropyLoss). The 1e-5
/// bounds the loss of a cell by 11.5 and its gradient by 1e5. Computed at least in single
/// precision: 1e-5 vanishes beside 1 in half precision. [batch, classes] -> the same.
[[nodiscard]] inline torch::Tensor ElementCrossEntropy(const torch::Tensor& probabilities,
                                                       const Targets& targets) {
  constexpr double kEpsilon = 1e-5;
  const torch::Tensor p =
      probabilities.to(torch::promoteTypes(probabilities.scalar_type(), torch::kFloat));
  // Labels are 0 or 1, so one logarithm serves both terms.
  const torch::Tensor right = torch::where(targets.labels > 0.5, p, 1 - p);
  return -(right + kEpsilon).log();
}

/// Each cell times its share in the loss.
[[nodiscard]] inline torch::Tensor Weighted(const torch::Tensor& cells, const Targets& targets) {
  return targets.weights.defined() ? cells * targets.weights : cells;
}

/// The sum over the classes, mean over the batch.
[[nodiscard]] inline torch::Tensor MeanOverVideos(const torch::Tensor& cells) {
  return cells.sum() / static_cast<double>(cells.size(0));
}

}  // namespace beamgrid::trainer
