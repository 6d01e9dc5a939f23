#pragma once
// Fully connected layers with the initial values of the reference models, for temporal components
// that have many of them.

#include "trainer/ops.h"

namespace beamgrid::trainer {

/// Xavier-uniform weight, zero bias: layers of TensorFlow's slim and keras.
inline torch::nn::Linear XavierLinear(std::int64_t inputs, std::int64_t outputs) {
  torch::nn::Linear linear(inputs, outputs);
  InitialiseLinear(linear);
  return linear;
}

inline torch::nn::Linear XavierLinearWithoutBias(std::int64_t inputs, std::int64_t outputs) {
  torch::nn::Linear linear(torch::nn::LinearOptions(inputs, outputs).bias(false));
  InitialiseLinear(linear);
  return linear;
}

/// Weight from N(0, 1/sqrt(inputs)): hand-made matrices of the starter code and what follows it.
inline torch::nn::Linear NormalLinearWithoutBias(std::int64_t inputs, std::int64_t outputs) {
  torch::nn::Linear linear(torch::nn::LinearOptions(inputs, outputs).bias(false));
  InitialiseNormal(linear->weight, inputs);
  return linear;
}

}  // namespace beamgrid::trainer
