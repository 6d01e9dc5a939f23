// Whole trials with the components that look at labels: what they learn from the training files,
// what they remember between steps, and that a stopped trial goes on with all of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_text.h"
#include "tests/trainer/components/contract.h"
#include "tests/trainer/training/training_test.h"
#include "trainer/label_statistics.h"

namespace beamgrid::trainer {
namespace label_training_test {

using ::testing::HasSubstr;

class LabelTrainingTest : public TrainingTest {
 protected:
  static TrialFile TrialWith(const std::map<std::string, Variant>& parts,
                             const std::map<std::string, Options>& extras = {}) {
    return MakeTrial(*data_, {.parts = parts,
                              .extras = extras,
                              .train = {{"epochs", 2}, {"batch", 32}, {"learning_rate", 0.01}}});
  }

  /// Stops a trial in the middle of its second epoch and lets another process go on.
  static void ExpectResumesExactly(const TrialFile& trial) {
    const std::filesystem::path whole = NewFolder(), first = NewFolder(), second = NewFolder();
    RunIn(whole, trial);
    EXPECT_THROW(RunIn(first, trial, StopAt(12)), Interrupted);
    TrialFile resumed = trial;
    resumed.resume_from = (first / kLastCheckpoint).string();
    TrainingLoop loop(resumed, second, {});
    EXPECT_GT(loop.examples(), 200);
    loop.Run();
    ExpectSameFiles(whole, second);
  }
};

torch::Tensor Buffer(torch::nn::Module& module, const std::string& name) {
  return module.named_buffers()[name];
}

TEST_F(LabelTrainingTest, TheCorrelationComesFromTheTrainingFiles) {
  TrainingLoop loop(TrialWith({{"label_processing", {"correlation", {}}}}), NewFolder(), {});
  const torch::Tensor pairs = TrainingLabels(*data_).CoOccurrence();
  EXPECT_GT(pairs.sum().item<double>(), 200);
  const torch::Tensor fixed = Buffer(loop.model(), "label_processing.fixed");
  for (std::int64_t i = 0; i < data_->classes; ++i) {
    double row = 0;
    for (std::int64_t j = 0; j < data_->classes; ++j) {
      if (i != j) row += (pairs[i][j] / pairs[j][j].clamp_min(1)).item<double>();
    }
    for (std::int64_t j = 0; j < data_->classes && row > 0; ++j) {
      const double expected =
          i == j ? 0 : (pairs[i][j] / pairs[j][j].clamp_min(1)).item<double>() / row;
      EXPECT_NEAR(fixed[i][j].item<double>(), expected, 1e-6);
    }
  }
}

TEST_F(LabelTrainingTest, OnlyTheTrainedCorrelationMoves) {
  TrainingLoop loop(TrialWith({{"label_processing", {"correlation", {}}}}), NewFolder(), {});
  const torch::Tensor start = Buffer(loop.model(), "label_processing.fixed").clone();
  const TrialResult result = loop.Run();
  EXPECT_TRUE(Buffer(loop.model(), "label_processing.fixed").equal(start));
  EXPECT_FALSE(loop.model().named_parameters()["label_processing.trained"].detach().equal(start));
  EXPECT_EQ(result.parameters, (24 + 1) * 8 + 2 * 8 * 8) << "both matrices count";
}

TEST_F(LabelTrainingTest, TheCorrelationResumesExactly) {
  ExpectResumesExactly(TrialWith({{"label_processing", {"correlation", {}}}}));
}

TEST_F(LabelTrainingTest, TheCentresResumeExactlyAndAreNotShipped) {
  const Variant center = {"center", {{"lambda", 0.5}}};
  // With weights before the embedding, so that the centres decide what they become.
  ExpectResumesExactly(TrialWith({{"loss", center}, {"temporal", {"lstm", {{"hidden", 4}}}}}));
  const TrialFile trial = TrialWith({{"loss", center}});
  const std::filesystem::path folder = NewFolder();
  TrainingLoop loop(trial, folder, {});
  EXPECT_EQ(Buffer(loop.model().loss(), "centres").abs().max().item<double>(), 0);
  const TrialResult result = loop.Run();
  EXPECT_GT(Buffer(loop.model().loss(), "centres").abs().sum().item<double>(), 0);
  EXPECT_EQ(result.parameters, (24 + 1) * 8);
  EXPECT_EQ(result.size_bytes, (24 + 1) * 8 * 4);
}

TEST_F(LabelTrainingTest, TheCentresDecideWhatTheWeightsBecome) {
  // Else exact resume could not tell whether they were restored.
  const auto model_after = [](double lambda) {
    const std::filesystem::path folder = NewFolder();
    RunIn(folder, TrialWith({{"loss", {"center", {{"lambda", lambda}}}},
                             {"temporal", {"lstm", {{"hidden", 4}}}}}));
    return HashFile(folder / kModelFile);
  };
  EXPECT_NE(model_after(0), model_after(0.5));
}

TEST_F(LabelTrainingTest, ClassChainingTrainsAndResumesExactly) {
  for (const char* form : {"rnn", "deep_combine"}) {
    SCOPED_TRACE(form);
    const Options options = {
        {"form", form}, {"steps", 3}, {"hidden", 8}, {"label_width", 4}, {"link", 4}};
    ExpectResumesExactly(TrialWith({{"classifier", {"class_chaining", options}}}));
  }
}

TEST_F(LabelTrainingTest, ClassChainingLearns) {
  for (const char* form : {"rnn", "deep_combine"}) {
    TrialFile trial = MakeTrial(
        *data_, {.parts = {{"classifier", {"class_chaining", {{"form", form}, {"hidden", 32}}}}},
                 .train = {{"epochs", 12}, {"batch", 16}, {"learning_rate", 0.01}}});
    const TrialResult result = RunIn(NewFolder(), trial);
    EXPECT_GT(result.metrics.gap, 0.8) << form;
    EXPECT_LT(result.epochs.back().train_loss, result.epochs.front().train_loss) << form;
  }
}

TEST_F(LabelTrainingTest, EveryLossLearns) {
  for (const char* loss : {"cross_entropy", "pseudo_huber", "center"}) {
    const TrialFile trial =
        MakeTrial(*data_, {.parts = {{"loss", {loss, {}}}},
                           .train = {{"epochs", 12}, {"batch", 16}, {"learning_rate", 0.03}}});
    EXPECT_GT(RunIn(NewFolder(), trial).metrics.gap, 0.8) << loss;
  }
}

// ---- The model's seams --------------------------------------------------------------------------

DataSpec SmallData() {
  return {.format = "frame", .classes = 5, .features = {{"rgb", 4}}, .max_frames = 9};
}

TEST(LossSharesTest, WeighThePredictions) {
  torch::manual_seed(5);
  Model model(
      MakeModel(
          {.parts =
               {{"classifier",
                 {"class_chaining",
                  {{"form", "deep_combine"}, {"steps", 2}, {"link", 3}, {"auxiliary", 0.3}}}}}}),
      SmallData());
  const Targets targets = contract::RandomTargets(2, 5);
  const ModelOutput output = model.forward(contract::RandomSequence({2, 1}, 2, 4), targets);
  ASSERT_EQ(output.loss_over.size(), 3U);
  const auto loss = [&](std::size_t i) {
    const torch::Tensor& p = output.loss_over[i];
    const torch::Tensor right = p * targets.labels + (1 - p) * (1 - targets.labels);
    return -(right + 1e-5).log().sum().item<double>() / 2;
  };
  EXPECT_NEAR(model.TotalLoss(output, targets).item<double>(),
              0.15 * loss(0) + 0.15 * loss(1) + 0.7 * loss(2), 1e-4);
}

TEST(CentresTest, MoveOnceAStepHoweverManyPredictionsCount) {
  const auto centres = [](std::int64_t steps) {
    torch::manual_seed(5);
    Model model(MakeModel({.parts = {{"loss", {"center", {}}},
                                     {"classifier",
                                      {"conditional_inference",
                                       {{"rank", 3}, {"steps", steps}, {"training", "mean"}}}}}}),
                SmallData());
    torch::manual_seed(6);
    const Targets targets = contract::RandomTargets(3, 5);
    const Sequence input = contract::RandomSequence({2, 1, 2}, 2, 4);
    model.TotalLoss(model.forward(input, targets), targets);
    const torch::Tensor moved = Buffer(model.loss(), "centres").clone();
    model.eval();
    model.TotalLoss(model.forward(input, {}), targets);
    EXPECT_TRUE(Buffer(model.loss(), "centres").equal(moved)) << "evaluation moves them";
    return moved;
  };
  EXPECT_GT(centres(1).abs().sum().item<double>(), 0);
  EXPECT_TRUE(centres(1).equal(centres(3)));
}

TEST(CentresTest, AreRefusedWhereTheClassifierScoresFrames) {
  const ModelSpec spec = MakeModel({.parts = {{"loss", {"center", {}}},
                                              {"classifier", {"many_to_many", {}}},
                                              {"temporal", {"lstm", {{"hidden", 3}}}}}});
  EXPECT_THAT(ErrorText<SpecError>([&] { const Model model(spec, SmallData()); }),
              HasSubstr("loss = center: the classifier scores each frame"));
}

}  // namespace label_training_test
}  // namespace beamgrid::trainer
