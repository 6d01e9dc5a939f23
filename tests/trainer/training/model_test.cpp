// Whole models: their sizes against the papers', their first loss, how the parts are joined.

#include "trainer/training/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/components/contract.h"
#include "tests/trainer/trial.h"
#include "trainer/training/optimiser.h"

namespace beamgrid::trainer {
namespace model_test {

using contract::RandomSequence;
using contract::RandomTargets;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

Parts Classifier(const std::string& name, const Options& options) {
  return {.parts = {{"classifier", {name, options}}}};
}

// ---- Sizes --------------------------------------------------------------------------------------

struct SizeCase {
  std::string name;
  Parts parts;
  std::int64_t parameters;
};

void PrintTo(const SizeCase& c, std::ostream* out) { *out << c.name; }

/// LibTorch's LSTM has two biases per gate where the papers' formulas have one.
constexpr std::int64_t kSecondBiases = 2 * 4 * 1024;

const Variant kBlstm = {"blstm", {{"hidden", 1024}, {"layers", 1}, {"residual", true}}};
const Variant kMoe2 = {"moe", {{"experts", 2}}};
const Variant kMoe4 = {"moe", {{"experts", 4}}};
Variant NetVlad(std::int64_t clusters) { return {"netvlad", {{"clusters", clusters}}}; }

class ModelSizeTest : public ::testing::TestWithParam<SizeCase> {};

TEST_P(ModelSizeTest, IsThePapers) {
  const ModelSize size = MeasureModel(MakeModel(GetParam().parts), PaperData());
  EXPECT_EQ(size.parameters, GetParam().parameters);
  // Running statistics come with an int64 counter each.
  EXPECT_GE(size.size_bytes, 4 * size.parameters);
  EXPECT_LE(size.size_bytes, 4 * size.parameters + 8 * 8);
}

INSTANTIATE_TEST_SUITE_P(
    Dossier, ModelSizeTest,
    ::testing::Values(
        SizeCase{"logistic", Classifier("logistic", {}), 4'452'886},
        SizeCase{"moe2", Classifier("moe", {{"experts", 2}}), 22'252'844},
        SizeCase{"moe3", Classifier("moe", {{"experts", 3}}), 31'154'754},
        SizeCase{"moe4", Classifier("moe", {{"experts", 4}}), 40'056'664},
        SizeCase{"moe6", Classifier("moe", {{"experts", 6}}), 57'860'484},
        SizeCase{"moe16", Classifier("moe", {{"experts", 16}}), 146'879'584},
        SizeCase{"inference", Classifier("conditional_inference", {}), 11'194'134},
        SizeCase{"inference_one_step", Classifier("conditional_inference", {{"steps", 1}}),
                 11'194'134},
        SizeCase{"inference_moe", Classifier("conditional_inference", {{"head", "moe"}}),
                 27'016'748},
        SizeCase{"sum_logistic", {.parts = {{"multimodal", {"sum", {}}}}}, 132'096 + 3'958'550},
        SizeCase{"gate", {.extras = {{"context_gating", {}}}}, 4'452'886 + 1152 * 1152 + 1152},
        SizeCase{"gate_on_probabilities",
                 {.extras = {{"context_gating", {{"on", "probabilities"}, {"batch_norm", true}}}}},
                 4'452'886 + 14'930'492},
        SizeCase{"layer_norm", {.extras = {{"layer_norm", {}}}}, 4'452'886 + 2 * 1152},
        SizeCase{"many_to_many",
                 {.parts = {{"temporal", {"lstm", {}}}, {"classifier", {"many_to_many", {}}}}},
                 12'875'542 + 4 * 1024},
        SizeCase{"mc_blstm_moe2",
                 {.parts = {{"temporal", kBlstm}, {"classifier", kMoe2}}},
                 42'447'276 + kSecondBiases},
        SizeCase{"mc_blstm_cg_moe2",
                 {.parts = {{"temporal", kBlstm}, {"classifier", kMoe2}},
                  .extras = {{"context_gating", {{"batch_norm", true}}}}},
                 43'778'988 + kSecondBiases},
        SizeCase{"mc_netvlad_diff_c64_moe4",
                 {.parts = {{"temporal", NetVlad(64)}, {"classifier", kMoe4}},
                  .extras = {{"differential", {}}}},
                 36'101'464},
        SizeCase{"ms_netvlad_c64_moe4",
                 {.parts = {{"multimodal", {"sum", {}}},
                            {"temporal", NetVlad(64)},
                            {"classifier", kMoe4}}},
                 35'578'200},
        SizeCase{"mc_netvlad_c128_moe4",
                 {.parts = {{"temporal", NetVlad(128)}, {"classifier", kMoe4}}},
                 52'354'648}),
    [](const auto& info) { return info.param.name; });

TEST(ModelSizeTest, IsThatOfTheRealModel) {
  DataSpec data{.format = "frame", .classes = 9, .features = {{"rgb", 6}, {"audio", 4}}};
  const ModelSpec spec = MakeModel({.parts = {{"temporal", {"netvlad", {{"clusters", 3}}}}},
                                    .extras = {{"skip_connection", {}}}});
  const Model model(spec, data);
  const ModelSize size = MeasureModel(spec, data);
  EXPECT_EQ(size.parameters, model.ParameterCount());
  EXPECT_EQ(size.size_bytes, model.SizeBytes());
}

// ---- The first loss -----------------------------------------------------------------------------

double FirstLoss(const Parts& parts) {
  torch::manual_seed(1);
  Model model(MakeModel(parts), PaperData());
  const Sequence input = RandomSequence({3, 1, 2}, 3, 1152);
  const Targets targets{torch::zeros({3, 3862})};
  return model.TotalLoss(model.forward(input, targets), targets).item<double>();
}

// Each class starts at p = 1/2 (logistic), k/(k+1)/2 (mixture) or 3/3862 (conditional inference),
// and no label is set.
TEST(ModelTest, StartsAtTheKnownLoss) {
  EXPECT_NEAR(FirstLoss({}), 2677, 15);
  EXPECT_NEAR(FirstLoss({.parts = {{"classifier", kMoe2}}}), 1566, 15);
  EXPECT_NEAR(FirstLoss({.parts = {{"classifier", {"conditional_inference", {{"steps", 2}}}}}}),
              2.96, 0.1);
}

// ---- L2 -----------------------------------------------------------------------------------------

/// A model with this classifier, on a recurrent encoder that has states to score.
ModelSpec SpecOf(const std::string& classifier, double l2) {
  return MakeModel(
      {.parts = {{"temporal", {"lstm", {{"hidden", 3}}}}, {"classifier", {classifier, {}}}},
       .extras = {{"context_gating", {}}, {"layer_norm", {}}},
       .train = {{"l2", l2}}});
}

/// The penalty s/2 * sum of squares covers the matrices of the classifier and nothing else.
TEST(ModelTest, L2IsOnMatricesOfTheClassifierOnly) {
  const DataSpec data{.format = "frame", .classes = 5, .features = {{"rgb", 4}, {"audio", 2}}};
  for (const ComponentInfo& info : BuiltCatalogue().components) {
    if (info.criterion != "classifier" || info.name == "script") continue;  // a script needs a file
    const Model model(SpecOf(info.name, 1), data);
    const std::vector<torch::Tensor> regularised = model.RegularisedWeights();
    EXPECT_FALSE(regularised.empty()) << info.name;
    std::size_t found = 0;
    for (const auto& item : model.named_parameters()) {
      const bool is_regularised = std::ranges::any_of(
          regularised, [&](const auto& weight) { return weight.is_same(item.value()); });
      found += is_regularised ? 1 : 0;
      if (!is_regularised) continue;
      EXPECT_TRUE(item.key().starts_with("classifier.")) << item.key();
      EXPECT_GE(item.value().dim(), 2) << item.key() << " is a bias";
    }
    EXPECT_EQ(found, regularised.size()) << info.name;
  }
}

/// One training step with and without the penalty: only those matrices come out differently, and
/// as if s * w had been added to their gradients before Adam (not subtracted beside it).
TEST(ModelTest, L2IsCoupledInsideAdam) {
  const DataSpec data{.format = "frame", .classes = 5, .features = {{"rgb", 4}, {"audio", 2}}};
  constexpr double kL2 = 0.5;
  const auto step = [&](double setting, double by_hand) {
    torch::manual_seed(3);
    Model model(SpecOf("moe", setting), data);
    NamedTensors parameters;
    for (const auto& item : model.named_parameters()) {
      parameters.emplace_back(item.key(), item.value());
    }
    const std::vector<torch::Tensor> regularised = model.RegularisedWeights();
    Optimiser optimiser({.l2 = setting}, parameters, regularised);
    const Targets targets = RandomTargets(2, 5);
    torch::Tensor loss =
        model.TotalLoss(model.forward(RandomSequence({2, 1}, 2, 6), targets), targets);
    for (const torch::Tensor& weight : regularised) {
      loss = loss + by_hand / 2 * weight.square().sum();
    }
    loss.backward();
    optimiser.Step(0.01);
    return parameters;
  };
  const NamedTensors plain = step(0, 0), coupled = step(kL2, 0), by_hand = step(0, kL2);
  std::vector<std::string> changed;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_TRUE(torch::allclose(coupled[i].second, by_hand[i].second, 0, 1e-6)) << plain[i].first;
    if (!coupled[i].second.equal(plain[i].second)) changed.push_back(plain[i].first);
  }
  EXPECT_THAT(changed, SizeIs(2)) << "gates and experts";
  EXPECT_THAT(changed, Each(AllOf(StartsWith("classifier."), EndsWith(".weight"))));
}

// ---- Joining the parts --------------------------------------------------------------------------

DataSpec SmallData(const std::string& format = "frame") {
  return {.format = format, .classes = 5, .features = {{"rgb", 4}, {"audio", 2}}, .max_frames = 9};
}

TEST(ModelTest, EveryExtraAtOnce) {
  Model model(MakeModel({.parts = {{"temporal", {"lstm", {{"hidden", 3}}}}},
                         .extras = {{"layer_norm", {}},
                                    {"dropout", {{"rate", 0.5}}},
                                    {"skip_connection", {}},
                                    {"context_gating", {}},
                                    {"differential", {}},
                                    {"gradient_clip", {{"norm", 1e-3}}}}}),
              SmallData());
  const Sequence input = RandomSequence({4, 1, 2}, 4, 6);
  const Targets targets = RandomTargets(3, 5);
  const ModelOutput output = model.forward(input, targets);
  EXPECT_EQ(output.embedding.size(1), 3 + 12) << "state, and the mean of the doubled frame";
  EXPECT_EQ(output.probabilities.sizes().vec(), (std::vector<std::int64_t>{3, 5}));
  model.TotalLoss(output, targets).backward();
  model.OnGradients();
  for (const auto& item : model.named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_LE(item.value().grad().norm().item<double>(), 1.001e-3) << item.key();
  }
}

TEST(ModelTest, VideoLevelSkipsTheTemporalComponent) {
  Model model(MakeModel({}), SmallData("video"));
  model.eval();
  const Sequence input = RandomSequence({1, 1}, 1, 6);
  const ModelOutput output = model.forward(input, {});
  EXPECT_TRUE(output.embedding.equal(input.frames.squeeze(1)));
}

/// A temporal component that gives each video two sets: its first frame, and twice that.
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

class TwoSetsModelTest : public ::testing::Test {
 protected:
  TwoSetsModelTest() {
    Makers<Temporal>::All()["two_sets"] = [](const BuildContext& context, const Options&) {
      return std::make_shared<TwoSets>(context.input_width);
    };
  }
  ~TwoSetsModelTest() override { Makers<Temporal>::All().erase("two_sets"); }

  static ModelSpec Spec(Parts parts) {
    ModelSpec spec = MakeModel(parts);
    spec.parts["temporal"] = {.component = "two_sets"};
    return spec;
  }
};

TEST_F(TwoSetsModelTest, ScoresEachSetAndTakesTheBest) {
  Model model(Spec({}), SmallData());
  model.eval();
  const Sequence input = RandomSequence({2, 1}, 2, 6);
  const ModelOutput output = model.forward(input, {});
  EXPECT_EQ(output.embedding.sizes().vec(), (std::vector<std::int64_t>{2, 2, 6}));
  const auto parameters = model.named_parameters();
  const torch::Tensor weight = parameters["classifier.linear.weight"];
  const torch::Tensor bias = parameters["classifier.linear.bias"];
  const torch::Tensor first = input.frames.select(1, 0);
  const torch::Tensor expected =
      torch::max(torch::linear(first, weight, bias), torch::linear(2 * first, weight, bias))
          .sigmoid();
  EXPECT_TRUE(torch::allclose(output.probabilities, expected));
}

TEST_F(TwoSetsModelTest, TrainsWithLabelsForEverySet) {
  Model model(
      Spec({.parts = {{"classifier",
                       {"conditional_inference", {{"rank", 3}, {"training", "teacher"}}}}}}),
      SmallData());
  const Targets targets = RandomTargets(2, 5);
  const ModelOutput output = model.forward(RandomSequence({2, 1}, 2, 6), targets);
  ASSERT_EQ(output.loss_over.size(), 1U);
  EXPECT_EQ(output.loss_over[0].sizes().vec(), (std::vector<std::int64_t>{2, 5}));
}

TEST(ModelTest, AveragesTheLossOverTheSteps) {
  const auto loss = [](const char* training) {
    torch::manual_seed(5);
    Model model(MakeModel({.parts = {{"classifier",
                                      {"conditional_inference",
                                       {{"rank", 3}, {"steps", 2}, {"training", training}}}}}}),
                SmallData());
    torch::manual_seed(6);
    const Targets targets = RandomTargets(2, 5);
    const ModelOutput output = model.forward(RandomSequence({2, 1}, 2, 6), targets);
    double expected = 0;
    for (const torch::Tensor& p : output.loss_over) {
      expected -= ((p * targets.labels + (1 - p) * (1 - targets.labels) + 1e-5).log().sum() / 2)
                      .item<double>() /
                  2;
    }
    return std::pair(model.TotalLoss(output, targets).item<double>(), expected);
  };
  const auto [mean, expected] = loss("mean");
  EXPECT_NEAR(mean, expected, 1e-5);
  EXPECT_EQ(loss("last").second, 0) << "nothing but the final scores";
}

// ---- Scores of frames ---------------------------------------------------------------------------

const Variant kManyToMany = {"many_to_many", {}};

/// Ragged videos; more padding, of any value, must not be seen.
Sequence Ragged() { return RandomSequence({4, 1, 2}, 5, 6); }

TEST(FrameClassifierTest, WithMeanItIsTheStarterCodesFrameLevelModel) {
  Model model(MakeModel({.parts = {{"classifier", kManyToMany}}}), SmallData());
  const Sequence input = Ragged();
  const ModelOutput output = model.forward(input, {});
  EXPECT_FALSE(output.embedding.defined());
  const auto parameters = model.named_parameters();
  for (std::int64_t video = 0; video < 3; ++video) {
    torch::Tensor sum = torch::zeros({5});
    const auto frames = input.lengths[video].item<std::int64_t>();
    for (std::int64_t t = 0; t < frames; ++t) {
      sum += torch::linear(input.frames[video][t], parameters["classifier.linear.weight"],
                           parameters["classifier.linear.bias"])
                 .sigmoid();
    }
    EXPECT_TRUE(output.probabilities[video].allclose(sum / frames, 0, 1e-6)) << video;
  }
}

/// Extras that act on embeddings act on each frame's state.
TEST(FrameClassifierTest, ExtrasActOnEachState) {
  Model model(
      MakeModel({.parts = {{"temporal", {"gru", {{"hidden", 3}}}}, {"classifier", kManyToMany}},
                 .extras = {{"layer_norm", {}}, {"context_gating", {}}}}),
      SmallData());
  model.eval();
  const Sequence input = Ragged();
  const auto children = model.named_children();
  const Sequence states =
      std::dynamic_pointer_cast<Temporal>(children["temporal"])->States(input, {});
  const auto parameters = model.named_parameters();
  const auto linear = [&](const torch::Tensor& x, const std::string& name) {
    return torch::linear(x, parameters[name + ".weight"], parameters[name + ".bias"]);
  };
  const torch::Tensor actual = model.forward(input, {}).probabilities;
  for (std::int64_t video = 0; video < 3; ++video) {
    const auto frames = input.lengths[video].item<std::int64_t>();
    torch::Tensor state = states.frames[video].slice(0, 0, frames);
    state = torch::layer_norm(state, {3}, parameters["layer_norm.norm.weight"],
                              parameters["layer_norm.norm.bias"]);
    state = linear(state, "context_gating.gate").sigmoid() * state;
    const torch::Tensor expected = linear(state, "classifier.linear").sigmoid().mean(0);
    EXPECT_TRUE(actual[video].allclose(expected, 0, 1e-6)) << video;
  }
}

const Parts kAllExtras = {
    .parts = {{"temporal", {"lstm", {{"hidden", 3}}}}, {"classifier", kManyToMany}},
    .extras = {{"layer_norm", {}},
               {"dropout", {{"rate", 0.5}}},
               {"zoneout", {{"rate", 0.2}, {"cell_rate", 0.4}}},
               {"skip_connection", {}},
               {"context_gating", {{"batch_norm", true}}},
               {"differential", {}}}};

TEST(FrameClassifierTest, PaddingChangesNothing) {
  Model model(MakeModel(kAllExtras), SmallData());
  const Sequence input = Ragged();
  for (const bool training : {true, false}) {
    model.train(training);
    torch::manual_seed(4);
    const torch::Tensor plain = model.forward(input, {}).probabilities;
    torch::manual_seed(4);
    const torch::Tensor padded = model.forward(contract::Padded(input, 6, 0), {}).probabilities;
    EXPECT_TRUE(plain.allclose(padded, 0, 1e-6)) << training;
  }
}

TEST(FrameClassifierTest, GradientsReachEveryParameter) {
  Model model(MakeModel(kAllExtras), SmallData());
  const Targets targets = RandomTargets(3, 5);
  model.TotalLoss(model.forward(Ragged(), targets), targets).backward();
  for (const auto& item : model.named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0) << item.key();
  }
}

// ---- What cannot be built -----------------------------------------------------------------------

std::string Refusal(const ModelSpec& spec, const DataSpec& data) {
  try {
    const Model model(spec, data);
  } catch (const SpecError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ModelTest, RefusesAnUnknownComponent) {
  ModelSpec spec = MakeModel({});
  spec.parts["classifier"].component = "mop";
  const std::string why = Refusal(spec, SmallData());
  EXPECT_THAT(why, HasSubstr("classifier = mop"));
  EXPECT_THAT(why, HasSubstr("logistic, mlp, moe"));
}

TEST(ModelTest, RefusesAnUnknownExtra) {
  ModelSpec spec = MakeModel({});
  spec.extras["droput"] = {};
  EXPECT_THAT(Refusal(spec, SmallData()), HasSubstr("extras = droput"));
}

TEST(ModelTest, RefusesASpecWithoutACriterion) {
  ModelSpec spec = MakeModel({});
  spec.parts.erase("loss");
  EXPECT_THAT(Refusal(spec, SmallData()), HasSubstr("no component for loss"));
}

TEST(ModelTest, RefusesToAggregateVideoLevelData) {
  const ModelSpec spec = MakeModel({.parts = {{"temporal", {"lstm", {{"hidden", 3}}}}}});
  EXPECT_THAT(Refusal(spec, SmallData("video")), HasSubstr("temporal = lstm"));
}

TEST(ModelTest, RefusesToScoreFramesThatHaveNoState) {
  const ModelSpec spec = MakeModel(
      {.parts = {{"temporal", {"netvlad", {{"clusters", 3}}}}, {"classifier", kManyToMany}}});
  EXPECT_THAT(Refusal(spec, SmallData()), HasSubstr("temporal = netvlad has none"));
  EXPECT_THAT(Refusal(MakeModel({.parts = {{"classifier", kManyToMany}}}), SmallData("video")),
              HasSubstr("classifier = many_to_many"));
}

TEST(ModelTest, RefusesZoneoutWithoutCells) {
  EXPECT_THAT(Refusal(MakeModel({.extras = {{"zoneout", {}}}}), SmallData()),
              HasSubstr("extras.zoneout"));
}

TEST(ModelTest, RefusesAMissingOption) {
  ModelSpec spec = MakeModel({.parts = {{"classifier", kMoe2}}});
  spec.parts["classifier"].options.clear();
  EXPECT_THROW(Model(spec, SmallData()), std::invalid_argument);
}

}  // namespace model_test
}  // namespace beamgrid::trainer
