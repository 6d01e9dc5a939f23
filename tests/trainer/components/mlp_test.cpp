// mlp against its equation in plain loops.

#include <gtest/gtest.h>

#include "tests/trainer/components/classifier_reference.h"

namespace beamgrid::trainer {
namespace mlp_test {

using reference::Arrays;
using reference::Vector;
using reference::Videos;

Vector LayerNorm(const Arrays& arrays, const std::string& name, Vector row) {
  const auto width = static_cast<double>(row.size());
  double mean = 0, variance = 0;
  for (const double x : row) mean += x / width;
  for (const double x : row) variance += (x - mean) * (x - mean) / width;
  for (std::size_t j = 0; j < row.size(); ++j) {
    row[j] = (row[j] - mean) / std::sqrt(variance + 1e-5) * arrays.at(name + ".weight")(j) +
             arrays.at(name + ".bias")(j);
  }
  return row;
}

Vector ReferenceMlp(const Arrays& arrays, Vector values, int layers) {
  for (int layer = 0; layer < layers; ++layer) {
    const std::string number = std::to_string(layer);
    values = reference::Linear(arrays, "hidden" + number, values);
    if (arrays.contains("norm0.weight")) values = LayerNorm(arrays, "norm" + number, values);
    for (double& value : values) value = std::max(value, 0.0);
  }
  return reference::Sigmoids(reference::Linear(arrays, "output", values));
}

struct MlpCase {
  int layers;
  bool layer_norm;
};

class MlpTest : public ::testing::TestWithParam<MlpCase> {};

TEST_P(MlpTest, MatchesTheEquation) {
  const auto [layers, layer_norm] = GetParam();
  const auto module = reference::MakeClassifier(
      "mlp", {{"layers", layers}, {"hidden", 6}, {"layer_norm", layer_norm}});
  const auto forward = [layers = layers](const Arrays& arrays, const Videos& videos) {
    return reference::ForEachVideo(
        videos, [&](const Vector& x) { return ReferenceMlp(arrays, x, layers); });
  };
  reference::ExpectMatches(*module, reference::ProbabilitiesOf(*module), forward,
                           reference::Embeddings());
}

INSTANTIATE_TEST_SUITE_P(Variants, MlpTest,
                         ::testing::Values(MlpCase{1, true}, MlpCase{3, true}, MlpCase{2, false}));

TEST(MlpTest, HasNoBiasesAndThePapersSize) {
  const auto module = reference::MakeClassifier("mlp", {{"hidden", 6}});
  for (const auto& parameter : module->named_parameters()) {
    const bool of_norm = parameter.key().starts_with("norm");
    EXPECT_TRUE(of_norm || parameter.key().ends_with("weight")) << parameter.key();
  }
  EXPECT_EQ(reference::ParametersOf("mlp", {}), 54'116'352);
  EXPECT_EQ(reference::ParametersOf("mlp", {{"layer_norm", false}}), 54'116'352 - 6 * 4096);
}

TEST(MlpTest, LogitsBelongToTheProbabilities) {
  const auto module = reference::MakeClassifier("mlp", {{"hidden", 6}});
  const Scores scores = module->forward(reference::Embeddings().frames.squeeze(1), {});
  EXPECT_TRUE(torch::allclose(scores.logits.sigmoid(), scores.probabilities));
}

TEST(MlpTest, RegularisesTheMatrices) {
  reference::ExpectRegularisesTheMatrices(*reference::MakeClassifier("mlp", {{"hidden", 6}}));
}

}  // namespace mlp_test
}  // namespace beamgrid::trainer
