#include "trainer/sparsemax.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace beamgrid::trainer {
namespace {

/// What excluded entries are set to. With the largest score at 0, tau is at least -1: nothing at -2
/// is in the support. Not -inf, whose differences are NaN.
constexpr double kBelowTheSupport = -2;

/// The scores minus the largest valid one; invalid ones below the support. A constant shift changes
/// neither the result nor its gradient, but keeps the sums small: sparsemax subtracts numbers of
/// the scores' size from each other.
torch::Tensor Shift(const torch::Tensor& scores, const torch::Tensor& excluded, std::int64_t dim) {
  const double lowest = static_cast<double>(std::numeric_limits<float>::lowest());
  const torch::Tensor largest =
      scores.detach().masked_fill(excluded, lowest).amax(dim, /*keepdim=*/true);
  return (scores - largest).masked_fill(excluded, kBelowTheSupport);
}

/// 1, 2, ... along `dim`, to be broadcast over the other dimensions of `values`.
torch::Tensor Ranks(const torch::Tensor& values, std::int64_t dim) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(values.dim()), 1);
  shape.at(static_cast<std::size_t>(dim < 0 ? dim + values.dim() : dim)) = -1;
  return torch::arange(1, values.size(dim) + 1, values.options()).view(shape);
}

/// The support: the k largest scores, k = max{j : 1 + j z_(j) > sum_(i <= j) z_(i)} (Martins and
/// Astudillo 2016, algorithm 1), and those equal to the last, so that equal scores have equal
/// weights.
torch::Tensor Support(const torch::Tensor& scores, std::int64_t dim) {
  const torch::Tensor sorted = std::get<0>(scores.sort(dim, /*descending=*/true));
  const torch::Tensor inside = 1 + Ranks(sorted, dim) * sorted > sorted.cumsum(dim);
  // Not a number compares false everywhere: the index must be valid even then, and the support not
  // empty, so that it comes through.
  const torch::Tensor last = (inside.sum(dim, /*keepdim=*/true) - 1).clamp_min(0);
  return (scores < sorted.gather(dim, last)).logical_not();
}

}  // namespace

torch::Tensor MaskedSparsemax(const torch::Tensor& scores, const torch::Tensor& mask,
                              std::int64_t dim) {
  const torch::Tensor shifted = Shift(scores, mask.logical_not(), dim);
  const torch::Tensor support = Support(shifted.detach(), dim).logical_and(mask);
  const torch::Tensor outside = support.logical_not();
  // On a given support sparsemax is linear, so that autograd of the next lines is its Jacobian.
  const torch::Tensor size = support.sum(dim, /*keepdim=*/true).clamp_min(1);
  const torch::Tensor sum = shifted.masked_fill(outside, 0).sum(dim, /*keepdim=*/true);
  const torch::Tensor tau = (sum - 1) / size;
  // On the support all are above tau but for rounding.
  return (shifted - tau).masked_fill(outside, 0).clamp_min(0);
}

}  // namespace beamgrid::trainer
