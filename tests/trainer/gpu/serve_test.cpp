// On a GPU too a process that carried out other trials gives the bits of a new one. Skipped where
// there is no GPU.

#include <gtest/gtest.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "tests/trainer/worker/trainer_program.h"

namespace beamgrid::trainer {
namespace {

TEST(GpuServeTest, EachTrialEndsInTheBitsOfAProcessOfItsOwn) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  const TemporaryFolder folder;
  const DataSpec data = WriteData(folder / "data", {.videos = 250, .classes = 8, .max_frames = 10});
  std::vector<TrialFile> trials;
  for (const char* temporal : {"lstm", "netvlad", "mean"}) {
    trials.push_back(MakeTrial(data, {.parts = {{"temporal", {temporal, {}}}},
                                      .extras = {{"dropout", {{"rate", 0.2}}}},
                                      .train = {{"epochs", 2}, {"batch", 16}}}));
    trials.back().device = "cuda:0";
  }
  const auto attempt = [&](const std::string& name, std::size_t trial) {
    const std::filesystem::path path = folder / (name + std::to_string(trial));
    WriteFileAtomically(path / kTrialFile, boost::json::serialize(ToJson(trials[trial])));
    return path;
  };
  TrainerProgram worker({"serve"});
  for (const std::size_t trial : {2U, 0U, 1U}) {
    worker.Say(attempt("kept", trial).string());
    ASSERT_TRUE(worker.AwaitMessage<Ready>());
  }
  for (std::size_t trial = 0; trial < trials.size(); ++trial) {
    const std::filesystem::path fresh = attempt("fresh", trial);
    ASSERT_EQ(RunTrainer({"train", fresh.string()}).exit, 0);
    for (const char* file : {kModelFile, kPredictionsFile}) {
      EXPECT_EQ(HashFile(fresh / file), HashFile(folder / ("kept" + std::to_string(trial)) / file))
          << trial << " " << file;
    }
  }
}

}  // namespace
}  // namespace beamgrid::trainer
