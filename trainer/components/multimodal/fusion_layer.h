#pragma once
// The fully connected layers of Zhao 2017's fusions.

#include <torch/torch.h>

namespace beamgrid::trainer {

/// Makes the layer W x + b. W starts from a normal distribution of mean 0 and standard deviation
/// 0.01 (Zhao 2017), b from 0.
inline torch::nn::Linear FusionLayer(std::int64_t inputs, std::int64_t outputs) {
  torch::nn::Linear layer(inputs, outputs);
  torch::nn::init::normal_(layer->weight, /*mean=*/0, /*std=*/0.01);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

}  // namespace beamgrid::trainer
