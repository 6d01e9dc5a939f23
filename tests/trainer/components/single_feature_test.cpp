#include "tests/trainer/components/fusion.h"

namespace beamgrid::trainer {
namespace single_feature_test {

using fusion::AudioOf;
using fusion::Count;
using fusion::EachFrame;
using fusion::ImageOf;
using fusion::Input;
using fusion::kPair;
using fusion::Normalised;
using fusion::WhyRefused;
using reference::Arrays;
using reference::ExpectMatches;
using reference::MakeMultimodal;
using reference::Matrix;
using reference::RowsOf;
using ::testing::HasSubstr;

const Options kAsItIs = {{"normalise", false}};

TEST(RgbOnly, IsTheImageOfUnitNorm) {
  const auto module = MakeMultimodal("rgb_only", {}, kPair);
  EXPECT_EQ(module->output_width(), 3);
  const auto frame = [](const Arrays&, const Matrix& video, std::size_t t) {
    return Normalised(ImageOf(video[t]));
  };
  ExpectMatches(*module, RowsOf(*module), EachFrame(frame), Input());
}

TEST(AudioOnly, IsTheAudioOfUnitNorm) {
  const auto module = MakeMultimodal("audio_only", {}, kPair);
  EXPECT_EQ(module->output_width(), 2);
  const auto frame = [](const Arrays&, const Matrix& video, std::size_t t) {
    return Normalised(AudioOf(video[t]));
  };
  ExpectMatches(*module, RowsOf(*module), EachFrame(frame), Input());
}

TEST(AudioOnly, KeepsItsShareOfTheNorm) {
  const auto module = MakeMultimodal("audio_only", kAsItIs, kPair);
  const auto frame = [](const Arrays&, const Matrix& video, std::size_t t) {
    return AudioOf(video[t]);
  };
  ExpectMatches(*module, RowsOf(*module), EachFrame(frame), Input());
}

// The joint norm cancels: it is what a model of this feature alone receives.
TEST(RgbOnly, IsTheFeatureNormalisedByItself) {
  const torch::Tensor raw = torch::randn({2, 4, 5});
  const Sequence jointly{raw / raw.norm(2, -1, true), torch::ones({2, 4}, torch::kBool),
                         torch::tensor({4, 4}, torch::kLong)};
  const torch::Tensor image = raw.narrow(-1, 0, 3);
  const auto module = MakeMultimodal("rgb_only", {}, kPair);
  EXPECT_TRUE(torch::allclose(module->forward(jointly, {}).frames, image / image.norm(2, -1, true),
                              1e-5, 1e-6));
}

TEST(AudioOnly, SilenceStaysZeroWithAFiniteGradient) {
  Sequence input = Input();
  input.frames = input.frames.clone();
  input.frames.narrow(-1, 3, 2).zero_();
  input.frames.requires_grad_();
  const torch::Tensor output = MakeMultimodal("audio_only", {}, kPair)->forward(input, {}).frames;
  EXPECT_EQ(output.abs().max().item<double>(), 0);
  output.sum().backward();
  EXPECT_TRUE(input.frames.grad().isfinite().all().item<bool>());
}

std::int64_t WidthOf(const std::string& name, const Options& set,
                     const std::vector<Feature>& features) {
  return MakeMultimodal(name, set, features)->output_width();
}

TEST(SingleFeature, IsFoundByItsName) {
  const std::vector<Feature> means = {{"mean_audio", 2}, {"flow", 4}, {"mean_rgb", 3}};
  EXPECT_EQ(WidthOf("rgb_only", {}, means), 3);
  EXPECT_EQ(WidthOf("audio_only", {}, means), 2);
  EXPECT_EQ(WidthOf("audio_only", {}, {{"audio_embedding", 7}}), 7);
  EXPECT_EQ(WidthOf("rgb_only", {{"feature", 2}}, means), 4);
}

TEST(SingleFeature, IsReadWhereItStands) {
  const auto module = MakeMultimodal("rgb_only", kAsItIs, {{"audio", 2}, {"rgb", 3}});
  const Sequence input = Input();
  EXPECT_TRUE(module->forward(input, {}).frames.equal(input.frames.narrow(-1, 2, 3)));
}

TEST(SingleFeature, SaysWhatThereIs) {
  const std::string unnamed = WhyRefused("rgb_only", {}, {{"visual", 3}, {"audio", 2}});
  EXPECT_THAT(unnamed, HasSubstr("multimodal 'rgb_only': no feature's name contains \"rgb\""));
  EXPECT_THAT(unnamed, HasSubstr("data.features has visual, audio"));
  EXPECT_THAT(unnamed, HasSubstr("feature = 1..2"));
  EXPECT_THAT(WhyRefused("audio_only", {{"feature", 3}}, kPair),
              HasSubstr("feature = 3, must be 1..2: data.features has rgb, audio"));
}

TEST(SingleFeature, HasNoParameters) {
  EXPECT_EQ(Count("rgb_only", {}), 0);
  EXPECT_EQ(Count("audio_only", {}), 0);
}

}  // namespace single_feature_test
}  // namespace beamgrid::trainer
