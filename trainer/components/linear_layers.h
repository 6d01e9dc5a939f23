#pragma once
// Fully connected layers with the initial values of the reference models.

#include "trainer/ops.h"

namespace beamgrid::trainer {

/// Makes a layer with a Xavier-uniform weight and a bias of 0, as TensorFlow's slim and keras do.
inline Linear XavierLinear(std::int64_t inputs, std::int64_t outputs) {
  Linear linear(inputs, outputs);
  InitialiseLinear(linear);
  return linear;
}

/// The same without a bias.
inline Linear XavierLinearWithoutBias(std::int64_t inputs, std::int64_t outputs) {
  Linear linear(torch::nn::LinearOptions(inputs, outputs).bias(false));
  InitialiseLinear(linear);
  return linear;
}

/// Makes a layer without a bias whose weight has the standard deviation 1/sqrt(inputs), as the
/// matrices have that the starter code and what follows it make by hand.
inline Linear NormalLinearWithoutBias(std::int64_t inputs, std::int64_t outputs) {
  Linear linear(torch::nn::LinearOptions(inputs, outputs).bias(false));
  InitialiseNormal(linear->weight, inputs);
  return linear;
}

/// Makes a layer W x + b of Zhao 2017's fusions: W starts from a normal distribution of mean 0 and
/// standard deviation 0.01, b from 0.
inline Linear FusionLayer(std::int64_t inputs, std::int64_t outputs) {
  Linear layer(inputs, outputs);
  torch::nn::init::normal_(layer->weight, /*mean=*/0, /*std=*/0.01);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

}  // namespace beamgrid::trainer
