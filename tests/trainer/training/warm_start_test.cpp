// Trials that start from another trial's weights.

#include "trainer/training/warm_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/trainer/training/training_test.h"
#include "trainer/training/shipped_weights.h"

namespace beamgrid::trainer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StartFromTest : public testing::Test {
 protected:
  /// A trial that starts from `weights`.
  TrialFile TrialFrom(const NamedTensors& weights, Precision precision = Precision::kFp32) {
    ShippedWeights(weights, precision).Write(Path());
    TrialFile trial;
    trial.spec.warm_start = "0123abcd";
    trial.warm_start_model = Path();
    trial.warm_start_hash = HashFile(Path());
    return trial;
  }
  std::string Path() const { return (folder_ / "model.pt").string(); }
  void Start(const TrialFile& trial, const NamedTensors& weights) {
    StartFrom(trial, weights, [this](const std::string& line) { log_.push_back(line); });
  }
  std::string Refusal(const NamedTensors& source, const NamedTensors& weights) {
    return ErrorText<SpecError>([&] { Start(TrialFrom(source), weights); });
  }

  TemporaryFolder folder_;
  std::vector<std::string> log_;
};

TEST_F(StartFromTest, GivesEveryTensorItsValuesAndKeepsWhatIsNew) {
  const torch::Tensor weight = torch::rand({3, 2}), count = torch::tensor(7);
  const NamedTensors own = {{"new.gain", torch::ones(2)},
                            {"weight", torch::zeros({3, 2}, torch::requires_grad())},
                            {"count", torch::tensor(0)}};
  Start(TrialFrom({{"weight", weight}, {"count", count}}), own);
  EXPECT_TRUE(own[1].second.equal(weight));
  EXPECT_TRUE(own[2].second.equal(count));
  EXPECT_TRUE(own[0].second.equal(torch::ones(2)));
  EXPECT_THAT(log_, ElementsAre("starts from the weights of trial 0123abcd: 2 tensors; initial "
                                "values for new.gain"));
}

TEST_F(StartFromTest, ReadsWeightsInWhateverTheyWereShippedIn) {
  const torch::Tensor weight = torch::rand({200, 100});
  for (const Precision precision : {Precision::kFp16, Precision::kBf16, Precision::kInt8}) {
    const NamedTensors own = {{"weight", torch::zeros({200, 100})}};
    Start(TrialFrom({{"weight", weight}}, precision), own);
    EXPECT_TRUE(torch::allclose(own[0].second, weight, /*rtol=*/0.01, /*atol=*/0.01));
  }
}

TEST_F(StartFromTest, AModelThatDoesNotFitIsRefusedWithEveryDifference) {
  const torch::Tensor two = torch::ones(2), three = torch::ones(3);
  EXPECT_THAT(
      Refusal({{"a", two}, {"b", two}, {"c", two}}, {{"a", three}, {"c", two}}),
      AllOf(HasSubstr("trial 0123abcd do not fit"),
            HasSubstr("of another shape: a is [3], was [2]"), HasSubstr("this model lacks: b")));
  EXPECT_THAT(Refusal({}, {{"a", two}}), HasSubstr("no tensor in common"));
}

TEST_F(StartFromTest, ARefusalChangesNothing) {
  const NamedTensors own = {{"a", torch::zeros(2)}};
  (void)Refusal({{"a", torch::ones(2)}, {"b", torch::ones(2)}}, own);
  EXPECT_TRUE(own[0].second.equal(torch::zeros(2)));
}

TEST_F(StartFromTest, OnlyTheWeightsThatTheRecordKnowsWillDo) {
  const NamedTensors own = {{"a", torch::zeros(2)}};
  TrialFile trial = TrialFrom({{"a", torch::ones(2)}});
  trial.warm_start_hash = "another";
  EXPECT_THAT(ErrorText<Error>([&] { Start(trial, own); }), HasSubstr("hash differs"));
  std::filesystem::remove(Path());
  EXPECT_THAT(ErrorText<Error>([&] { Start(trial, own); }), HasSubstr("are gone"));
}

TEST_F(StartFromTest, MostTrialsStartFromNone) {
  Start(TrialFile(), {});
  EXPECT_TRUE(log_.empty());
}

class StartedTrainingTest : public TrainingTest {
 protected:
  /// `trial` from the weights that another one left in `folder`.
  static TrialFile From(const std::filesystem::path& folder, TrialFile trial) {
    trial.spec.seed = 8;
    trial.spec.model.train["from"] = "other/trial";
    trial.spec.warm_start = "0123abcd";
    trial.warm_start_model = (folder / kModelFile).string();
    trial.warm_start_hash = HashFile(trial.warm_start_model);
    trial.fingerprint = Fingerprint(trial.spec);
    return trial;
  }
};

TEST_F(StartedTrainingTest, GoesOnFromWhatTheOtherLearned) {
  const std::filesystem::path first = NewFolder(), second = NewFolder();
  const TrialResult learned =
      RunIn(first, MakeTrial(*data_, {.train = {{"epochs", 6}, {"learning_rate", 0.03}}}));
  const TrialFile still =
      From(first, MakeTrial(*data_, {.train = {{"epochs", 1}, {"learning_rate", 1e-12}}}));
  EXPECT_NEAR(RunIn(second, still).metrics.gap, learned.metrics.gap, 1e-6);
  const TrialFile afresh = MakeTrial(*data_, {.train = {{"epochs", 1}, {"learning_rate", 1e-12}}});
  EXPECT_LT(RunIn(NewFolder(), afresh).metrics.gap, learned.metrics.gap - 0.1);
}

/// A trial whose model has a table in int8: an LSTM's recurrent weights are 280 x 70.
TrialFile TrialIn(const DataSpec& data, const std::string& precision, std::int64_t epochs) {
  return MakeTrial(
      data,
      {.parts = {{"temporal", {"lstm", {{"hidden", 70}}}}},
       .extras = {{"context_gating", {{"batch_norm", true}}}},
       .train = {{"epochs", epochs}, {"learning_rate", 0.01}, {"precision", precision.c_str()}}});
}

TEST_F(StartedTrainingTest, ATrialOfNoEpochsShipsTheOthersWeightsInItsOwnPrecision) {
  const std::filesystem::path first = NewFolder();
  const TrialResult trained = RunIn(first, TrialIn(*data_, "fp32", 1));
  for (const std::string precision : {"fp16", "bf16", "int8"}) {
    // Training is fp32, so one that ships so by itself comes to the same.
    const std::filesystem::path itself = NewFolder(), form = NewFolder();
    const TrialResult expected = RunIn(itself, TrialIn(*data_, precision, 1));
    const TrialResult shipped = RunIn(form, From(first, TrialIn(*data_, precision, 0)));
    for (const char* file : {kModelFile, kPredictionsFile}) {
      EXPECT_EQ(HashFile(form / file), HashFile(itself / file)) << precision << " " << file;
    }
    EXPECT_EQ(shipped.metrics.gap, expected.metrics.gap);
    EXPECT_EQ(shipped.validate_loss, expected.validate_loss);
    EXPECT_EQ(shipped.size_bytes, expected.size_bytes);
    EXPECT_LT(shipped.size_bytes, trained.size_bytes);
    EXPECT_EQ(shipped.best_epoch, 0);
    EXPECT_EQ(shipped.examples, 0);
    EXPECT_TRUE(shipped.epochs.empty());
  }
}

TEST_F(StartedTrainingTest, ATrialOfNoEpochsMayBeStopped) {
  const std::filesystem::path first = NewFolder(), whole = NewFolder();
  RunIn(first, TrialIn(*data_, "fp32", 1));
  const TrialFile form = From(first, TrialIn(*data_, "int8", 0));
  RunIn(whole, form);
  const std::filesystem::path stopped = NewFolder();
  EXPECT_THROW(RunIn(stopped, form, StopAt(1)), Interrupted);
  EXPECT_FALSE(std::filesystem::exists(stopped / kResultFile));
  RunIn(stopped, form);
  ExpectSameFiles(whole, stopped);
}

TEST_F(StartedTrainingTest, ATrialOfNoEpochsNeedsWeightsToShip) {
  EXPECT_THAT(ErrorText<SpecError>([&] { RunIn(NewFolder(), TrialIn(*data_, "int8", 0)); }),
              HasSubstr("train.epochs = 0 ships another trial's weights"));
}

TEST_F(StartedTrainingTest, StoppingItAnywhereChangesNothing) {
  const std::filesystem::path first = NewFolder(), whole = NewFolder();
  RunIn(first, StatefulTrial());
  const TrialFile trial = From(first, StatefulTrial());
  RunIn(whole, trial);
  for (const int at : {1, 5, 20}) {
    const std::filesystem::path stopped = NewFolder();
    EXPECT_THROW(RunIn(stopped, trial, StopAt(at)), Interrupted);
    RunIn(stopped, trial);
    ExpectSameFiles(whole, stopped);
  }
}

TEST_F(StartedTrainingTest, AResumedTrialDoesNotNeedTheOtherAnyMore) {
  const std::filesystem::path first = NewFolder(), stopped = NewFolder();
  RunIn(first, StatefulTrial());
  const TrialFile trial = From(first, StatefulTrial());
  EXPECT_THROW(RunIn(stopped, trial, StopAt(5)), Interrupted);
  std::filesystem::remove(first / kModelFile);
  EXPECT_EQ(RunIn(stopped, trial).epochs.size(), 3U);
}

}  // namespace
}  // namespace beamgrid::trainer
