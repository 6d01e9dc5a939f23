#include "tests/trainer/components/fusion.h"

namespace beamgrid::trainer {
namespace compact_bilinear_test {

using fusion::AudioOf;
using fusion::EachFrame;
using fusion::ImageOf;
using fusion::Input;
using fusion::kPair;
using reference::Array;
using reference::Arrays;
using reference::MakeMultimodal;
using reference::Matrix;
using reference::Vector;

/// psi(values): `first` is the number of the feature's first value.
Vector Sketch(const Arrays& arrays, const Vector& values, std::size_t first, std::size_t width) {
  Vector sketch(width, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bucket = static_cast<std::size_t>(arrays.at("buckets")(first + i));
    sketch.at(bucket) += arrays.at("signs")(first + i) * values[i];
  }
  return sketch;
}

Vector Convolved(const Vector& a, const Vector& b) {
  Vector result(a.size(), 0.0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) result[(i + j) % a.size()] += a[i] * b[j];
  }
  return result;
}

TEST(CompactBilinear, ConvolvesTheSketches) {
  for (const std::size_t width : {2U, 7U, 8U}) {
    SCOPED_TRACE(width);
    const auto module =
        MakeMultimodal("compact_bilinear", {{"width", static_cast<std::int64_t>(width)}}, kPair);
    EXPECT_EQ(module->output_width(), width);
    const auto frame = [width](const Arrays& arrays, const Matrix& video, std::size_t t) {
      return fusion::Normalised(
          Convolved(Sketch(arrays, ImageOf(video[t]), 0, width),
                    Sketch(arrays, AudioOf(video[t]), fusion::kImage, width)));
    };
    reference::ExpectMatches(*module, reference::RowsOf(*module), EachFrame(frame), Input());
  }
}

/// All frames of `values` [frames, width] as one video.
Sequence VideoOf(const torch::Tensor& values) {
  return {values.unsqueeze(0), torch::ones({1, values.size(0)}, torch::kBool),
          torch::full({1}, values.size(0), torch::kLong)};
}

// Inner products of sketches estimate those of the outer products: <v, v'> <a, a'>.
TEST(CompactBilinear, KeepsTheInnerProductsOfTheOuterProduct) {
  const std::vector<Feature> wide = {{"rgb", 200}, {"audio", 100}};
  const auto module = MakeMultimodal("compact_bilinear", {{"width", 16384}}, wide);
  torch::manual_seed(8);
  const auto near = [](std::int64_t width) {
    const torch::Tensor frames = torch::randn({1, width}) + 0.7 * torch::randn({6, width});
    return frames / frames.norm(2, -1, true);
  };
  const torch::Tensor v = near(200), a = near(100);
  const torch::Tensor x = module->forward(VideoOf(torch::cat({v, a}, -1)), {}).frames[0];
  const torch::Tensor expected = v.matmul(v.t()) * a.matmul(a.t());
  EXPECT_LT(expected.min().item<double>(), 0.6) << "nothing to tell apart";
  EXPECT_LT((x.matmul(x.t()) - expected).abs().max().item<double>(), 0.05);
}

Vector Ends(const Array& array) {
  Vector ends(array.values.begin(), array.values.begin() + 6);
  ends.insert(ends.end(), array.values.end() - 3, array.values.end());
  return ends;
}

double Total(const Array& array) {
  double total = 0;
  for (const double value : array.values) total += value;
  return total;
}

// From MT19937 written out in another language.
TEST(CompactBilinear, HashesAreTheSameEverywhere) {
  const std::vector<Feature> papers = {{"rgb", 1024}, {"audio", 128}};
  const Arrays zero = reference::ArraysOf(*MakeMultimodal("compact_bilinear", {}, papers));
  EXPECT_EQ(Ends(zero.at("buckets")), (Vector{684, 1653, 835, 1731, 1033, 277, 718, 1551, 1942}));
  EXPECT_EQ(Ends(zero.at("signs")), (Vector{-1, 1, -1, -1, -1, 1, -1, 1, 1}));
  EXPECT_EQ(Total(zero.at("buckets")), 1'181'874);
  EXPECT_EQ(Total(zero.at("signs")), -14);
  const Arrays seven =
      reference::ArraysOf(*MakeMultimodal("compact_bilinear", {{"sketch_seed", 7}}, papers));
  EXPECT_EQ(Ends(seven.at("buckets")), (Vector{175, 537, 1603, 919, 1372, 1422, 572, 2047, 1917}));
  EXPECT_EQ(Ends(seven.at("signs")), (Vector{1, 1, -1, -1, -1, -1, 1, -1, 1}));
}

TEST(CompactBilinear, HashesDoNotDependOnTheTrialsSeed) {
  const auto build = [](std::uint64_t seed) {
    torch::manual_seed(seed);
    return Makers<Multimodal>::All().at("compact_bilinear")(
        {.features = kPair}, reference::WithDefaults("multimodal", "compact_bilinear", {}));
  };
  EXPECT_TRUE(build(1)->buffers()[0].equal(build(2)->buffers()[0]));
  torch::manual_seed(3);
  const torch::Tensor expected = torch::rand({2});
  build(3);
  EXPECT_TRUE(torch::rand({2}).equal(expected)) << "draws from torch's generator";
}

TEST(CompactBilinear, TrainsNothingAndKeepsItsHashes) {
  EXPECT_EQ(fusion::Count("compact_bilinear", {}), 0);
  const auto module = MakeMultimodal("compact_bilinear", {}, {{"rgb", 1024}, {"audio", 128}});
  std::int64_t bytes = 0;
  for (const torch::Tensor& buffer : module->buffers()) {
    EXPECT_FALSE(buffer.is_floating_point()) << "would count as a parameter";
    bytes += buffer.numel() * static_cast<std::int64_t>(buffer.element_size());
  }
  EXPECT_EQ(bytes, 1152 * (4 + 1));
}

TEST(CompactBilinear, SilenceStaysZeroWithAFiniteGradient) {
  const auto module = MakeMultimodal("compact_bilinear", {{"width", 8}}, kPair);
  Sequence input = Input();
  input.frames = input.frames.clone();
  input.frames.narrow(-1, 3, 2).zero_();
  input.frames.requires_grad_();
  const torch::Tensor output = module->forward(input, {}).frames;
  EXPECT_EQ(output.abs().max().item<double>(), 0);
  output.sum().backward();
  EXPECT_TRUE(input.frames.grad().isfinite().all().item<bool>());
}

}  // namespace compact_bilinear_test
}  // namespace beamgrid::trainer
