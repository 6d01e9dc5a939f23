// Trials with averaged weights, warm-up, early stopping and every precision: each goes on from a
// checkpoint to the same bits, and what is recorded is what was shipped.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/training/training_test.h"
#include "trainer/training/shipped_weights.h"

namespace beamgrid::trainer {
namespace {

using ::testing::Each;
using ::testing::Gt;

struct Settings {
  std::string name;
  Options train;
};

void PrintTo(const Settings& settings, std::ostream* out) { *out << settings.name; }

class TrainingSettingsTest : public TrainingTest, public ::testing::WithParamInterface<Settings> {
 protected:
  /// With a recurrent matrix of 72 * 72 * 4 > 17,000 weights, which int8 quantises.
  static TrialFile TrialWith(const Options& train) {
    TrialFile trial = StatefulTrial();
    trial.spec.model.parts["temporal"].options["hidden"] = 72;
    for (const auto& [name, value] : train) trial.spec.model.train.at(name) = value;
    trial.fingerprint = Fingerprint(trial.spec);
    return trial;
  }

  static NamedTensors TensorsOf(const Model& model) {
    NamedTensors tensors;
    for (const auto& item : model.named_parameters()) {
      tensors.emplace_back(item.key(), item.value().detach());
    }
    for (const auto& item : model.named_buffers()) tensors.emplace_back(item.key(), item.value());
    return tensors;
  }

  /// Of a fresh model that got its weights from the shipped file.
  static Evaluation EvaluateFile(const std::filesystem::path& folder, const TrialFile& trial) {
    torch::manual_seed(1234);
    Model model(trial.spec.model, trial.spec.data);
    ShippedWeights::Read(folder / kModelFile).CopyTo(TensorsOf(model));
    Dataset validate(trial.spec.data, trial.spec.data.validate, LabelPolicy::kRequired);
    return Evaluate(model, validate, trial.spec.data.classes,
                    {.batch_size = trial.spec.model.train.at("batch").as_int64()});
  }
};

TEST_P(TrainingSettingsTest, StoppedAnywhereItEndsInTheSameBits) {
  const std::filesystem::path whole = NewFolder();
  RunIn(whole, TrialWith(GetParam().train));
  for (const int stop : {2, 7, 8, 9, 17, 26}) {
    SCOPED_TRACE("stopped at question " + std::to_string(stop));
    const std::filesystem::path first = NewFolder(), second = NewFolder();
    TrialFile trial = TrialWith(GetParam().train);
    EXPECT_THROW(RunIn(first, trial, StopAt(stop)), Interrupted);
    trial.resume_from = (first / kLastCheckpoint).string();
    TrainingLoop loop(trial, second, {});
    EXPECT_GT(loop.examples(), 0);
    loop.Run();
    ExpectSameFiles(whole, second);
  }
}

TEST_P(TrainingSettingsTest, TheShippedFileGivesTheRecordedNumbers) {
  const std::filesystem::path folder = NewFolder();
  const TrialFile trial = TrialWith(GetParam().train);
  const TrialResult result = RunIn(folder, trial);
  const Evaluation evaluation = EvaluateFile(folder, trial);
  EXPECT_EQ(evaluation.metrics.gap, result.metrics.gap);
  EXPECT_EQ(evaluation.metrics.map, result.metrics.map);
  EXPECT_EQ(evaluation.loss, result.validate_loss);

  Truth truth;
  const Predictions predictions = ReadPredictions(folder / kPredictionsFile);
  for (const VideoPrediction& video : predictions.videos) truth[video.id] = video.labels;
  EXPECT_NEAR(Score(predictions, truth).gap, result.metrics.gap, 1e-12);

  EXPECT_EQ(ShippedWeights::Read(folder / kModelFile).Bytes(), result.size_bytes);
  EXPECT_EQ(MeasureModel(trial.spec.model, trial.spec.data).size_bytes, result.size_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    All, TrainingSettingsTest,
    ::testing::Values(
        Settings{"warmup", {{"warmup_examples", 250}}}, Settings{"ema", {{"ema", 0.9}}},
        Settings{"average", {{"average_checkpoints", 2}}},
        Settings{"ema_average", {{"ema", 0.8}, {"average_checkpoints", 5}}},
        Settings{"patience", {{"patience", 3}}}, Settings{"fp16", {{"precision", "fp16"}}},
        Settings{"bf16", {{"precision", "bf16"}}}, Settings{"int8", {{"precision", "int8"}}},
        Settings{"ema_int8", {{"ema", 0.9}, {"precision", "int8"}}},
        Settings{"mix", {{"mix", 0.4}}}, Settings{"l2_added", {{"l2_clipped", false}}},
        Settings{"arithmetic", {{"arithmetic", "bf16"}}},
        Settings{"late_decay", {{"late_decay_from", 300}, {"late_decay_examples", 70}}}),
    [](const auto& info) { return info.param.name; });

TEST_F(TrainingSettingsTest, EachOfTheseChangesTheTraining) {
  const double plain = RunIn(NewFolder(), TrialWith({})).validate_loss;
  EXPECT_NE(RunIn(NewFolder(), TrialWith({{"mix", 0.4}})).validate_loss, plain);
  EXPECT_NE(RunIn(NewFolder(), TrialWith({{"late_decay_from", 300}})).validate_loss, plain);
  EXPECT_NE(RunIn(NewFolder(), TrialWith({{"arithmetic", "bf16"}})).validate_loss, plain);
}

// Rounding to 8 bits moves the losses of this training by less than a hundredth.
TEST_F(TrainingSettingsTest, InBf16TheLossesAreNearlyThoseOfFp32) {
  const TrialResult plain = RunIn(NewFolder(), TrialWith({}));
  const TrialResult rounded = RunIn(NewFolder(), TrialWith({{"arithmetic", "bf16"}}));
  ASSERT_EQ(rounded.epochs.size(), plain.epochs.size());
  for (std::size_t i = 0; i < plain.epochs.size(); ++i) {
    const double loss = plain.epochs[i].train_loss;
    EXPECT_NEAR(rounded.epochs[i].train_loss, loss, loss / 100);
  }
}

// ---- What is trained ----------------------------------------------------------------------------

std::vector<double> TrainLosses(const TrialResult& result) {
  std::vector<double> losses;
  for (const EpochResult& epoch : result.epochs) losses.push_back(epoch.train_loss);
  return losses;
}

TEST_F(TrainingSettingsTest, TrainingGoesOnWithTheRawWeights) {
  const TrialResult plain = RunIn(NewFolder(), TrialWith({}));
  const Options averaged = {{"ema", 0.9}, {"average_checkpoints", 2}, {"precision", "int8"}};
  const TrialResult other = RunIn(NewFolder(), TrialWith(averaged));
  EXPECT_EQ(TrainLosses(other), TrainLosses(plain));
  EXPECT_NE(other.validate_loss, plain.validate_loss);
}

TEST_F(TrainingSettingsTest, WarmupChangesTheTraining) {
  const TrialResult plain = RunIn(NewFolder(), TrialWith({}));
  const TrialResult warm = RunIn(NewFolder(), TrialWith({{"warmup_examples", 600}}));
  EXPECT_THAT(warm.epochs[0].train_loss, Gt(plain.epochs[0].train_loss));
}

// That of an epoch which is not the last: those weights are shipped from memory.
TEST_F(TrainingSettingsTest, TheBestCheckpointHoldsTheAverage) {
  const std::filesystem::path folder = NewFolder(), other_folder = NewFolder();
  const TrialFile trial = TrialWith({{"ema", 0.9}, {"epochs", 2}});
  Model best(trial.spec.model, trial.spec.data), shipped(trial.spec.model, trial.spec.data);
  const auto read_best = [&](const Message& message) {
    const auto* evaluated = std::get_if<Evaluated>(&message);
    if (evaluated == nullptr || evaluated->epoch.epoch != 1) return;
    CheckpointReader(folder / kBestCheckpoint).ReadInto(TensorsOf(best));
  };
  RunIn(folder, trial, {.report = read_best});
  RunIn(other_folder, TrialWith({{"ema", 0.9}, {"epochs", 1}}));
  ShippedWeights::Read(other_folder / kModelFile).CopyTo(TensorsOf(shipped));
  const NamedTensors one = TensorsOf(best), other = TensorsOf(shipped);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_TRUE(one[i].second.equal(other[i].second)) << one[i].first;
  }
}

// ---- Early stopping -----------------------------------------------------------------------------

/// A learning rate that changes no weight: the first epoch stays the best.
TrialFile Idle(TrialFile trial, std::int64_t patience) {
  trial.spec.model.train["learning_rate"] = 1e-12;
  trial.spec.model.train["epochs"] = 7;
  trial.spec.model.train["patience"] = patience;
  // Running statistics would move the metrics.
  trial.spec.model.extras.erase("context_gating");
  trial.fingerprint = Fingerprint(trial.spec);
  return trial;
}

TEST_F(TrainingSettingsTest, StopsWhenNothingImproves) {
  const TrialResult stopped = RunIn(NewFolder(), Idle(StatefulTrial(), 2));
  EXPECT_EQ(stopped.best_epoch, 1);
  EXPECT_EQ(stopped.epochs.size(), 3U);
  EXPECT_TRUE(stopped.stopped_early);
  const TrialResult patient = RunIn(NewFolder(), Idle(StatefulTrial(), 0));
  EXPECT_EQ(patient.epochs.size(), 7U);
  EXPECT_FALSE(patient.stopped_early);
}

TEST_F(TrainingSettingsTest, StoppedEarlyItDoesNotTrainOn) {
  const std::filesystem::path folder = NewFolder();
  std::filesystem::create_directory(folder / kResultFile);  // so that it fails at its very end
  EXPECT_THROW(RunIn(folder, Idle(StatefulTrial(), 2)), Error);
  const std::string model = HashFile(folder / kModelFile);
  std::filesystem::remove(folder / kResultFile);
  TrainingLoop again(Idle(StatefulTrial(), 2), folder, {});
  const std::int64_t examples = again.examples();
  EXPECT_EQ(examples, 3 * 200);
  const TrialResult result = again.Run();
  EXPECT_EQ(result.examples, examples);
  EXPECT_TRUE(result.stopped_early);
  EXPECT_EQ(HashFile(folder / kModelFile), model);
  EXPECT_TRUE(
      TrialResultFromJson(boost::json::parse(ReadFile(folder / kResultFile))).stopped_early);
}

TEST_F(TrainingSettingsTest, StoppedInTheLastEpochIsNotEarly) {
  TrialFile trial = Idle(StatefulTrial(), 2);
  trial.spec.model.train["epochs"] = 3;
  EXPECT_FALSE(RunIn(NewFolder(), trial).stopped_early);
}

}  // namespace
}  // namespace beamgrid::trainer
