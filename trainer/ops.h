#pragma once
// Tensor helpers that several components share: reductions that see valid frames only, and the
// initialisers of the reference models (YouTube-8M starter code).
//
// B is the batch, T the frames, W the width. Masks are [batch, frames] bool as in Sequence; every
// video has at least one valid frame.

#include "trainer/linear.h"

namespace beamgrid::trainer {

/// The valid frames as they are, the others 0. [B,T,W] -> [B,T,W].
[[nodiscard]] torch::Tensor ZeroPadding(const torch::Tensor& frames, const torch::Tensor& mask);

/// The mean over the valid frames; the others must be finite. [B,T,W] -> [B,W].
[[nodiscard]] torch::Tensor MaskedMean(const torch::Tensor& frames, const torch::Tensor& mask);
/// The maximum over the valid frames, each column for itself; the others must be finite. [B,T,W] ->
/// [B,W].
[[nodiscard]] torch::Tensor MaskedMax(const torch::Tensor& frames, const torch::Tensor& mask);

/// The last valid frame of each video. [B,T,W] -> [B,W].
[[nodiscard]] torch::Tensor LastFrame(const torch::Tensor& frames, const torch::Tensor& mask);

/// The softmax over the entries of `dim` where `mask` (of `scores`' shape or broadcasting to it) is
/// true; 0 elsewhere, and all 0 where nothing is true: never NaN.
[[nodiscard]] torch::Tensor MaskedSoftmax(const torch::Tensor& scores, const torch::Tensor& mask,
                                          std::int64_t dim);

/// x / sqrt(max(sum x^2, 1e-12)) along `dim`, TensorFlow's l2_normalize: zero rows stay zero and
/// have a finite gradient.
[[nodiscard]] torch::Tensor L2Normalise(const torch::Tensor& values, std::int64_t dim);

/// Gives a layer a Xavier-uniform weight and a bias of 0 (if it has one), the default of the
/// reference models' fully connected layers. Reads no values, so it costs nothing on the meta
/// device.
void InitialiseLinear(torch::nn::Linear& linear);
void InitialiseLinear(Linear& linear);

/// Draws a weight from a normal distribution of mean 0 and standard deviation 1/sqrt(fan_in), as
/// the reference models initialise matrices that they make by hand.
void InitialiseNormal(const torch::Tensor& weight, std::int64_t fan_in);

}  // namespace beamgrid::trainer
