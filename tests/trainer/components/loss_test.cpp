// Losses and label processing against their equations in plain loops.

#include <gtest/gtest.h>

#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace {

using reference::Arrays;
using reference::Matrix;
using reference::Videos;

torch::Tensor Labels() {
  return torch::tensor({1, 0, 0, 1, 0, 0, 0, 0, 0}, torch::kFloat).view({3, 3});
}

TEST(CrossEntropyTest, MatchesTheEquation) {
  const auto module = Makers<Loss>::All().at("cross_entropy")({}, {});
  torch::manual_seed(31);
  Sequence probabilities = contract::RandomSequence({1, 1, 1}, 1, 3);
  probabilities.frames = torch::rand({3, 1, 3}, torch::kDouble);
  const Targets targets{Labels().to(torch::kDouble)};
  // The whole batch is one row with one value.
  const auto rows = [&](const Sequence& input) {
    return std::vector<torch::Tensor>{module->forward(input.frames.squeeze(1), {}, targets)};
  };
  const auto forward = [&](const Arrays&, const Videos& videos) {
    double loss = 0;
    for (std::size_t b = 0; b < videos.size(); ++b) {
      for (std::size_t c = 0; c < 3; ++c) {
        const double p = videos[b][0][c];
        const double y =
            Labels()[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(c)].item<double>();
        loss -= y * std::log(p + 1e-5) + (1 - y) * std::log(1 - p + 1e-5);
      }
    }
    return Matrix{{loss / 3}};
  };
  reference::ExpectMatches(*module, rows, forward, probabilities);
}

TEST(CrossEntropyTest, IsFiniteForCertainty) {
  const auto module = Makers<Loss>::All().at("cross_entropy")({}, {});
  const torch::Tensor p = (1 - Labels()).requires_grad_();  // certain, and all wrong
  const torch::Tensor loss = module->forward(p, {}, {Labels()});
  EXPECT_NEAR(loss.item<double>(), -3 * std::log(1e-5), 1e-3);
  loss.backward();
  EXPECT_TRUE(torch::isfinite(p.grad()).all().item<bool>());
}

TEST(CrossEntropyTest, IsComputedInSinglePrecisionAtLeast) {
  const auto module = Makers<Loss>::All().at("cross_entropy")({}, {});
  const torch::Tensor p = torch::full({1, 3}, 1e-3).to(torch::kBFloat16);
  const torch::Tensor loss = module->forward(p, {}, {torch::zeros({1, 3})});
  EXPECT_EQ(loss.scalar_type(), torch::kFloat);
  const double rounded = p[0][0].to(torch::kDouble).item<double>();
  EXPECT_NEAR(loss.item<double>(), -3 * std::log(1 - rounded + 1e-5), 1e-6);
}

TEST(LabelProcessingTest, NoneChangesNothing) {
  const auto module = Makers<LabelProcessing>::All().at("none")({}, {});
  const torch::Tensor p = torch::rand({2, 3});
  EXPECT_TRUE(module->forward(p).equal(p));
}

}  // namespace
}  // namespace beamgrid::trainer
