#include "trainer/ops.h"

#include <gtest/gtest.h>

#include <limits>

namespace beamgrid::trainer {
namespace {

// Two videos of 2 and 1 valid frames, 3 frames each; the padding holds large values.
torch::Tensor Frames() {
  return torch::tensor({1.0, -2.0, 3.0, 4.0, 90.0, 91.0, -5.0, -6.0, 92.0, 93.0, 94.0, 95.0},
                       torch::kDouble)
      .view({2, 3, 2});
}
torch::Tensor Mask() { return torch::tensor({true, true, false, true, false, false}).view({2, 3}); }
torch::Tensor Rows(std::vector<double> values) {
  return torch::tensor(values, torch::kDouble).view({-1, 2});
}

TEST(Ops, ReduceValidFramesOnly) {
  EXPECT_TRUE(MaskedMean(Frames(), Mask()).equal(Rows({2, 1, -5, -6})));
  EXPECT_TRUE(MaskedMax(Frames(), Mask()).equal(Rows({3, 4, -5, -6})));
  EXPECT_TRUE(LastFrame(Frames(), Mask()).equal(Rows({3, 4, -5, -6})));
  EXPECT_TRUE(ZeroPadding(Frames(), Mask())
                  .equal(Rows({1, -2, 3, 4, 0, 0, -5, -6, 0, 0, 0, 0}).view({2, 3, 2})));
}

TEST(Ops, MaxGivesTheGradientToOneOfEqualFrames) {
  const torch::Tensor frames =
      torch::tensor({1.0, 7.0, 7.0, 99.0}, torch::kDouble).view({1, 4, 1}).requires_grad_();
  const torch::Tensor mask = torch::tensor({true, true, true, false}).view({1, 4});
  const torch::Tensor maximum = MaskedMax(frames, mask);
  EXPECT_TRUE(maximum.equal(MaskedMax(frames.detach(), mask)));  // found in another way
  maximum.sum().backward();
  EXPECT_EQ(frames.grad().sum().item<double>(), 1);
  EXPECT_EQ(frames.grad().max().item<double>(), 1);
}

TEST(Ops, SoftmaxGivesNothingToWhatIsMasked) {
  const torch::Tensor scores = torch::tensor({0.0, std::log(3.0), 500.0}, torch::kDouble);
  const torch::Tensor mask = torch::tensor({true, true, false});
  EXPECT_TRUE(MaskedSoftmax(scores, mask, 0)
                  .allclose(torch::tensor({0.25, 0.75, 0.0}, torch::kDouble), 1e-12, 1e-12));
}

TEST(Ops, SoftmaxOfNothingIsZeroAndHasAFiniteGradient) {
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    const torch::Tensor scores = torch::ones({2, 3}, type).requires_grad_();
    const torch::Tensor weights = MaskedSoftmax(scores, torch::zeros({2, 3}, torch::kBool), 1);
    EXPECT_EQ(weights.abs().max().item<double>(), 0);
    (weights * torch::arange(6).view({2, 3})).sum().backward();
    EXPECT_TRUE(scores.grad().isfinite().all().item<bool>());
  }
}

TEST(Ops, SoftmaxTakesVeryLowScores) {
  const torch::Tensor scores = torch::tensor({-3e38F, 1.0F});
  const torch::Tensor mask = torch::tensor({true, false});
  EXPECT_EQ(MaskedSoftmax(scores, mask, 0)[0].item<float>(), 1);
}

TEST(Ops, NormaliseGivesUnitRowsAndLeavesZeroRows) {
  const torch::Tensor values = Rows({3, 4, 0, 0}).requires_grad_();
  const torch::Tensor normal = L2Normalise(values, 1);
  EXPECT_TRUE(normal.allclose(Rows({0.6, 0.8, 0, 0}), 1e-12, 1e-12));
  normal.sum().backward();
  EXPECT_TRUE(values.grad().isfinite().all().item<bool>());
}

TEST(Ops, NormaliseHasTensorFlowsFloor) {
  // Below a length of 1e-6 the divisor stays 1e-6.
  const torch::Tensor tiny = Rows({1e-9, 0});
  EXPECT_NEAR(L2Normalise(tiny, 1)[0][0].item<double>(), 1e-3, 1e-12);
}

TEST(Ops, LinearStartsXavierUniformWithoutBias) {
  torch::manual_seed(1);
  torch::nn::Linear linear(40, 20);
  InitialiseLinear(linear);
  const double limit = std::sqrt(6.0 / 60);
  EXPECT_LE(linear->weight.abs().max().item<double>(), limit);
  EXPECT_GT(linear->weight.abs().max().item<double>(), 0.98 * limit);
  EXPECT_EQ(linear->bias.abs().max().item<double>(), 0);
  torch::nn::Linear bare(torch::nn::LinearOptions(2, 2).bias(false));
  InitialiseLinear(bare);
}

TEST(Ops, NormalStartsWithTheFanIn) {
  torch::manual_seed(1);
  const torch::Tensor weight = torch::empty({100, 100});
  InitialiseNormal(weight, 25);
  EXPECT_NEAR(weight.std().item<double>(), 0.2, 0.01);
  EXPECT_NEAR(weight.mean().item<double>(), 0, 0.01);
}

}  // namespace
}  // namespace beamgrid::trainer
