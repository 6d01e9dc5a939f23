#pragma once
// Sums over a video's frames, for the components that pool frames without a recurrence.
//
// They are products with weights, not masked copies of the frames, which are the largest tensor
// there is. Padding must be finite and have weight 0.

#include "trainer/component.h"

namespace beamgrid::trainer {

/// The weighted sum over time, sum_t weights_t frames_t: [B,T,W], [B,T] -> [B,W].
[[nodiscard]] inline torch::Tensor WeightedSum(const torch::Tensor& frames,
                                               const torch::Tensor& weights) {
  return weights.unsqueeze(1).matmul(frames).squeeze(1);
}

/// The sum of the valid frames, [B,W].
[[nodiscard]] inline torch::Tensor SumOfFrames(const Sequence& input) {
  return WeightedSum(input.frames, input.mask.to(input.frames.dtype()));
}

}  // namespace beamgrid::trainer
