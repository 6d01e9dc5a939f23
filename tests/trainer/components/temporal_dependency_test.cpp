#include "tests/trainer/components/temporal_reference.h"

namespace beamgrid::trainer {
namespace temporal_dependency_test {

using reference::Arrays;
using reference::CountOf;
using reference::Dot;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::Linear;
using reference::LinearRows;
using reference::MakeTemporal;
using reference::Matrix;
using reference::MeanRow;
using reference::PaperFeatures;
using reference::RowsOf;
using reference::Softmax;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Matrix Adjacency(const Arrays& arrays, const Matrix& frames) {
  const Matrix keys = LinearRows(arrays, "key", frames);
  Matrix adjacency;
  for (const Vector& frame : frames) {
    const Vector query = Linear(arrays, "query", frame);
    Vector scores;
    for (const Vector& key : keys) scores.push_back(Dot(query, key));
    adjacency.push_back(Softmax(scores));
  }
  return adjacency;
}

/// ReLU(A H W + H U + b).
Matrix Convolve(const Arrays& arrays, const std::string& name, const Matrix& adjacency,
                const Matrix& states) {
  const Matrix neighbours = LinearRows(arrays, name + ".neighbours", states);
  Matrix result = LinearRows(arrays, name + ".self", states);
  for (std::size_t i = 0; i < result.size(); ++i) {
    for (std::size_t c = 0; c < result[i].size(); ++c) {
      for (std::size_t j = 0; j < states.size(); ++j) {
        result[i][c] += adjacency[i][j] * neighbours[j][c];
      }
      result[i][c] = std::max(result[i][c], 0.0);
    }
  }
  return result;
}

Matrix States(const Arrays& arrays, const Matrix& frames, int layers) {
  const Matrix adjacency = Adjacency(arrays, frames);
  Matrix states = frames;
  for (int layer = 0; layer < layers; ++layer) {
    states = Convolve(arrays, "layer" + std::to_string(layer), adjacency, states);
  }
  return states;
}

std::shared_ptr<Temporal> Make(std::int64_t layers) {
  return MakeTemporal("temporal_dependency", {{"hidden", 4}, {"keys", 2}, {"layers", layers}},
                      kWidth);
}

TEST(TemporalDependency, FollowsTheEquations) {
  for (const int layers : {1, 2, 3}) {
    const auto module = Make(layers);
    EXPECT_EQ(module->output_width(), 4);
    ExpectMatches(
        *module, RowsOf(*module),
        [layers](const Arrays& arrays, const Videos& videos) {
          Matrix means;
          for (const Matrix& video : videos)
            means.push_back(MeanRow(States(arrays, video, layers)));
          return means;
        },
        contract::RandomSequence(kLengths, kFrames, kWidth));
  }
}

TEST(TemporalDependency, GivesEachFramesState) {
  const auto module = Make(2);
  EXPECT_EQ(module->states_width(), 4);
  module->to(torch::kDouble);
  Sequence input = contract::RandomSequence(kLengths, kFrames, kWidth);
  input.frames = input.frames.to(torch::kDouble);
  const Sequence states = module->States(input, {});
  EXPECT_EQ(states.frames.masked_fill(input.mask.unsqueeze(-1), 0).abs().max().item<double>(), 0);
  const Videos videos = reference::VideosOf(input), actual = reference::VideosOf(states);
  for (std::size_t b = 0; b < videos.size(); ++b) {
    const Matrix expected = States(reference::ArraysOf(*module), videos[b], 2);
    for (std::size_t t = 0; t < expected.size(); ++t) {
      for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(expected[t][c], actual[b][t][c], 1e-10);
    }
  }
}

TEST(TemporalDependency, DoesNotKnowTheOrderOfFrames) {
  const auto module = Make(2);
  const Sequence input = contract::RandomSequence({5}, 5, kWidth);
  const Sequence reversed{input.frames.flip(1), input.mask, input.lengths};
  EXPECT_TRUE(module->forward(input, {}).allclose(module->forward(reversed, {}), 1e-5, 1e-6));
}

TEST(TemporalDependency, HasTheSizeOfItsMatrices) {
  EXPECT_EQ(CountOf("temporal_dependency", {}, PaperFeatures()),
            2 * 1152 * 128 + 2 * 1152 * 1024 + 1024);
  EXPECT_EQ(CountOf("temporal_dependency", {{"layers", 2}}, PaperFeatures()),
            2 * 1152 * 128 + 2 * 1152 * 1024 + 1024 + 2 * 1024 * 1024 + 1024);
}

}  // namespace temporal_dependency_test
}  // namespace beamgrid::trainer
