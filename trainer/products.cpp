#include "trainer/products.h"

#include <ATen/Context.h>

#include <algorithm>
#include <cstdint>

#ifdef BEAMGRID_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif

namespace beamgrid::trainer {
namespace {

thread_local Arithmetic current_arithmetic = Arithmetic::kFp32;

bool IsRounded(const torch::Tensor& operand) {
  return current_arithmetic == Arithmetic::kBf16 && operand.scalar_type() == torch::kFloat;
}

/// On the CPU, LibTorch multiplies small matrices and vectors of bf16 with loops of its own that
/// are slower than fp32 and sum in bf16. From about here on (an estimate) bf16 is faster.
bool IsWorthwhile(std::int64_t rows, std::int64_t inner, std::int64_t columns) {
  constexpr std::int64_t kLeastSide = 16;
  constexpr std::int64_t kLeastProducts = 1 << 18;
  return std::min({rows, inner, columns}) >= kLeastSide && rows * inner * columns >= kLeastProducts;
}

/// Rounder rounds the operands of one product and gives its result back in fp32.
class Rounder {
 public:
  /// Of a product of matrices of these sides.
  Rounder(torch::Device device, std::int64_t rows, std::int64_t inner, std::int64_t columns)
      : native_(MultipliesBf16(device) &&
                (!device.is_cpu() || IsWorthwhile(rows, inner, columns))) {}

  [[nodiscard]] torch::Tensor Operand(const torch::Tensor& values) const {
    const torch::Tensor rounded = values.to(torch::kBFloat16);
    return native_ ? rounded : rounded.to(torch::kFloat);
  }
  /// Rounds what was summed in fp32, so that every machine rounds at the same places; the gradient
  /// is rounded on its way back.
  [[nodiscard]] torch::Tensor Result(const torch::Tensor& product) const {
    return (native_ ? product : product.to(torch::kBFloat16)).to(torch::kFloat);
  }

 private:
  bool native_;
};

std::int64_t RowsOf(const torch::Tensor& left, const torch::Tensor& right) {
  // One matrix on the right is multiplied once with all rows.
  return right.dim() > 2 ? left.size(-2) : left.numel() / std::max<std::int64_t>(left.size(-1), 1);
}

}  // namespace

Arithmetic ArithmeticOf(const std::string& word) {
  if (word == "bf16") return Arithmetic::kBf16;
  if (word == "fp32") return Arithmetic::kFp32;
  throw std::invalid_argument("train.arithmetic = " + word + ": must be fp32 or bf16");
}

Arithmetic CurrentArithmetic() { return current_arithmetic; }

ProductsIn::ProductsIn(Arithmetic arithmetic) : before_(current_arithmetic) {
  current_arithmetic = arithmetic;
}

ProductsIn::~ProductsIn() { current_arithmetic = before_; }

bool MultipliesBf16(torch::Device device) {
#ifdef BEAMGRID_CUDA
  if (device.is_cuda()) return at::cuda::getDeviceProperties(device.index())->major >= 8;
#endif
  // Without the instruction oneDNN computes with others, which takes longer than fp32.
  static const bool cpu = at::hasMKLDNN() && __builtin_cpu_supports("avx512bf16") != 0;
  return device.is_cpu() && cpu;
}

torch::Tensor Product(const torch::Tensor& left, const torch::Tensor& right) {
  if (!IsRounded(left)) return left.matmul(right);
  const Rounder rounder(left.device(), RowsOf(left, right), left.size(-1), right.size(-1));
  return rounder.Result(rounder.Operand(left).matmul(rounder.Operand(right)));
}

torch::Tensor AddProduct(const torch::Tensor& sum, const torch::Tensor& left,
                         const torch::Tensor& right) {
  if (!IsRounded(left)) return torch::addmm(sum, left, right);
  return sum + Product(left, right);
}

torch::Tensor LinearProduct(const torch::Tensor& input, const torch::Tensor& weight,
                            const torch::Tensor& bias) {
  if (!IsRounded(input)) return torch::linear(input, weight, bias);
  const torch::Tensor product = Product(input, weight.t());
  return bias.defined() ? product + bias : product;
}

torch::Tensor ConvolutionProduct(const torch::Tensor& frames, const torch::Tensor& weight,
                                 const torch::Tensor& bias, std::int64_t padding) {
  if (!IsRounded(frames)) return torch::conv1d(frames, weight, bias, /*stride=*/1, padding);
  const Rounder rounder(frames.device(), frames.size(0) * frames.size(2),
                        weight.size(1) * weight.size(2), weight.size(0));
  const torch::Tensor sums = rounder.Result(
      torch::conv1d(rounder.Operand(frames), rounder.Operand(weight), {}, /*stride=*/1, padding));
  return bias.defined() ? sums + bias.unsqueeze(1) : sums;
}

}  // namespace beamgrid::trainer
