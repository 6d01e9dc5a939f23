#include "orchestrator/audit/measured.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "registry/util/json.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TrialResult Result() { return ExampleSuccess().result(); }

TEST(MeasuredTest, TellsNothingOfWhereAndWhen) {
  TrialResult other = Result();
  other.examples_per_second = 1;
  other.wall_seconds = 2;
  other.peak_memory_bytes = 3;
  other.device = "cpu";
  other.threads = 5;
  other.program_version = other.libtorch_version = "6";
  other.stopped_early = true;
  other.artifacts[0].path = "elsewhere/model.pt";
  EXPECT_EQ(Measured(other), Measured(Result()));
  EXPECT_THAT(CanonicalJson(Measured(other)), Not(HasSubstr("model.pt")));
}

TEST(MeasuredTest, WhatEarlierProgramsDidNotMeasureIsNoDifference) {
  TrialResult now = Result();
  now.metrics.accuracy = now.metrics.top_5 = 0.5;
  now.epochs[1].metrics.top_5 = 0.5;
  EXPECT_THAT(Differences(Measured(Result()), Measured(now)), IsEmpty());
  TrialResult other = now;
  other.metrics.top_5 = 0.25;
  const auto differences = Differences(Measured(now), Measured(other));
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].what, "metrics.top_5");
}

TEST(MeasuredTest, EveryMeasuredValueCounts) {
  const auto differs = [](const std::string& what, auto change) {
    TrialResult other = Result();
    change(other);
    const auto differences = Differences(Measured(Result()), Measured(other));
    ASSERT_EQ(differences.size(), 1U) << what;
    EXPECT_EQ(differences[0].what, what);
  };
  differs("metrics.gap", [](TrialResult& r) { r.metrics.gap = 0.5000000000000001; });
  differs("metrics.hit_at_1", [](TrialResult& r) { r.metrics.hit_at_1 = 0; });
  differs("metrics.perr", [](TrialResult& r) { r.metrics.perr = 0; });
  differs("metrics.map", [](TrialResult& r) { r.metrics.map = 0; });
  differs("metrics.segment_map", [](TrialResult& r) { r.metrics.segment_map = 0; });
  differs("metrics.videos", [](TrialResult& r) { r.metrics.videos = 8; });
  differs("validate_loss", [](TrialResult& r) { r.validate_loss = 0; });
  differs("best_epoch", [](TrialResult& r) { r.best_epoch = 1; });
  differs("parameters", [](TrialResult& r) { r.parameters = 1; });
  differs("size_bytes", [](TrialResult& r) { r.size_bytes = 1; });
  differs("examples", [](TrialResult& r) { r.examples = 1; });
  differs("skipped_records", [](TrialResult& r) { r.skipped_records = 0; });
  differs("epochs[1].train_loss", [](TrialResult& r) { r.epochs[1].train_loss = 1; });
  differs("epochs[0].metrics.map", [](TrialResult& r) { r.epochs[0].metrics.map = 1; });
  differs("epochs[2]", [](TrialResult& r) { r.epochs.pop_back(); });
  differs("artifacts.model.bytes", [](TrialResult& r) { r.artifacts[0].bytes = 1; });
  differs("artifacts.predictions.hash", [](TrialResult& r) { r.artifacts[1].hash = "cc"; });
  differs("artifacts.predictions", [](TrialResult& r) { r.artifacts.pop_back(); });
}

TEST(MeasuredTest, BothSidesAreShownExactly) {
  TrialResult other = Result();
  other.metrics.gap = 0.1 + 0.2;
  other.validate_loss = std::numeric_limits<double>::quiet_NaN();
  other.epochs.push_back({.epoch = 4});
  const auto differences = Differences(Measured(Result()), Measured(other));
  ASSERT_EQ(differences.size(), 3U);
  EXPECT_EQ(differences[0].what, "epochs[3]");
  EXPECT_EQ(differences[0].recorded, "nothing");
  EXPECT_EQ(differences[1], (Difference{"metrics.gap", "0.5", "0.30000000000000004"}));
  EXPECT_EQ(differences[2], (Difference{"validate_loss", "2.0", "null"}));
}

TEST(MeasuredTest, NotMeasuredEqualsNotMeasured) {
  TrialResult result = Result();
  result.metrics.segment_map = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(Differences(Measured(result), Measured(result)), IsEmpty());
}

TEST(MeasuredTest, TheEnvironmentIsProgramLibTorchDeviceAndThreads) {
  TrialResult other = Result();
  other.device = "cuda:3 NVIDIA H200";  // another of the kind
  EXPECT_THAT(EnvironmentDifferences(Result(), other), IsEmpty());
  other.device = "cpu Intel(R) Xeon(R) Processor, OpenBLAS SkylakeX";
  other.threads = 1;
  other.program_version = "0.2.0";
  other.libtorch_version = "2.1.0";
  EXPECT_THAT(EnvironmentDifferences(Result(), other),
              ElementsAre(Difference{"device", "\"cuda NVIDIA H200\"",
                                     "\"cpu Intel(R) Xeon(R) Processor, OpenBLAS SkylakeX\""},
                          Difference{"libtorch", "\"1.13.1\"", "\"2.1.0\""},
                          Difference{"program", "\"0.1.0\"", "\"0.2.0\""},
                          Difference{"threads", "2", "1"}));
  EXPECT_EQ(EnvironmentText(Result()),
            "beamgrid 0.1.0, LibTorch 1.13.1, cuda NVIDIA H200, 2 threads");
}

}  // namespace
}  // namespace beamgrid
