// label_processing "correlation" against its equation in plain loops.

#include <gtest/gtest.h>

#include "tests/trainer/components/classifier_reference.h"

namespace beamgrid::trainer {
namespace correlation_test {

using reference::Arrays;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kClasses = 3;

std::shared_ptr<LabelProcessing> Make(const Options& set, const LabelStatistics* labels = nullptr) {
  return Makers<LabelProcessing>::All().at("correlation")(
      {.classes = kClasses, .labels = labels},
      reference::WithDefaults("label_processing", "correlation", set));
}

Sequence Probabilities() {
  torch::manual_seed(41);
  Sequence input = contract::RandomSequence({1, 1, 1, 1}, 1, kClasses);
  input.frames = torch::rand({4, 1, kClasses}) * 0.8 + 0.1;
  return input;
}

struct CorrelationCase {
  double alpha, beta, gamma;
  const char* on;
};

class CorrelationTest : public ::testing::TestWithParam<CorrelationCase> {};

Vector ReferenceCorrelation(const Arrays& arrays, const Vector& p, const CorrelationCase& c) {
  const bool on_logits = c.on == std::string("logits");
  Vector scores = p;
  if (on_logits) {
    for (double& score : scores) score = std::log(score / (1 - score));
  }
  Vector output;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    double sum = c.alpha * scores[i];
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (c.beta != 0) sum += c.beta * arrays.at("fixed")(i, j) * scores[j];
      if (c.gamma != 0) sum += c.gamma * arrays.at("trained")(i, j) * scores[j];
    }
    output.push_back(on_logits ? reference::Sigmoid(sum) : sum);
  }
  return output;
}

TEST_P(CorrelationTest, MatchesTheEquation) {
  const CorrelationCase c = GetParam();
  const auto module =
      Make({{"alpha", c.alpha}, {"beta", c.beta}, {"gamma", c.gamma}, {"on", c.on}});
  reference::Randomise(*module);
  const auto rows = [&](const Sequence& input) {
    return module->forward(input.frames.squeeze(1)).unbind(0);
  };
  const auto forward = [c](const Arrays& arrays, const Videos& videos) {
    return reference::ForEachVideo(
        videos, [&](const Vector& p) { return ReferenceCorrelation(arrays, p, c); });
  };
  reference::ExpectMatches(*module, rows, forward, Probabilities());
}

// On probabilities with factors so small that nothing is clamped.
INSTANTIATE_TEST_SUITE_P(Variants, CorrelationTest,
                         ::testing::Values(CorrelationCase{0.8, 0.03, 0.02, "probabilities"},
                                           CorrelationCase{0.9, 0.02, 0, "probabilities"},
                                           CorrelationCase{0.9, 0, 0.05, "probabilities"},
                                           CorrelationCase{1, 0.3, 0.2, "logits"},
                                           CorrelationCase{0.5, 0, 0.4, "logits"}));

TEST(CorrelationTest, StartsFromTheTrainingLabels) {
  // 10 videos of label 0, 4 of label 1, 3 of them with both; none of label 2.
  const reference::GivenLabels labels(
      torch::tensor({{10, 3, 0}, {3, 4, 0}, {0, 0, 0}}, torch::kDouble));
  const auto two = Make({}, &labels);
  // Rows sum to 1, so that one neighbour is all of it; a label that never occurs has no row.
  const torch::Tensor expected = torch::tensor({{0, 1, 0}, {1, 0, 0}, {0, 0, 0}}, torch::kFloat);
  EXPECT_TRUE(two->named_buffers()["fixed"].equal(expected));
  EXPECT_TRUE(two->named_parameters()["trained"].equal(expected));
}

TEST(CorrelationTest, WeighsNeighboursByTheirOwnFrequency) {
  const reference::GivenLabels labels(
      torch::tensor({{10, 3, 2}, {3, 4, 1}, {2, 1, 8}}, torch::kDouble));
  const torch::Tensor m = Make({}, &labels)->named_buffers()["fixed"];
  // Row 0: 3 of the 4 videos of label 1, 2 of the 8 of label 2.
  EXPECT_NEAR(m[0][1].item<double>(), 0.75 / (0.75 + 0.25), 1e-6);
  EXPECT_NEAR(m[0][2].item<double>(), 0.25 / (0.75 + 0.25), 1e-6);
  EXPECT_NEAR(m[1][0].item<double>(), 0.3 / (0.3 + 0.125), 1e-6);
  EXPECT_TRUE(torch::allclose(m.sum(1), torch::ones({3})));
  EXPECT_EQ(m.diagonal().abs().max().item<double>(), 0);
}

TEST(CorrelationTest, AMatrixWithoutAFactorDoesNotExist) {
  EXPECT_TRUE(Make({{"beta", 0.0}})->buffers().empty());
  EXPECT_EQ(Make({{"beta", 0.0}})->parameters().size(), 1U);
  EXPECT_TRUE(Make({{"gamma", 0.0}})->parameters().empty());
  const auto neither = Make({{"beta", 0.0}, {"gamma", 0.0}});
  EXPECT_TRUE(neither->parameters().empty() && neither->buffers().empty());
  const torch::Tensor p = torch::rand({2, kClasses});
  EXPECT_TRUE(neither->forward(p).equal(p));
}

TEST(CorrelationTest, ClampsAndKeepsTheGradientsThatLeadBack) {
  const auto module = Make({{"alpha", 1.0}, {"beta", 0.0}, {"gamma", 1.0}});
  {
    const torch::NoGradGuard no_gradient;
    module->parameters()[0].copy_(torch::tensor({{0, 1, 0}, {0, 0, 0}, {0, 0, -2}}));
  }
  // Sums: 0.9 + 0.8 = 1.7 (clamped to 1), 0.8, and 0.4 - 0.8 = -0.4 (clamped to 0).
  const auto gradient = [&](double of_each) {
    const torch::Tensor p = torch::tensor({{0.9, 0.8, 0.4}}, torch::kFloat).requires_grad_();
    const torch::Tensor output = module->forward(p);
    EXPECT_TRUE(torch::allclose(output, torch::tensor({{1.0, 0.8, 0.0}}, torch::kFloat)));
    (output * of_each).sum().backward();
    return p.grad()[0].clone();
  };
  // Down leads back from above: d/dp_0 = 1, d/dp_1 = 1 + 1; the third is below and stays.
  EXPECT_TRUE(torch::allclose(gradient(1), torch::tensor({1.0, 2.0, 0.0}, torch::kFloat)));
  // Up leads back from below: d/dp_2 = 1 - 2.
  EXPECT_TRUE(torch::allclose(gradient(-1), torch::tensor({0.0, -1.0, 1.0}, torch::kFloat)));
}

TEST(CorrelationTest, HasThePapersSize) {
  const WithoutMemory guard;
  const auto module = Makers<LabelProcessing>::All().at("correlation")(
      {.classes = 3862}, reference::WithDefaults("label_processing", "correlation", {}));
  EXPECT_EQ(module->parameters()[0].numel(), 14'915'044);
  EXPECT_EQ(module->buffers()[0].numel(), 14'915'044);
}

}  // namespace correlation_test
}  // namespace beamgrid::trainer
