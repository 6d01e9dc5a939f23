#pragma once
// The products of matrices in which a model spends its training, and the number type that they are
// made in (train.arithmetic).
//
// In bf16 both operands are rounded to bfloat16 (8 bits of mantissa), sums are in fp32, and the
// result, rounded once more, is fp32 again; so is the product's gradient, with its own operands
// rounded alike. Nobody else sees another type than fp32. Components multiply with these functions
// and with Linear (linear.h); what they leave to LibTorch's own functions stays fp32.

#include <torch/torch.h>

#include <string>

namespace beamgrid::trainer {

/// Arithmetic is the number type of a training step's products.
enum class Arithmetic { kFp32, kBf16 };

/// The arithmetic of a word of train.arithmetic, "fp32" or "bf16".
[[nodiscard]] Arithmetic ArithmeticOf(const std::string& word);

/// The arithmetic of this thread's products; fp32 where no ProductsIn lives.
[[nodiscard]] Arithmetic CurrentArithmetic();

/// ProductsIn makes this thread's products in an arithmetic while it lives. Their gradients follow
/// whenever and wherever they are computed. Tensors of other types than fp32 are multiplied as they
/// are.
class ProductsIn {
 public:
  explicit ProductsIn(Arithmetic arithmetic);
  ~ProductsIn();
  ProductsIn(const ProductsIn&) = delete;
  ProductsIn& operator=(const ProductsIn&) = delete;

 private:
  Arithmetic before_;
};

/// True where the device multiplies bf16 itself: a CPU with avx512_bf16 and a LibTorch with oneDNN,
/// a GPU of compute capability 8.0 or more. Elsewhere, and for products too small to gain by it,
/// the rounded operands are multiplied in fp32: the same but for the order of the sums, and not
/// faster than fp32.
[[nodiscard]] bool MultipliesBf16(torch::Device device);

/// The product of two matrices or of batches of them, broadcast as by torch::matmul.
/// [..., rows, inner], [..., inner, columns] -> [..., rows, columns].
[[nodiscard]] torch::Tensor Product(const torch::Tensor& left, const torch::Tensor& right);

/// sum + left right, all of them matrices; the sum is not rounded.
[[nodiscard]] torch::Tensor AddProduct(const torch::Tensor& sum, const torch::Tensor& left,
                                       const torch::Tensor& right);

/// input weight^T + bias; the bias, if there is one, is not rounded.
/// [..., inputs], [outputs, inputs], [outputs] -> [..., outputs].
[[nodiscard]] torch::Tensor LinearProduct(const torch::Tensor& input, const torch::Tensor& weight,
                                          const torch::Tensor& bias = {});

/// The convolution over time with `padding` zeros at both ends; the bias is not rounded.
/// [batch, channels, frames], [filters, channels, kernel], [filters] -> [batch, filters, frames].
[[nodiscard]] torch::Tensor ConvolutionProduct(const torch::Tensor& frames,
                                               const torch::Tensor& weight,
                                               const torch::Tensor& bias, std::int64_t padding);

}  // namespace beamgrid::trainer
