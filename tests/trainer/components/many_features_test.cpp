// Fusions of more than two features against their equations in plain loops.

#include "tests/trainer/components/fusion.h"

namespace beamgrid::trainer {
namespace many_features_test {

using fusion::EachFrame;
using reference::Array;
using reference::Arrays;
using reference::ExpectMatches;
using reference::Linear;
using reference::MakeMultimodal;
using reference::Matrix;
using reference::RowsOf;
using reference::Vector;
using reference::Videos;

const std::vector<Feature> kFour = {{"clip", 3}, {"beats", 2}, {"text", 4}, {"depth", 1}};
const std::vector<std::string> kNames = {"image", "audio", "feature3", "feature4"};

Sequence Input() { return contract::RandomSequence(reference::kLengths, reference::kFrames, 10); }

std::vector<Vector> PartsOf(const Vector& frame) {
  std::vector<Vector> parts;
  auto begin = frame.begin();
  for (const Feature& feature : kFour) {
    parts.emplace_back(begin, begin + feature.second);
    begin += feature.second;
  }
  return parts;
}

TEST(ManyFeatures, SumAddsEachProjectionToTheFirst) {
  const auto module = MakeMultimodal("sum", {}, kFour);
  EXPECT_EQ(module->output_width(), 3);
  ExpectMatches(*module, RowsOf(*module),
                EachFrame([](const Arrays& arrays, const Matrix& video, std::size_t t) {
                  const std::vector<Vector> parts = PartsOf(video[t]);
                  Vector sum = parts[0];
                  for (std::size_t i = 1; i < 4; ++i) {
                    sum = fusion::Sum(sum, Linear(arrays, kNames[i] + "_to_image", parts[i]));
                  }
                  return sum;
                }),
                Input());
}

TEST(ManyFeatures, BilinearMultipliesAllOfThem) {
  const auto module = MakeMultimodal("bilinear", {{"rank", 4}, {"width", 3}}, kFour);
  ExpectMatches(*module, RowsOf(*module),
                EachFrame([](const Arrays& arrays, const Matrix& video, std::size_t t) {
                  const std::vector<Vector> parts = PartsOf(video[t]);
                  Vector product(4, 1.0);
                  for (std::size_t i = 0; i < 4; ++i) {
                    const Vector projected = Linear(arrays, kNames[i], parts[i]);
                    for (std::size_t j = 0; j < 4; ++j) product[j] *= std::tanh(projected[j]);
                  }
                  return Linear(arrays, "output", product);
                }),
                Input());
}

TEST(ManyFeatures, ProjectionPenalisesTheMeanOverThePairs) {
  const auto module = MakeMultimodal("projection", {{"width", 2}, {"weight", 0.5}}, kFour);
  EXPECT_EQ(module->output_width(), 8);
  ExpectMatches(*module, RowsOf(*module),
                EachFrame([](const Arrays& arrays, const Matrix& video, std::size_t t) {
                  Vector all;
                  const std::vector<Vector> parts = PartsOf(video[t]);
                  for (std::size_t i = 0; i < 4; ++i) {
                    fusion::Append(all, Linear(arrays, kNames[i], parts[i]));
                  }
                  return all;
                }),
                Input());
  // Another one: gradients add up.
  const auto penalised = MakeMultimodal("projection", {{"width", 2}, {"weight", 0.5}}, kFour);
  const auto penalty = [&](const Sequence& input) {
    penalised->forward(input, {});
    return std::vector<torch::Tensor>{penalised->Penalty()};
  };
  const auto expected = [](const Arrays& arrays, const Videos& videos) {
    double sum = 0;
    for (const Matrix& video : videos) {
      for (const Vector& frame : video) {
        const std::vector<Vector> parts = PartsOf(frame);
        for (std::size_t i = 0; i < 4; ++i) {
          for (std::size_t j = i + 1; j < 4; ++j) {
            const Vector a = Linear(arrays, kNames[i], parts[i]);
            const Vector b = Linear(arrays, kNames[j], parts[j]);
            for (std::size_t k = 0; k < 2; ++k) {
              sum += (a[k] - b[k]) * (a[k] - b[k]) / static_cast<double>(video.size());
            }
          }
        }
      }
    }
    return Matrix{{0.5 * sum / 6 / static_cast<double>(videos.size())}};
  };
  ExpectMatches(*penalised, penalty, expected, Input());
}

TEST(ManyFeatures, CompactBilinearConvolvesAllSketches) {
  const auto module = MakeMultimodal("compact_bilinear", {{"width", 7}}, kFour);
  ExpectMatches(*module, RowsOf(*module),
                EachFrame([](const Arrays& arrays, const Matrix& video, std::size_t t) {
                  Vector result;
                  std::size_t first = 0;
                  for (const Vector& part : PartsOf(video[t])) {
                    Vector sketch(7, 0.0);
                    for (const double value : part) {
                      const auto bucket = static_cast<std::size_t>(arrays.at("buckets")(first));
                      sketch.at(bucket) += arrays.at("signs")(first++) * value;
                    }
                    if (result.empty()) {
                      result = sketch;
                      continue;
                    }
                    Vector convolved(7, 0.0);
                    for (std::size_t i = 0; i < 7; ++i) {
                      for (std::size_t j = 0; j < 7; ++j) {
                        convolved[(i + j) % 7] += result[i] * sketch[j];
                      }
                    }
                    result = convolved;
                  }
                  return fusion::Normalised(result);
                }),
                Input());
}

TEST(ManyFeatures, ASingleFeatureIsNotNormalisedAgainWhereTheDataAre) {
  torch::manual_seed(5);
  const auto module = Makers<Multimodal>::All().at("rgb_only")(
      {.features = fusion::kPair, .jointly_normalised = false},
      reference::WithDefaults("multimodal", "rgb_only", {}));
  const Sequence input = fusion::Input();
  EXPECT_TRUE(module->forward(input, {}).frames.equal(input.frames.narrow(-1, 0, 3)));
}

}  // namespace many_features_test
}  // namespace beamgrid::trainer
