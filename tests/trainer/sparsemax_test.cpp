#include "trainer/sparsemax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace beamgrid::trainer {
namespace {

using Vector = std::vector<double>;

/// By definition, without a sort: bisection for the tau at which max(z - tau, 0) sums to 1.
Vector Sparsemax(const Vector& scores) {
  double below = -1e6, above = 1e6;
  for (int i = 0; i < 200; ++i) {
    const double middle = (below + above) / 2;
    double sum = 0;
    for (const double score : scores) sum += std::max(score - middle, 0.0);
    (sum > 1 ? below : above) = middle;
  }
  Vector weights;
  for (const double score : scores) weights.push_back(std::max(score - above, 0.0));
  return weights;
}

Vector Values(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().to(torch::kDouble).contiguous().flatten();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

/// The valid scores of one row.
Vector Valid(const torch::Tensor& scores, const torch::Tensor& mask) {
  return Values(scores.index({mask}));
}

void ExpectNear(const Vector& expected, const Vector& actual, double tolerance) {
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(expected[i], actual[i], tolerance) << i;
  }
}

class SparsemaxTest : public ::testing::TestWithParam<double> {
 protected:
  void SetUp() override { torch::manual_seed(3); }
  static constexpr std::int64_t kRows = 20;
  static constexpr std::int64_t kEntries = 7;
  /// Rows of 7 scores of this size, of which 1 to 7 are valid; the others are huge.
  torch::Tensor mask_ = torch::arange(kEntries).unsqueeze(0) <
                        torch::arange(kRows).remainder(kEntries).unsqueeze(1) + 1;
  torch::Tensor scores_ = (torch::randn({kRows, kEntries}, torch::kDouble) * GetParam())
                              .masked_fill(mask_.logical_not(), 1e30);
};

TEST_P(SparsemaxTest, IsTheNearestPointOfTheSimplex) {
  const torch::Tensor weights = MaskedSparsemax(scores_, mask_, 1);
  for (std::int64_t row = 0; row < kRows; ++row) {
    ExpectNear(Sparsemax(Valid(scores_[row], mask_[row])), Valid(weights[row], mask_[row]), 1e-9);
  }
  EXPECT_EQ(weights.masked_fill(mask_, 0).abs().max().item<double>(), 0);
}

TEST_P(SparsemaxTest, SumsToOneInFloat) {
  const torch::Tensor weights = MaskedSparsemax(scores_.to(torch::kFloat), mask_, 1);
  EXPECT_EQ(weights.scalar_type(), torch::kFloat);
  EXPECT_GE(weights.min().item<float>(), 0);
  EXPECT_TRUE(weights.sum(1).allclose(torch::ones({kRows}), 1e-5, 1e-5));
}

TEST_P(SparsemaxTest, HasItsOwnGradient) {
  const torch::Tensor scores = scores_.clone().requires_grad_();
  const torch::Tensor weights = MaskedSparsemax(scores, mask_, 1);
  const torch::Tensor g = torch::randn_like(weights);
  (weights * g).sum().backward();
  for (std::int64_t row = 0; row < kRows; ++row) {
    const Vector p = Values(weights[row]), into = Values(g[row]);
    double sum = 0, size = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] > 0) sum += into[i], size += 1;
    }
    Vector expected;
    for (std::size_t i = 0; i < p.size(); ++i) {
      expected.push_back(p[i] > 0 ? into[i] - sum / size : 0);
    }
    ExpectNear(expected, Values(scores.grad()[row]), 1e-12);
  }
}

TEST_P(SparsemaxTest, HasTheGradientOfTheReference) {
  constexpr double kStep = 1e-6;
  const torch::Tensor scores = scores_.clone().requires_grad_();
  MaskedSparsemax(scores, mask_, 1).square().sum().backward();
  const auto objective = [](const Vector& z) {
    double sum = 0;
    for (const double weight : Sparsemax(z)) sum += weight * weight;
    return sum;
  };
  for (std::int64_t row = 0; row < kRows; ++row) {
    Vector z = Valid(scores_[row], mask_[row]);
    const Vector actual = Valid(scores.grad()[row], mask_[row]);
    for (std::size_t i = 0; i < z.size(); ++i) {
      const double middle = z[i];
      z[i] = middle + kStep;
      const double above = objective(z);
      z[i] = middle - kStep;
      const double below = objective(z);
      z[i] = middle;
      EXPECT_NEAR((above - below) / (2 * kStep), actual[i], 1e-5) << row << ", " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(SizesOfScores, SparsemaxTest, ::testing::Values(0.05, 1.0, 100.0));

const auto kDouble = torch::kDouble;

TEST(Sparsemax, GivesNothingToLowScores) {
  const torch::Tensor scores = torch::tensor({1.0, 0.5, -1.0, 0.5}, kDouble);
  const torch::Tensor mask = torch::ones({4}, torch::kBool);
  // k = 3: tau = (1 + 0.5 + 0.5 - 1) / 3.
  ExpectNear({2.0 / 3, 1.0 / 6, 0, 1.0 / 6}, Values(MaskedSparsemax(scores, mask, 0)), 1e-12);
  // k_(2) would need 1 + 2 * 0 > 1: the second score is just outside.
  ExpectNear({1, 0},
             Values(MaskedSparsemax(torch::tensor({1.0, 0.0}, kDouble), mask.slice(0, 0, 2), 0)),
             0);
}

TEST(Sparsemax, SharesEquallyAmongEqualScores) {
  const torch::Tensor mask = torch::tensor({true, true, true, false});
  ExpectNear({1.0 / 3, 1.0 / 3, 1.0 / 3, 0},
             Values(MaskedSparsemax(torch::full({4}, -5.0, kDouble), mask, -1)), 1e-12);
}

TEST(Sparsemax, OfNothingIsZeroAndHasAFiniteGradient) {
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    const torch::Tensor scores = torch::ones({2, 3}, type).requires_grad_();
    const torch::Tensor weights = MaskedSparsemax(scores, torch::zeros({2, 3}, torch::kBool), 1);
    EXPECT_EQ(weights.abs().max().item<double>(), 0);
    (weights * torch::arange(6).view({2, 3})).sum().backward();
    EXPECT_EQ(scores.grad().abs().max().item<double>(), 0);
  }
}

TEST(Sparsemax, DoesNotSeeWhatIsMasked) {
  const double infinity = std::numeric_limits<double>::infinity();
  const torch::Tensor mask = torch::tensor({true, false, true, false});
  for (const double padding : {infinity, -infinity, std::nan("")}) {
    const torch::Tensor scores =
        torch::tensor({0.3, padding, 0.1, padding}, kDouble).requires_grad_();
    const torch::Tensor weights = MaskedSparsemax(scores, mask, 0);
    ExpectNear({0.6, 0, 0.4, 0}, Values(weights), 1e-12);
    (weights * torch::tensor({1.0, 2.0, 3.0, 4.0}, kDouble)).sum().backward();
    ExpectNear({-1, 0, 1, 0}, Values(scores.grad()), 1e-12);
  }
}

TEST(Sparsemax, TakesAnyDimensionAndABroadcastMask) {
  const torch::Tensor scores = torch::randn({2, 5, 3}, kDouble);
  const torch::Tensor mask = torch::tensor({true, true, true, false, false}).view({1, 5, 1});
  const torch::Tensor weights = MaskedSparsemax(scores, mask, 1);
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t m = 0; m < 3; ++m) {
      ExpectNear(Sparsemax(Values(scores[b].slice(0, 0, 3).select(1, m))),
                 Values(weights[b].slice(0, 0, 3).select(1, m)), 1e-9);
    }
  }
  EXPECT_EQ(weights.slice(1, 3).abs().max().item<double>(), 0);
  EXPECT_TRUE(weights.equal(MaskedSparsemax(scores, mask, -2)));
}

TEST(Sparsemax, LetsNotANumberThrough) {
  const torch::Tensor scores = torch::full({3}, std::nan(""), kDouble);
  EXPECT_TRUE(
      MaskedSparsemax(scores, torch::ones({3}, torch::kBool), 0).isnan().any().item<bool>());
}

}  // namespace
}  // namespace beamgrid::trainer
