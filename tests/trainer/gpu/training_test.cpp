// A trial on a GPU: it learns what the CPU learns, and gives the same bits again. Skipped where
// there is no GPU.

#include <gtest/gtest.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "trainer/training/device.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {
namespace {

class GpuTrainingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
    static const bool prepared = [] {
      PrepareProcess(1);
      return true;
    }();
    static_cast<void>(prepared);
    trial_ = MakeTrial(WriteData(folder_ / "data", {.videos = 250, .classes = 8, .max_frames = 10}),
                       {.parts = {{"temporal", {"lstm", {{"hidden", 16}}}}},
                        .extras = {{"dropout", {{"rate", 0.2}}}},
                        .train = {{"epochs", 4}, {"batch", 16}, {"learning_rate", 0.01}}});
    trial_.device = "cuda:0";
  }

  TrialResult RunIn(const std::string& name, const LoopHooks& hooks = {}) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path);
    return TrainingLoop(trial_, path, hooks).Run();
  }

  void ExpectSameBitsWhenStopped() {
    RunIn("whole");
    int left = 20;
    EXPECT_THROW(RunIn("stopped", {.stop_requested = [&] { return --left <= 0; }}), Interrupted);
    RunIn("stopped");
    for (const char* file : {kModelFile, kPredictionsFile}) {
      EXPECT_EQ(HashFile(folder_ / "whole" / file), HashFile(folder_ / "stopped" / file)) << file;
    }
  }

  TemporaryFolder folder_;
  TrialFile trial_;
};

TEST_F(GpuTrainingTest, LearnsWhatTheCpuLearns) {
  const TrialResult gpu = RunIn("gpu");
  EXPECT_TRUE(gpu.device.starts_with("cuda:0 ")) << gpu.device;
  EXPECT_GT(gpu.peak_memory_bytes, 0);
  trial_.device = "cpu";
  // Dropout draws other numbers on another device.
  EXPECT_NEAR(gpu.metrics.gap, RunIn("cpu").metrics.gap, 0.15);
}

TEST_F(GpuTrainingTest, StoppedItEndsInTheSameBits) { ExpectSameBitsWhenStopped(); }

TEST_F(GpuTrainingTest, AveragedAndQuantisedItEndsInTheSameBits) {
  ModelSpec& model = trial_.spec.model;
  model.parts["temporal"].options["hidden"] = 72;  // 4 * 72 * 72 > 17,000
  model.train["ema"] = 0.9;
  model.train["average_checkpoints"] = 2;
  model.train["precision"] = "int8";
  ExpectSameBitsWhenStopped();
}

TEST_F(GpuTrainingTest, TaughtItEndsInTheSameBits) {
  const DataSpec& data = trial_.spec.data;
  Dataset train(data, data.train, LabelPolicy::kRequired);
  Batches batches(train, {.order = BatchOrder::kSequential});
  batches.Start(0);
  std::string rows = "VideoId,LabelConfidencePairs\n";
  for (Batch batch; batches.Next(batch);) {
    for (const std::string& id : batch.ids) rows += id + ",3 0.75 5 0.5 0 0.125\n";
  }
  WriteFileAtomically(folder_ / "t.csv", rows);
  trial_.spec.model.train["teacher"] = ToJson(LookAtFile("t.csv", folder_.path()));
  ExpectSameBitsWhenStopped();
}

}  // namespace
}  // namespace beamgrid::trainer
