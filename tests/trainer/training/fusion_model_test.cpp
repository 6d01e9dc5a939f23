// Every multimodal component of the catalogue inside whole models: with differential features, and
// with a penalty where it has one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/trainer/components/reference.h"
#include "tests/trainer/trial.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace fusion_model_test {

using contract::RandomTargets;
using reference::Matrix;
using reference::Vector;

DataSpec SmallData() {
  return {.format = "frame", .classes = 4, .features = {{"rgb", 5}, {"audio", 3}}, .max_frames = 9};
}

Sequence Input() {
  torch::manual_seed(52);
  return contract::RandomSequence({5, 1, 2, 3}, 6, 8);
}

/// The component's options, small enough for a test.
Options SmallOptions(const ComponentInfo& info) { return contract::CasesOf(info).front().options; }

std::shared_ptr<Model> MakeModelOf(const ComponentInfo& info, const std::string& temporal,
                                   const std::map<std::string, Options>& extras) {
  Parts parts = {.parts = {{"multimodal", {info.name, SmallOptions(info)}}}, .extras = extras};
  parts.parts["temporal"] = {temporal, {}};
  if (temporal == "lstm") parts.parts["temporal"].options = {{"hidden", 3}};
  torch::manual_seed(51);
  auto model = std::make_shared<Model>(MakeModel(parts), SmallData());
  reference::Randomise(*model);
  return model;
}

/// The model's multimodal component once more, by itself.
std::shared_ptr<Multimodal> FusionOf(const Model& model, const ComponentInfo& info) {
  const DataSpec data = SmallData();
  const std::map<std::string, Options> extras;
  auto fusion = Makers<Multimodal>::All().at(info.name)({.features = data.features,
                                                         .max_frames = data.max_frames,
                                                         .classes = data.classes,
                                                         .input_width = 8,
                                                         .extras = &extras},
                                                        SmallOptions(info));
  const torch::NoGradGuard no_gradient;
  const auto parameters = model.named_parameters();
  for (auto& item : fusion->named_parameters()) {
    item.value().copy_(parameters["multimodal." + item.key()]);
  }
  const auto buffers = model.named_buffers();
  for (auto& item : fusion->named_buffers()) {
    item.value().copy_(buffers["multimodal." + item.key()]);
  }
  fusion->eval();
  return fusion;
}

/// (2 x_t - x_{t-1} - x_{t+1}) / 2 of one column, the borders repeated, averaged over the frames.
double MeanDifference(const Matrix& video, std::size_t column) {
  double sum = 0;
  for (std::size_t t = 0; t < video.size(); ++t) {
    const double previous = video[t == 0 ? 0 : t - 1][column];
    const double next = video[std::min(t + 1, video.size() - 1)][column];
    sum += (2 * video[t][column] - previous - next) / 2;
  }
  return sum / static_cast<double>(video.size());
}

/// Each stream's mean frame and, beside it, the mean of its differences.
Vector MeanWithDifferences(const Matrix& video, const std::vector<std::int64_t>& streams) {
  Vector embedding;
  std::size_t begin = 0;
  const Vector mean = reference::MeanRow(video);
  for (const std::int64_t width : streams) {
    const std::size_t end = begin + static_cast<std::size_t>(width);
    for (std::size_t j = begin; j < end; ++j) embedding.push_back(mean[j]);
    for (std::size_t j = begin; j < end; ++j) embedding.push_back(MeanDifference(video, j));
    begin = end;
  }
  return embedding;
}

class FusionModelTest : public ::testing::TestWithParam<ComponentInfo> {};

TEST_P(FusionModelTest, DifferentialDoublesTheFusedFrames) {
  const auto model = MakeModelOf(GetParam(), "mean", {{"differential", {}}});
  model->eval();
  const Sequence input = Input();
  const torch::Tensor embedding = model->forward(input, {}).embedding;
  const auto fusion = FusionOf(*model, GetParam());
  const reference::Videos fused = reference::VideosOf(fusion->forward(input, {}));
  ASSERT_EQ(embedding.size(-1), 2 * fusion->output_width());
  for (std::size_t b = 0; b < fused.size(); ++b) {
    const Vector expected = MeanWithDifferences(fused[b], fusion->stream_widths());
    const Vector actual = reference::ArrayOf(embedding[static_cast<std::int64_t>(b)]).values;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(actual[i], expected[i], 1e-5) << "video " << b << ", value " << i;
    }
  }
}

TEST_P(FusionModelTest, TrainsWithDifferentialAndEveryOtherExtra) {
  const auto model = MakeModelOf(GetParam(), "lstm",
                                 {{"differential", {}},
                                  {"input_noise", {{"stddev", 0.01}}},
                                  {"skip_connection", {}},
                                  {"context_gating", {}},
                                  {"layer_norm", {}},
                                  {"dropout", {{"rate", 0.2}}}});
  const Targets targets = RandomTargets(4, 4);
  model->TotalLoss(model->forward(Input(), targets), targets).backward();
  for (const auto& item : model->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0) << item.key();
  }
}

TEST_P(FusionModelTest, VideosSeeNeitherPaddingNorEachOther) {
  const auto model = MakeModelOf(GetParam(), "lstm", {{"differential", {}}});
  model->eval();
  const Sequence input = Input();
  const torch::Tensor together = model->forward(input, {}).probabilities;
  EXPECT_TRUE(model->forward(contract::Padded(input, 4, 0), {})
                  .probabilities.allclose(together, 1e-5, 1e-6));
  for (std::int64_t b = 0; b < input.mask.size(0); ++b) {
    EXPECT_TRUE(model->forward(contract::Alone(input, b), {})
                    .probabilities.allclose(together.slice(0, b, b + 1), 1e-5, 1e-6))
        << "video " << b;
  }
}

/// False where an option has to be given: a file.
bool HasDefaults(const ComponentInfo& info) {
  return std::ranges::none_of(
      info.options, [](const OptionInfo& option) { return option.default_value.is_null(); });
}

std::vector<ComponentInfo> Fusions() {
  std::vector<ComponentInfo> fusions;
  for (const ComponentInfo& info : contract::Components()) {
    if (info.criterion == "multimodal" && HasDefaults(info)) fusions.push_back(info);
  }
  return fusions;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, FusionModelTest, ::testing::ValuesIn(Fusions()),
                         [](const auto& info) { return info.param.name; });

TEST(ProjectionModelTest, PenaltyCountsInTrainingOnly) {
  const auto loss = [](double weight, bool training) {
    Parts parts = {.parts = {{"multimodal", {"projection", {{"width", 3}, {"weight", weight}}}}}};
    torch::manual_seed(51);
    Model model(MakeModel(parts), SmallData());
    reference::Randomise(model);
    model.train(training);
    const Targets targets = RandomTargets(4, 4);
    return model.TotalLoss(model.forward(Input(), targets), targets).item<double>();
  };
  const double plain = loss(0, /*training=*/true);
  const double penalty = loss(1, /*training=*/true) - plain;
  EXPECT_GT(penalty, 0.1);
  EXPECT_NEAR(loss(3, /*training=*/true) - plain, 3 * penalty, 1e-4);
  EXPECT_NEAR(loss(3, /*training=*/false), plain, 1e-5);
}

TEST(InputNoiseModelTest, ReachesTheProbabilitiesInTrainingOnly) {
  Model model(MakeModel({.extras = {{"input_noise", {{"stddev", 0.5}}}}}), SmallData());
  const Sequence input = Input();
  const auto twice = [&] {
    return model.forward(input, {}).probabilities.equal(model.forward(input, {}).probabilities);
  };
  EXPECT_FALSE(twice());
  model.eval();
  EXPECT_TRUE(twice());
}

}  // namespace fusion_model_test
}  // namespace beamgrid::trainer
