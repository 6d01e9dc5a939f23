// The Transformer encoder against its equations in plain loops, and a task that needs what it does.

#include "tests/trainer/components/temporal_reference.h"

namespace beamgrid::trainer {
namespace transformer_test {

using reference::Arrays;
using reference::Dot;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::Linear;
using reference::MakeTemporal;
using reference::Matrix;
using reference::RowsOf;
using reference::Softmax;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

struct TransformerCase {
  std::size_t layers, heads, width;
  const char* positions;
  const char* pool;
};

Vector Normalised(const Arrays& arrays, const std::string& name, Vector row) {
  const auto width = static_cast<double>(row.size());
  double mean = 0, variance = 0;
  for (const double value : row) mean += value / width;
  for (const double value : row) variance += (value - mean) * (value - mean) / width;
  for (std::size_t j = 0; j < row.size(); ++j) {
    row[j] = (row[j] - mean) / std::sqrt(variance + 1e-5) * arrays.at(name + ".weight")(j) +
             arrays.at(name + ".bias")(j);
  }
  return row;
}

Vector Sum(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

Vector Slice(const Vector& values, std::size_t begin, std::size_t count) {
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(begin);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

/// Every frame of a video against every other, head by head.
Matrix Attention(const Arrays& arrays, const std::string& layer, const Matrix& frames,
                 std::size_t heads) {
  const std::size_t width = frames[0].size(), of_head = width / heads;
  Matrix all;
  for (const Vector& frame : frames)
    all.push_back(Linear(arrays, layer + "query_key_value", frame));
  Matrix attended(frames.size(), Vector(width, 0.0));
  for (std::size_t head = 0; head < heads; ++head) {
    for (std::size_t t = 0; t < frames.size(); ++t) {
      Vector scores;
      for (std::size_t s = 0; s < frames.size(); ++s) {
        scores.push_back(Dot(Slice(all[t], head * of_head, of_head),
                             Slice(all[s], width + head * of_head, of_head)) /
                         std::sqrt(static_cast<double>(of_head)));
      }
      const Vector weights = Softmax(scores);
      for (std::size_t s = 0; s < frames.size(); ++s) {
        for (std::size_t j = 0; j < of_head; ++j) {
          attended[t][head * of_head + j] += weights[s] * all[s][2 * width + head * of_head + j];
        }
      }
    }
  }
  for (Vector& frame : attended) frame = Linear(arrays, layer + "output", frame);
  return attended;
}

double Position(std::size_t t, std::size_t j, std::size_t width) {
  const auto even = static_cast<double>(j / 2 * 2);
  const double angle =
      static_cast<double>(t) / std::pow(10000.0, even / static_cast<double>(width));
  return j % 2 == 0 ? std::sin(angle) : std::cos(angle);
}

Matrix States(const Arrays& arrays, const Matrix& video, const TransformerCase& c) {
  Matrix frames;
  for (std::size_t t = 0; t < video.size(); ++t) {
    frames.push_back(Linear(arrays, "input", video[t]));
    if (c.positions == std::string("none")) continue;
    for (std::size_t j = 0; j < c.width; ++j) frames[t][j] += Position(t, j, c.width);
  }
  for (std::size_t l = 0; l < c.layers; ++l) {
    const std::string layer = "layer" + std::to_string(l) + ".";
    const Matrix attended = Attention(arrays, layer, frames, c.heads);
    for (std::size_t t = 0; t < frames.size(); ++t) {
      const Vector y = Normalised(arrays, layer + "attention_norm", Sum(frames[t], attended[t]));
      Vector wide = Linear(arrays, layer + "widen", y);
      for (double& value : wide) value = std::max(value, 0.0);
      frames[t] =
          Normalised(arrays, layer + "norm", Sum(y, Linear(arrays, layer + "narrow", wide)));
    }
  }
  return frames;
}

reference::Forward Reference(const TransformerCase& c) {
  return [c](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      const Matrix frames = States(arrays, video, c);
      embeddings.push_back(c.pool == std::string("max") ? reference::MaxRow(frames)
                                                        : reference::MeanRow(frames));
    }
    return embeddings;
  };
}

Options OptionsOf(const TransformerCase& c) {
  return {{"layers", static_cast<std::int64_t>(c.layers)},
          {"heads", static_cast<std::int64_t>(c.heads)},
          {"head_width", static_cast<std::int64_t>(c.width / c.heads)},
          {"feed_forward", 3},
          {"dropout", 0.0},
          {"positions", c.positions},
          {"pool", c.pool}};
}

class TransformerTest : public ::testing::TestWithParam<TransformerCase> {};

TEST_P(TransformerTest, FollowsTheEquations) {
  const auto module = MakeTemporal("transformer", OptionsOf(GetParam()), kWidth);
  EXPECT_EQ(module->output_width(), static_cast<std::int64_t>(GetParam().width));
  ExpectMatches(*module, RowsOf(*module), Reference(GetParam()), Input());
}

INSTANTIATE_TEST_SUITE_P(Cases, TransformerTest,
                         ::testing::Values(TransformerCase{1, 1, 4, "sinusoid", "mean"},
                                           TransformerCase{2, 2, 4, "sinusoid", "mean"},
                                           TransformerCase{1, 3, 3, "sinusoid", "max"},
                                           TransformerCase{1, 2, 4, "none", "mean"}));

TEST(Transformer, HasAStateForEachFrame) {
  const TransformerCase c{2, 2, 4, "sinusoid", "mean"};
  const auto module = MakeTemporal("transformer", OptionsOf(c), kWidth);
  EXPECT_EQ(module->states_width(), 4);
  const Sequence input = Input();
  const Sequence states = module->States(input, {});
  EXPECT_EQ(states.frames.masked_fill(input.mask.unsqueeze(-1), 0).abs().max().item<double>(), 0);
  const Arrays arrays = reference::ArraysOf(*module);
  const Videos videos = reference::VideosOf(input);
  for (std::size_t b = 0; b < videos.size(); ++b) {
    const Matrix expected = States(arrays, videos[b], c);
    for (std::size_t t = 0; t < expected.size(); ++t) {
      const Vector state =
          reference::ArrayOf(
              states.frames[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(t)])
              .values;
      for (std::size_t j = 0; j < state.size(); ++j) EXPECT_NEAR(state[j], expected[t][j], 1e-5);
    }
  }
}

TEST(Transformer, WithoutPositionsIsASetOfFrames) {
  const TransformerCase none{2, 2, 4, "none", "mean"}, sinusoid{2, 2, 4, "sinusoid", "mean"};
  Sequence input = contract::RandomSequence({4}, 4, kWidth);
  Sequence backwards = input;
  backwards.frames = input.frames.flip(1);
  const auto differ = [&](const TransformerCase& c) {
    const auto module = MakeTemporal("transformer", OptionsOf(c), kWidth);
    return (module->forward(input, {}) - module->forward(backwards, {})).abs().max().item<double>();
  };
  EXPECT_LT(differ(none), 1e-5);
  EXPECT_GT(differ(sinusoid), 1e-3);
}

TEST(Transformer, DropsValuesInTrainingOnly) {
  Options options = OptionsOf({1, 1, 4, "sinusoid", "mean"});
  options["dropout"] = 0.5;
  const auto module = MakeTemporal("transformer", options, kWidth);
  const Sequence input = Input();
  EXPECT_FALSE(module->forward(input, {}).equal(module->forward(input, {})));
  module->eval();
  EXPECT_TRUE(module->forward(input, {}).equal(module->forward(input, {})));
}

TEST(Transformer, HasThePapersSizes) {
  // D d + d + layers (4 d^2 + 2 d m + m + 5 d)
  constexpr std::int64_t d = 512, m = 2048;
  EXPECT_EQ(reference::CountOf("transformer", {}, reference::PaperFeatures()),
            1152 * d + d + 2 * (4 * d * d + 2 * d * m + m + 5 * d));
}

// Two classes that differ in nothing but the order of their frames: a mean cannot tell them apart.
TEST(Transformer, LearnsTheOrderOfFrames) {
  torch::manual_seed(61);
  const std::int64_t videos = 200, frames = 6;
  const torch::Tensor down = torch::rand({videos}) < 0.5;
  const torch::Tensor ramp = torch::arange(frames, torch::kFloat) / 5;
  torch::Tensor values = ramp.unsqueeze(0).expand({videos, frames}).clone();
  values = torch::where(down.unsqueeze(1), values.flip(1), values);
  const torch::Tensor frame_values =
      torch::stack({values, torch::ones_like(values)}, 2) + 0.1 * torch::randn({videos, frames, 2});
  const Sequence input{frame_values, torch::ones({videos, frames}, torch::kBool),
                       torch::full({videos}, frames, torch::kLong)};
  const auto accuracy = [&](const std::string& name, const Options& set) {
    torch::manual_seed(62);
    const auto module = Makers<Temporal>::All().at(name)(
        {.input_width = 2}, reference::WithDefaults("temporal", name, set));
    torch::nn::Linear head(module->output_width(), 1);
    std::vector<torch::Tensor> parameters = module->parameters();
    for (const torch::Tensor& parameter : head->parameters()) parameters.push_back(parameter);
    torch::optim::Adam adam(parameters, torch::optim::AdamOptions(0.01));
    torch::Tensor right;
    for (int step = 0; step < 60; ++step) {
      const torch::Tensor logit = head(module->forward(input, {})).squeeze(1);
      adam.zero_grad();
      torch::binary_cross_entropy_with_logits(logit, down.to(torch::kFloat)).backward();
      adam.step();
      right = (logit > 0) == down;
    }
    return right.to(torch::kFloat).mean().item<double>();
  };
  EXPECT_GT(accuracy("transformer",
                     {{"head_width", 4}, {"heads", 2}, {"feed_forward", 8}, {"dropout", 0.0}}),
            0.95);
  EXPECT_LT(accuracy("mean", {}), 0.7);
}

}  // namespace transformer_test
}  // namespace beamgrid::trainer
