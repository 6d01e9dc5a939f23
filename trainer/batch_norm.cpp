#include "trainer/batch_norm.h"

#include <algorithm>
#include <cstdint>

namespace beamgrid::trainer {
namespace {

// TensorFlow slim's constants, which the reference models use: epsilon, and 1 - decay.
constexpr double kEpsilon = 1e-3;
constexpr double kSmallestShare = 1e-3;

}  // namespace

BatchNormImpl::BatchNormImpl(std::int64_t width)
    : weight(register_parameter("weight", torch::ones({width}))),
      bias(register_parameter("bias", torch::zeros({width}))),
      running_mean(register_buffer("running_mean", torch::zeros({width}))),
      running_var(register_buffer("running_var", torch::ones({width}))),
      steps(register_buffer("steps", torch::zeros({}, torch::kLong))) {}

torch::Tensor BatchNormImpl::forward(const torch::Tensor& rows) {
  if (!is_training()) {
    return torch::batch_norm(rows, weight, bias, running_mean, running_var, /*training=*/false,
                             /*momentum=*/0, kEpsilon, /*cudnn_enabled=*/true);
  }
  // Without LibTorch's running statistics, whose momentum is a number fixed before the call; ours
  // follows from a count on the device. The kernel hands out the statistics of the batch anyway.
  const auto [output, mean, inverse_deviation] =
      torch::native_batch_norm(rows, weight, bias, /*running_mean=*/{}, /*running_var=*/{},
                               /*training=*/true, /*momentum=*/0, kEpsilon);
  UpdateRunning(mean.detach(), inverse_deviation.detach(), rows.size(0));
  return output;
}

void BatchNormImpl::UpdateRunning(const torch::Tensor& mean, const torch::Tensor& inverse_deviation,
                                  std::int64_t rows) {
  const torch::NoGradGuard no_gradient;
  steps += 1;
  // A tensor, not a number: reading the count would make the host wait for the device.
  const torch::Tensor share = steps.to(running_mean.dtype()).reciprocal().clamp_min(kSmallestShare);
  // A batch is normalised with its variance over n; the estimate of the data's variance, which the
  // running one is, is over n - 1, as in LibTorch.
  const double unbiased =
      static_cast<double>(rows) / static_cast<double>(std::max<std::int64_t>(rows - 1, 1));
  // The kernel gives 1 / sqrt(variance + epsilon); the clamp catches rounding where the variance is
  // 0.
  const torch::Tensor variance = (inverse_deviation.pow(-2) - kEpsilon).clamp_min(0) * unbiased;
  running_mean.lerp_(mean, share);
  running_var.lerp_(variance, share);
}

}  // namespace beamgrid::trainer
