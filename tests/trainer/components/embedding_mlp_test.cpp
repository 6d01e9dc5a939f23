#include <gtest/gtest.h>

#include "tests/trainer/components/reference.h"
#include "tests/trainer/trial.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace embedding_mlp_test {

using reference::Arrays;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Vector Relu(Vector values) {
  for (double& value : values) value = std::max(value, 0.0);
  return values;
}

TEST(EmbeddingMlp, FollowsTheEquation) {
  for (const std::int64_t hidden : {0, 5}) {
    torch::manual_seed(81);
    const auto module = Makers<Extra>::All().at("embedding_mlp")(
        {}, reference::WithDefaults("extras", "embedding_mlp", {{"width", 4}, {"hidden", hidden}}));
    EXPECT_EQ(module->BuildEmbedding(1, kWidth), 4);
    reference::Randomise(*module);
    const auto rows = [&](const Sequence& input) {
      return module->OnEmbedding(input.frames.squeeze(1), input).unbind(0);
    };
    const auto forward = [&](const Arrays& arrays, const Videos& videos) {
      Matrix result;
      for (const Matrix& video : videos) {
        Vector row = video[0];
        if (hidden > 0) row = Relu(reference::Linear(arrays, "hidden", row));
        result.push_back(Relu(reference::Linear(arrays, "embedding", row)));
      }
      return result;
    };
    reference::ExpectMatches(*module, rows, forward,
                             contract::RandomSequence({1, 1, 1}, 1, kWidth));
  }
}

/// The gradient of the model's parameters under a loss, all in one vector.
torch::Tensor GradientOf(const std::string& loss, const std::map<std::string, Options>& extras) {
  const DataSpec data{
      .format = "frame", .classes = 4, .features = {{"rgb", kWidth}}, .max_frames = 5};
  torch::manual_seed(82);
  Model model(MakeModel({.parts = {{"temporal", {"indirect_clustering", {}}},
                                   {"classifier", {"moe", {}}},
                                   {"loss", {loss, {}}}},
                         .extras = extras}),
              data);
  const Sequence input = contract::RandomSequence({3, 1, 2}, 4, kWidth);
  const Targets targets{torch::eye(3, 4), {}};
  model.TotalLoss(model.forward(input, targets), targets).backward();
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : model.parameters()) {
    gradients.push_back(parameter.grad().flatten());
  }
  return torch::cat(gradients);
}

// Na et al. 2017, table 4, as its text has it: nothing before the mixture is trained, so the
// centres pull at constants, and the row would repeat cross entropy to the last digit.
TEST(EmbeddingMlp, GivesTheCenterLossSomethingToTrain) {
  EXPECT_TRUE(GradientOf("center", {}).equal(GradientOf("cross_entropy", {})));
  const std::map<std::string, Options> trained = {{"embedding_mlp", {{"width", 4}, {"hidden", 5}}}};
  EXPECT_FALSE(GradientOf("center", trained).equal(GradientOf("cross_entropy", trained)));
}

}  // namespace embedding_mlp_test
}  // namespace beamgrid::trainer
