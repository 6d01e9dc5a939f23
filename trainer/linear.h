#pragma once
// The fully connected layer of our components: LibTorch's, with products in the training step's
// arithmetic.

#include "trainer/products.h"

namespace beamgrid::trainer {

/// LinearImpl is torch::nn::Linear but for how it multiplies. A torch::nn::Linear stays fp32.
class LinearImpl : public torch::nn::LinearImpl {
 public:
  using torch::nn::LinearImpl::LinearImpl;
  /// [..., inputs] -> [..., outputs].
  torch::Tensor forward(const torch::Tensor& input) {
    // LibTorch's layer rounds otherwise than torch::linear where there are more than two
    // dimensions.
    if (CurrentArithmetic() == Arithmetic::kFp32) return torch::nn::LinearImpl::forward(input);
    return LinearProduct(input, weight, bias);
  }
};
TORCH_MODULE(Linear);

}  // namespace beamgrid::trainer
