#include "orchestrator/machine/machine_resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace machine_resources_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr TrialId kA{1}, kB{2};
constexpr std::int64_t kMebibyte = 1 << 20;

/// A machine of 1,000 MiB, 600 of them free, that other studies may use too.
class MachineResourcesTest : public ::testing::Test {
 protected:
  MachineResourcesTest() {
    SetFree(600);
    sources_.meminfo = folder_ / "meminfo";
    sources_.own_cgroup = folder_ / "no-cgroup";
    sources_.nvml = "no-such-library.so";
    memory_ = std::make_unique<DeviceMemory>(sources_);
  }

  void SetFree(std::int64_t mebibytes) {
    std::ofstream(folder_ / "meminfo") << "MemTotal: " << 1000 * 1024 << " kB\n"
                                       << "MemAvailable: " << mebibytes * 1024 << " kB\n";
  }
  MachineResources Resources(std::size_t slots, std::int64_t cores, MachineShare& share) {
    return {data_,
            std::vector<Slot>(slots, kCpu),
            cores,
            [this] { return ForecastFrom(store_); },
            *memory_,
            &share,
            [this](const std::string& line) { warnings_.push_back(line); }};
  }
  MachineShare Join(const std::string& study) {
    return {folder_ / "share", study, 1, ShareMode::kWaitForSlots, [this] { return now_; }};
  }

  const Slot kCpu{"cpu", 1};
  TemporaryFolder folder_;
  std::chrono::milliseconds now_{0};
  MemorySources sources_;
  std::unique_ptr<DeviceMemory> memory_;
  std::vector<std::string> warnings_;
  DataSpec data_ = ExampleTrial().data;
  Store store_{":memory:", OpenMode::kReadWrite};
};

TEST_F(MachineResourcesTest, TrialsMayUseWhatIsFreeLessAReserve) {
  MachineShare share = Join("s");
  MachineResources resources = Resources(2, 2, share);
  EXPECT_THAT(resources.Budgets(), ElementsAre(Pair("cpu", 550 * kMebibyte)));
  EXPECT_EQ(resources.Summary(), "2 slots on cpu (0.6 GiB free)");
}

TEST_F(MachineResourcesTest, AnotherStudysWorkersTakeTheirCores) {
  MachineShare theirs = Join("theirs"), ours = Join("ours");
  MachineResources first = Resources(2, 2, theirs), second = Resources(2, 2, ours);
  EXPECT_TRUE(first.Take(kA, kCpu, {}));
  EXPECT_TRUE(first.Take(kB, kCpu, {}));
  EXPECT_FALSE(second.Take(kA, kCpu, {}));
  EXPECT_THAT(second.RefusalText(),
              AllOf(HasSubstr("held by study 'theirs' (pid "), HasSubstr("--no-wait")));
  first.GiveBack(kB);
  EXPECT_TRUE(second.Take(kA, kCpu, {}));
  EXPECT_FALSE(first.Take(kB, kCpu, {}));
}

TEST_F(MachineResourcesTest, OthersPassAStudyWhoseTrialsWaitNoMore) {
  MachineShare theirs = Join("theirs"), ours = Join("ours");
  MachineResources first = Resources(1, 1, theirs), second = Resources(1, 1, ours);
  EXPECT_TRUE(first.Take(kA, kCpu, {}));
  EXPECT_FALSE(second.Take(kA, kCpu, {}));
  now_ += std::chrono::seconds(1);
  first.GiveBack(kA);
  second.SetWaiting(1);
  EXPECT_FALSE(first.Take(kA, kCpu, {}));
  second.SetWaiting(0);
  EXPECT_TRUE(first.Take(kA, kCpu, {}));
}

TEST_F(MachineResourcesTest, WhoAsksForMoreSlotsThanCoresGetsThem) {
  MachineShare share = Join("s");
  MachineResources resources = Resources(3, 1, share);
  for (const std::int64_t id : {1, 2, 3}) EXPECT_TRUE(resources.Take(TrialId{id}, kCpu, {}));
}

TEST_F(MachineResourcesTest, AStudyGoesOnWhereTheShareBreaks) {
  MachineShare share = Join("s");
  MachineResources resources = Resources(2, 2, share);
  EXPECT_TRUE(resources.Take(kA, kCpu, {}));
  std::filesystem::permissions(folder_ / "share", std::filesystem::perms::all);
  EXPECT_TRUE(resources.Take(kB, kCpu, {}));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("the machine is not shared with other studies: ")));
  resources.GiveBack(kA);
  EXPECT_TRUE(resources.Take(kA, kCpu, {}));
  EXPECT_EQ(warnings_.size(), 1U) << "said once";
}

TEST_F(MachineResourcesTest, MemoryThatOthersFilledMeanwhileIsHeeded) {
  MachineShare share = Join("s");
  MachineResources resources = Resources(2, 2, share);
  SetFree(100);
  const TrialNeeds needs{.memory_bytes = {{"cpu", 200 * kMebibyte}}};
  EXPECT_TRUE(resources.Take(kA, kCpu, needs)) << "the first is tried: waiting would not help";
  EXPECT_FALSE(resources.Take(kB, kCpu, needs));
  EXPECT_THAT(resources.RefusalText(), HasSubstr("too little of its memory is free"));
  SetFree(300);
  EXPECT_TRUE(resources.Take(kB, kCpu, needs));
}

TEST_F(MachineResourcesTest, ForecastsAreCorrectedByTheRecord) {
  const NewTrial trial = ExampleNewTrial();
  MachineShare share = Join("s");
  const TrialNeeds before = Resources(1, 1, share).Needs(trial.spec.model, trial.parameters);
  const TrialId id = store_.AddTrials(store_.OpenStudy(ExampleStudy()), {trial})[0];
  const std::int64_t attempt = store_.BeginAttempt(id, "runs/1", "cpu", 1);
  AttemptOutcome outcome = ExampleSuccess();
  outcome.result().device = "cpu";
  outcome.result().peak_memory_bytes = 7000 * kMebibyte;
  store_.FinishAttempt(id, attempt, outcome, TrialState::kComplete);
  const TrialNeeds after = Resources(1, 1, share).Needs(trial.spec.model, trial.parameters);
  EXPECT_LT(before.memory_bytes.at("cpu"), 7000 * kMebibyte);
  EXPECT_GE(after.memory_bytes.at("cpu"), 7000 * kMebibyte);
  EXPECT_EQ(
      ForecastFrom(store_, id).Of(trial.spec.model, data_, trial.parameters, "cpu").memory_bytes,
      before.memory_bytes.at("cpu"))
      << "a trial's own measurement can be left out";
}

TEST_F(MachineResourcesTest, WhatIsLearntInTheRunLeavesWhatWasKnownBefore) {
  const NewTrial trial = ExampleNewTrial();
  MachineShare share = Join("s");
  AttemptOutcome outcome = ExampleSuccess();
  outcome.result().device = "cpu";
  TrialResult slower = outcome.result();
  slower.wall_seconds *= 9;
  slower.examples_per_second /= 9;
  MachineResources unknown = Resources(1, 1, share);
  unknown.Learn(trial.spec.model, slower);
  EXPECT_EQ(unknown.Needs(trial.spec.model, trial.parameters).seconds_before, 0)
      << "nothing was measured before";
  const StudyId study = store_.OpenStudy(ExampleStudy());
  const TrialId id = store_.AddTrials(study, {trial}).front();
  store_.FinishAttempt(id, store_.BeginAttempt(id, "runs", "cpu", 1), outcome,
                       TrialState::kComplete);
  MachineResources resources = Resources(1, 1, share);
  const TrialNeeds before = resources.Needs(trial.spec.model, trial.parameters);
  EXPECT_GT(before.seconds, 0);
  EXPECT_EQ(before.seconds_before, before.seconds);
  resources.Learn(trial.spec.model, slower);
  const TrialNeeds after = resources.Needs(trial.spec.model, trial.parameters);
  EXPECT_GT(after.seconds, 4 * before.seconds);
  EXPECT_EQ(after.seconds_before, before.seconds);
}

TEST_F(MachineResourcesTest, WhatOtherPartsTookIsNoMeasureOfTime) {
  const NewTrial trial = ExampleNewTrial();
  MachineShare share = Join("s");
  MachineResources resources = Resources(1, 1, share);
  EXPECT_FALSE(resources.Needs(trial.spec.model, trial.parameters).measured);
  TrialResult result = ExampleSuccess().result();
  result.device = "cpu";
  resources.Learn(trial.spec.model, result);
  EXPECT_TRUE(resources.Needs(trial.spec.model, trial.parameters).measured);
  ModelSpec other = trial.spec.model;
  other.parts.at("temporal").component = "another";
  const TrialNeeds needs = resources.Needs(other, trial.parameters);
  EXPECT_FALSE(needs.measured);
  EXPECT_GT(needs.seconds, 0) << "it still tells the longer trial from the shorter one";
}

}  // namespace machine_resources_test
}  // namespace beamgrid
