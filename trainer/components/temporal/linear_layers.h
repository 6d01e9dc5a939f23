#pragma once
// Fully connected layers with the initial values of the reference models, for temporal components
// that have many of them.

#include "trainer/ops.h"

namespace beamgrid::trainer {

/// Makes a layer with a Xavier-uniform weight and a bias of 0, as TensorFlow's slim and keras do.
inline torch::nn::Linear XavierLinear(std::int64_t inputs, std::int64_t outputs) {
  torch::nn::Linear linear(inputs, outputs);
  InitialiseLinear(linear);
  return linear;
}

/// The same without a bias.
inline torch::nn::Linear XavierLinearWithoutBias(std::int64_t inputs, std::int64_t outputs) {
  torch::nn::Linear linear(torch::nn::LinearOptions(inputs, outputs).bias(false));
  InitialiseLinear(linear);
  return linear;
}

/// Makes a layer without a bias whose weight has the standard deviation 1/sqrt(inputs), as the
/// matrices have that the starter code and what follows it make by hand.
inline torch::nn::Linear NormalLinearWithoutBias(std::int64_t inputs, std::int64_t outputs) {
  torch::nn::Linear linear(torch::nn::LinearOptions(inputs, outputs).bias(false));
  InitialiseNormal(linear->weight, inputs);
  return linear;
}

}  // namespace beamgrid::trainer
