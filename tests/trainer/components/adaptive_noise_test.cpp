#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace adaptive_noise_test {

using reference::Arrays;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::Matrix;
using reference::RowsOf;
using reference::Vector;
using reference::Videos;

/// Videos with each of four labels; nothing has the last one.
class SomeStatistics : public LabelStatistics {
 public:
  [[nodiscard]] torch::Tensor Counts() const override {
    return torch::tensor({2.0, 4.0, 1000.0, 0.0}, torch::kDouble);
  }
  [[nodiscard]] torch::Tensor CoOccurrence() const override {
    throw std::logic_error("not needed");
  }
};

std::shared_ptr<Temporal> Make(const Options& set, std::int64_t width,
                               const LabelStatistics* statistics) {
  return Makers<Temporal>::All().at("adaptive_noise")(
      {.classes = 4, .input_width = width, .labels = statistics},
      reference::WithDefaults("temporal", "adaptive_noise", set));
}

std::shared_ptr<Temporal> MakeNoisy(const Options& set, std::int64_t width) {
  const SomeStatistics statistics;  // need not outlive the building
  return Make(set, width, &statistics);
}

/// Both first labels, the second, the frequent one, none.
Targets SomeTargets() {
  return {torch::tensor({1.0F, 1.0F, 0.0F, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F, 0.0F, 0.0F, 1.0F, 0.0F,
                         0.0F, 0.0F, 0.0F, 0.0F})
              .view({4, 4})};
}
const Vector kGamma = {(1.0 / 2 + 1.0 / 4) / 2, 1.0 / 4, 1.0 / 1000, 0};

reference::Forward Sum(bool normalise) {
  return [normalise](const Arrays&, const Videos& videos) {
    Matrix sums;
    for (const Matrix& video : videos) {
      Vector sum(video[0].size(), 0.0);
      double squares = 0;
      for (std::size_t j = 0; j < sum.size(); ++j) {
        for (const Vector& frame : video) sum[j] += frame[j];
        squares += sum[j] * sum[j];
      }
      for (double& value : sum) value /= normalise ? std::sqrt(std::max(squares, 1e-12)) : 1;
      sums.push_back(sum);
    }
    return sums;
  };
}

TEST(AdaptiveNoise, SumsTheFramesWithoutNoiseInEvaluation) {
  for (const bool normalise : {true, false}) {
    const auto module = MakeNoisy({{"normalise", normalise}}, 3);
    module->eval();
    EXPECT_EQ(module->output_width(), 3);
    ExpectMatches(*module, RowsOf(*module), Sum(normalise),
                  contract::RandomSequence(kLengths, kFrames, 3));
  }
}

constexpr std::int64_t kWide = 20'000;

/// What training adds to the sums of the frames, [videos][components].
Matrix NoiseOf(Temporal& module, const Sequence& input, const Targets& targets) {
  module.train();
  const torch::Tensor noisy = module.forward(input, targets);
  module.eval();
  const torch::Tensor noise = noisy - module.forward(input, targets);
  Matrix rows;
  for (std::int64_t b = 0; b < noise.size(0); ++b) {
    rows.push_back(reference::ArrayOf(noise[b]).values);
  }
  return rows;
}

Matrix SomeNoise(std::uint64_t seed) {
  const auto module = MakeNoisy({{"normalise", false}}, kWide);
  torch::manual_seed(1);
  Sequence input = contract::RandomSequence(kLengths, kFrames, kWide);
  input.frames = input.frames.to(torch::kDouble);
  torch::manual_seed(seed);
  return NoiseOf(*module, input, SomeTargets());
}

double Moment(const Vector& a, const Vector& b) {
  return reference::Dot(a, b) / static_cast<double>(a.size());
}

// n frames with independent noise of deviation gamma: the sum's variance is n gamma^2. A frame of
// padding too would make it (n + 1) gamma^2, one draw for all frames n^2 gamma^2.
TEST(AdaptiveNoise, HasTheVarianceOfTheEquation) {
  const Matrix noise = SomeNoise(2);
  const Vector ones(kWide, 1.0);
  for (std::size_t b = 0; b < 3; ++b) {
    const double variance = static_cast<double>(kLengths[b]) * kGamma[b] * kGamma[b];
    EXPECT_NEAR(Moment(noise[b], noise[b]) / variance, 1, 0.05) << "video " << b;
    EXPECT_NEAR(Moment(noise[b], ones) / std::sqrt(variance), 0, 0.03) << "video " << b;
  }
}

TEST(AdaptiveNoise, IsDrawnForEachVideoAndStep) {
  const Matrix noise = SomeNoise(2), other = SomeNoise(3);
  const auto correlation = [](const Vector& a, const Vector& b) {
    return Moment(a, b) / std::sqrt(Moment(a, a) * Moment(b, b));
  };
  EXPECT_NEAR(correlation(noise[0], noise[1]), 0, 0.03);
  EXPECT_NEAR(correlation(noise[0], other[0]), 0, 0.03);
  EXPECT_EQ(noise[0], SomeNoise(2)[0]) << "not from torch's generator";
}

TEST(AdaptiveNoise, LeavesVideosWithoutLabelsAlone) {
  EXPECT_EQ(SomeNoise(2)[3], Vector(kWide, 0.0));
}

// A label that the statistics have never seen adds nothing, neither infinity nor NaN.
TEST(AdaptiveNoise, SurvivesALabelWithoutVideos) {
  const auto module = MakeNoisy({}, 3);
  const Sequence input = contract::RandomSequence(kLengths, kFrames, 3);
  EXPECT_TRUE(module->forward(input, {torch::ones({4, 4})}).isfinite().all().item<bool>());
  const Targets last = {torch::tensor({0.0F, 0.0F, 0.0F, 1.0F}).repeat({4, 1})};
  const torch::Tensor noisy = module->forward(input, last);
  module->eval();
  EXPECT_TRUE(noisy.equal(module->forward(input, last)));
}

TEST(AdaptiveNoise, NeedsLabelsAndTheirStatistics) {
  const Sequence input = contract::RandomSequence(kLengths, kFrames, 3);
  const auto noisy = MakeNoisy({}, 3), without = Make({}, 3, nullptr);
  noisy->eval();
  const torch::Tensor plain = noisy->forward(input, {});
  noisy->train();
  without->train();
  EXPECT_FALSE(plain.equal(noisy->forward(input, SomeTargets())));
  EXPECT_TRUE(plain.equal(noisy->forward(input, {}))) << "no labels";
  EXPECT_TRUE(plain.equal(without->forward(input, SomeTargets()))) << "no statistics";
}

// The statistics are the training's, not the model's: nothing of them is shipped.
TEST(AdaptiveNoise, HasNoParametersOrBuffers) {
  const auto module = MakeNoisy({}, 1152);
  EXPECT_TRUE(module->parameters().empty());
  EXPECT_TRUE(module->buffers().empty());
}

}  // namespace adaptive_noise_test
}  // namespace beamgrid::trainer
