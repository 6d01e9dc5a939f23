#pragma once
// Batch normalisation with the reference models' constants, fit for long and short trainings.

#include <torch/torch.h>

namespace beamgrid::trainer {

/// BatchNorm (Ioffe and Szegedy 2015) normalises rows [rows, width] with their batch's statistics
/// in training and with running ones in evaluation. Epsilon 1e-3 and decay 0.999 as in the
/// reference code; but there the running statistics start at 0 and 1 and need thousands of steps to
/// mean anything, so here they are the plain average over all steps until the share of a new step,
/// 1 / steps, falls to 0.001.
///
/// Padding must not be among the rows. A single row is allowed in training (variance 0).
class BatchNormImpl : public torch::nn::Module {
 public:
  explicit BatchNormImpl(std::int64_t width);
  torch::Tensor forward(const torch::Tensor& rows);

  torch::Tensor weight, bias;               ///< [width]
  torch::Tensor running_mean, running_var;  ///< [width], buffers
  torch::Tensor steps;                      ///< [] int64, buffer: training steps so far

 private:
  void UpdateRunning(const torch::Tensor& mean, const torch::Tensor& inverse_deviation,
                     std::int64_t rows);
};
TORCH_MODULE(BatchNorm);

}  // namespace beamgrid::trainer
