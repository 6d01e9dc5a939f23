// Workers as processes: what they are given, what they say and leave, and what becomes of it.

#include "tests/orchestrator/workers/local_executor_fixture.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST_F(LocalExecutorTest, ReportsMessagesThenTheResult) {
  Trainer(Say(Started{.pid = 7, .epochs = 2}) + "\n" + Say(Progress{.epoch = 1, .loss = 2.5}) +
          "\n" + LeaveResult() + "\n" + Say(Finished{}));
  Submit();
  const AttemptOutcome outcome = Wait();
  EXPECT_TRUE(outcome.complete());
  EXPECT_EQ(outcome.result().metrics.gap, 0.5);
  const Report& report = reports_[kKey];
  ASSERT_EQ(report.messages.size(), 3U);
  EXPECT_EQ(std::get<Started>(report.messages[0]).epochs, 2);
  EXPECT_EQ(std::get<Progress>(report.messages[1]).loss, 2.5);
  EXPECT_TRUE(std::holds_alternative<Finished>(report.messages[2]));
}

TEST_F(LocalExecutorTest, WorkersGetTheirEnvironmentAndNothingElseOfOurs) {
  Trainer(
      "echo \"$OMP_NUM_THREADS $OPENBLAS_NUM_THREADS $OPENBLAS_CORETYPE\" > $dir/seen\n"
      "ls /proc/self/fd > $dir/fds; cat > $dir/stdin; ps -o pgid= -p $$ > $dir/group\n"
      "echo $$ > $dir/pid\necho said on stderr >&2\n" +
      LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete());
  const auto directory = Directory(kKey);
  const char* chosen = std::getenv("OPENBLAS_CORETYPE");
  EXPECT_EQ(ReadFile(directory / "seen"),
            std::string("3 3 ") + (chosen != nullptr ? chosen : "Haswell") + "\n");
  EXPECT_EQ(ReadFile(directory / "fds"), "0\n1\n2\n3\n");  // 3: the folder that ls reads
  EXPECT_EQ(ReadFile(directory / "stdin"), "");
  EXPECT_EQ(std::stoi(ReadFile(directory / "group")), std::stoi(ReadFile(directory / "pid")));
  EXPECT_EQ(ReadFile(directory / kWorkerLog), "said on stderr\n");
}

TEST_F(LocalExecutorTest, WorkersGetTheirEndsWhateverNumbersOursHave) {
  Trainer(Say(Started{.pid = 7}) + "\ncat > $dir/stdin; echo said on stderr >&2\n" + LeaveResult());
  const auto directory = Directory(kKey);
  // Each subset of our standard descriptors is closed, so that pipes and log take their numbers.
  for (int closed = 0; closed < 8; ++closed) {
    std::filesystem::remove(directory / kWorkerLog);
    const pid_t orchestrator = ::fork();
    if (orchestrator == 0) {
      for (int fd = 0; fd < 3; ++fd) {
        if ((closed >> fd & 1) != 0) ::close(fd);
      }
      LocalExecutor own({.trainer = folder_ / "trainer",
                         .environment = CurrentEnvironment(),
                         .life = WorkerLife::kOneAttempt});
      own.Submit(kKey, directory, {"cpu", 1}, 0ms);
      bool started = false;
      for (int turn = 0; turn < 100; ++turn) {
        for (const ExecutorEvent& event : own.Poll(1s)) {
          if (std::holds_alternative<Message>(event.what)) started = true;
          const auto* outcome = std::get_if<AttemptOutcome>(&event.what);
          if (outcome != nullptr) ::_exit(started && outcome->complete() ? 0 : 1);
        }
      }
      ::_exit(2);  // no end came
    }
    EXPECT_EQ(WaitFor(orchestrator), 0) << closed;
    EXPECT_EQ(ReadFile(directory / kWorkerLog), "said on stderr\n") << closed;
    EXPECT_EQ(ReadFile(directory / "stdin"), "") << closed;
  }
}

TEST_F(LocalExecutorTest, TheKernelTakesAWorkerBeforeUs) {
  Trainer("cat /proc/self/oom_score_adj > $dir/score\n" + LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete());
  const int own = std::stoi(ReadFile("/proc/self/oom_score_adj"));
  EXPECT_EQ(std::stoi(ReadFile(Directory(kKey) / "score")), std::min(own + 500, 1000));
}

TEST_F(LocalExecutorTest, ExitCodesAndSignalsBecomeOutcomes) {
  Trainer("echo reason >&2; " + Say(Failed{FailureKind::kDiverged, "loss is nan"}) + "; exit 4");
  Submit();
  const AttemptOutcome diverged = Wait();
  EXPECT_EQ(diverged.failure().kind, FailureKind::kDiverged);
  EXPECT_EQ(diverged.failure().message, "loss is nan");
  EXPECT_EQ(diverged.failure().log_tail, "reason");
  EXPECT_EQ(diverged.exit_code, 4);

  Trainer("kill -SEGV $$");
  Submit({TrialId{2}, 1});
  const AttemptOutcome crashed = Wait({TrialId{2}, 1});
  EXPECT_EQ(crashed.failure().kind, FailureKind::kCrashed);
  EXPECT_EQ(crashed.exit_code, -SIGSEGV);
}

TEST_F(LocalExecutorTest, AWorkerThatCannotStartIsAnEvent) {
  Trainer("exit 0");
  std::filesystem::remove(folder_ / "trainer");
  Submit();
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure().kind, FailureKind::kStartFailed);
  EXPECT_THAT(outcome.failure().message, HasSubstr("No such file"));
}

TEST_F(LocalExecutorTest, ADirectoryThatCannotHoldTheLogIsAnEvent) {
  Trainer("exit 0");
  executor_->Submit(kKey, folder_ / "none", {"cpu", 1}, 0ms);
  EXPECT_EQ(Wait().failure().kind, FailureKind::kStartFailed);
}

TEST_F(LocalExecutorTest, GarbageAndEndlessLinesAreIgnored) {
  Trainer("echo not json; head -c 300000 /dev/urandom; echo; head -c 5000000 /dev/zero; echo\n" +
          Say(Heartbeat{}) + "\nprintf '{\"type\":\"heartbeat\"'\n" + LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete());
  EXPECT_EQ(reports_[kKey].messages.size(), 1U);
}

TEST_F(LocalExecutorTest, AFloodOfMessagesArrivesWhole) {
  Trainer("i=0; while [ $i -lt 3000 ]; do " + Say(Heartbeat{}) + "; i=$((i+1)); done\n" +
          LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete());
  EXPECT_EQ(reports_[kKey].messages.size(), 3000U);
}

TEST_F(LocalExecutorTest, ManyWorkersAtOnceAreToldApart) {
  Trainer(Say(Started{}) + "\ncase $dir in *[02468]) exit 3;; esac\n" + LeaveResult());
  for (std::int64_t trial = 1; trial <= 20; ++trial) Submit({TrialId{trial}, 1});
  for (std::int64_t trial = 1; trial <= 20; ++trial) {
    const AttemptOutcome outcome = Wait({TrialId{trial}, 1});
    EXPECT_EQ(outcome.complete(), trial % 2 == 1) << trial;
    EXPECT_TRUE(outcome.complete() || outcome.failure().kind == FailureKind::kOutOfMemory) << trial;
  }
}

TEST_F(LocalExecutorTest, WakeEndsAPollEarly) {
  Trainer("exit 0");
  executor_->Wake();
  EXPECT_TRUE(executor_->Poll(1h).empty());
  std::thread other([this] { executor_->Wake(); });
  EXPECT_TRUE(executor_->Poll(1h).empty());
  other.join();
}

}  // namespace
}  // namespace beamgrid
