#pragma once
// Sparsemax (Martins and Astudillo 2016, From Softmax to Sparsemax): the point of the probability
// simplex that is nearest to the scores. Unlike softmax it gives exactly 0 to low scores.

#include <torch/torch.h>

namespace beamgrid::trainer {

/// max(z - tau, 0) over the entries z of `dim` where `mask` (of `scores`' shape or broadcasting to
/// it) is true, with the tau that makes them sum to 1; 0 elsewhere, and all 0 where nothing is
/// true. The gradient is the exact one: on the support S (what is above 0) g_i - mean_S(g), 0
/// elsewhere.
[[nodiscard]] torch::Tensor MaskedSparsemax(const torch::Tensor& scores, const torch::Tensor& mask,
                                            std::int64_t dim);

}  // namespace beamgrid::trainer
