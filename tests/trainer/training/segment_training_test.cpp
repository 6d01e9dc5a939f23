// Training on rated segments: what the loss counts and what is measured.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "registry/scoring/segment_map.h"
#include "tests/trainer/training/training_test.h"

namespace beamgrid::trainer {
namespace {

class SegmentTrainingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    torch::set_num_threads(1);
    folder_ = new TemporaryFolder;
    data_ = new DataSpec(WriteData(*folder_ / "data", {.videos = 150,
                                                       .classes = 8,
                                                       .seed = 3,
                                                       .format = "segment",
                                                       .max_frames = 30,
                                                       .min_frames = 10,
                                                       .plants = kNoPlants}));
  }
  static void TearDownTestSuite() {
    delete data_;
    delete folder_;
  }

  static TrialResult Train(const DataSpec& data, const std::string& name,
                           const std::string& objective = "segment_map") {
    TrialFile trial =
        MakeTrial(data, {.train = {{"epochs", 6}, {"batch", 16}, {"learning_rate", 0.03}}});
    trial.spec.objective = objective;
    trial.fingerprint = Fingerprint(trial.spec);
    std::filesystem::create_directories(Folder(name));
    return TrainingLoop(trial, Folder(name), {}).Run();
  }
  static std::filesystem::path Folder(const std::string& name) { return *folder_ / name; }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline DataSpec* data_ = nullptr;
};

/// The metric from the stored predictions and the ratings.
double SegmentMapOf(const Predictions& predictions, const DataSpec& data) {
  Dataset dataset(data, data.validate, LabelPolicy::kRequired);
  SegmentMapAccumulator map(dataset.RatedClasses(), dataset.Size());
  Batches batches(dataset, {.order = BatchOrder::kSequential});
  batches.Start(0);
  for (Batch batch; batches.Next(batch);) {
    for (std::int64_t i = 0; i < batch.Size(); ++i) {
      const std::string& id = batch.ids[static_cast<std::size_t>(i)];
      const auto found = std::ranges::find(predictions.videos, id, &VideoPrediction::id);
      map.AddSparse(found->top, {batch.LabelsOf(i), batch.RatedOf(i)});
    }
  }
  return map.Compute();
}

TEST_F(SegmentTrainingTest, TheBestEpochIsTheOneWithTheBestSegmentMap) {
  const TrialResult result = Train(*data_, "map");
  const auto best = std::ranges::max_element(
      result.epochs, {}, [](const EpochResult& epoch) { return epoch.metrics.segment_map; });
  EXPECT_EQ(result.best_epoch, best->epoch);
  EXPECT_GT(result.metrics.segment_map, 0.5);
  const Predictions predictions = ReadPredictions(Folder("map") / kPredictionsFile);
  EXPECT_NEAR(SegmentMapOf(predictions, *data_), result.metrics.segment_map, 1e-9);
  EXPECT_NE(predictions.videos.at(0).id.find(':'), std::string::npos);
}

TEST_F(SegmentTrainingTest, CellsThatNobodyRatedStayOutOfTheLoss) {
  const TrialResult ignoring = Train(*data_, "ignore", "gap");
  DataSpec counting_data = *data_;
  counting_data.unrated = "negative";
  const TrialResult counting = Train(counting_data, "negative", "gap");
  // One or two of eight cells are rated: the loss begins near one or two times ln 2 instead of 8.
  EXPECT_LT(ignoring.epochs[0].validate_loss, 2);
  EXPECT_GT(counting.epochs[0].validate_loss, 2);
}

TEST_F(SegmentTrainingTest, OtherDataHaveNoSegmentMap) {
  DataSpec frames = *data_;
  frames.format = "frame";  // the same records, by their videos' labels
  EXPECT_TRUE(std::isnan(Train(frames, "frames", "gap").metrics.segment_map));
}

}  // namespace
}  // namespace beamgrid::trainer
