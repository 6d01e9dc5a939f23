// Extras against their equations in plain loops.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace extras_test {

using reference::Arrays;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 4;

std::shared_ptr<Extra> Make(const std::string& name, const Options& set,
                            const BuildContext& context = {}) {
  torch::manual_seed(21);
  return Makers<Extra>::All().at(name)(context, reference::WithDefaults("extras", name, set));
}

Sequence Ragged() {
  torch::manual_seed(22);
  return contract::RandomSequence(reference::kLengths, reference::kFrames, kWidth);
}

Sequence Embeddings() {
  torch::manual_seed(23);
  return contract::RandomSequence({1, 1, 1}, 1, kWidth);
}

/// OnEmbedding of the single frame of each video.
reference::Rows EmbeddingOf(Extra& module) {
  return [&module](const Sequence& input) {
    return module.OnEmbedding(input.frames.squeeze(1), input).unbind(0);
  };
}

Matrix FirstFrames(const Videos& videos) {
  Matrix rows;
  for (const Matrix& video : videos) rows.push_back(video[0]);
  return rows;
}

TEST(LayerNormTest, MatchesTheEquation) {
  const auto module = Make("layer_norm", {});
  EXPECT_EQ(module->BuildEmbedding(1, kWidth), kWidth);
  reference::Randomise(*module);
  const auto forward = [](const Arrays& arrays, const Videos& videos) {
    Matrix rows = FirstFrames(videos);
    for (Vector& row : rows) {
      double mean = 0, variance = 0;
      for (const double x : row) mean += x / kWidth;
      for (const double x : row) variance += (x - mean) * (x - mean) / kWidth;
      for (std::size_t j = 0; j < row.size(); ++j) {
        row[j] = (row[j] - mean) / std::sqrt(variance + 1e-5) * arrays.at("norm.weight")(j) +
                 arrays.at("norm.bias")(j);
      }
    }
    return rows;
  };
  reference::ExpectMatches(*module, EmbeddingOf(*module), forward, Embeddings());
}

struct GateCase {
  std::string prefix;  ///< of the names in the module
  Options options;
  std::optional<reference::Statistics> statistics;  ///< of the batch norm; nothing: biases
};

Vector ReferenceGate(const Arrays& arrays, const std::string& name, const Vector& row,
                     const GateCase& c) {
  Vector gate = reference::Linear(arrays, name + "gate", row);
  if (!c.options.contains("remove_diagonal")) return gate;
  for (std::size_t j = 0; j < row.size(); ++j) {
    gate[j] -= arrays.at(name + "gate.weight")(j, j) * row[j];
  }
  return gate;
}

reference::Forward GateReference(const GateCase& c) {
  return [=](const Arrays& arrays, const Videos& videos) {
    const std::string& name = c.prefix;
    Matrix rows = FirstFrames(videos);
    Matrix gates;
    for (const Vector& row : rows) gates.push_back(ReferenceGate(arrays, name, row, c));
    if (c.statistics) {
      gates = reference::BatchNormalise(arrays, name + "norm", gates, *c.statistics);
    }
    if (c.options.contains("reduction")) {
      for (Vector& gate : gates) {
        for (double& value : gate) value = std::max(value, 0.0);
        gate = reference::Linear(arrays, name + "expand", gate);
      }
    }
    for (std::size_t b = 0; b < rows.size(); ++b) {
      for (std::size_t j = 0; j < rows[b].size(); ++j) {
        rows[b][j] *= reference::Sigmoid(gates[b][j]);
      }
    }
    return rows;
  };
}

void ExpectGates(const GateCase& c) {
  const auto module = Make("context_gating", c.options);
  EXPECT_EQ(module->BuildEmbedding(1, kWidth), kWidth);
  module->BuildProbabilities(7);
  reference::Randomise(*module);
  module->train(c.statistics != reference::Statistics::kRunning);
  reference::ExpectMatches(*module, EmbeddingOf(*module), GateReference(c), Embeddings());
}

TEST(ContextGatingTest, MatchesTheEquationOnTheEmbedding) { ExpectGates({}); }

TEST(ContextGatingTest, MatchesTheEquationWithBatchNorm) {
  for (const auto statistics :
       {reference::Statistics::kOfTheBatch, reference::Statistics::kRunning}) {
    ExpectGates({.options = {{"batch_norm", true}}, .statistics = statistics});
  }
}

TEST(ContextGatingTest, MatchesTheEquationWithoutTheDiagonal) {
  ExpectGates({.options = {{"remove_diagonal", true}}});
  ExpectGates({.options = {{"remove_diagonal", true}, {"batch_norm", true}},
               .statistics = reference::Statistics::kOfTheBatch});
  EXPECT_THROW(Make("context_gating", {{"remove_diagonal", true}, {"reduction", 2}}), SpecError);
}

TEST(ContextGatingTest, MatchesTheEquationReduced) {
  ExpectGates({.options = {{"reduction", 2}}});
  ExpectGates({.options = {{"reduction", 2}, {"batch_norm", true}},
               .statistics = reference::Statistics::kOfTheBatch});
}

TEST(ContextGatingTest, MatchesTheEquationOnTheProbabilities) {
  for (const char* on : {"probabilities", "both"}) {
    const auto module = Make("context_gating", {{"on", on}});
    module->BuildEmbedding(1, 9);
    module->BuildProbabilities(kWidth);
    reference::Randomise(*module);
    const torch::Tensor embedding = torch::rand({2, 9});
    const bool both = on == std::string("both");
    EXPECT_EQ(module->OnEmbedding(embedding, {}).equal(embedding), !both);
    const torch::Tensor p = torch::rand({2, kWidth});
    const Arrays arrays = reference::ArraysOf(*module);
    const Matrix expected = GateReference({.prefix = "probability_"})(
        arrays, {{reference::ArrayOf(p[0]).values}, {reference::ArrayOf(p[1]).values}});
    const Vector gated = reference::ArrayOf(module->OnProbabilities(p)[1]).values;
    for (std::size_t c = 0; c < gated.size(); ++c) EXPECT_NEAR(gated[c], expected[1][c], 1e-6);
  }
}

TEST(ContextGatingTest, OnTheEmbeddingLeavesTheProbabilitiesAlone) {
  const auto module = Make("context_gating", {});
  module->BuildEmbedding(1, kWidth);
  module->BuildProbabilities(7);
  const torch::Tensor p = torch::rand({2, 7});
  EXPECT_TRUE(module->OnProbabilities(p).equal(p));
}

std::int64_t GateParameters(const Options& set) {
  const WithoutMemory guard;
  const auto module = Make("context_gating", set);
  module->BuildEmbedding(1, 1024);
  module->BuildProbabilities(3862);
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module->parameters()) count += parameter.numel();
  for (const torch::Tensor& buffer : module->buffers()) {
    if (buffer.is_floating_point()) count += buffer.numel();
  }
  return count;
}

TEST(ContextGatingTest, HasThePapersSizes) {
  EXPECT_EQ(GateParameters({}), 1'049'600);
  EXPECT_EQ(GateParameters({{"batch_norm", true}}), 1'052'672);
  EXPECT_EQ(GateParameters({{"on", "probabilities"}, {"batch_norm", true}}), 14'930'492);
  EXPECT_EQ(GateParameters({{"on", "both"}, {"batch_norm", true}}), 1'052'672 + 14'930'492);
  EXPECT_EQ(GateParameters({{"reduction", 8}, {"batch_norm", true}}),
            2 * 1024 * 1024 / 8 + 4 * 1024 / 8);
}

TEST(ContextGatingTest, SetsOfAVideoAreGatedOneByOne) {
  const auto module = Make("context_gating", {{"batch_norm", true}});
  module->BuildEmbedding(1, kWidth);
  module->eval();
  const torch::Tensor sets = torch::randn({2, 3, kWidth});
  const torch::Tensor together = module->OnEmbedding(sets, {});
  for (std::int64_t set = 0; set < 3; ++set) {
    EXPECT_TRUE(
        torch::allclose(together.select(1, set), module->OnEmbedding(sets.select(1, set), {})));
  }
}

TEST(DifferentialTest, MatchesTheEquationWithRepeatedBorders) {
  const auto module = Make("differential", {});
  EXPECT_EQ(module->BuildSequence(kWidth), 2 * kWidth);
  const auto rows = [&](const Sequence& input) {
    const Sequence output = module->OnSequence(input);
    EXPECT_EQ(output.frames.size(-1), 2 * kWidth);
    EXPECT_EQ(output.frames.masked_fill(input.mask.unsqueeze(-1), 0).abs().max().item<double>(), 0)
        << "padding is not 0";
    std::vector<torch::Tensor> result;
    for (std::int64_t b = 0; b < input.lengths.size(0); ++b) {
      result.push_back(
          output.frames[b].slice(0, 0, input.lengths[b].item<std::int64_t>()).flatten());
    }
    return result;
  };
  const auto forward = [](const Arrays&, const Videos& videos) {
    Matrix result;
    for (const Matrix& video : videos) {
      Vector row;
      for (std::size_t t = 0; t < video.size(); ++t) {
        const Vector& previous = video[t == 0 ? 0 : t - 1];
        const Vector& next = video[std::min(t + 1, video.size() - 1)];
        row.insert(row.end(), video[t].begin(), video[t].end());
        for (std::size_t j = 0; j < video[t].size(); ++j) {
          row.push_back((2 * video[t][j] - previous[j] - next[j]) / 2);
        }
      }
      result.push_back(row);
    }
    return result;
  };
  reference::ExpectMatches(*module, rows, forward, Ragged());
}

TEST(DifferentialTest, RefusesVideoLevelData) {
  EXPECT_THROW(Make("differential", {}, {.video_level = true}), SpecError);
}

/// Beside a temporal component that does not skip by itself.
std::shared_ptr<Extra> MakeSkipConnection() {
  auto module = Make("skip_connection", {});
  module->OnTemporalBuilt(*Makers<Temporal>::All().at("mean")({.input_width = kWidth}, {}));
  return module;
}

TEST(SkipConnectionTest, ConcatenatesTheMeanFrame) {
  const auto module = MakeSkipConnection();
  EXPECT_EQ(module->BuildEmbedding(kWidth, 2), 2 + kWidth);
  const auto rows = [&](const Sequence& input) {
    return module->OnEmbedding(torch::zeros({input.frames.size(0), 2}, torch::kDouble), input)
        .unbind(0);
  };
  const auto forward = [](const Arrays&, const Videos& videos) {
    Matrix result;
    for (const Matrix& video : videos) {
      Vector row = {0, 0};
      const Vector mean = reference::MeanRow(video);
      row.insert(row.end(), mean.begin(), mean.end());
      result.push_back(row);
    }
    return result;
  };
  reference::ExpectMatches(*module, rows, forward, Ragged());
}

TEST(SkipConnectionTest, LeavesStacksThatSkipInsideAlone) {
  const auto module = Make("skip_connection", {});
  const auto stack = Makers<Temporal>::All().at("lstm")(
      {.input_width = kWidth, .skip_connections = true},
      reference::WithDefaults("temporal", "lstm", {{"hidden", kWidth}, {"layers", 2}}));
  ASSERT_TRUE(stack->adds_skip_connections());
  module->OnTemporalBuilt(*stack);
  EXPECT_EQ(module->BuildEmbedding(kWidth, 2), 2);
  const torch::Tensor embedding = torch::randn({4, 2});
  EXPECT_TRUE(module->OnEmbedding(embedding, Ragged()).equal(embedding));
}

TEST(SkipConnectionTest, ReachesEverySetOfAVideo) {
  const auto module = MakeSkipConnection();
  module->BuildEmbedding(kWidth, 2);
  const Sequence input = Ragged();
  const torch::Tensor output = module->OnEmbedding(torch::zeros({4, 3, 2}), input);
  ASSERT_EQ(output.sizes().vec(), (std::vector<std::int64_t>{4, 3, 2 + kWidth}));
  EXPECT_TRUE(output.select(1, 0).equal(output.select(1, 2)));
}

TEST(SkipConnectionTest, RefusesVideoLevelData) {
  EXPECT_THROW(Make("skip_connection", {}, {.video_level = true}), SpecError);
}

TEST(DropoutTest, DropsTheShareAndKeepsTheMean) {
  const auto module = Make("dropout", {{"rate", 0.2}});
  torch::manual_seed(1);
  const torch::Tensor ones = torch::ones({200, 500});
  const torch::Tensor dropped = module->OnEmbedding(ones, {});
  EXPECT_NEAR((dropped == 0).to(torch::kFloat).mean().item<double>(), 0.2, 0.01);
  EXPECT_NEAR(dropped.mean().item<double>(), 1, 0.01);
  EXPECT_NEAR(dropped.max().item<double>(), 1 / 0.8, 1e-6);
  module->eval();
  EXPECT_TRUE(module->OnEmbedding(ones, {}).equal(ones));
}

TEST(DropoutTest, DropsTheSameValuesInAllFramesOfAVideo) {
  const auto module = Make("dropout", {{"rate", 0.4}, {"on", "frames"}});
  torch::manual_seed(1);
  const Sequence ones{torch::ones({50, 7, 100}), torch::ones({50, 7}, torch::kBool),
                      torch::full({50}, 7, torch::kLong)};
  const torch::Tensor dropped = module->OnSequence(ones).frames;
  EXPECT_TRUE(dropped.equal(dropped.slice(1, 0, 1).expand_as(dropped)));
  EXPECT_FALSE(dropped[0].equal(dropped[1])) << "each video has its own";
  EXPECT_NEAR((dropped == 0).to(torch::kFloat).mean().item<double>(), 0.4, 0.03);
  EXPECT_NEAR(dropped.mean().item<double>(), 1, 0.05);
  const torch::Tensor embedding = torch::ones({2, 100});
  EXPECT_TRUE(module->OnEmbedding(embedding, ones).equal(embedding));
  module->eval();
  EXPECT_TRUE(module->OnSequence(ones).frames.equal(ones.frames));
}

TEST(DropoutTest, OnTheEmbeddingLeavesTheFramesAlone) {
  const auto module = Make("dropout", {});
  const Sequence input = Ragged();
  EXPECT_TRUE(module->OnSequence(input).frames.equal(input.frames));
  EXPECT_THROW(Make("dropout", {{"on", "both"}}, {.video_level = true}), SpecError);
}

std::vector<torch::Tensor> ParametersWithGradients(const std::vector<Vector>& gradients) {
  std::vector<torch::Tensor> parameters;
  for (const Vector& gradient : gradients) {
    parameters.push_back(torch::zeros({static_cast<std::int64_t>(gradient.size())}));
    parameters.back().mutable_grad() = torch::tensor(gradient, torch::kFloat);
  }
  return parameters;
}

TEST(GradientClipTest, ClipsEachTensorByItself) {
  const auto module = Make("gradient_clip", {{"norm", 5.0}});
  auto parameters = ParametersWithGradients({{6, 8}, {0.3, 0.4}});
  parameters.push_back(torch::zeros({2}));  // one without a gradient
  module->OnGradients(parameters);
  EXPECT_TRUE(torch::allclose(parameters[0].grad(), torch::tensor({3.0, 4.0}, torch::kFloat)));
  EXPECT_TRUE(parameters[1].grad().equal(torch::tensor({0.3, 0.4}, torch::kFloat)));
  EXPECT_FALSE(parameters[2].grad().defined());
}

TEST(GradientClipTest, ClipsAllTogether) {
  const auto module = Make("gradient_clip", {{"norm", 6.5}, {"type", "global"}});
  const auto parameters = ParametersWithGradients({{3, 4}, {12}});  // norm 13
  module->OnGradients(parameters);
  EXPECT_TRUE(torch::allclose(parameters[0].grad(), torch::tensor({1.5, 2.0}, torch::kFloat)));
  EXPECT_TRUE(torch::allclose(parameters[1].grad(), torch::tensor({6.0}, torch::kFloat)));
}

TEST(GradientClipTest, SmallGradientsStayBitForBit) {
  for (const char* type : {"per_tensor", "global"}) {
    const auto module = Make("gradient_clip", {{"norm", 1.0}, {"type", type}});
    const auto parameters = ParametersWithGradients({{0.1, 0.2, -0.3}});
    module->OnGradients(parameters);
    EXPECT_TRUE(parameters[0].grad().equal(torch::tensor({0.1, 0.2, -0.3}, torch::kFloat)));
  }
}

TEST(ExtrasTest, ActInTheirOrder) {
  std::vector<std::pair<int, std::string>> orders;
  for (const char* name : {"dropout", "context_gating", "layer_norm", "skip_connection"}) {
    orders.emplace_back(Make(name, {})->order(), name);
  }
  std::ranges::sort(orders);
  std::vector<std::string> names;
  for (const auto& [order, name] : orders) names.push_back(name);
  EXPECT_THAT(names,
              ::testing::ElementsAre("skip_connection", "layer_norm", "context_gating", "dropout"));
}

}  // namespace extras_test
}  // namespace beamgrid::trainer
