// Softmax and categorical cross entropy against their equations in plain loops.

#include "tests/trainer/components/classifier_reference.h"
#include "tests/trainer/components/loss_reference.h"

namespace beamgrid::trainer {
namespace multi_class_test {

using reference::Arrays;
using reference::Cells;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

TEST(SoftmaxClassifier, MatchesTheEquation) {
  const auto module = reference::MakeClassifier("softmax", {});
  const auto forward = [](const Arrays& arrays, const Videos& videos) {
    return reference::ForEachVideo(videos, [&](const Vector& embedding) {
      Vector scores = reference::Linear(arrays, "linear", embedding);
      double sum = 0;
      for (double& score : scores) sum += score = std::exp(score);
      for (double& score : scores) score /= sum;
      return scores;
    });
  };
  reference::ExpectMatches(*module, reference::ProbabilitiesOf(*module), forward,
                           reference::Embeddings());
}

class CategoricalTest : public ::testing::TestWithParam<Cells> {};

TEST_P(CategoricalTest, MatchesTheEquation) {
  const auto module = reference::MakeLoss("categorical_cross_entropy", {});
  const auto forward = [](const Arrays&, const Videos& videos) {
    double loss = 0;
    const Matrix truth = reference::Labels();
    for (std::size_t b = 0; b < videos.size(); ++b) {
      double labels = 0;
      for (const double label : truth[b]) labels += label;
      for (std::size_t c = 0; c < reference::kLossClasses; ++c) {
        if (truth[b][c] == 0) continue;
        loss -= reference::WeightOf(GetParam(), b, c) * std::log(videos[b][0][c] + 1e-5) / labels;
      }
    }
    return Matrix{{loss / 3}};
  };
  reference::ExpectMatches(*module, reference::LossOf(*module, reference::TargetsOf(GetParam())),
                           forward, reference::Probabilities());
}

INSTANTIATE_TEST_SUITE_P(Losses, CategoricalTest,
                         ::testing::Values(Cells::kAlike, Cells::kWeighted));

}  // namespace multi_class_test
}  // namespace beamgrid::trainer
