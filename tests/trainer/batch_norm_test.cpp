#include "trainer/batch_norm.h"

#include <gtest/gtest.h>

#include <vector>

namespace beamgrid::trainer {
namespace {

std::vector<torch::Tensor> SomeBatches(int count) {
  torch::manual_seed(4);
  std::vector<torch::Tensor> batches;
  for (int i = 0; i < count; ++i) batches.push_back(torch::randn({7, 2}) * (i + 1) + i);
  return batches;
}

TEST(BatchNorm, RunningStatisticsAreAPlainAverageAtFirst) {
  BatchNorm norm(2);
  torch::Tensor mean = torch::zeros({2}), variance = torch::zeros({2});
  const std::vector<torch::Tensor> batches = SomeBatches(4);
  for (const torch::Tensor& batch : batches) {
    norm(batch);
    mean += batch.mean(0) / 4;
    variance += batch.var(0, /*unbiased=*/true) / 4;
  }
  EXPECT_TRUE(norm->running_mean.allclose(mean, 1e-5, 1e-5));
  EXPECT_TRUE(norm->running_var.allclose(variance, 1e-5, 1e-4));
  EXPECT_EQ(norm->steps.item<std::int64_t>(), 4);
}

TEST(BatchNorm, RunningStatisticsDecayByOneInAThousandLater) {
  BatchNorm norm(2);
  norm->steps.fill_(5000);
  norm->running_mean.fill_(3);
  const torch::Tensor batch = SomeBatches(1)[0];
  norm(batch);
  EXPECT_TRUE(norm->running_mean.allclose(0.999 * 3 + 0.001 * batch.mean(0), 1e-6, 1e-6));
}

TEST(BatchNorm, AgreesWithLibTorchInTrainingAndEvaluation) {
  BatchNorm ours(2);
  torch::nn::BatchNorm1d theirs(torch::nn::BatchNormOptions(2).eps(1e-3).momentum(1));
  for (const torch::Tensor& batch : SomeBatches(1)) {
    EXPECT_TRUE(ours(batch).allclose(theirs(batch), 1e-5, 1e-6));
  }
  ours->eval();
  theirs->eval();
  const torch::Tensor batch = SomeBatches(3)[2];
  EXPECT_TRUE(ours(batch).allclose(theirs(batch), 1e-4, 1e-5));
}

TEST(BatchNorm, TakesOneRow) {
  BatchNorm norm(2);
  EXPECT_EQ(norm(torch::ones({1, 2})).abs().max().item<double>(), 0);
  EXPECT_EQ(norm->running_mean.min().item<double>(), 1);
  EXPECT_LT(norm->running_var.max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace beamgrid::trainer
