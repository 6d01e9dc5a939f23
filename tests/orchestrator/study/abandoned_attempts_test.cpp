// Attempts that a dead orchestrator left, and those that end while somebody looks at them.
#include "orchestrator/study/abandoned_attempts.h"

#include <gmock/gmock.h>

#include <functional>
#include <utility>

#include "tests/support/record.h"

namespace beamgrid {
namespace {

/// Reconciles as the test says; nothing else of it is called.
class OnlyReconciles : public Executor {
 public:
  explicit OnlyReconciles(std::function<AttemptOutcome()> reconcile)
      : reconcile_(std::move(reconcile)) {}
  void Submit(const AttemptKey& /*key*/, const std::filesystem::path& /*directory*/,
              const Placement& /*placement*/, std::chrono::milliseconds /*timeout*/) override {
    ADD_FAILURE() << "nothing is to be started";
  }
  bool Cancel(const AttemptKey& /*key*/, std::chrono::milliseconds /*grace*/) override {
    return false;
  }
  std::vector<ExecutorEvent> Poll(std::chrono::milliseconds /*wait*/) override { return {}; }
  void Wake() override {}
  AttemptOutcome Reconcile(const AttemptKey& /*key*/, const std::filesystem::path& /*directory*/,
                           std::int64_t /*pid*/) override {
    ++reconciled;
    return reconcile_();
  }

  int reconciled = 0;

 private:
  std::function<AttemptOutcome()> reconcile_;
};

/// A trial of study "theirs" with an attempt under way, which study "ours" looks at.
class AbandonedAttemptsTest : public testing::Test {
 protected:
  AbandonedAttemptsTest() {
    NewTrial trial = ExampleNewTrial();
    trial.parameters = 1000;  // those of ExampleSuccess
    trial.size_bytes = 4000;
    trial_ = store_.AddTrials(store_.OpenStudy(ExampleStudy("theirs")), {trial})[0];
    attempt_ = store_.BeginAttempt(trial_, "runs/theirs/1/1", "cpu", 1);
  }
  /// What their orchestrator does at the end of the attempt.
  void TheyRecordTheEnd() {
    store_.FinishAttempt(trial_, attempt_, ExampleSuccess(), TrialState::kComplete);
  }
  /// Looks at what is open. Returns how many attempts were closed.
  int Close(OnlyReconciles& executor, const AbandonedAttempts::IsRun& is_run) {
    int closed = 0;
    AbandonedAttempts(store_, executor, is_run, "ours")
        .Close([](TrialId) { return true; },
               [](const Store::OpenAttempt&) { return std::string(); },
               [&closed](const Store::OpenAttempt&, const AttemptOutcome&) { ++closed; });
    return closed;
  }

  Store store_{":memory:", OpenMode::kReadWrite};
  TrialId trial_{};
  std::int64_t attempt_ = 0;
};

TEST_F(AbandonedAttemptsTest, OneOfADeadOrchestratorIsClosedByWhatItLeft) {
  OnlyReconciles executor([] { return ExampleFailure(FailureKind::kInterrupted); });
  EXPECT_EQ(Close(executor, [](const std::string&) { return false; }), 1);
  EXPECT_EQ(executor.reconciled, 1);
  EXPECT_EQ(store_.Trial(trial_).state, TrialState::kWaiting);
}

TEST_F(AbandonedAttemptsTest, OneOfALivingOrchestratorIsLeftAlone) {
  OnlyReconciles executor([] { return ExampleSuccess(); });
  EXPECT_EQ(Close(executor, [](const std::string& study) { return study == "theirs"; }), 0);
  EXPECT_EQ(executor.reconciled, 0);
  EXPECT_EQ(store_.Trial(trial_).state, TrialState::kRunning);
}

/// Their orchestrator records the end and dies, just before it is asked after.
TEST_F(AbandonedAttemptsTest, OneThatEndedBeforeItsOwnerDiedIsNotClosedAgain) {
  OnlyReconciles executor([] { return ExampleFailure(FailureKind::kInterrupted); });
  EXPECT_EQ(Close(executor,
                  [this](const std::string&) {
                    TheyRecordTheEnd();
                    return false;
                  }),
            0);
  EXPECT_EQ(executor.reconciled, 0) << "its files are a finished trial's";
  EXPECT_EQ(store_.Trial(trial_).state, TrialState::kComplete);
  EXPECT_EQ(store_.Attempts(trial_).back().outcome, "complete");
}

/// Another orchestrator that shares the trial closes it while we look at its files.
TEST_F(AbandonedAttemptsTest, OneThatAnotherClosedWhileItWasLookedAtIsNotClosedAgain) {
  OnlyReconciles executor([this] {
    TheyRecordTheEnd();
    return ExampleFailure(FailureKind::kInterrupted);
  });
  EXPECT_EQ(Close(executor, [](const std::string&) { return false; }), 0);
  EXPECT_EQ(executor.reconciled, 1);
  EXPECT_EQ(store_.Trial(trial_).state, TrialState::kComplete);
  EXPECT_EQ(store_.Attempts(trial_).back().outcome, "complete");
  EXPECT_EQ(store_.Attempts(trial_).size(), 1U);
}

}  // namespace
}  // namespace beamgrid
