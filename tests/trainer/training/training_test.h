#pragma once
// Small trials on synthetic data, with what is needed to stop them anywhere and to compare them.

#include <gtest/gtest.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "trainer/training/training_loop.h"

namespace beamgrid::trainer {

inline constexpr SynthPlants kNoPlants{
    .lag = 0, .order = 0, .salience = 0, .modes = 0, .change = 0};

class TrainingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    torch::set_num_threads(1);
    folder_ = new TemporaryFolder;
    data_ = new DataSpec(WriteData(*folder_ / "data", {.videos = 250,
                                                       .classes = 8,
                                                       .seed = 3,
                                                       .max_frames = 10,
                                                       .shards = 2,
                                                       .plants = kNoPlants}));
  }
  static void TearDownTestSuite() {
    delete data_;
    delete folder_;
  }

  /// Everything that has a state of its own: batch norm, dropout's random numbers, decay.
  static TrialFile StatefulTrial() {
    return MakeTrial(
        *data_, {.parts = {{"temporal", {"lstm", {{"hidden", 8}}}}, {"classifier", {"moe", {}}}},
                 .extras = {{"dropout", {{"rate", 0.3}}},
                            {"context_gating", {{"batch_norm", true}}},
                            {"gradient_clip", {{"norm", 1.0}}}},
                 .train = {{"epochs", 3},
                           {"batch", 32},
                           {"learning_rate", 0.01},
                           {"decay_examples", 150},
                           {"l2", 1e-4}}});
  }

  static std::filesystem::path NewFolder() {
    static int count = 0;
    const std::filesystem::path path = *folder_ / ("attempt" + std::to_string(++count));
    std::filesystem::create_directories(path);
    return path;
  }

  /// Hooks that stop at the `at`-th time they are asked.
  static LoopHooks StopAt(int at) {
    // Shared: hooks are copied, and all copies must count together.
    return {.stop_requested = [left = std::make_shared<int>(at)] { return --*left <= 0; }};
  }

  static TrialResult RunIn(const std::filesystem::path& folder, const TrialFile& trial,
                           const LoopHooks& hooks = {}) {
    return TrainingLoop(trial, folder, hooks).Run();
  }

  /// What must not depend on how often a trial was stopped.
  static void ExpectSameFiles(const std::filesystem::path& one,
                              const std::filesystem::path& other) {
    for (const char* file : {kModelFile, kPredictionsFile}) {
      EXPECT_EQ(HashFile(one / file), HashFile(other / file)) << file;
    }
    const auto result = [](const std::filesystem::path& folder) {
      boost::json::object json = boost::json::parse(ReadFile(folder / kResultFile)).as_object();
      for (const char* of_the_machine :
           {"examples_per_second", "wall_seconds", "peak_memory_bytes"}) {
        EXPECT_EQ(json.erase(of_the_machine), 1U) << of_the_machine;
      }
      return json;
    };
    EXPECT_EQ(result(one), result(other));
  }

  inline static TemporaryFolder* folder_ = nullptr;
  inline static DataSpec* data_ = nullptr;
};

}  // namespace beamgrid::trainer
