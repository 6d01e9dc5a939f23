#include "trainer/ops.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace beamgrid::trainer {
namespace {

/// TensorFlow's, under the square of the norm: a row of zeros is divided by 1e-6 and not by 0.
constexpr double kNormFloor = 1e-12;
constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

torch::Tensor Padding(const torch::Tensor& mask) { return mask.logical_not().unsqueeze(-1); }

void InitialiseLinear(torch::nn::LinearImpl& linear) {
  torch::nn::init::xavier_uniform_(linear.weight);
  if (linear.bias.defined()) torch::nn::init::zeros_(linear.bias);
}

}  // namespace

torch::Tensor ZeroPadding(const torch::Tensor& frames, const torch::Tensor& mask) {
  return frames.masked_fill(Padding(mask), 0);
}

torch::Tensor MaskedMean(const torch::Tensor& frames, const torch::Tensor& mask) {
  // A product with the mask, not a masked copy of the frames, which are the largest tensor there
  // is.
  const torch::Tensor weights = mask.to(frames.dtype());
  return weights.unsqueeze(1).matmul(frames).squeeze(1) / weights.sum(1, /*keepdim=*/true);
}

torch::Tensor MaskedMax(const torch::Tensor& frames, const torch::Tensor& mask) {
  // Not 0 for padding, which would win where all frames are negative; and added, since a filled
  // copy of the frames takes several times as long.
  const torch::Tensor behind = torch::zeros(mask.sizes(), frames.options())
                                   .masked_fill(mask.logical_not(), kMinusInfinity)
                                   .unsqueeze(-1);
  const torch::Tensor values = frames + behind;
  // max gives the gradient to one of several equal frames, amax a share to each; without a gradient
  // they are the same, and amax need not look for that one.
  return values.requires_grad() ? std::get<0>(values.max(1)) : values.amax(1);
}

torch::Tensor LastFrame(const torch::Tensor& frames, const torch::Tensor& mask) {
  // Valid frames come first, so their number says where the last one is. From the mask, which is on
  // the device already, unlike the lengths.
  const torch::Tensor last = (mask.sum(1) - 1).view({-1, 1, 1}).expand({-1, 1, frames.size(2)});
  return frames.gather(1, last).squeeze(1);
}

torch::Tensor MaskedSoftmax(const torch::Tensor& scores, const torch::Tensor& mask,
                            std::int64_t dim) {
  const torch::Tensor excluded = mask.logical_not();
  // The lowest finite value and a second fill instead of -inf: a row with nothing valid would be
  // NaN, and its NaN gradient would survive any later fill.
  const double lowest = scores.scalar_type() == torch::kDouble
                            ? std::numeric_limits<double>::lowest()
                            : static_cast<double>(std::numeric_limits<float>::lowest());
  return scores.masked_fill(excluded, lowest).softmax(dim).masked_fill(excluded, 0);
}

torch::Tensor L2Normalise(const torch::Tensor& values, std::int64_t dim) {
  return values * values.square().sum(dim, /*keepdim=*/true).clamp_min(kNormFloor).rsqrt();
}

void InitialiseLinear(torch::nn::Linear& linear) { InitialiseLinear(*linear); }

void InitialiseLinear(Linear& linear) { InitialiseLinear(*linear); }

void InitialiseNormal(const torch::Tensor& weight, std::int64_t fan_in) {
  torch::nn::init::normal_(weight, /*mean=*/0, /*std=*/1 / std::sqrt(static_cast<double>(fan_in)));
}

}  // namespace beamgrid::trainer
