// The mean of the frames' scores against its equation in plain loops.

#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace many_to_many_test {

using reference::Arrays;
using reference::Matrix;
using reference::MeanRow;
using reference::Sigmoid;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;
constexpr std::int64_t kClasses = 4;

std::shared_ptr<FrameClassifier> Make(std::int64_t classes = kClasses) {
  torch::manual_seed(11);
  const auto module = Makers<FrameClassifier>::All().at("many_to_many")(
      {.classes = classes, .input_width = kWidth}, {});
  reference::Randomise(*module);
  return module;
}

reference::Rows ProbabilitiesOf(FrameClassifier& module) {
  return [&module](const Sequence& states) {
    return module.forward(states, {}).probabilities.unbind(0);
  };
}

Matrix MeanScores(const Arrays& arrays, const Videos& videos) {
  Matrix means;
  for (const Matrix& video : videos) {
    Matrix scores;
    for (const Vector& state : video) {
      scores.push_back(reference::Linear(arrays, "linear", state));
      for (double& score : scores.back()) score = Sigmoid(score);
    }
    means.push_back(MeanRow(scores));
  }
  return means;
}

TEST(ManyToMany, AveragesTheFramesScores) {
  const auto module = Make();
  reference::ExpectMatches(
      *module, ProbabilitiesOf(*module), MeanScores,
      contract::RandomSequence(reference::kLengths, reference::kFrames, kWidth));
}

// With states of 0 every frame scores sigmoid(b), and so does the video, however short it is beside
// its padding: padding would add its own sigmoid(b) or, left out of the sum alone, dilute it.
TEST(ManyToMany, PaddingScoresNothing) {
  const auto module = Make();
  const torch::Tensor bias = module->named_parameters()["linear.bias"];
  const Sequence empty{torch::zeros({2, 9, kWidth}), contract::MaskOf({1, 7}, 9),
                       torch::tensor({1, 7})};
  const torch::Tensor probabilities = module->forward(empty, {}).probabilities;
  EXPECT_TRUE(probabilities.allclose(bias.sigmoid().expand({2, kClasses}), 0, 1e-6));
}

/// More rows than are scored at once, in videos that end inside chunks: values and gradients are
/// those of the plain formula.
TEST(ManyToMany, ChunksChangeNothing) {
  const auto module = Make(/*classes=*/2);
  module->to(torch::kDouble);
  Sequence states = contract::RandomSequence({3000, 1, 4095, 2500}, 4200, kWidth);
  states.frames = states.frames.to(torch::kDouble).requires_grad_();
  const torch::Tensor mixing =
      torch::tensor({{1., -2.}, {3., 5.}, {-1., 2.}, {4., 1.}}, torch::kDouble);
  const auto parameters = module->named_parameters();
  const std::vector<torch::Tensor> inputs = {parameters["linear.weight"], parameters["linear.bias"],
                                             states.frames};
  const torch::Tensor actual = module->forward(states, {}).probabilities;
  const auto actual_gradients = torch::autograd::grad({(actual * mixing).sum()}, inputs);

  const torch::Tensor mask = states.mask.to(torch::kDouble).unsqueeze(-1);
  const torch::Tensor scores = torch::linear(states.frames, inputs[0], inputs[1]).sigmoid();
  const torch::Tensor expected = (scores * mask).sum(1) / mask.sum(1);
  const auto gradients = torch::autograd::grad({(expected * mixing).sum()}, inputs);
  EXPECT_TRUE(actual.allclose(expected, 0, 1e-12));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(actual_gradients[i].allclose(gradients[i], 0, 1e-12)) << i;
  }
}

TEST(ManyToMany, RegularisesTheMatrix) {
  const auto module = Make();
  ASSERT_EQ(module->RegularisedWeights().size(), 1U);
  EXPECT_TRUE(module->RegularisedWeights()[0].is_same(module->named_parameters()["linear.weight"]));
}

}  // namespace many_to_many_test
}  // namespace beamgrid::trainer
