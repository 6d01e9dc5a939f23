#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace indirect_clustering_test {

using reference::Array;
using reference::Arrays;
using reference::Dot;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::MakeTemporal;
using reference::Matrix;
using reference::RowsOf;
using reference::Softmax;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

/// p_t = softmax_t(alpha sum_i I_t . I_i), every frame against every frame. `alpha` is the video's.
reference::Forward Attention(const std::function<double(const Matrix&)>& alpha) {
  return [=](const Arrays&, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      Vector scores;
      for (const Vector& frame : video) {
        scores.push_back(0);
        for (const Vector& other : video) scores.back() += alpha(video) * Dot(frame, other);
      }
      const Vector weights = Softmax(scores);
      Vector embedding(kWidth, 0.0);
      for (std::size_t t = 0; t < video.size(); ++t) {
        for (std::size_t j = 0; j < embedding.size(); ++j) {
          embedding[j] += weights[t] * video[t][j];
        }
      }
      embeddings.push_back(embedding);
    }
    return embeddings;
  };
}

TEST(IndirectClustering, FollowsThePapersEquation) {
  const auto module = MakeTemporal("indirect_clustering", {}, kWidth);
  EXPECT_EQ(module->output_width(), kWidth);
  EXPECT_TRUE(module->parameters().empty());
  ExpectMatches(*module, RowsOf(*module), Attention([](const Matrix&) { return 1; }), Input());
}

TEST(IndirectClustering, HasATemperature) {
  const auto module = MakeTemporal("indirect_clustering", {{"alpha", 0.3}}, kWidth);
  ExpectMatches(*module, RowsOf(*module), Attention([](const Matrix&) { return 0.3; }), Input());
  const auto mean = MakeTemporal("indirect_clustering", {{"alpha", "mean"}}, kWidth);
  ExpectMatches(*mean, RowsOf(*mean), Attention([](const Matrix& video) {
    return 1 / static_cast<double>(video.size());
  }),
                Input());
}

// 299 frames alike and one that is not: 0.997 of the weight with alpha = "mean", all with 1. The
// scores near 300 would overflow a softmax that is not shifted, in float.
TEST(IndirectClustering, FindsTheLargestClusterOfALongVideo) {
  torch::Tensor frames = torch::zeros({1, 300, 2});
  frames.select(2, 0).fill_(1);
  frames[0][17] = torch::tensor({0.0F, 1.0F});
  const Sequence input{frames, contract::MaskOf({300}, 300), torch::tensor({300}, torch::kLong)};
  const torch::Tensor paper = MakeTemporal("indirect_clustering", {}, 2)->forward(input, {});
  EXPECT_NEAR(paper[0][0].item<double>(), 1, 1e-5);
  EXPECT_EQ(paper[0][1].item<double>(), 0);
  const torch::Tensor mean =
      MakeTemporal("indirect_clustering", {{"alpha", "mean"}}, 2)->forward(input, {});
  const double common = 299 * std::exp(299.0 / 300), rare = std::exp(1.0 / 300);
  EXPECT_NEAR(mean[0][1].item<double>(), rare / (common + rare), 1e-6);
}

/// ReLU(LayerNorm(sum_t I_t))
Matrix ReleasedCode(const Arrays& arrays, const Videos& videos) {
  Matrix embeddings;
  for (const Matrix& video : videos) {
    Vector sum(kWidth, 0.0);
    for (const Vector& frame : video) {
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += frame[j];
    }
    double mean = 0, variance = 0;
    for (const double value : sum) mean += value / kWidth;
    for (const double value : sum) variance += (value - mean) * (value - mean) / kWidth;
    for (std::size_t j = 0; j < sum.size(); ++j) {
      const double normal = (sum[j] - mean) / std::sqrt(variance + 1e-5);
      sum[j] = std::max(0.0, normal * arrays.at("norm.weight")(j) + arrays.at("norm.bias")(j));
    }
    embeddings.push_back(sum);
  }
  return embeddings;
}

TEST(IndirectClustering, IsASumInTheAuthorsCode) {
  const auto module = MakeTemporal("indirect_clustering", {{"variant", "released_code"}}, kWidth);
  EXPECT_EQ(module->output_width(), kWidth);
  ExpectMatches(*module, RowsOf(*module), ReleasedCode, Input());
}

TEST(IndirectClustering, RefusesATemperatureThatNothingWouldRead) {
  for (const OptionValue& alpha : {OptionValue(0.5), OptionValue("mean")}) {
    const Options options = {{"variant", "released_code"}, {"alpha", alpha}};
    EXPECT_THROW(MakeTemporal("indirect_clustering", options, kWidth), SpecError);
  }
}

// The authors' code has 1,330,560: also a layer of 1152 * 1152 + 1152 that nothing depends on.
TEST(IndirectClustering, HasTheSizesOfThePaper) {
  const auto count = [](const Options& set) {
    const WithoutMemory guard;
    std::int64_t sum = 0;
    for (const auto& parameter : MakeTemporal("indirect_clustering", set, 1152)->parameters()) {
      sum += parameter.numel();
    }
    return sum;
  };
  EXPECT_EQ(count({}), 0);
  EXPECT_EQ(count({{"variant", "released_code"}}), 1'330'560 - 1152 * 1152 - 1152);
}

}  // namespace indirect_clustering_test
}  // namespace beamgrid::trainer
