#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace cnn_test {

using reference::Array;
using reference::Arrays;
using reference::ArraysOf;
using reference::ExpectMatches;
using reference::MakeTemporal;
using reference::Matrix;
using reference::MaxRow;
using reference::RowsOf;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 2;

/// Several windows, one window and none, for a kernel of 5.
Sequence Input() { return contract::RandomSequence({8, 1, 5, 4, 6}, 9, kWidth); }

Vector Normalised(Vector values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  for (double& value : values) value /= std::sqrt(std::max(squares, 1e-12));
  return values;
}

/// sum_k W_k I_(first + k) + b of a kernel "name.weight" [filters, width, kernel]; frames outside
/// the video are 0.
Vector Window(const Arrays& arrays, const std::string& name, const Matrix& video, int first) {
  const Array& weight = arrays.at(name + ".weight");
  const auto bias = arrays.find(name + ".bias");
  Vector outputs;
  for (std::size_t filter = 0; filter < weight.size(0); ++filter) {
    double sum = bias == arrays.end() ? 0 : bias->second(filter);
    for (std::size_t j = 0; j < weight.size(1); ++j) {
      for (std::size_t k = 0; k < weight.size(2); ++k) {
        const int t = first + static_cast<int>(k);
        if (t < 0 || t >= static_cast<int>(video.size())) continue;
        sum += weight((filter * weight.size(1) + j) * weight.size(2) + k) *
               video[static_cast<std::size_t>(t)][j];
      }
    }
    outputs.push_back(sum);
  }
  return outputs;
}

Vector OneKernel(const Arrays& arrays, const Matrix& video) {
  Matrix outputs;
  const int windows = std::max(1, static_cast<int>(video.size()) - 4);
  for (int t = 0; t < windows; ++t) {
    outputs.push_back(Window(arrays, "convolution0", video, t));
    for (double& value : outputs.back()) value = std::max(value, 0.0);
  }
  return MaxRow(outputs);
}

Vector SeveralKernels(const Arrays& arrays, const Matrix& video) {
  Vector maxima;
  for (int kernel = 1; kernel <= 3; ++kernel) {
    Matrix outputs;
    for (int t = 0; t < static_cast<int>(video.size()); ++t) {
      outputs.push_back(
          Window(arrays, "convolution" + std::to_string(kernel - 1), video, t - kernel + 1));
    }
    for (const double value : MaxRow(outputs)) maxima.push_back(value);
  }
  return maxima;
}

using OfVideo = Vector (*)(const Arrays&, const Matrix&);

reference::Forward Each(OfVideo embedding, bool normalise) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      const Vector values = embedding(arrays, video);
      embeddings.push_back(normalise ? Normalised(values) : values);
    }
    return embeddings;
  };
}

TEST(Cnn, FollowsTheEquation) {
  for (const bool normalise : {true, false}) {
    const auto module = MakeTemporal("cnn", {{"channels", 4}, {"normalise", normalise}}, kWidth);
    EXPECT_EQ(module->output_width(), 4);
    ExpectMatches(*module, RowsOf(*module), Each(OneKernel, normalise), Input());
  }
}

TEST(Cnn, HasSeveralKernels) {
  for (const bool normalise : {true, false}) {
    const auto module = MakeTemporal(
        "cnn", {{"channels", 2}, {"variant", "multi_kernel"}, {"normalise", normalise}}, kWidth);
    EXPECT_EQ(module->output_width(), 2 + 2 + 4);
    ExpectMatches(*module, RowsOf(*module), Each(SeveralKernels, normalise), Input());
  }
}

TEST(Cnn, TakesBatchesOfShortVideosOnly) {
  const Sequence input = contract::RandomSequence({2, 1}, 2, kWidth);
  for (const char* variant : {"na", "multi_kernel"}) {
    const auto module = MakeTemporal("cnn", {{"channels", 3}, {"variant", variant}}, kWidth);
    const OfVideo embedding = variant == std::string("na") ? OneKernel : SeveralKernels;
    ExpectMatches(*module, RowsOf(*module), Each(embedding, true), input);
  }
}

// A window over padding would give ReLU(b), here more than any window of the video.
TEST(Cnn, ExcludesWindowsThatTouchPadding) {
  const auto module = MakeTemporal("cnn", {{"channels", 1}, {"normalise", false}}, 1);
  for (torch::Tensor& parameter : module->parameters()) {
    const torch::NoGradGuard no_gradient;
    parameter.fill_(parameter.dim() == 3 ? -1 : 10);
  }
  const Sequence input{torch::ones({1, 6, 1}) * torch::tensor({1, 1, 1, 1, 1, 0}).view({1, 6, 1}),
                       contract::MaskOf({5}, 6), torch::tensor({5}, torch::kLong)};
  EXPECT_EQ(module->forward(input, {}).item<float>(), 10 - 5);
}

// Every window below 0: the embedding is 0, and so are its gradients, not NaN.
TEST(Cnn, SurvivesAnEmbeddingOfZero) {
  const auto module = MakeTemporal("cnn", {{"channels", 2}}, kWidth);
  {
    const torch::NoGradGuard no_gradient;
    for (torch::Tensor& parameter : module->parameters()) {
      if (parameter.dim() == 1) parameter.fill_(-100);
    }
  }
  const torch::Tensor embedding = module->forward(Input(), {});
  EXPECT_EQ(embedding.abs().max().item<double>(), 0);
  embedding.sum().backward();
  for (const torch::Tensor& parameter : module->parameters()) {
    EXPECT_EQ(parameter.grad().abs().max().item<double>(), 0);
  }
}

TEST(Cnn, StartsWithXavierKernelsAndNoBias) {
  torch::manual_seed(1);
  const auto module = Makers<Temporal>::All().at("cnn")(
      {.input_width = 20}, reference::WithDefaults("temporal", "cnn", {{"channels", 30}}));
  const Arrays arrays = ArraysOf(*module);
  EXPECT_EQ(arrays.at("convolution0.bias").values, Vector(30, 0.0));
  double greatest = 0;
  for (const double value : arrays.at("convolution0.weight").values) {
    greatest = std::max(greatest, std::abs(value));
  }
  EXPECT_NEAR(greatest, std::sqrt(6.0 / (5 * 20 + 5 * 30)), 0.002);
}

std::int64_t Count(const Options& set) {
  const WithoutMemory guard;
  std::int64_t count = 0;
  for (const auto& parameter : MakeTemporal("cnn", set, 1152)->parameters()) {
    count += parameter.numel();
  }
  return count;
}

TEST(Cnn, HasTheSizesOfThePapers) {
  EXPECT_EQ(Count({{"channels", 64}}), 368'704);
  EXPECT_EQ(Count({{"channels", 256}}), 1'474'816);
  EXPECT_EQ(Count({{"channels", 1024}}), 5'899'264);
  EXPECT_EQ(Count({{"channels", 1024}, {"variant", "multi_kernel"}}), 10'616'832);
}

}  // namespace cnn_test
}  // namespace beamgrid::trainer
