// Cross entropy and label_processing "none" against their equations in plain loops.

#include <gtest/gtest.h>

#include "tests/trainer/components/loss_reference.h"

namespace beamgrid::trainer {
namespace loss_test {

using reference::Arrays;
using reference::Cells;
using reference::MakeLoss;
using reference::Matrix;
using reference::Videos;

struct CrossEntropyCase {
  double alpha;
  Cells cells;
};

class CrossEntropyTest : public ::testing::TestWithParam<CrossEntropyCase> {};

TEST_P(CrossEntropyTest, MatchesTheEquation) {
  const auto [alpha, cells] = GetParam();
  const auto module = MakeLoss("cross_entropy", {{"alpha", alpha}});
  const auto forward = [alpha = alpha, cells = cells](const Arrays&, const Videos& videos) {
    double loss = 0;
    for (std::size_t b = 0; b < videos.size(); ++b) {
      for (std::size_t c = 0; c < reference::kLossClasses; ++c) {
        const double p = videos[b][0][c];
        const double y = reference::Labels()[b][c];
        loss -= reference::WeightOf(cells, b, c) * 2 *
                (alpha * y * std::log(p + 1e-5) + (1 - alpha) * (1 - y) * std::log(1 - p + 1e-5));
      }
    }
    return Matrix{{loss / 3}};
  };
  reference::ExpectMatches(*module, reference::LossOf(*module, reference::TargetsOf(cells)),
                           forward, reference::Probabilities());
}

INSTANTIATE_TEST_SUITE_P(Variants, CrossEntropyTest,
                         ::testing::Values(CrossEntropyCase{0.5, Cells::kAlike},
                                           CrossEntropyCase{0.5, Cells::kWeighted},
                                           CrossEntropyCase{0.8, Cells::kAlike},
                                           CrossEntropyCase{0.3, Cells::kWeighted}));

torch::Tensor Labels() {
  return torch::tensor({1, 0, 0, 1, 0, 0, 0, 0, 0}, torch::kFloat).view({3, 3});
}

TEST(CrossEntropyTest, IsFiniteForCertainty) {
  for (const char* loss_name : {"cross_entropy", "pseudo_huber"}) {
    const auto module = MakeLoss(loss_name, {});
    const torch::Tensor p = (1 - Labels()).requires_grad_();  // certain, and all wrong
    const torch::Tensor loss = module->forward(p, {}, {Labels()});
    if (loss_name == std::string("cross_entropy")) {
      EXPECT_NEAR(loss.item<double>(), -3 * std::log(1e-5), 1e-3);
    }
    loss.backward();
    EXPECT_TRUE(torch::isfinite(p.grad()).all().item<bool>());
    EXPECT_TRUE(std::isfinite(module->forward(Labels(), {}, {Labels()}).item<double>()));
  }
}

TEST(CrossEntropyTest, IsComputedInSinglePrecisionAtLeast) {
  const auto module = MakeLoss("cross_entropy", {});
  const torch::Tensor p = torch::full({1, 3}, 1e-3).to(torch::kBFloat16);
  const torch::Tensor loss = module->forward(p, {}, {torch::zeros({1, 3})});
  EXPECT_EQ(loss.scalar_type(), torch::kFloat);
  const double rounded = p[0][0].to(torch::kDouble).item<double>();
  EXPECT_NEAR(loss.item<double>(), -3 * std::log(1 - rounded + 1e-5), 1e-6);
}

TEST(CrossEntropyTest, StartsAtTheKnownValues) {
  // A new mixture of two experts says 1/3 of everything, logistic regressions 1/2.
  const auto module = MakeLoss("cross_entropy", {});
  const auto loss = [&](double p) {
    return module->forward(torch::full({2, 3862}, p), {}, {torch::zeros({2, 3862})}).item<double>();
  };
  EXPECT_NEAR(loss(1.0 / 3), 1566, 1);
  EXPECT_NEAR(loss(0.5), 2677, 1);
}

TEST(LabelProcessingTest, NoneChangesNothing) {
  const auto module = Makers<LabelProcessing>::All().at("none")({}, {});
  const torch::Tensor p = torch::rand({2, 3});
  EXPECT_TRUE(module->forward(p).equal(p));
}

}  // namespace loss_test
}  // namespace beamgrid::trainer
