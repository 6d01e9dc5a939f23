#include "trainer/batch_norm.h"

#include <algorithm>

namespace beamgrid::trainer {
namespace {

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
  const double unbiased =
      static_cast<double>(rows) / static_cast<double>(std::max<std::int64_t>(rows - 1, 1));
  const torch::Tensor variance = (inverse_deviation.pow(-2) - kEpsilon).clamp_min(0) * unbiased;
  running_mean.lerp_(mean, share);
  running_var.lerp_(variance, share);
}

}  // namespace beamgrid::trainer
