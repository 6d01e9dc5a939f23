#include "orchestrator/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TrialId kA{1}, kB{2}, kC{3};

std::vector<Slot> CpuSlots(std::size_t count) { return std::vector<Slot>(count, {"cpu", 1}); }

AttemptOutcome Complete() { return {.complete = true}; }
AttemptOutcome Failure(FailureKind kind) { return {.failure = kind}; }

/// "start 1@0, finish 1 complete, ..." in the order of the commands.
std::vector<std::string> Texts(const std::vector<Command>& commands) {
  struct Writer {
    static std::string Id(TrialId trial) {
      return std::to_string(static_cast<std::int64_t>(trial));
    }
    std::string operator()(const StartAttempt& c) const {
      return "start " + Id(c.trial) + "@" + std::to_string(c.slot);
    }
    std::string operator()(const FinishTrial& c) const {
      return "finish " + Id(c.trial) + " " + ToString(c.state);
    }
    std::string operator()(const CancelAttempt& c) const { return "cancel " + Id(c.trial); }
    std::string operator()(const RetryTrial& c) const {
      return "retry " + Id(c.trial) + " after " + std::to_string(c.failed_attempts);
    }
  };
  std::vector<std::string> texts;
  for (const Command& command : commands) texts.push_back(std::visit(Writer{}, command));
  return texts;
}

TEST(Scheduler, FillsSlotsInTheOrderOfArrival) {
  Scheduler scheduler(CpuSlots(2), 0);
  EXPECT_THAT(Texts(scheduler.OnTrialAdded(kA, 0)), ElementsAre("start 1@0"));
  EXPECT_THAT(Texts(scheduler.OnTrialAdded(kB, 0)), ElementsAre("start 2@1"));
  EXPECT_THAT(Texts(scheduler.OnTrialAdded(kC, 0)), IsEmpty());
  EXPECT_EQ(scheduler.free_slots(), 0);
  EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kB, Complete())),
              ElementsAre("finish 2 complete", "start 3@1"));
  EXPECT_EQ(scheduler.counts().complete, 1);
  EXPECT_EQ(scheduler.counts().running, 2);
  scheduler.SanityCheck();
}

TEST(Scheduler, RetriesACrashAsOftenAsAllowed) {
  Scheduler scheduler(CpuSlots(1), 2);
  (void)scheduler.OnTrialAdded(kA, 0);
  const AttemptOutcome crash = Failure(FailureKind::kCrashed);
  EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kA, crash)),
              ElementsAre("retry 1 after 1", "start 1@0"));
  EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kA, crash)),
              ElementsAre("retry 1 after 2", "start 1@0"));
  EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kA, crash)), ElementsAre("finish 1 failed"));
  EXPECT_TRUE(scheduler.idle());
}

TEST(Scheduler, FailuresOfEarlierRunsCount) {
  Scheduler scheduler(CpuSlots(1), 1);
  (void)scheduler.OnTrialAdded(kA, 1);
  EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kA, Failure(FailureKind::kHung))),
              ElementsAre("finish 1 failed"));
}

TEST(Scheduler, NeverRetriesWhatCannotSucceed) {
  for (const FailureKind kind :
       {FailureKind::kDiverged, FailureKind::kBadSpec, FailureKind::kBadData}) {
    Scheduler scheduler(CpuSlots(1), 5);
    (void)scheduler.OnTrialAdded(kA, 0);
    EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kA, Failure(kind))), ElementsAre("finish 1 failed"))
        << ToString(kind);
  }
}

TEST(Scheduler, InterruptedAttemptsCostNoTryButNotForEver) {
  Scheduler scheduler(CpuSlots(1), 0);
  (void)scheduler.OnTrialAdded(kA, 0);
  const AttemptOutcome interrupted = Failure(FailureKind::kInterrupted);
  for (std::int64_t restart = 0; restart < Scheduler::kFreeRestarts; ++restart) {
    EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kA, interrupted)),
                ElementsAre("retry 1 after 0", "start 1@0"));
  }
  EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kA, interrupted)), ElementsAre("finish 1 failed"));
}

TEST(Scheduler, AnInterruptCancelsTheRunningAndStartsNothingMore) {
  Scheduler scheduler(CpuSlots(2), 1);
  (void)scheduler.OnTrialAdded(kA, 0);
  (void)scheduler.OnTrialAdded(kB, 0);
  (void)scheduler.OnTrialAdded(kC, 0);
  EXPECT_THAT(Texts(scheduler.OnInterrupt()), ElementsAre("cancel 1", "cancel 2"));
  EXPECT_THAT(Texts(scheduler.OnInterrupt()), IsEmpty());
  EXPECT_FALSE(scheduler.idle());
  EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kA, Failure(FailureKind::kInterrupted))), IsEmpty());
  EXPECT_THAT(Texts(scheduler.OnAttemptEnded(kB, Complete())), ElementsAre("finish 2 complete"));
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(scheduler.counts().waiting, 2);
  scheduler.SanityCheck();
}

TEST(Scheduler, AWithdrawnTrialMakesRoomAndMayComeBack) {
  Scheduler scheduler(CpuSlots(1), 0);
  (void)scheduler.OnTrialAdded(kA, 0);
  (void)scheduler.OnTrialAdded(kB, 0);
  EXPECT_THAT(Texts(scheduler.OnTrialWithdrawn(kA)), ElementsAre("start 2@0"));
  scheduler.SanityCheck();
  EXPECT_THAT(Texts(scheduler.OnTrialAdded(kA, 0)), IsEmpty());
  EXPECT_THROW((void)scheduler.OnTrialWithdrawn(kA), std::logic_error);
  EXPECT_EQ(scheduler.counts().waiting, 1);
  EXPECT_EQ(scheduler.counts().running, 1);
  scheduler.SanityCheck();
}

TEST(Scheduler, ImpossibleEventsAreRefused) {
  Scheduler scheduler(CpuSlots(1), 0);
  EXPECT_THROW((void)scheduler.OnAttemptEnded(kA, Complete()), std::logic_error);
  (void)scheduler.OnTrialAdded(kA, 0);
  EXPECT_THROW((void)scheduler.OnTrialAdded(kA, 0), std::logic_error);
  (void)scheduler.OnTrialAdded(kB, 0);
  EXPECT_THROW((void)scheduler.OnAttemptEnded(kB, Complete()), std::logic_error);
}

/// Runs random schedules against a slow model of the rules.
class Simulation {
 public:
  Simulation(std::uint64_t seed, std::size_t slots, std::int64_t retries)
      : random_(seed), retries_(retries), scheduler_(CpuSlots(slots), retries) {}

  void Run(std::int64_t trials) {
    while (added_ < trials || !running_.empty()) {
      if (added_ < trials && (running_.empty() || random_() % 2 == 0)) {
        const TrialId trial{++added_};
        attempts_[trial] = 0;
        Apply(scheduler_.OnTrialAdded(trial, 0));
      } else {
        EndOne();
      }
      scheduler_.SanityCheck();
    }
    EXPECT_TRUE(scheduler_.idle());
    EXPECT_EQ(finished_.size(), static_cast<std::size_t>(trials));
    EXPECT_EQ(scheduler_.counts().complete + scheduler_.counts().failed, trials);
  }

 private:
  void EndOne() {
    auto chosen = std::next(running_.begin(), static_cast<long>(random_() % running_.size()));
    const TrialId trial = chosen->first;
    running_.erase(chosen);
    const std::uint64_t fate = random_() % 10;
    const AttemptOutcome outcome =
        fate < 6 ? Complete() : Failure(static_cast<FailureKind>(random_() % 9));
    const bool blameless =
        outcome.failure == FailureKind::kInterrupted || IsMachineFault(outcome.failure);
    if (!outcome.complete && !blameless) ++attempts_[trial];
    const bool hopeless = !outcome.complete && !IsRetryable(outcome.failure);
    const bool over = outcome.complete || hopeless || attempts_[trial] > retries_;
    Apply(scheduler_.OnAttemptEnded(trial, outcome));
    ASSERT_EQ(finished_.contains(trial), over);
    if (over) {
      EXPECT_EQ(finished_[trial], outcome.complete ? TrialState::kComplete : TrialState::kFailed);
    }
  }

  void Apply(const std::vector<Command>& commands) {
    for (const Command& command : commands) {
      if (const auto* start = std::get_if<StartAttempt>(&command)) {
        EXPECT_FALSE(finished_.contains(start->trial));
        for (const auto& [trial, slot] : running_) EXPECT_NE(slot, start->slot);
        EXPECT_TRUE(running_.emplace(start->trial, start->slot).second);
      } else if (const auto* finish = std::get_if<FinishTrial>(&command)) {
        EXPECT_TRUE(finished_.emplace(finish->trial, finish->state).second);
      }
    }
  }

  std::mt19937_64 random_;
  std::int64_t retries_;
  Scheduler scheduler_;
  std::int64_t added_ = 0;
  std::map<TrialId, std::int64_t> running_;  ///< trial -> slot
  std::map<TrialId, std::int64_t> attempts_;
  std::map<TrialId, TrialState> finished_;
};

TEST(Scheduler, RandomSchedulesKeepEveryRule) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Simulation(seed, 1 + seed % 7, static_cast<std::int64_t>(seed % 4)).Run(60);
  }
}

TEST(Scheduler, TenThousandTrialsAreForgottenAsTheyFinish) {
  Scheduler scheduler(CpuSlots(64), 0);
  std::set<TrialId> running;
  const auto apply = [&running](const std::vector<Command>& commands) {
    for (const Command& command : commands) {
      if (const auto* start = std::get_if<StartAttempt>(&command)) running.insert(start->trial);
    }
  };
  for (std::int64_t trial = 1; trial <= 10'000; ++trial) {
    apply(scheduler.OnTrialAdded(TrialId{trial}, 0));
  }
  while (!running.empty()) {
    const TrialId trial = *running.begin();
    running.erase(running.begin());
    apply(scheduler.OnAttemptEnded(trial, Complete()));
  }
  EXPECT_EQ(scheduler.counts().complete, 10'000);
  EXPECT_THROW((void)scheduler.OnAttemptEnded(TrialId{1}, Complete()), std::logic_error);
  scheduler.SanityCheck();
}

}  // namespace
}  // namespace beamgrid
