// Learning from a teacher beside the truth: the loss against its equation in double precision, and
// trainings whose teacher says something that the truth does not.

#include "trainer/training/distillation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/trainer/training/training_test.h"
#include "trainer/training/mixing.h"

namespace beamgrid::trainer {
namespace distillation_test {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::int64_t kWidth = 3, kClasses = 4, kVideos = 5;
constexpr double kEpsilon = 1e-5;

DataSpec SmallData() {
  return {.format = "video", .classes = kClasses, .features = {{"mean_rgb", kWidth}}};
}

/// A batch of which each teacher's list has a class or two.
DeviceBatch TaughtBatch() {
  torch::manual_seed(61);
  const Sequence input{torch::randn({kVideos, 1, kWidth}), torch::ones({kVideos, 1}, torch::kBool),
                       torch::ones({kVideos}, torch::kLong)};
  DeviceBatch batch{input, {(torch::rand({kVideos, kClasses}) < 0.4).to(torch::kFloat), {}}};
  batch.teacher =
      torch::rand({kVideos, kClasses}) * (torch::rand({kVideos, kClasses}) < 0.5).to(torch::kFloat);
  return batch;
}

double At(const torch::Tensor& matrix, std::int64_t row, std::int64_t column) {
  return matrix[row][column].item<double>();
}

// ---- The equation -------------------------------------------------------------------------------

/// Loops over cells, each with its label, its teacher's probability, its weight and the model's
/// probability.
using CellLoss = std::function<double(double y, double q, double v, double p)>;

/// The sum over classes, mean over videos, in double.
double Sum(const DeviceBatch& batch, const torch::Tensor& p, const CellLoss& loss) {
  double sum = 0;
  for (std::int64_t b = 0; b < kVideos; ++b) {
    for (std::int64_t c = 0; c < kClasses; ++c) {
      const torch::Tensor& weights = batch.targets.weights;
      sum += loss(At(batch.targets.labels, b, c), At(batch.teacher, b, c),
                  weights.defined() ? At(weights, b, c) : 1, At(p, b, c));
    }
  }
  return sum / static_cast<double>(kVideos);
}

double CrossEntropyOf(double target, double p) {
  return -(target * std::log(p + kEpsilon) + (1 - target) * std::log(1 - p + kEpsilon));
}

/// The loss of a logistic model and its gradient in the classifier's bias.
struct Taught {
  double loss;
  torch::Tensor gradient;       ///< [classes]
  torch::Tensor probabilities;  ///< [batch, classes]
};

Taught Teach(const DeviceBatch& batch, double weight, const Parts& parts = {}) {
  torch::manual_seed(62);
  Model model(MakeModel(parts), SmallData());
  model.train();
  const ModelOutput output = model.forward(batch.input, batch.targets);
  const torch::Tensor loss = model.TotalLoss(output, {batch.targets}, {{batch.teacher}, weight});
  loss.backward();
  return {loss.item<double>(), model.named_parameters()["classifier.linear.bias"].grad().clone(),
          output.probabilities.detach().to(torch::kDouble)};
}

// Hinton et al. 2015: the label is (1 - w) y + w q.
TEST(Distillation, HasTheCrossEntropyOfTheMixedLabel) {
  for (const bool weighted : {false, true}) {
    DeviceBatch batch = TaughtBatch();
    if (weighted) batch.targets.weights = torch::rand({kVideos, kClasses});
    for (const double w : {0.0, 0.3, 1.0}) {
      const Taught taught = Teach(batch, w);
      EXPECT_NEAR(taught.loss,
                  Sum(batch, taught.probabilities,
                      [w](double y, double q, double v, double p) {
                        return v * CrossEntropyOf((1 - w) * y + w * q, p);
                      }),
                  1e-5);
      // In the bias of a class: the sum over videos of dL/dp p (1 - p).
      for (std::int64_t c = 0; c < kClasses; ++c) {
        double expected = 0;
        for (std::int64_t b = 0; b < kVideos; ++b) {
          const double t = (1 - w) * At(batch.targets.labels, b, c) + w * At(batch.teacher, b, c);
          const double p = At(taught.probabilities, b, c);
          const double v = weighted ? At(batch.targets.weights, b, c) : 1;
          expected += v * (-t / (p + kEpsilon) + (1 - t) / (1 - p + kEpsilon)) * p * (1 - p);
        }
        EXPECT_NEAR(taught.gradient[c].item<double>(), expected / kVideos, 1e-5) << c;
      }
    }
  }
}

// The teacher's share is plain cross entropy whatever the loss against the truth is.
TEST(Distillation, LeavesOtherLossesToTheTruth) {
  const DeviceBatch batch = TaughtBatch();
  const double delta = 0.5;
  const Taught taught =
      Teach(batch, 0.25, {.parts = {{"loss", {"pseudo_huber", {{"delta", delta}}}}}});
  EXPECT_NEAR(taught.loss,
              Sum(batch, taught.probabilities,
                  [delta](double y, double q, double, double p) {
                    const double truth = CrossEntropyOf(y, p);
                    const double huber =
                        delta * delta * (std::sqrt(1 + truth * truth / (delta * delta)) - 1);
                    return 0.75 * huber + 0.25 * CrossEntropyOf(q, p);
                  }),
              1e-5);
}

TEST(Distillation, OutsideTrainingTheTruthAloneCounts) {
  const DeviceBatch batch = TaughtBatch();
  torch::manual_seed(62);
  Model model(MakeModel({}), SmallData());
  model.eval();
  const ModelOutput output = model.forward(batch.input, {});
  EXPECT_EQ(model.TotalLoss(output, {batch.targets}, {{batch.teacher}, 0.5}).item<double>(),
            model.TotalLoss(output, batch.targets).item<double>());
}

TEST(Distillation, MixedExamplesLearnFromBothTeachers) {
  const DeviceBatch batch = TaughtBatch();
  torch::manual_seed(63);
  const MixedBatch mixed = Mix(batch, 0.7);
  ASSERT_EQ(mixed.teachers.size(), 2U);
  torch::manual_seed(62);
  Model model(MakeModel({}), SmallData());
  model.train();
  const ModelOutput output = model.forward(mixed.input, mixed.targets[0]);
  const double loss = model.TotalLoss(output, mixed.targets, {mixed.teachers, 1.0}).item<double>();
  double expected = 0;
  for (std::int64_t b = 0; b < kVideos; ++b) {
    for (std::int64_t c = 0; c < kClasses; ++c) {
      const double share = At(mixed.targets[0].weights, b, c);
      const double q =
          share * At(mixed.teachers[0], b, c) + (1 - share) * At(mixed.teachers[1], b, c);
      expected += CrossEntropyOf(q, At(output.probabilities, b, c)) / kVideos;
    }
  }
  EXPECT_NEAR(loss, expected, 1e-5);
  // The partner's teacher is the one of the example that its labels are of.
  for (std::int64_t b = 0; b < kVideos; ++b) {
    std::int64_t partner = -1;
    for (std::int64_t other = 0; other < kVideos; ++other) {
      if (mixed.teachers[1][b].equal(batch.teacher[other])) partner = other;
    }
    ASSERT_GE(partner, 0);
    EXPECT_TRUE(mixed.targets[1].labels[b].equal(batch.targets.labels[partner]));
  }
  EXPECT_TRUE(Mix({batch.input, batch.targets}, 0.7).teachers.empty());
  EXPECT_TRUE(Mix(batch, 0).teachers.at(0).equal(batch.teacher));
}

// ---- Trainings with a teacher's file ------------------------------------------------------------

class DistillationTest : public TrainingTest {
 protected:
  using Rule = std::function<std::string(const std::string& id, std::span<const std::int32_t>)>;

  /// Writes a teacher that says `rule` of each training example, backwards.
  static NamedFile WriteTeacher(const DataSpec& data, const Rule& rule,
                                const std::string& name = "t.csv") {
    Dataset train(data, data.train, LabelPolicy::kRequired);
    Batches batches(train, {.order = BatchOrder::kSequential});
    batches.Start(0);
    std::string rows;
    for (Batch batch; batches.Next(batch);) {
      for (std::int64_t video = 0; video < batch.Size(); ++video) {
        const std::string& id = batch.ids[static_cast<std::size_t>(video)];
        rows = id + "," + rule(id, batch.LabelsOf(video)) + "\n" + rows;
      }
    }
    WriteFileAtomically(*folder_ / name, "VideoId,LabelConfidencePairs\n" + rows);
    return LookAtFile(name, folder_->path());
  }
  /// Half of a video's probability to its labels, a tenth to the classes behind them.
  static std::string Soft(const std::string& /*id*/, std::span<const std::int32_t> labels) {
    std::string list;
    for (const std::int32_t label : labels) list += " " + std::to_string(label) + " 0.5";
    for (const std::int32_t label : labels) {
      const std::int32_t behind = (label + 1) % 8;
      if (std::ranges::find(labels, behind) == labels.end())
        list += " " + std::to_string(behind) + " 0.1";
    }
    return list;
  }
  static TrialFile Taught(TrialFile trial, const NamedFile& teacher, double weight = 0.5) {
    trial.spec.model.train["teacher"] = ToJson(teacher);
    trial.spec.model.train["teacher_weight"] = weight;
    trial.fingerprint = Fingerprint(trial.spec);
    return trial;
  }
  /// GAP of the stored predictions against labels that are `shift` further on.
  static double GapOfLabels(const std::filesystem::path& folder, std::int32_t shift) {
    const Predictions predictions = ReadPredictions(folder / kPredictionsFile);
    Truth truth;
    for (const VideoPrediction& video : predictions.videos) {
      for (const std::int32_t label : video.labels) {
        truth[video.id].push_back((label + shift) % 8);
      }
      std::ranges::sort(truth[video.id]);
    }
    return Score(predictions, truth).gap;
  }
};

// Shuffled, in frames: each list must reach its own video.
TEST_F(DistillationTest, TheTeacherIsLearntInsteadOfTheTruth) {
  const NamedFile teacher =
      WriteTeacher(*data_, [](const std::string&, std::span<const std::int32_t> labels) {
        std::string list;
        for (const std::int32_t label : labels)
          list += " " + std::to_string((label + 3) % 8) + " 1";
        return list;
      });
  // One epoch: of several the one is kept that the truth likes best.
  const TrialFile trial =
      MakeTrial(*data_, {.train = {{"epochs", 1}, {"batch", 2}, {"learning_rate", 0.03}}});
  const std::filesystem::path plain = NewFolder(), taught = NewFolder(), ignored = NewFolder();
  RunIn(plain, trial);
  RunIn(taught, Taught(trial, teacher, 1));
  EXPECT_GT(GapOfLabels(taught, 3), GapOfLabels(taught, 0) + 0.2);
  EXPECT_NEAR(GapOfLabels(taught, 3), GapOfLabels(plain, 0), 0.1);
  // A teacher that weighs nothing changes no bit of the model.
  RunIn(ignored, Taught(trial, teacher, 0));
  EXPECT_EQ(HashFile(ignored / kModelFile), HashFile(plain / kModelFile));
}

TEST_F(DistillationTest, TheSameTeacherGivesTheSameBits) {
  const NamedFile teacher = WriteTeacher(*data_, Soft);
  const std::filesystem::path one = NewFolder(), other = NewFolder(), half = NewFolder();
  RunIn(one, Taught(StatefulTrial(), teacher));
  torch::rand(17);
  RunIn(other, Taught(StatefulTrial(), teacher));
  ExpectSameFiles(one, other);
  RunIn(half, Taught(StatefulTrial(), teacher, 0.25));
  EXPECT_NE(HashFile(one / kModelFile), HashFile(half / kModelFile));
}

TEST_F(DistillationTest, StoppedAnywhereItEndsInTheSameBits) {
  TrialFile trial = StatefulTrial();
  trial.spec.model.train["mix"] = 0.4;
  trial = Taught(trial, WriteTeacher(*data_, Soft));
  const std::filesystem::path whole = NewFolder();
  RunIn(whole, trial);
  for (const int stop : {1, 4, 9, 12, 27}) {
    SCOPED_TRACE("stopped at question " + std::to_string(stop));
    const std::filesystem::path folder = NewFolder();
    EXPECT_THROW(RunIn(folder, trial, StopAt(stop)), Interrupted);
    RunIn(folder, trial);
    ExpectSameFiles(whole, folder);
  }
}

TEST_F(DistillationTest, SegmentsHaveListsOfTheirOwn) {
  const DataSpec data = WriteData(*folder_ / "segments", {.videos = 60,
                                                          .classes = 8,
                                                          .seed = 3,
                                                          .format = "segment",
                                                          .max_frames = 30,
                                                          .min_frames = 10,
                                                          .plants = kNoPlants});
  std::string id_seen;
  const NamedFile teacher = WriteTeacher(
      data,
      [&](const std::string& id, std::span<const std::int32_t> labels) {
        id_seen = id;
        return Soft(id, labels);
      },
      "segments.csv");
  EXPECT_THAT(id_seen, HasSubstr(":"));
  TrialFile trial = MakeTrial(data, {.train = {{"epochs", 2}, {"batch", 16}}});
  const std::filesystem::path plain = NewFolder(), taught = NewFolder();
  RunIn(plain, trial);
  RunIn(taught, Taught(trial, teacher));
  EXPECT_NE(HashFile(plain / kModelFile), HashFile(taught / kModelFile));
}

TEST_F(DistillationTest, ATeacherThatCannotBeUsedIsRefused) {
  const auto refusal = [](const NamedFile& teacher) {
    const std::filesystem::path folder = NewFolder();
    return ErrorText<DataFilesError>([&] { RunIn(folder, Taught(StatefulTrial(), teacher)); });
  };
  const NamedFile sound = WriteTeacher(*data_, Soft, "refused.csv");
  const std::filesystem::path path = *folder_ / "refused.csv";
  const std::string rows = ReadFile(path);
  const auto with = [&](const std::string& content) {
    WriteFileAtomically(path, content);
    return LookAtFile("refused.csv", folder_->path());
  };
  EXPECT_THAT(refusal(with(rows + "other,8 0.5\n")),
              AllOf(HasSubstr("train.teacher: " + path.string() + ":202: "),
                    HasSubstr("label 8 is none of the data's 8 classes")));
  EXPECT_THAT(refusal(with(rows + "other,7 nan\n")), HasSubstr(":202: confidence 'nan'"));
  EXPECT_THAT(refusal(with(rows.substr(0, rows.rfind('\n', rows.size() - 2) + 1))),
              HasSubstr("has no list for the training example '"));
  EXPECT_THAT(refusal(sound), HasSubstr("has changed since the trial was planned"));
  std::filesystem::remove(path);
  EXPECT_THAT(refusal(sound), HasSubstr("there is no such file"));
}

}  // namespace distillation_test
}  // namespace beamgrid::trainer
