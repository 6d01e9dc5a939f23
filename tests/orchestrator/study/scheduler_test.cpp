#include "orchestrator/study/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/scheduler_simulation.h"

namespace beamgrid {
namespace scheduler_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TrialId kA{1}, kB{2}, kC{3};

std::vector<Slot> CpuSlots(std::size_t count) { return std::vector<Slot>(count, {"cpu", 1}); }

AttemptOutcome Complete() { return {TrialResult{}}; }
AttemptOutcome Failure(FailureKind kind) { return {AttemptFailure{.kind = kind}}; }

std::string Id(TrialId trial) { return std::to_string(static_cast<std::int64_t>(trial)); }

/// A scheduler whose events answer, as texts, with what follows from them: "finish 1 complete",
/// "start 1@0", ... in this order.
class TellingScheduler : public Scheduler {
 public:
  using Scheduler::Scheduler;
  using Texts = std::vector<std::string>;

  Texts OnTrialAdded(TrialId trial, std::int64_t failed_attempts, const TrialNeeds& needs = {}) {
    Scheduler::OnTrialAdded(trial, failed_attempts, needs);
    return Starts();
  }
  Texts OnAttemptEnded(TrialId trial, const AttemptOutcome& outcome) {
    const AfterAttempt after = Scheduler::OnAttemptEnded(trial, outcome);
    if (after.state != TrialState::kWaiting) {
      return Starts({"finish " + Id(trial) + " " + ToString(after.state)});
    }
    if (!after.retry) return Starts();
    return Starts({"retry " + Id(trial) + " after " + std::to_string(after.failed_attempts) +
                   (after.alone ? " alone" : "")});
  }
  Texts OnTrialWithdrawn(TrialId trial) {
    Scheduler::OnTrialWithdrawn(trial);
    return Starts();
  }
  Texts OnStartRefused(TrialId trial) {
    Scheduler::OnStartRefused(trial);
    return Starts();
  }
  Texts OnDevicesFreed() {
    Scheduler::OnDevicesFreed();
    return Starts();
  }
  Texts OnNeedsChanged(TrialId trial, const TrialNeeds& needs) {
    Scheduler::OnNeedsChanged(trial, needs);
    return Starts();
  }
  Texts OnInterrupt() {
    Texts texts;
    for (const TrialId trial : Scheduler::OnInterrupt()) texts.push_back("cancel " + Id(trial));
    return Starts(std::move(texts));
  }

 private:
  Texts Starts(Texts texts = {}) {
    while (const std::optional<StartAttempt> start = NextStart()) {
      texts.push_back("start " + Id(start->trial) + "@" + std::to_string(start->slot));
    }
    return texts;
  }
};

TEST(Scheduler, FillsSlotsInTheOrderOfArrival) {
  TellingScheduler scheduler(CpuSlots(2), 0);
  EXPECT_THAT(scheduler.OnTrialAdded(kA, 0), ElementsAre("start 1@0"));
  EXPECT_THAT(scheduler.OnTrialAdded(kB, 0), ElementsAre("start 2@1"));
  EXPECT_THAT(scheduler.OnTrialAdded(kC, 0), IsEmpty());
  EXPECT_EQ(scheduler.free_slots(), 0);
  EXPECT_THAT(scheduler.OnAttemptEnded(kB, Complete()),
              ElementsAre("finish 2 complete", "start 3@1"));
  EXPECT_EQ(scheduler.counts().complete, 1);
  EXPECT_EQ(scheduler.counts().running, 2);
  scheduler.SanityCheck();
}

TEST(Scheduler, RetriesACrashAsOftenAsAllowed) {
  TellingScheduler scheduler(CpuSlots(1), 2);
  (void)scheduler.OnTrialAdded(kA, 0);
  const AttemptOutcome crash = Failure(FailureKind::kCrashed);
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, crash), ElementsAre("retry 1 after 1", "start 1@0"));
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, crash), ElementsAre("retry 1 after 2", "start 1@0"));
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, crash), ElementsAre("finish 1 failed"));
  EXPECT_TRUE(scheduler.idle());
}

TEST(Scheduler, FailuresOfEarlierRunsCount) {
  TellingScheduler scheduler(CpuSlots(1), 1);
  (void)scheduler.OnTrialAdded(kA, 1);
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, Failure(FailureKind::kHung)),
              ElementsAre("finish 1 failed"));
}

TEST(Scheduler, NeverRetriesWhatCannotSucceed) {
  for (const FailureKind kind :
       {FailureKind::kDiverged, FailureKind::kBadSpec, FailureKind::kBadData}) {
    TellingScheduler scheduler(CpuSlots(1), 5);
    (void)scheduler.OnTrialAdded(kA, 0);
    EXPECT_THAT(scheduler.OnAttemptEnded(kA, Failure(kind)), ElementsAre("finish 1 failed"))
        << ToString(kind);
  }
}

TEST(Scheduler, InterruptedAttemptsCostNoTryButNotForEver) {
  TellingScheduler scheduler(CpuSlots(1), 0);
  (void)scheduler.OnTrialAdded(kA, 0);
  const AttemptOutcome interrupted = Failure(FailureKind::kInterrupted);
  for (std::int64_t restart = 0; restart < Scheduler::kFreeRestarts; ++restart) {
    EXPECT_THAT(scheduler.OnAttemptEnded(kA, interrupted),
                ElementsAre("retry 1 after 0", "start 1@0"));
  }
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, interrupted), ElementsAre("finish 1 failed"));
}

TEST(Scheduler, AnInterruptCancelsTheRunningAndStartsNothingMore) {
  TellingScheduler scheduler(CpuSlots(2), 1);
  (void)scheduler.OnTrialAdded(kA, 0);
  (void)scheduler.OnTrialAdded(kB, 0);
  (void)scheduler.OnTrialAdded(kC, 0);
  EXPECT_THAT(scheduler.OnInterrupt(), ElementsAre("cancel 1", "cancel 2"));
  EXPECT_THAT(scheduler.OnInterrupt(), IsEmpty());
  EXPECT_FALSE(scheduler.idle());
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, Failure(FailureKind::kInterrupted)), IsEmpty());
  EXPECT_THAT(scheduler.OnAttemptEnded(kB, Complete()), ElementsAre("finish 2 complete"));
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(scheduler.counts().waiting, 2);
  scheduler.SanityCheck();
}

TEST(Scheduler, AWithdrawnTrialMakesRoomAndMayComeBack) {
  TellingScheduler scheduler(CpuSlots(1), 0);
  (void)scheduler.OnTrialAdded(kA, 0);
  (void)scheduler.OnTrialAdded(kB, 0);
  EXPECT_THAT(scheduler.OnTrialWithdrawn(kA), ElementsAre("start 2@0"));
  scheduler.SanityCheck();
  EXPECT_THAT(scheduler.OnTrialAdded(kA, 0), IsEmpty());
  EXPECT_THROW((void)scheduler.OnTrialWithdrawn(kA), std::logic_error);
  EXPECT_EQ(scheduler.counts().waiting, 1);
  EXPECT_EQ(scheduler.counts().running, 1);
  scheduler.SanityCheck();
}

TEST(Scheduler, ImpossibleEventsAreRefused) {
  TellingScheduler scheduler(CpuSlots(1), 0);
  EXPECT_THROW((void)scheduler.OnAttemptEnded(kA, Complete()), std::logic_error);
  (void)scheduler.OnTrialAdded(kA, 0);
  EXPECT_THROW((void)scheduler.OnTrialAdded(kA, 0), std::logic_error);
  (void)scheduler.OnTrialAdded(kB, 0);
  EXPECT_THROW((void)scheduler.OnAttemptEnded(kB, Complete()), std::logic_error);
}

TEST(Scheduler, OutOfMemoryIsTriedOnceMoreAlone) {
  TellingScheduler scheduler(CpuSlots(2), 0);
  (void)scheduler.OnTrialAdded(kA, 0);
  (void)scheduler.OnTrialAdded(kB, 0);
  const AttemptOutcome out_of_memory = Failure(FailureKind::kOutOfMemory);
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, out_of_memory), ElementsAre("retry 1 after 1 alone"));
  EXPECT_THAT(scheduler.OnTrialAdded(kC, 0), IsEmpty()) << "the device empties for A";
  EXPECT_THAT(scheduler.OnAttemptEnded(kB, Complete()),
              ElementsAre("finish 2 complete", "start 1@0"));
  EXPECT_EQ(scheduler.free_slots(), 0) << "nobody joins A";
  scheduler.SanityCheck();
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, out_of_memory),
              ElementsAre("finish 1 failed", "start 3@0"));
}

TEST(Scheduler, AfterARestartATrialIsStillAlone) {
  TellingScheduler scheduler(CpuSlots(2), 3);
  (void)scheduler.OnTrialAdded(kA, 1, {.alone = true});
  EXPECT_THAT(scheduler.OnTrialAdded(kB, 0), IsEmpty());
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, Failure(FailureKind::kOutOfMemory)),
              ElementsAre("finish 1 failed", "start 2@0"));
}

TEST(Scheduler, WhereNothingIsSharedNobodyWaitsForATrialThatIsAlone) {
  TellingScheduler scheduler(std::vector<Slot>(3, {"cpu", 1, false}), 1, {{"cpu", 10}});
  const TrialNeeds large{.memory_bytes = {{"cpu", 8}}};
  EXPECT_THAT(scheduler.OnTrialAdded(kA, 0, large), ElementsAre("start 1@0"));
  EXPECT_THAT(scheduler.OnTrialAdded(kB, 0, large), ElementsAre("start 2@1"));
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, Failure(FailureKind::kOutOfMemory)),
              ElementsAre("retry 1 after 1 alone", "start 1@0"));
  EXPECT_THAT(scheduler.OnTrialAdded(kC, 0), ElementsAre("start 3@2"));
  scheduler.SanityCheck();
}

TEST(Scheduler, AnAttemptThatIsAtWorkAlreadyTakesASlot) {
  TellingScheduler scheduler(CpuSlots(2), 1);
  EXPECT_EQ(scheduler.OnTrialAdopted(kA, 0, {}, "cuda:0"), std::nullopt);
  EXPECT_EQ(scheduler.OnTrialAdopted(kA, 0, {}, "cpu"), 0U);
  EXPECT_EQ(scheduler.counts().running, 1);
  EXPECT_THAT(scheduler.OnTrialAdded(kB, 0), ElementsAre("start 2@1"));
  EXPECT_EQ(scheduler.OnTrialAdopted(kC, 0, {}, "cpu"), std::nullopt);
  scheduler.SanityCheck();
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, Complete()), ElementsAre("finish 1 complete"));
  EXPECT_THROW((void)scheduler.OnTrialAdopted(kB, 0, {}, "cpu"), std::logic_error);
  (void)scheduler.OnInterrupt();
  EXPECT_EQ(scheduler.OnTrialAdopted(kC, 0, {}, "cpu"), std::nullopt);
}

TEST(Scheduler, ATrialThatMovesOnMayBeInterruptedForEver) {
  TellingScheduler scheduler(CpuSlots(1), 0);
  (void)scheduler.OnTrialAdded(kA, 0);
  for (int job = 0; job < 10 * Scheduler::kFreeRestarts; ++job) {
    scheduler.OnTrialMovedOn(kA);
    ASSERT_THAT(scheduler.OnAttemptEnded(kA, Failure(FailureKind::kInterrupted)),
                ElementsAre("retry 1 after 0", "start 1@0"));
  }
}

TEST(Scheduler, TheLongestExpectedStartsFirst) {
  TellingScheduler scheduler(CpuSlots(2), 0);
  (void)scheduler.OnTrialAdded(kA, 0, {.seconds = 1});
  (void)scheduler.OnTrialAdded(kB, 0, {.seconds = 1});
  (void)scheduler.OnTrialAdded(kC, 0, {.seconds = 5});
  (void)scheduler.OnTrialAdded(TrialId{4}, 0, {.seconds = 50});
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, Complete()),
              ElementsAre("finish 1 complete", "start 4@0"));
  scheduler.SanityCheck();
}

TEST(Scheduler, WhatIsLearntLaterChangesTheOrder) {
  TellingScheduler scheduler(CpuSlots(2), 0, {{"cpu", 100}});
  (void)scheduler.OnTrialAdded(kA, 0, {.memory_bytes = {{"cpu", 90}}});
  (void)scheduler.OnTrialAdded(kB, 0, {.memory_bytes = {{"cpu", 90}}, .seconds = 9});
  (void)scheduler.OnTrialAdded(kC, 0, {.memory_bytes = {{"cpu", 90}}, .seconds = 1});
  EXPECT_THAT(scheduler.OnNeedsChanged(kA, {.memory_bytes = {{"cpu", 1}}}), IsEmpty());
  EXPECT_THAT(scheduler.OnNeedsChanged(kC, {.memory_bytes = {{"cpu", 90}}, .seconds = 10}),
              IsEmpty());
  scheduler.SanityCheck();
  EXPECT_THAT(scheduler.OnNeedsChanged(kC, {.memory_bytes = {{"cpu", 10}}, .seconds = 10}),
              ElementsAre("start 3@1"));
  scheduler.SanityCheck();
}

TEST(Scheduler, OneSlotKeepsTheOrderOfArrival) {
  TellingScheduler scheduler(CpuSlots(1), 0);
  (void)scheduler.OnTrialAdded(kA, 0, {.seconds = 1});
  (void)scheduler.OnTrialAdded(kB, 0, {.seconds = 1});
  (void)scheduler.OnTrialAdded(kC, 0, {.seconds = 50});
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, Complete()),
              ElementsAre("finish 1 complete", "start 2@0"));
}

TEST(Scheduler, SeveralShareADeviceWhereTheyFit) {
  TellingScheduler scheduler(CpuSlots(3), 0, {{"cpu", 100}});
  EXPECT_THAT(scheduler.OnTrialAdded(kA, 0, {.memory_bytes = {{"cpu", 60}}}),
              ElementsAre("start 1@0"));
  EXPECT_THAT(scheduler.OnTrialAdded(kB, 0, {.memory_bytes = {{"cpu", 50}}}), IsEmpty());
  EXPECT_THAT(scheduler.OnTrialAdded(kC, 0, {.memory_bytes = {{"cpu", 10}}}), IsEmpty())
      << "nobody overtakes the one that waits for memory";
  scheduler.SanityCheck();
  EXPECT_THAT(scheduler.OnAttemptEnded(kA, Complete()),
              ElementsAre("finish 1 complete", "start 2@0", "start 3@1"));
}

TEST(Scheduler, ATrialLargerThanItsDeviceIsTriedOnAnEmptyOne) {
  TellingScheduler scheduler(CpuSlots(2), 0, {{"cpu", 100}});
  EXPECT_THAT(scheduler.OnTrialAdded(kA, 0, {.memory_bytes = {{"cpu", 500}}}),
              ElementsAre("start 1@0"));
  EXPECT_THAT(scheduler.OnTrialAdded(kB, 0, {.memory_bytes = {{"cpu", 1}}}), IsEmpty());
  scheduler.SanityCheck();
}

std::map<std::string, std::int64_t> OnBoth(std::int64_t bytes) {
  return {{"cuda:0", bytes}, {"cuda:1", bytes}};
}

TEST(Scheduler, OneThatWaitsForMemoryLeavesTheOtherDevicesAlone) {
  TellingScheduler scheduler({{"cuda:0", 1}, {"cuda:1", 1}, {"cuda:0", 1}, {"cuda:1", 1}}, 0,
                             {{"cuda:0", 100}, {"cuda:1", 100}});
  (void)scheduler.OnTrialAdded(kA, 0, {.memory_bytes = OnBoth(80)});
  (void)scheduler.OnTrialAdded(kB, 0, {.memory_bytes = OnBoth(80)});
  EXPECT_THAT(scheduler.OnTrialAdded(kC, 0, {.memory_bytes = OnBoth(80)}), IsEmpty());
  EXPECT_THAT(scheduler.OnTrialAdded(TrialId{4}, 0, {.memory_bytes = OnBoth(10)}),
              ElementsAre("start 4@3"));
  scheduler.SanityCheck();
}

TEST(Scheduler, WhatATrialNeedsIsOfTheDeviceThatItGets) {
  TellingScheduler scheduler({{"cpu", 1}, {"cpu", 1}, {"cuda:0", 1}, {"cuda:0", 1}}, 0,
                             {{"cpu", 100}, {"cuda:0", 100}});
  const TrialNeeds needs{.memory_bytes = {{"cpu", 90}, {"cuda:0", 30}}};
  EXPECT_THAT(scheduler.OnTrialAdded(kA, 0, needs), ElementsAre("start 1@0"));
  EXPECT_THAT(scheduler.OnTrialAdded(kB, 0, needs), ElementsAre("start 2@2"));
  EXPECT_THAT(scheduler.OnTrialAdded(kC, 0, needs), ElementsAre("start 3@3"))
      << "two fit on the GPU, one on the CPU";
  EXPECT_THAT(scheduler.OnTrialAdded(TrialId{4}, 0, needs), IsEmpty());
  scheduler.SanityCheck();
}

TEST(Scheduler, ADeviceInUseByOthersIsAskedAgainLater) {
  TellingScheduler scheduler(CpuSlots(2), 0);
  (void)scheduler.OnTrialAdded(kA, 0);
  EXPECT_THAT(scheduler.OnStartRefused(kA), IsEmpty());
  EXPECT_TRUE(scheduler.refused());
  EXPECT_THAT(scheduler.OnTrialAdded(kB, 0), IsEmpty());
  EXPECT_EQ(scheduler.free_slots(), 0);
  scheduler.SanityCheck();
  EXPECT_THAT(scheduler.OnDevicesFreed(), ElementsAre("start 1@0", "start 2@1"));
  EXPECT_FALSE(scheduler.refused());
}

TEST(Scheduler, AMachinesFaultCostsNoTry) {
  for (const FailureKind kind : {FailureKind::kStartFailed, FailureKind::kEnvironment}) {
    TellingScheduler scheduler(CpuSlots(1), 0);
    (void)scheduler.OnTrialAdded(kA, 0);
    EXPECT_THAT(scheduler.OnAttemptEnded(kA, Failure(kind)),
                ElementsAre("retry 1 after 0", "start 1@0"));
  }
}

/// Everything at once: faults of trials and machines, trials that need more memory than was
/// forecast, devices in use by others, orchestrators that die or are interrupted.
SimulationSettings Troubled(std::uint64_t seed) {
  return {.seed = seed,
          .trials = 500,
          .devices = 1 + static_cast<std::int64_t>(seed % 4),
          .slots_per_device = 1 + static_cast<std::int64_t>(seed % 5),
          .memory_bytes = seed % 3 == 0 ? 0 : 1500,
          .retries = static_cast<std::int64_t>(seed % 4),
          .fault_rate = 0.15,
          .refusal_rate = seed % 2 == 0 ? 0.05 : 0,
          .withdrawn_rate = 0.01,
          .death_rate = 0.005,
          .interrupt_rate = 0.005,
          .forecasts = seed % 5 != 0};
}

TEST(SchedulerSimulation, AThousandTroubledSchedulesKeepEveryRule) {
  SimulationResult sum;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    const SimulationResult result =
        SchedulerSimulation(Troubled(seed)).Run(SchedulerSimulation::OwnRules::kChecked);
    ASSERT_EQ(result.complete + result.failed + result.elsewhere, 500) << seed;
    sum.deaths += result.deaths;
    sum.interrupts += result.interrupts;
    sum.refusals += result.refusals;
    sum.failed += result.failed;
    sum.out_of_memory += result.out_of_memory;
  }
  // The faults were really there.
  EXPECT_GT(sum.deaths, 1'000);
  EXPECT_GT(sum.interrupts, 1'000);
  EXPECT_GT(sum.refusals, 10'000);
  EXPECT_GT(sum.failed, 10'000);
  EXPECT_GT(sum.out_of_memory, 1'000);
}

TEST(SchedulerSimulation, KnowingWhatIsLongShortensTheWhole) {
  double known = 0, unknown = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SimulationSettings settings{.seed = seed, .trials = 60, .window = 60};
    known += SchedulerSimulation(settings).Run(SchedulerSimulation::OwnRules::kChecked).seconds;
    settings.forecasts = false;
    unknown += SchedulerSimulation(settings).Run(SchedulerSimulation::OwnRules::kChecked).seconds;
  }
  EXPECT_LT(known, 0.95 * unknown);
}

TEST(Scheduler, TenThousandTrialsAreForgottenAsTheyFinish) {
  Scheduler scheduler(CpuSlots(64), 0);
  std::set<TrialId> running;
  const auto start_all = [&] {
    while (const std::optional<StartAttempt> start = scheduler.NextStart()) {
      running.insert(start->trial);
    }
  };
  for (std::int64_t trial = 1; trial <= 10'000; ++trial) {
    scheduler.OnTrialAdded(TrialId{trial}, 0);
    start_all();
  }
  while (!running.empty()) {
    const TrialId trial = *running.begin();
    running.erase(running.begin());
    EXPECT_EQ(scheduler.OnAttemptEnded(trial, Complete()).state, TrialState::kComplete);
    start_all();
  }
  EXPECT_EQ(scheduler.counts().complete, 10'000);
  EXPECT_THROW((void)scheduler.OnAttemptEnded(TrialId{1}, Complete()), std::logic_error);
  scheduler.SanityCheck();
}

}  // namespace scheduler_test
}  // namespace beamgrid
