// Training itself, on small synthetic data: it learns, it is repeatable, and stopping it anywhere
// changes nothing.

#include "trainer/training/training_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/error_text.h"
#include "tests/trainer/training/training_test.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid::trainer {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// GAP of saying the classes' frequencies for every video.
double PriorGap(const DataSpec& data) {
  Dataset train(data, data.train, LabelPolicy::kRequired);
  std::vector<float> frequencies(static_cast<std::size_t>(data.classes), 0);
  Batches training(train, {.order = BatchOrder::kSequential});
  training.Start(0);
  for (Batch batch; training.Next(batch);) {
    for (const std::int32_t label : batch.labels) ++frequencies[static_cast<std::size_t>(label)];
  }
  Dataset validate(data, data.validate, LabelPolicy::kRequired);
  MetricsAccumulator accumulator;
  Batches batches(validate, {.order = BatchOrder::kSequential});
  batches.Start(0);
  for (Batch batch; batches.Next(batch);) {
    for (std::int64_t video = 0; video < batch.Size(); ++video) {
      accumulator.AddDense(frequencies, batch.LabelsOf(video));
    }
  }
  return accumulator.Compute().gap;
}

using TrainingLoopTest = TrainingTest;

TEST_F(TrainingLoopTest, Learns) {
  const double prior = PriorGap(*data_);
  ASSERT_LT(prior, 0.75) << "the data are too easy to tell";
  const TrialFile trial =
      MakeTrial(*data_, {.train = {{"epochs", 12}, {"batch", 16}, {"learning_rate", 0.03}}});
  const std::filesystem::path folder = NewFolder();
  const TrialResult result = RunIn(folder, trial);
  EXPECT_GT(result.metrics.gap, prior + 0.2);
  ASSERT_EQ(result.epochs.size(), 12U);
  EXPECT_NEAR(result.epochs[0].validate_loss, 8 * 0.69, 2.5);
  EXPECT_LT(result.epochs[11].train_loss, result.epochs[0].train_loss / 2);
  EXPECT_EQ(result.examples, 12 * 200);
}

TEST_F(TrainingLoopTest, TheResultIsOfTheBestEpoch) {
  const std::filesystem::path folder = NewFolder();
  const TrialFile trial = StatefulTrial();
  const TrialResult result = RunIn(folder, trial);
  const auto best = std::ranges::max_element(
      result.epochs, {}, [](const EpochResult& epoch) { return epoch.metrics.gap; });
  EXPECT_EQ(result.best_epoch, best->epoch);
  EXPECT_EQ(result.metrics.gap, best->metrics.gap);

  // The stored predictions and weights give that very number.
  const Predictions predictions = ReadPredictions(folder / kPredictionsFile);
  EXPECT_EQ(predictions.classes, 8);
  Truth truth;
  for (const VideoPrediction& video : predictions.videos) truth[video.id] = video.labels;
  EXPECT_NEAR(Score(predictions, truth).gap, result.metrics.gap, 1e-12);
  EXPECT_EQ(TrialResultFromJson(boost::json::parse(ReadFile(folder / kResultFile))).metrics.gap,
            result.metrics.gap);
}

TEST_F(TrainingLoopTest, TheArtifactsAreThereWithTheirHashes) {
  const std::filesystem::path folder = NewFolder();
  const TrialResult result = RunIn(folder, StatefulTrial());
  ASSERT_EQ(result.artifacts.size(), 2U);
  for (const Artifact& artifact : result.artifacts) {
    EXPECT_EQ(artifact.hash, HashFile(folder / artifact.path));
    EXPECT_EQ(artifact.bytes, static_cast<std::int64_t>(file_size(folder / artifact.path)));
  }
  const std::string bytes = ReadFile(folder / kModelFile);
  const auto state = torch::pickle_load({bytes.begin(), bytes.end()}).toGenericDict();
  std::int64_t size = 0;
  for (const auto& item : state) {
    const torch::Tensor tensor = item.value().toTensor();
    size += tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
  }
  EXPECT_EQ(size, result.size_bytes);
}

TEST_F(TrainingLoopTest, TheSameSeedGivesTheSameBits) {
  const std::filesystem::path one = NewFolder(), other = NewFolder();
  RunIn(one, StatefulTrial());
  torch::rand(17);  // whatever happened before in this process
  RunIn(other, StatefulTrial());
  ExpectSameFiles(one, other);
}

TEST_F(TrainingLoopTest, AnotherSeedGivesAnotherModel) {
  const std::filesystem::path one = NewFolder(), other = NewFolder();
  TrialFile trial = StatefulTrial();
  RunIn(one, trial);
  trial.spec.seed = 8;
  RunIn(other, trial);
  EXPECT_NE(HashFile(one / kModelFile), HashFile(other / kModelFile));
}

// 200 videos in batches of 32 are 7 steps an epoch, 50 are 2 batches of evaluation: one question
// after each step and before each evaluated batch, 9 an epoch, 27 in all.
TEST_F(TrainingLoopTest, StoppedAnywhereItEndsInTheSameBits) {
  const std::filesystem::path whole = NewFolder();
  RunIn(whole, StatefulTrial());
  for (const int stop : {1, 4, 7, 8, 9, 12, 25, 27}) {
    SCOPED_TRACE("stopped at question " + std::to_string(stop));
    const std::filesystem::path first = NewFolder(), second = NewFolder();
    EXPECT_THROW(RunIn(first, StatefulTrial(), StopAt(stop)), Interrupted);
    EXPECT_FALSE(std::filesystem::exists(first / kResultFile));
    TrialFile trial = StatefulTrial();
    trial.resume_from = (first / kLastCheckpoint).string();
    TrainingLoop loop(trial, second, {});
    EXPECT_GT(loop.examples(), 0);
    loop.Run();
    ExpectSameFiles(whole, second);
    for (const char* checkpoint : {kLastCheckpoint, kBestCheckpoint}) {
      EXPECT_FALSE(std::filesystem::exists(second / checkpoint)) << "nobody needs " << checkpoint;
    }
  }
}

TEST_F(TrainingLoopTest, StoppedAgainAndAgainItEndsInTheSameBits) {
  const std::filesystem::path whole = NewFolder(), folder = NewFolder();
  RunIn(whole, StatefulTrial());
  int stops = 0;
  for (bool done = false; !done; ++stops) {
    ASSERT_LT(stops, 100) << "no progress";
    try {
      RunIn(folder, StatefulTrial(), StopAt(4));  // in place: its own checkpoint is found
      done = true;
    } catch (const Interrupted&) {
    }
  }
  EXPECT_GE(stops, 5);
  ExpectSameFiles(whole, folder);
}

TEST_F(TrainingLoopTest, PausedAfterAnEpochItGoesOnToTheSameBits) {
  const std::filesystem::path whole = NewFolder();
  const auto epochs = static_cast<std::int64_t>(RunIn(whole, StatefulTrial()).epochs.size());
  ASSERT_GE(epochs, 2);
  std::filesystem::path last;
  int steps = 0;
  for (std::int64_t until = 1; until < epochs; ++until) {
    TrialFile trial = StatefulTrial();
    trial.until_epoch = until;
    trial.resume_from = last.empty() ? "" : (last / kLastCheckpoint).string();
    const std::filesystem::path folder = NewFolder();
    std::vector<std::int64_t> told;
    const LoopHooks hooks{.report =
                              [&](const Message& message) {
                                const auto* ended = std::get_if<Evaluated>(&message);
                                if (ended != nullptr) told.push_back(ended->epoch.epoch);
                              },
                          .stop_requested =
                              [&] {
                                ++steps;
                                return false;
                              }};
    EXPECT_THROW(RunIn(folder, trial, hooks), Paused);
    // Also what ended before: the orchestrator may not have heard of it.
    ASSERT_EQ(std::ssize(told), until);
    EXPECT_FALSE(std::filesystem::exists(folder / kResultFile));
    const int before = steps;
    EXPECT_THROW(RunIn(folder, trial, hooks), Paused);
    EXPECT_EQ(steps, before) << "it was there already";
    last = folder;
  }
  TrialFile trial = StatefulTrial();
  trial.resume_from = (last / kLastCheckpoint).string();
  const std::filesystem::path resumed = NewFolder();
  RunIn(resumed, trial);
  ExpectSameFiles(whole, resumed);
}

TEST_F(TrainingLoopTest, WhatEndsByItselfDoesNotPause) {
  const std::filesystem::path whole = NewFolder(), folder = NewFolder();
  RunIn(whole, StatefulTrial());
  TrialFile trial = StatefulTrial();
  trial.until_epoch = 1000;
  RunIn(folder, trial);
  ExpectSameFiles(whole, folder);
}

TEST_F(TrainingLoopTest, SkippedRecordsAreCountedOverAllAttempts) {
  TrialFile trial = StatefulTrial();
  DataSpec& data = trial.spec.data;
  data.on_error = "skip";
  const std::filesystem::path damaged = NewFolder() / "train.tfrecord";
  std::string records = ReadFile(data.train[0]);
  std::uint64_t offset = 0;
  for (int record = 0; record < 5; ++record) {
    records[offset + 20] = static_cast<char>(records[offset + 20] ^ 1);
    offset = TfRecordFile(data.train[0]).Skip(offset);
  }
  WriteFileAtomically(damaged, records);
  data.train[0] = damaged.string();
  trial.spec.model.train["epochs"] = 1;  // no attempt reads all

  const std::filesystem::path whole = NewFolder(), folder = NewFolder();
  EXPECT_EQ(RunIn(whole, trial).skipped_records, 5);
  for (int stops = 0; !std::filesystem::exists(folder / kResultFile); ++stops) {
    ASSERT_LT(stops, 100) << "no progress";
    try {
      RunIn(folder, trial, StopAt(3));
    } catch (const Interrupted&) {
    }
  }
  ExpectSameFiles(whole, folder);
}

TEST_F(TrainingLoopTest, KilledItGoesOnFromAnOlderCheckpoint) {
  const std::filesystem::path whole = NewFolder(), saved = NewFolder(), resumed = NewFolder();
  const auto save_first_epoch = [&](const Message& message) {
    const auto* evaluated = std::get_if<Evaluated>(&message);
    if (evaluated == nullptr || evaluated->epoch.epoch != 1) return;
    for (const char* file : {kLastCheckpoint, kBestCheckpoint}) {
      std::filesystem::copy_file(whole / file, saved / file);
    }
  };
  RunIn(whole, StatefulTrial(), {.report = save_first_epoch});
  TrialFile trial = StatefulTrial();
  trial.resume_from = (saved / kLastCheckpoint).string();
  TrainingLoop loop(trial, resumed, {});
  EXPECT_EQ(loop.examples(), 200);
  loop.Run();
  ExpectSameFiles(whole, resumed);
}

TEST_F(TrainingLoopTest, ResumedItTellsAgainWhatEndedBefore) {
  const auto Told = [](std::vector<std::pair<std::int64_t, bool>>* epochs) {
    return [epochs](const Message& message) {
      const auto* evaluated = std::get_if<Evaluated>(&message);
      if (evaluated != nullptr) epochs->emplace_back(evaluated->epoch.epoch, evaluated->earlier);
    };
  };
  const std::filesystem::path folder = NewFolder();
  std::vector<std::pair<std::int64_t, bool>> first, second;
  LoopHooks stopped = StopAt(12);
  stopped.report = Told(&first);
  EXPECT_THROW(RunIn(folder, StatefulTrial(), stopped), Interrupted);
  ASSERT_FALSE(first.empty());
  RunIn(folder, StatefulTrial(), {.report = Told(&second)});
  for (std::size_t i = 0; i < second.size(); ++i) {
    EXPECT_EQ(second[i], std::pair(static_cast<std::int64_t>(i) + 1, i < first.size()));
  }
  EXPECT_GT(second.size(), first.size());
}

// It would be the largest of all files, and nobody would go on from it.
TEST_F(TrainingLoopTest, TheLastEpochLeavesAResultAndNoCheckpoint) {
  const std::filesystem::path folder = NewFolder();
  TrialFile trial = StatefulTrial();
  trial.spec.model.train["epochs"] = 1;
  int told = 0;
  RunIn(folder, trial, {.report = [&](const Message& message) {
          if (!std::holds_alternative<Evaluated>(message)) return;
          ++told;
          EXPECT_TRUE(std::filesystem::exists(folder / kResultFile)) << "told before it is safe";
        }});
  EXPECT_EQ(told, 1);
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.insert(entry.path().filename());
  }
  EXPECT_EQ(files, (std::set<std::string>{kModelFile, kPredictionsFile, kResultFile}));
}

TEST_F(TrainingLoopTest, CheckpointsAfterEveryStepChangeNothing) {
  const std::filesystem::path whole = NewFolder(), often = NewFolder();
  RunIn(whole, StatefulTrial());
  RunIn(often, StatefulTrial(), {.checkpoint_interval = std::chrono::milliseconds(0)});
  ExpectSameFiles(whole, often);
}

// ---- Checkpoints that cannot be used ------------------------------------------------------------

class BadCheckpointTest : public TrainingTest {
 protected:
  BadCheckpointTest() : stopped_(NewFolder()) {
    EXPECT_THROW(RunIn(stopped_, StatefulTrial(), StopAt(12)), Interrupted);
  }

  /// Examples that a new attempt starts with; its log goes to `log_`.
  std::int64_t ExamplesOfResumed(TrialFile trial) {
    trial.resume_from = (stopped_ / kLastCheckpoint).string();
    const TrainingLoop loop(trial, NewFolder(),
                            {.log = [this](const std::string& line) { log_.push_back(line); }});
    return loop.examples();
  }

  void CutOff(const char* file) {
    const std::string whole = ReadFile(stopped_ / file);
    WriteFileAtomically(stopped_ / file, whole.substr(0, whole.size() - 100));
  }

  std::filesystem::path stopped_;
  std::vector<std::string> log_;
};

TEST_F(BadCheckpointTest, AGoodOneIsUsed) {
  EXPECT_GT(ExamplesOfResumed(StatefulTrial()), 200);
  EXPECT_THAT(log_, Contains(HasSubstr("goes on from")));
}

TEST_F(BadCheckpointTest, ACutOffOneIsReportedAndIgnored) {
  CutOff(kLastCheckpoint);
  EXPECT_EQ(ExamplesOfResumed(StatefulTrial()), 0);
  EXPECT_THAT(log_, Contains(HasSubstr("cut off")));
}

TEST_F(BadCheckpointTest, ACutOffBestEpochIsReportedAndIgnored) {
  CutOff(kBestCheckpoint);
  EXPECT_EQ(ExamplesOfResumed(StatefulTrial()), 0);
  EXPECT_THAT(log_, Contains(HasSubstr(kBestCheckpoint)));
}

TEST_F(BadCheckpointTest, OneOfAnotherTrialIsReportedAndIgnored) {
  TrialFile trial = StatefulTrial();
  trial.spec.seed = 99;
  EXPECT_EQ(ExamplesOfResumed(trial), 0);
  EXPECT_THAT(log_, Contains(HasSubstr("another trial")));
}

TEST_F(BadCheckpointTest, FromTheStartItEndsInTheSameBits) {
  const std::filesystem::path whole = NewFolder();
  RunIn(whole, StatefulTrial());
  CutOff(kLastCheckpoint);
  RunIn(stopped_, StatefulTrial());
  ExpectSameFiles(whole, stopped_);
}

// ---- What goes wrong ----------------------------------------------------------------------------

TEST_F(TrainingLoopTest, AWeightThatIsNotANumberDiverges) {
  TrainingLoop loop(StatefulTrial(), NewFolder(), {});
  {
    const torch::NoGradGuard no_gradient;
    loop.model().parameters()[0].fill_(std::numeric_limits<float>::quiet_NaN());
  }
  EXPECT_THAT(ErrorText<Diverged>([&] { loop.Run(); }), HasSubstr("not finite in epoch 1"));
}

TEST_F(TrainingLoopTest, AnUnknownObjectiveIsRefused) {
  TrialFile trial = StatefulTrial();
  trial.spec.objective = "loudness";
  EXPECT_THAT(ErrorText<SpecError>([&] { TrainingLoop(trial, NewFolder(), {}); }),
              HasSubstr("objective = loudness"));
  trial.spec.objective = "mapp";
  EXPECT_THAT(ErrorText<SpecError>([&] { TrainingLoop(trial, NewFolder(), {}); }),
              HasSubstr("did you mean 'map'?"));
}

TEST_F(TrainingLoopTest, AMissingTrainingKeyIsRefused) {
  TrialFile trial = StatefulTrial();
  trial.spec.model.train.erase("batch");
  EXPECT_THAT(ErrorText<std::invalid_argument>([&] { TrainingLoop(trial, NewFolder(), {}); }),
              HasSubstr("'batch'"));
}

TEST_F(TrainingLoopTest, ADeviceThatIsNotThereIsRefused) {
  TrialFile trial = StatefulTrial();
  for (const char* device : {"tpu:0", "cuda", "cuda:x"}) {
    trial.device = device;
    EXPECT_THAT(ErrorText<UsageError>([&] { TrainingLoop(trial, NewFolder(), {}); }),
                HasSubstr(device));
  }
  trial.device = "cuda:99";
  EXPECT_THAT(ErrorText<Error>([&] { TrainingLoop(trial, NewFolder(), {}); }),
              HasSubstr("cuda:99"));
}

TEST_F(TrainingLoopTest, MissingDataFilesAreNamed) {
  TrialFile trial = StatefulTrial();
  trial.spec.data.validate = {"/nowhere/validate0.tfrecord"};
  EXPECT_THAT(ErrorText<DataFilesError>([&] { TrainingLoop(trial, NewFolder(), {}); }),
              HasSubstr("/nowhere/validate0.tfrecord"));
}

TEST_F(TrainingLoopTest, ALabelBeyondTheClassesStopsTheTrial) {
  TrialFile trial = StatefulTrial();
  trial.spec.data.classes = 3;
  TrainingLoop loop(trial, NewFolder(), {});
  EXPECT_THROW(loop.Run(), DataError);
}

}  // namespace
}  // namespace beamgrid::trainer
