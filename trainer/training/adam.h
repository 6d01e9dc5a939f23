#pragma once
// One step of Adam over plain memory, in one pass.

#include <cstddef>
#include <cstdint>

namespace beamgrid::trainer {

/// AdamFactors holds the numbers of a parameter's nth step that are the same for all its elements
/// (Kingma and Ba 2015, algorithm 1).
struct AdamFactors {
  /// `step` is the parameter's own count, 1 for its first.
  AdamFactors(std::int64_t step, double learning_rate);

  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double root_of_bias;  ///< sqrt(1 - beta2^step)
  double step_size;     ///< learning_rate / (1 - beta1^step)
};

/// Moves `size` values against their gradients and both moments towards them:
///   first = beta1 first + (1 - beta1) g,  second = beta2 second + (1 - beta2) g^2
///   value = value - step_size first / (sqrt(second) / root_of_bias + epsilon)
/// with the factors in single precision. Rounds as the operators of LibTorch 1.13 do one after the
/// other, which would go over the memory about ten times.
void StepAdam(const AdamFactors& factors, std::size_t size, const float* gradient, float* value,
              float* first, float* second);

}  // namespace beamgrid::trainer
