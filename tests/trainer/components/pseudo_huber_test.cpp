// pseudo_huber against its equation in plain loops.

#include <gtest/gtest.h>

#include "tests/trainer/components/loss_reference.h"

namespace beamgrid::trainer {
namespace pseudo_huber_test {

using reference::Arrays;
using reference::Cells;
using reference::MakeLoss;
using reference::Matrix;
using reference::Videos;

double Huber(double loss, double delta) {
  return delta * delta * (std::sqrt(1 + (loss / delta) * (loss / delta)) - 1);
}

struct HuberCase {
  double delta;
  const char* of;
  Cells cells;
};

class PseudoHuberTest : public ::testing::TestWithParam<HuberCase> {};

TEST_P(PseudoHuberTest, MatchesTheEquation) {
  const HuberCase c = GetParam();
  const auto module = MakeLoss("pseudo_huber", {{"delta", c.delta}, {"of", c.of}});
  const auto forward = [c](const Arrays&, const Videos& videos) {
    double loss = 0;
    for (std::size_t b = 0; b < videos.size(); ++b) {
      double total = 0;
      for (std::size_t k = 0; k < reference::kLossClasses; ++k) {
        const double cell = reference::CrossEntropyOf(videos[b][0][k], reference::Labels()[b][k]);
        const double weight = reference::WeightOf(c.cells, b, k);
        total += weight * cell;
        if (c.of == std::string("element")) loss += weight * Huber(cell, c.delta);
      }
      if (c.of == std::string("total")) loss += Huber(total, c.delta);
    }
    return Matrix{{loss / 3}};
  };
  reference::ExpectMatches(*module, reference::LossOf(*module, reference::TargetsOf(c.cells)),
                           forward, reference::Probabilities());
}

INSTANTIATE_TEST_SUITE_P(Variants, PseudoHuberTest,
                         ::testing::Values(HuberCase{0.5, "element", Cells::kAlike},
                                           HuberCase{2, "element", Cells::kWeighted},
                                           HuberCase{0.5, "total", Cells::kAlike},
                                           HuberCase{1, "total", Cells::kWeighted}));

TEST(PseudoHuberTest, KeepsItsPrecisionForSmallCrossEntropies) {
  // In single precision 1 + (1e-4 / 0.5)^2 keeps two digits of the square at best.
  const auto module = MakeLoss("pseudo_huber", {});
  const torch::Tensor p = torch::full({1, 1000}, 1e-4);
  const double cell = -std::log(1 - 1e-4 + 1e-5);
  const double loss = module->forward(p, {}, {torch::zeros({1, 1000})}).item<double>();
  EXPECT_NEAR(loss / (1000 * Huber(cell, 0.5)), 1, 2e-3);
}

TEST(PseudoHuberTest, FlattensWhatIsCertainAndWrong) {
  const auto module = MakeLoss("pseudo_huber", {});
  const auto gradient = [&](double of) {
    const torch::Tensor p = torch::full({1, 3}, of).requires_grad_();
    module->forward(p, {}, {torch::ones({1, 3})}).backward();
    return p.grad()[0][0].item<double>() * (of + 1e-5);  // dH/dL = -p dH/dp
  };
  EXPECT_NEAR(gradient(0.001), -0.5, 0.01) << "the slope far out is delta";
  EXPECT_NEAR(gradient(0.9), -0.1, 0.01) << "the slope near 0 is L";
}

}  // namespace pseudo_huber_test
}  // namespace beamgrid::trainer
