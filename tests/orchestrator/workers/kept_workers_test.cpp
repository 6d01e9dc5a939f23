// Workers that are kept for the next attempt (`serve`): who meets which, what ends them, and that
// nothing of one attempt reaches the next.

#include "tests/orchestrator/workers/local_executor_fixture.h"

#include <csignal>

namespace beamgrid {
namespace {

using namespace std::chrono_literals;

using KeptWorkersTest = LocalExecutorTest;

TEST_F(KeptWorkersTest, AWorkerIsKeptForTheNextAttemptThere) {
  Server(Say(Started{}) + "\n" + EndWell());
  for (std::int64_t trial = 1; trial <= 3; ++trial) {
    EXPECT_TRUE(Carried(trial).complete());
    const Report& report = reports_[{TrialId{trial}, 1}];
    ASSERT_EQ(report.messages.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<Finished>(report.messages[1]));
    EXPECT_EQ(WorkerOf(trial), WorkerOf(1));
  }
  EXPECT_TRUE(Carried(4, {"cuda:0", 3}).complete());
  EXPECT_TRUE(Carried(5, {"cpu", 2}).complete());
  EXPECT_NE(WorkerOf(4), WorkerOf(1));
  EXPECT_NE(WorkerOf(5), WorkerOf(1));
  EXPECT_NE(WorkerOf(5), WorkerOf(4));
  EXPECT_TRUE(Carried(6).complete());
  EXPECT_EQ(WorkerOf(6), WorkerOf(1));
}

TEST_F(KeptWorkersTest, TwoAttemptsAtOnceHaveAWorkerEach) {
  Server(Say(Started{}) + "\nwhile [ ! -e " + (folder_ / "go").string() +
         " ]; do sleep 0.01; done\n" + EndWell());
  Submit({TrialId{1}, 1});
  Submit({TrialId{2}, 1});
  WaitForMessage({TrialId{1}, 1});
  WaitForMessage({TrialId{2}, 1});
  WriteFileAtomically(folder_ / "go", "");
  EXPECT_TRUE(Wait({TrialId{1}, 1}).complete());
  EXPECT_TRUE(Wait({TrialId{2}, 1}).complete());
  EXPECT_NE(WorkerOf(1), WorkerOf(2));
}

TEST_F(KeptWorkersTest, AfterAFailureComesANewWorker) {
  Server("case $dir in *2) exit 4;; *4) kill -SEGV $$;; esac\n" + EndWell());
  EXPECT_TRUE(Carried(1).complete());
  EXPECT_EQ(Carried(2).failure().kind, FailureKind::kDiverged);
  EXPECT_TRUE(Carried(3).complete());
  EXPECT_EQ(Carried(4).exit_code, -SIGSEGV);
  EXPECT_TRUE(Carried(5).complete());
  EXPECT_EQ(WorkerOf(1), WorkerOf(2));
  EXPECT_EQ(WorkerOf(3), WorkerOf(4));
  EXPECT_NE(WorkerOf(2), WorkerOf(3));
  EXPECT_NE(WorkerOf(4), WorkerOf(5));
}

TEST_F(KeptWorkersTest, AWorkerThatDiesBeforeItListensHasCrashed) {
  Use("kill -ABRT $$\n", {.life = WorkerLife::kManyAttempts});
  for (std::int64_t trial = 1; trial <= 20; ++trial) {  // before it is told, or after
    const AttemptOutcome outcome = Carried(trial);
    EXPECT_EQ(outcome.failure().kind, FailureKind::kCrashed) << outcome.failure().message;
    EXPECT_EQ(outcome.exit_code, -SIGABRT);
  }
}

TEST_F(KeptWorkersTest, AWorkerMayEndInsteadOfTakingMore) {
  Server(LeaveResult() + "\n" + Say(Finished{}) + "; exit 0");
  EXPECT_TRUE(Carried(1).complete());
  EXPECT_TRUE(Carried(2).complete());
  EXPECT_NE(WorkerOf(1), WorkerOf(2));
}

TEST_F(KeptWorkersTest, AWorkerThatDiesWhileItWaitsIsNobodysFailure) {
  Server(EndWell());
  EXPECT_TRUE(Carried(1).complete());
  ::kill(WorkerOf(1), SIGKILL);
  AwaitGone(WorkerOf(1));
  EXPECT_TRUE(Carried(2).complete());  // before the loop hears of the death
  EXPECT_NE(WorkerOf(1), WorkerOf(2));
  ::kill(WorkerOf(2), SIGKILL);
  AwaitGone(WorkerOf(2));
  EXPECT_TRUE(executor_->Poll(100ms).empty());
  EXPECT_TRUE(Carried(3).complete());
}

TEST_F(KeptWorkersTest, LateWordsDoNotReachTheNextAttempt) {
  Server(Say(Started{}) + "\n" + LeaveResult() + "\nprintf '%s\\n%s\\n%s' '" + ToLine(Ready{}) +
         "' '" + ToLine(Failed{.message = "late"}) + "' '{\"type\":\"hea'");
  for (std::int64_t trial = 1; trial <= 3; ++trial) {
    EXPECT_TRUE(Carried(trial).complete());
    const Report& report = reports_[{TrialId{trial}, 1}];
    ASSERT_EQ(report.messages.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<Started>(report.messages[0]));
  }
  EXPECT_EQ(WorkerOf(1), WorkerOf(3));
}

TEST_F(KeptWorkersTest, DeadlinesAndCancellationsEndWithTheirAttempt) {
  Server("case $dir in *2) sleep 0.5;; esac\n" + EndWell());
  Submit({TrialId{1}, 1}, 400ms);
  const AttemptOutcome first = Wait({TrialId{1}, 1});
  if (!first.complete())
    GTEST_SKIP() << "this machine is too slow today: " << first.failure().message;
  executor_->Cancel({TrialId{1}, 1}, 0ms);  // of an attempt that is over
  EXPECT_TRUE(Carried(2).complete());
  EXPECT_EQ(WorkerOf(1), WorkerOf(2));
}

TEST_F(KeptWorkersTest, OneThatIsToBeAloneMeetsNobodyWhoWaits) {
  Server(EndWell());
  ASSERT_TRUE(Carried(1).complete());
  const pid_t waiting = WorkerOf(1);
  ASSERT_EQ(::kill(waiting, 0), 0);
  ASSERT_TRUE(Carried(2, {.device = "cpu", .threads = 3, .alone = true}).complete());
  EXPECT_NE(WorkerOf(2), waiting);
  EXPECT_NE(::kill(waiting, 0), 0) << "it has gone before the other began";
  ASSERT_TRUE(Carried(3).complete());
  EXPECT_EQ(WorkerOf(3), WorkerOf(2)) << "which is then as any other";
}

TEST_F(KeptWorkersTest, AKeptWorkerIsWatchedAsANewOne) {
  Server("case $dir in *2) exec sleep 1000;; esac\n" + EndWell(), {.silence = 500ms});
  const AttemptOutcome first = Carried(1);
  if (!first.complete())
    GTEST_SKIP() << "this machine is too slow today: " << first.failure().message;
  EXPECT_EQ(Carried(2).failure().kind, FailureKind::kHung);
  EXPECT_EQ(WorkerOf(1), WorkerOf(2));
}

TEST_F(KeptWorkersTest, AWorkerThatIsReadyWithoutAResultFailed) {
  Server(Say(Ready{}));
  EXPECT_EQ(Carried(1).failure().kind, FailureKind::kCrashed);
}

TEST_F(KeptWorkersTest, WithoutWorkForLongAWorkerIsLetGo) {
  Server(EndWell(), {.idle = 10ms});
  EXPECT_TRUE(Carried(1).complete());
  Await(
      "the end of the worker", [&] { return IsGone(WorkerOf(1)); },
      [&] { EXPECT_TRUE(executor_->Poll(10ms).empty()); });
  EXPECT_TRUE(Carried(2).complete());
  EXPECT_NE(WorkerOf(1), WorkerOf(2));
}

TEST_F(KeptWorkersTest, DestructionLeavesNoWaitingWorker) {
  Server(EndWell());
  EXPECT_TRUE(Carried(1).complete());
  executor_.reset();
  EXPECT_TRUE(IsGone(WorkerOf(1)));
}

TEST_F(KeptWorkersTest, ADirectoryThatIsNoLineHasAWorkerOfItsOwn) {
  Use("dir=\"$2\"\n[ \"$1\" = train ] || exit 2\ncat > \"$dir/stdin\"\n" + LeaveResult() + "\n",
      {.life = WorkerLife::kManyAttempts});
  const auto directory = folder_ / "two\nlines";
  std::filesystem::create_directories(directory);
  executor_->Submit(kKey, directory, {"cpu", 1}, 0ms);
  EXPECT_TRUE(Wait().complete());
  EXPECT_EQ(ReadFile(directory / "stdin"), "");
}

TEST_F(KeptWorkersTest, OneThatForksIsKeptAsWell) {
  Server("echo \"$@\" > $dir/arguments\n" + EndWell(), {.life = WorkerLife::kOneAttempt});
  EXPECT_TRUE(Carried(1).complete());
  EXPECT_TRUE(Carried(2).complete());
  EXPECT_EQ(WorkerOf(2), WorkerOf(1));
  EXPECT_EQ(ReadFile(Directory({TrialId{2}, 1}) / "arguments"), "serve --fork\n");
}

TEST(WorkerLife, FreshWorkersCanBeAskedFor) {
  EXPECT_EQ(WorkerLifeFrom({"A=1"}), WorkerLife::kManyAttempts);
  EXPECT_EQ(WorkerLifeFrom({"BEAMGRID_FRESH_WORKERS=0"}), WorkerLife::kManyAttempts);
  EXPECT_EQ(WorkerLifeFrom({"A=1", "BEAMGRID_FRESH_WORKERS=1"}), WorkerLife::kOneAttempt);
}

}  // namespace
}  // namespace beamgrid
