// Whole models with a temporal component for each feature: what the streams are, how they are
// joined, and that everything behind them sees both.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/components/reference.h"
#include "tests/trainer/trial.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace late_fusion_test {

using contract::RandomSequence;
using contract::RandomTargets;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kRgb = 4, kAudio = 2, kClasses = 5;

DataSpec SmallData(const std::string& format = "frame") {
  return {.format = format,
          .classes = kClasses,
          .features = {{"rgb", kRgb}, {"audio", kAudio}},
          .max_frames = 9};
}

Variant Lstm(std::int64_t hidden, std::int64_t layers) {
  return {"lstm", {{"hidden", hidden}, {"layers", layers}}};
}
const Variant kNetVlad = {"netvlad", {{"clusters", 3}, {"hidden", 4}, {"frame_projection", 3}}};
const Variant kMean = {"mean", {}};

Parts Late(const Variant& temporal, const Options& options = {},
           const std::map<std::string, Options>& extras = {}) {
  return {.parts = {{"multimodal", {"late", options}}, {"temporal", temporal}}, .extras = extras};
}

/// Off its initial values, so that zero biases are tested too; evaluating.
std::shared_ptr<Model> MakeLate(const Parts& parts, const DataSpec& data = SmallData()) {
  torch::manual_seed(41);
  auto model = std::make_shared<Model>(MakeModel(parts), data);
  reference::Randomise(*model);
  model->eval();
  return model;
}

Sequence Input() {
  torch::manual_seed(42);
  return RandomSequence({4, 1, 3}, 5, kRgb + kAudio);
}

Sequence Stream(const Sequence& input, std::int64_t begin, std::int64_t width) {
  return {input.frames.narrow(-1, begin, width), input.mask, input.lengths};
}

/// The parameters and buffers called `prefix`... of the model.
void Copy(const Model& model, const std::string& prefix, torch::nn::Module& to) {
  const torch::NoGradGuard no_gradient;
  const auto parameters = model.named_parameters();
  for (auto& item : to.named_parameters()) item.value().copy_(parameters[prefix + item.key()]);
  const auto buffers = model.named_buffers();
  for (auto& item : to.named_buffers()) item.value().copy_(buffers[prefix + item.key()]);
}

/// What the model's temporal component `name` makes of a stream, on its own.
torch::Tensor EmbeddingOf(const Model& model, const std::string& name, const Variant& temporal,
                          const Sequence& stream) {
  const std::map<std::string, Options> extras;
  const auto module = Makers<Temporal>::All().at(temporal.component)(
      {.features = {{"stream", stream.frames.size(-1)}},
       .max_frames = 9,
       .classes = kClasses,
       .input_width = stream.frames.size(-1),
       .extras = &extras},
      Complete("temporal", temporal.component, temporal.options));
  Copy(model, name + ".", *module);
  module->eval();
  return module->forward(stream, {});
}

torch::Tensor BothEmbeddings(const Model& model, const Variant& temporal, const Sequence& input) {
  return torch::cat({EmbeddingOf(model, "temporal0", temporal, Stream(input, 0, kRgb)),
                     EmbeddingOf(model, "temporal1", temporal, Stream(input, kRgb, kAudio))},
                    -1);
}

::testing::AssertionResult Close(const torch::Tensor& one, const torch::Tensor& other) {
  if (one.sizes() != other.sizes()) {
    return ::testing::AssertionFailure() << one.sizes() << " against " << other.sizes();
  }
  if (one.allclose(other, 1e-5, 1e-6)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "differ by " << (one - other).abs().max().item<double>();
}

// ---- Streams ------------------------------------------------------------------------------------

TEST(LateFusionTest, EachFeatureHasATemporalComponentOfItsOwn) {
  for (const Variant& temporal : {kMean, Lstm(3, 1), Lstm(3, 2), kNetVlad}) {
    SCOPED_TRACE(temporal.component);
    const auto model = MakeLate(Late(temporal));
    const Sequence input = Input();
    EXPECT_TRUE(
        Close(model->forward(input, {}).embedding, BothEmbeddings(*model, temporal, input)));
  }
}

TEST(LateFusionTest, StreamsDoNotSeeEachOther) {
  const auto model = MakeLate(Late(Lstm(3, 1)));
  const Sequence input = Input();
  Sequence louder = input;
  louder.frames = input.frames.clone();
  louder.frames.narrow(-1, kRgb, kAudio).mul_(2);
  const torch::Tensor before = model->forward(input, {}).embedding;
  const torch::Tensor after = model->forward(louder, {}).embedding;
  EXPECT_TRUE(before.narrow(-1, 0, 3).equal(after.narrow(-1, 0, 3)));
  EXPECT_FALSE(before.narrow(-1, 3, 3).allclose(after.narrow(-1, 3, 3)));
}

TEST(LateFusionTest, IsEarlyFusionWhereTheTemporalComponentMixesNothing) {
  const Sequence input = Input();
  const auto late = MakeLate(Late(kMean));
  const auto early = MakeLate({});
  EXPECT_TRUE(Close(late->forward(input, {}).embedding, early->forward(input, {}).embedding));
}

// ---- The joint layer ----------------------------------------------------------------------------

/// W x + b in plain loops, and what is negative is 0 with relu.
torch::Tensor Joint(const Model& model, const torch::Tensor& embedding, const std::string& name) {
  const reference::Arrays arrays = reference::ArraysOf(model);
  std::vector<torch::Tensor> rows;
  for (const torch::Tensor& row : embedding.reshape({-1, embedding.size(-1)}).unbind(0)) {
    reference::Vector joint =
        reference::Linear(arrays, "multimodal.joint", reference::ArrayOf(row).values);
    for (double& value : joint) value = name == "relu" ? std::max(value, 0.0) : value;
    rows.push_back(torch::tensor(joint, torch::kFloat));
  }
  return torch::stack(rows);
}

TEST(LateFusionTest, JointLayerActsOnBothEmbeddings) {
  for (const char* activation : {"relu", "linear"}) {
    SCOPED_TRACE(activation);
    const auto model = MakeLate(Late(Lstm(3, 1), {{"joint", 7}, {"activation", activation}}));
    const Sequence input = Input();
    const torch::Tensor embedding = model->forward(input, {}).embedding;
    EXPECT_TRUE(
        Close(embedding, Joint(*model, BothEmbeddings(*model, Lstm(3, 1), input), activation)));
    EXPECT_EQ((embedding < 0).any().item<bool>(), activation == std::string("linear"));
  }
}

// ---- Extras -------------------------------------------------------------------------------------

TEST(LateFusionTest, SkipConnectionGivesTheMeanOfAllStreams) {
  const auto model = MakeLate(Late(kNetVlad, {{"joint", 3}}, {{"skip_connection", {}}}));
  const Sequence input = Input();
  const torch::Tensor embedding = model->forward(input, {}).embedding;
  ASSERT_EQ(embedding.size(-1), 3 + kRgb + kAudio);
  EXPECT_TRUE(Close(embedding.narrow(-1, 3, kRgb + kAudio), contract::MeanFrame(input)));
}

TEST(LateFusionTest, SkipConnectionStaysInsideWhereEveryStreamHasOne) {
  const auto model = MakeLate(Late(Lstm(3, 2), {}, {{"skip_connection", {}}}));
  EXPECT_EQ(model->forward(Input(), {}).embedding.size(-1), 3 + 3);
}

// A layer adds its input where both are as wide: one of these streams has no such layer.
TEST(LateFusionTest, SkipConnectionIsOutsideWhereOneStreamHasNone) {
  for (const std::int64_t hidden : {kRgb, kAudio}) {
    SCOPED_TRACE(hidden);
    const auto model = MakeLate(Late(Lstm(hidden, 1), {}, {{"skip_connection", {}}}));
    EXPECT_EQ(model->forward(Input(), {}).embedding.size(-1), 2 * hidden + kRgb + kAudio);
  }
}

TEST(LateFusionTest, DifferentialDoublesEachStream) {
  const auto model = MakeLate(Late(Lstm(3, 1), {}, {{"differential", {}}}));
  const auto differential = Makers<Extra>::All().at("differential")({}, {});
  const Sequence input = Input();
  const torch::Tensor expected =
      torch::cat({EmbeddingOf(*model, "temporal0", Lstm(3, 1),
                              differential->OnSequence(Stream(input, 0, kRgb))),
                  EmbeddingOf(*model, "temporal1", Lstm(3, 1),
                              differential->OnSequence(Stream(input, kRgb, kAudio)))},
                 -1);
  EXPECT_TRUE(Close(model->forward(input, {}).embedding, expected));
}

TEST(LateFusionTest, ExtrasOnTheEmbeddingComeAfterTheJointLayer) {
  const Parts parts = Late(kMean, {{"joint", 7}}, {{"context_gating", {}}, {"layer_norm", {}}});
  const auto parameters = MakeLate(parts)->named_parameters();
  EXPECT_EQ(parameters["layer_norm.norm.weight"].size(0), 7);
  EXPECT_EQ(parameters["context_gating.gate.weight"].size(1), 7);
  EXPECT_EQ(parameters["classifier.linear.weight"].size(1), 7);
}

// ---- Sets and states ----------------------------------------------------------------------------

/// Two sets a video: its first frame, and twice that.
class TwoSets : public Temporal {
 public:
  explicit TwoSets(std::int64_t width) : width_(width) {}
  torch::Tensor forward(const Sequence& input, const Targets&) override {
    const torch::Tensor first = input.frames.select(1, 0);
    return torch::stack({first, 2 * first}, 1);
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  std::int64_t width_;
};

/// States [x_t; 2 x_t].
class DoubledStates : public Temporal {
 public:
  explicit DoubledStates(std::int64_t width) : width_(width) {}
  torch::Tensor forward(const Sequence& input, const Targets&) override {
    return contract::MeanFrame(input);
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }
  [[nodiscard]] std::int64_t states_width() const override { return 2 * width_; }
  Sequence States(const Sequence& input, const Targets&) override {
    return {torch::cat({input.frames, 2 * input.frames}, -1), input.mask, input.lengths};
  }

 private:
  std::int64_t width_;
};

/// The mean over the valid frames of the sigmoid of the first values of their states.
class FirstValues : public FrameClassifier {
 public:
  Scores forward(const Sequence& states, const Targets&) override {
    last = states;
    Sequence probabilities = states;
    probabilities.frames = states.frames.narrow(-1, 0, kClasses).sigmoid();
    return {.probabilities = contract::MeanFrame(probabilities)};
  }
  static inline Sequence last;  ///< what the last forward received
};

class LateFusionSeamTest : public ::testing::Test {
 protected:
  LateFusionSeamTest() {
    Makers<Temporal>::All()["two_sets"] = [](const BuildContext& context, const Options&) {
      return std::make_shared<TwoSets>(context.input_width);
    };
    Makers<Temporal>::All()["doubled_states"] = [](const BuildContext& context, const Options&) {
      return std::make_shared<DoubledStates>(context.input_width);
    };
    Makers<FrameClassifier>::All()["first_values"] = [](const BuildContext&, const Options&) {
      return std::make_shared<FirstValues>();
    };
  }
  ~LateFusionSeamTest() override {
    Makers<Temporal>::All().erase("two_sets");
    Makers<Temporal>::All().erase("doubled_states");
    Makers<FrameClassifier>::All().erase("first_values");
    FirstValues::last = {};
  }

  /// `parts` but for those of `others`, which are not in the catalogue.
  static std::shared_ptr<Model> Make(const Parts& parts,
                                     const std::map<std::string, std::string>& others) {
    ModelSpec spec = MakeModel(parts);
    for (const auto& [criterion, name] : others) spec.parts[criterion] = {.component = name};
    torch::manual_seed(41);
    auto model = std::make_shared<Model>(spec, SmallData());
    reference::Randomise(*model);
    model->eval();
    return model;
  }
};

TEST_F(LateFusionSeamTest, SetsOfAllStreamsStandSideBySide) {
  const auto model = Make(Late(kMean), {{"temporal", "two_sets"}});
  const Sequence input = Input();
  const ModelOutput output = model->forward(input, {});
  const torch::Tensor first = input.frames.select(1, 0);
  EXPECT_TRUE(Close(output.embedding, torch::stack({first, 2 * first}, 1)));
  EXPECT_EQ(output.probabilities.sizes().vec(), (std::vector<std::int64_t>{3, kClasses}));
}

TEST_F(LateFusionSeamTest, EverySetGoesThroughTheJointLayer) {
  const auto model = Make(Late(kMean, {{"joint", 3}}), {{"temporal", "two_sets"}});
  const Sequence input = Input();
  const torch::Tensor first = input.frames.select(1, 0);
  const torch::Tensor expected = Joint(*model, torch::stack({first, 2 * first}, 1), "relu");
  EXPECT_TRUE(Close(model->forward(input, {}).embedding, expected.view({3, 2, 3})));
}

TEST_F(LateFusionSeamTest, StatesOfAllStreamsReachAFrameClassifier) {
  const auto model = Make(Late(kMean), {{"classifier", "first_values"}});
  const Sequence input = Input();
  const ModelOutput output = model->forward(input, {});
  EXPECT_TRUE(FirstValues::last.frames.equal(input.frames)) << "mean's states are its frames";
  EXPECT_FALSE(output.embedding.defined());
}

TEST_F(LateFusionSeamTest, EveryStateGoesThroughTheJointLayer) {
  const auto model =
      Make(Late(kMean, {{"joint", 6}, {"activation", "linear"}}), {{"classifier", "first_values"}});
  const Sequence input = Input();
  model->forward(input, {});
  const torch::Tensor expected =
      Joint(*model, input.frames, "linear").view({3, 5, 6}) * input.mask.unsqueeze(-1);
  EXPECT_TRUE(Close(FirstValues::last.frames, expected)) << "the bias is not in the padding";
}

TEST_F(LateFusionSeamTest, StatesOfOneStreamStandTogether) {
  const auto model =
      Make(Late(kMean), {{"temporal", "doubled_states"}, {"classifier", "first_values"}});
  const Sequence input = Input();
  model->forward(input, {});
  const torch::Tensor rgb = input.frames.narrow(-1, 0, kRgb);
  const torch::Tensor audio = input.frames.narrow(-1, kRgb, kAudio);
  EXPECT_TRUE(FirstValues::last.frames.equal(torch::cat({rgb, 2 * rgb, audio, 2 * audio}, -1)));
}

// ---- Data ---------------------------------------------------------------------------------------

TEST(LateFusionTest, VideoLevelDataGoStraightToTheJointLayer) {
  Parts parts = {.parts = {{"multimodal", {"late", {{"joint", 3}}}}}};
  const auto model = MakeLate(parts, SmallData("video"));
  const Sequence input = RandomSequence({1, 1, 1}, 1, kRgb + kAudio);
  const torch::Tensor expected = Joint(*model, input.frames.squeeze(1), "relu");
  EXPECT_TRUE(Close(model->forward(input, {}).embedding, expected));
  EXPECT_THAT(model->named_parameters().keys(),
              ElementsAre("multimodal.joint.weight", "multimodal.joint.bias",
                          "classifier.linear.weight", "classifier.linear.bias"));
}

TEST(LateFusionTest, VideoLevelDataWithoutAJointLayerAreEarlyFusion) {
  const auto model = MakeLate({.parts = {{"multimodal", {"late", {}}}}}, SmallData("video"));
  const Sequence input = RandomSequence({1, 1}, 1, kRgb + kAudio);
  EXPECT_TRUE(model->forward(input, {}).embedding.equal(input.frames.squeeze(1)));
}

TEST(LateFusionTest, TakesMoreThanTwoFeatures) {
  DataSpec data = SmallData();
  data.features.emplace_back("flow", 3);
  const auto model = MakeLate(Late(Lstm(3, 1)), data);
  EXPECT_EQ(model->forward(RandomSequence({2, 1}, 2, 9), {}).embedding.size(-1), 9);
}

TEST(LateFusionTest, RefusesASingleFeature) {
  DataSpec data = SmallData();
  data.features = {{"audio", 2}};
  try {
    const Model model(MakeModel(Late(kMean)), data);
    FAIL() << "accepted";
  } catch (const SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'late' needs at least two features"));
    EXPECT_THAT(error.what(), HasSubstr("has 1 (audio)"));
  }
}

TEST(LateFusionTest, VideosSeeNeitherPaddingNorEachOther) {
  for (const Variant& temporal : {kMean, Lstm(3, 1), kNetVlad}) {
    SCOPED_TRACE(temporal.component);
    const auto model = MakeLate(Late(temporal, {{"joint", 4}}, {{"differential", {}}}));
    const Sequence input = Input();
    const torch::Tensor together = model->forward(input, {}).probabilities;
    EXPECT_TRUE(Close(model->forward(contract::Padded(input, 3, 0), {}).probabilities, together));
    for (std::int64_t b = 0; b < 3; ++b) {
      EXPECT_TRUE(Close(model->forward(contract::Alone(input, b), {}).probabilities,
                        together.slice(0, b, b + 1)));
    }
  }
}

// ---- Parameters ---------------------------------------------------------------------------------

TEST(LateFusionTest, NamesOfParametersAreFixed) {
  const auto model = MakeLate(Late(Lstm(3, 1), {{"joint", 4}}));
  const auto lstm = reference::MakeTemporal("lstm", {}, 1);
  std::vector<std::string> names = {"multimodal.joint.weight", "multimodal.joint.bias"};
  for (const char* stream : {"temporal0.", "temporal1."}) {
    for (const std::string& name : lstm->named_parameters().keys()) names.push_back(stream + name);
  }
  names.insert(names.end(), {"classifier.linear.weight", "classifier.linear.bias"});
  EXPECT_EQ(model->named_parameters().keys(), names);
}

TEST(LateFusionTest, EveryParameterLearns) {
  for (const Variant& temporal : {Lstm(3, 2), kNetVlad}) {
    SCOPED_TRACE(temporal.component);
    const auto model = MakeLate(Late(temporal, {{"joint", 6}, {"activation", "linear"}}));
    model->train();
    const Targets targets = RandomTargets(3, kClasses);
    model->TotalLoss(model->forward(Input(), targets), targets).backward();
    for (const auto& item : model->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << item.key();
      EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0) << item.key();
    }
  }
}

std::int64_t PaperSize(const Parts& parts) {
  return MeasureModel(MakeModel(parts), PaperData()).parameters;
}

/// 4 (h (i + h) + h), and LibTorch's second bias.
std::int64_t LstmSize(std::int64_t inputs, std::int64_t hidden) {
  return 4 * (hidden * (inputs + hidden) + hidden) + 4 * hidden;
}

std::int64_t LogisticSize(std::int64_t width) { return 3862 * (width + 1); }

TEST(LateFusionTest, HasTheSizeOfItsParts) {
  const std::int64_t streams = LstmSize(1024, 1024) + LstmSize(128, 1024);
  EXPECT_EQ(LstmSize(1024, 1024), 8'392'704 + 4096);
  EXPECT_EQ(PaperSize(Late(Lstm(1024, 1))), streams + LogisticSize(2048));
  EXPECT_EQ(PaperSize(Late(Lstm(1024, 1), {{"joint", 512}})),
            streams + (2048 + 1) * 512 + LogisticSize(512));
}

TEST(LateFusionTest, HasTheSizeOfItsNetVlads) {
  const auto one = [](std::int64_t width) {
    const WithoutMemory guard;
    const auto netvlad = reference::MakeTemporal("netvlad", {}, width);
    std::int64_t count = 0;
    for (const torch::Tensor& parameter : netvlad->parameters()) count += parameter.numel();
    for (const torch::Tensor& buffer : netvlad->buffers()) {
      if (buffer.is_floating_point()) count += buffer.numel();
    }
    return std::pair(count, netvlad->output_width());
  };
  const auto [image, image_width] = one(1024);
  const auto [audio, audio_width] = one(128);
  EXPECT_EQ(PaperSize(Late({"netvlad", {}})),
            image + audio + LogisticSize(image_width + audio_width));
}

}  // namespace late_fusion_test
}  // namespace beamgrid::trainer
