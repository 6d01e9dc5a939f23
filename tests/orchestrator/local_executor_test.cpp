// Real processes: shell scripts play the trainer.

#include "orchestrator/local_executor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "orchestrator/process.h"
#include "registry/files.h"
#include "registry/json.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr AttemptKey kKey{TrialId{1}, 1};

/// What one attempt reported, in order.
struct Report {
  std::vector<Message> messages;
  std::optional<AttemptOutcome> outcome;
};

class LocalExecutorTest : public ::testing::Test {
 protected:
  /// `body` runs as `train DIRECTORY` with $dir set.
  void Trainer(const std::string& body, std::chrono::milliseconds silence = 60s) {
    Use("dir=\"$2\"\n" + body + "\n",
        {.silence = silence, .longest_line = 1 << 16, .life = WorkerLife::kOneAttempt});
  }
  /// `body` runs as `serve` for each directory, with $dir set; its process id is in $dir/pid.
  void Server(const std::string& body, LocalExecutorOptions options = {}) {
    options.life = WorkerLife::kManyAttempts;
    Use("while read -r dir; do\necho $$ > $dir/pid\n" + body + "\ndone\n", std::move(options));
  }
  void Use(const std::string& script, LocalExecutorOptions options) {
    WriteFileAtomically(folder_ / "trainer", "#!/bin/sh\n" + script);
    std::filesystem::permissions(folder_ / "trainer", std::filesystem::perms::owner_all);
    options.trainer = folder_ / "trainer";
    options.environment = CurrentEnvironment();
    options.processor_flags = {"avx2", "fma"};
    executor_ = std::make_unique<LocalExecutor>(std::move(options));
  }

  std::filesystem::path Directory(const AttemptKey& key) {
    const auto path = folder_ / std::to_string(static_cast<std::int64_t>(key.trial));
    std::filesystem::create_directories(path);
    return path;
  }

  void Submit(const AttemptKey& key = kKey, std::chrono::milliseconds timeout = 0ms,
              const Placement& placement = {"cpu", 3}) {
    executor_->Submit(key, Directory(key), placement, timeout);
  }
  AttemptOutcome Carried(std::int64_t trial, const Placement& placement = {"cpu", 3}) {
    Submit({TrialId{trial}, 1}, 0ms, placement);
    return Wait({TrialId{trial}, 1});
  }
  /// The process that carried out a trial of a Server.
  pid_t WorkerOf(std::int64_t trial) {
    return std::stoi(ReadFile(Directory({TrialId{trial}, 1}) / "pid"));
  }

  /// Polls until `done` holds of what was reported so far.
  template <typename Done>
  const Report& PollUntil(const AttemptKey& key, Done done) {
    while (!done(reports_[key])) {
      for (ExecutorEvent& event : executor_->Poll(10s)) {
        Report& report = reports_[event.key];
        EXPECT_FALSE(report.outcome.has_value()) << "reported after its end";
        if (auto* message = std::get_if<Message>(&event.what)) {
          report.messages.push_back(*message);
        } else {
          report.outcome = std::get<AttemptOutcome>(event.what);
        }
      }
    }
    return reports_[key];
  }
  AttemptOutcome Wait(const AttemptKey& key = kKey) {
    return *PollUntil(key, [](const Report& report) { return report.outcome.has_value(); }).outcome;
  }
  void WaitForMessage(const AttemptKey& key = kKey) {
    (void)PollUntil(key, [](const Report& report) { return !report.messages.empty(); });
  }

  /// A shell command that leaves a valid result.
  static std::string LeaveResult() {
    return "cat > \"$dir/result.json\" <<'END'\n" +
           CanonicalJson(ToJson(TrialResult{.metrics = {.gap = 0.5}})) + "\nEND";
  }
  /// What a worker does that is as new again.
  static std::string EndWell() {
    return LeaveResult() + "\n" + Say(Finished{}) + "\n" + Say(Ready{});
  }
  static std::string Say(const Message& message) { return "echo '" + ToLine(message) + "'"; }

  TemporaryFolder folder_;
  std::unique_ptr<LocalExecutor> executor_;
  std::map<AttemptKey, Report> reports_;
};

/// Gone, or a zombie that only waits to be reaped.
bool IsGone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return true;
  return text.substr(text.rfind(')') + 2, 1) == "Z";
}

void AwaitGone(pid_t pid) {
  for (int check = 0; check < 1000 && !IsGone(pid); ++check) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(LocalExecutorTest, ReportsMessagesThenTheResult) {
  Trainer(Say(Started{.pid = 7, .epochs = 2}) + "\n" + Say(Progress{.epoch = 1, .loss = 2.5}) +
          "\n" + LeaveResult() + "\n" + Say(Finished{}));
  Submit();
  const AttemptOutcome outcome = Wait();
  EXPECT_TRUE(outcome.complete);
  EXPECT_EQ(outcome.result.metrics.gap, 0.5);
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
  EXPECT_TRUE(Wait().complete);
  const auto directory = Directory(kKey);
  const char* chosen = std::getenv("OPENBLAS_CORETYPE");
  EXPECT_EQ(ReadFile(directory / "seen"),
            std::string("3 3 ") + (chosen != nullptr ? chosen : "Haswell") + "\n");
  EXPECT_EQ(ReadFile(directory / "fds"), "0\n1\n2\n3\n");  // 3: the folder that ls reads
  EXPECT_EQ(ReadFile(directory / "stdin"), "");
  EXPECT_EQ(std::stoi(ReadFile(directory / "group")), std::stoi(ReadFile(directory / "pid")));
  EXPECT_EQ(ReadFile(directory / kWorkerLog), "said on stderr\n");
}

TEST_F(LocalExecutorTest, ExitCodesAndSignalsBecomeOutcomes) {
  Trainer("echo reason >&2; " + Say(Failed{FailureKind::kDiverged, "loss is nan"}) + "; exit 4");
  Submit();
  const AttemptOutcome diverged = Wait();
  EXPECT_EQ(diverged.failure, FailureKind::kDiverged);
  EXPECT_EQ(diverged.message, "loss is nan");
  EXPECT_EQ(diverged.log_tail, "reason");
  EXPECT_EQ(diverged.exit_code, 4);

  Trainer("kill -SEGV $$");
  Submit({TrialId{2}, 1});
  const AttemptOutcome crashed = Wait({TrialId{2}, 1});
  EXPECT_EQ(crashed.failure, FailureKind::kCrashed);
  EXPECT_EQ(crashed.exit_code, -SIGSEGV);

  Trainer("kill -KILL $$");
  Submit({TrialId{3}, 1});
  EXPECT_THAT(Wait({TrialId{3}, 1}).message, HasSubstr("possibly out of memory"));
}

TEST_F(LocalExecutorTest, AWorkerThatCannotStartIsAnEvent) {
  Trainer("exit 0");
  std::filesystem::remove(folder_ / "trainer");
  Submit();
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure, FailureKind::kStartFailed);
  EXPECT_THAT(outcome.message, HasSubstr("No such file"));
}

TEST_F(LocalExecutorTest, ADirectoryThatCannotHoldTheLogIsAnEvent) {
  Trainer("exit 0");
  executor_->Submit(kKey, folder_ / "none", {"cpu", 1}, 0ms);
  EXPECT_EQ(Wait().failure, FailureKind::kStartFailed);
}

TEST_F(LocalExecutorTest, GarbageAndEndlessLinesAreIgnored) {
  Trainer("echo not json; head -c 300000 /dev/urandom; echo; head -c 5000000 /dev/zero; echo\n" +
          Say(Heartbeat{}) + "\nprintf '{\"type\":\"heartbeat\"'\n" + LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete);
  EXPECT_EQ(reports_[kKey].messages.size(), 1U);
}

TEST_F(LocalExecutorTest, AFloodOfMessagesArrivesWhole) {
  Trainer("i=0; while [ $i -lt 3000 ]; do " + Say(Heartbeat{}) + "; i=$((i+1)); done\n" +
          LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete);
  EXPECT_EQ(reports_[kKey].messages.size(), 3000U);
}

TEST_F(LocalExecutorTest, ASilentWorkerHangs) {
  Trainer(Say(Started{}) + "; echo 'words are no messages'; exec sleep 1000", 300ms);
  Submit();
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure, FailureKind::kHung);
  EXPECT_EQ(outcome.message, "sent no message for 0.3 s");
}

TEST_F(LocalExecutorTest, HeartbeatsKeepASlowWorkerAlive) {
  Trainer(
      "for i in 1 2 3 4 5 6 7 8; do " + Say(Heartbeat{}) + "; sleep 0.1; done\n" + LeaveResult(),
      500ms);
  Submit();
  EXPECT_TRUE(Wait().complete);
}

TEST_F(LocalExecutorTest, AWorkerThatTakesTooLongIsStopped) {
  Trainer("while :; do " + Say(Heartbeat{}) + "; sleep 0.05; done");
  Submit(kKey, 300ms);
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure, FailureKind::kTimedOut);
  EXPECT_EQ(outcome.message, "took longer than the timeout of 0.3 s");
}

TEST_F(LocalExecutorTest, CancelLetsTheWorkerEndWell) {
  Trainer("trap 'echo saved > $dir/last.checkpoint; exit 130' TERM\n" + Say(Started{}) +
          "\nwhile :; do sleep 0.02; done");
  Submit();
  WaitForMessage();
  executor_->Cancel(kKey, 10s);
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure, FailureKind::kInterrupted);
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_EQ(ReadFile(Directory(kKey) / kLastCheckpoint), "saved\n");
}

TEST_F(LocalExecutorTest, CancelKillsTheWorkerThatDoesNotListen) {
  Trainer("trap '' TERM\n" + Say(Started{}) + "\nwhile :; do sleep 0.02; done");
  Submit();
  WaitForMessage();
  executor_->Cancel(kKey, 100ms);
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure, FailureKind::kInterrupted);
  EXPECT_EQ(outcome.exit_code, -SIGKILL);
  executor_->Cancel(kKey, 0ms);  // of an attempt that is over: nothing
}

TEST_F(LocalExecutorTest, WhatAWorkerStartedGoesWithIt) {
  Trainer("sleep 1000 & echo $! > $dir/child; " + LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete);
  AwaitGone(std::stoi(ReadFile(Directory(kKey) / "child")));
}

TEST_F(LocalExecutorTest, ManyWorkersAtOnceAreToldApart) {
  Trainer(Say(Started{}) + "\ncase $dir in *[02468]) exit 3;; esac\n" + LeaveResult());
  for (std::int64_t trial = 1; trial <= 20; ++trial) Submit({TrialId{trial}, 1});
  for (std::int64_t trial = 1; trial <= 20; ++trial) {
    const AttemptOutcome outcome = Wait({TrialId{trial}, 1});
    EXPECT_EQ(outcome.complete, trial % 2 == 1) << trial;
    EXPECT_TRUE(outcome.complete || outcome.failure == FailureKind::kOutOfMemory) << trial;
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

TEST_F(LocalExecutorTest, DestructionLeavesNoWorker) {
  Trainer("echo $$ > $dir/pid; " + Say(Started{}) + "; exec sleep 1000");
  Submit();
  WaitForMessage();
  const pid_t pid = std::stoi(ReadFile(Directory(kKey) / "pid"));
  executor_.reset();
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(LocalExecutorTest, WorkersDieWithAKilledOrchestrator) {
  Trainer("echo $$ > $dir/pid; " + Say(Started{}) + "; exec sleep 1000");
  executor_.reset();
  const auto directory = Directory(kKey);
  const pid_t orchestrator = ::fork();
  if (orchestrator == 0) {
    LocalExecutor own({.trainer = folder_ / "trainer",
                       .environment = CurrentEnvironment(),
                       .life = WorkerLife::kOneAttempt});
    own.Submit(kKey, directory, {"cpu", 1}, 0ms);
    while (true) (void)own.Poll(1s);
  }
  std::string text;
  while (text.find('\n') == std::string::npos) {
    std::this_thread::sleep_for(5ms);
    if (std::filesystem::exists(directory / "pid")) text = ReadFile(directory / "pid");
  }
  ::kill(orchestrator, SIGKILL);
  ::waitpid(orchestrator, nullptr, 0);
  AwaitGone(std::stoi(text));
}

/// A process that works in a directory as a worker does: it holds the lock.
class Survivor {
 public:
  enum class Group { kOwn, kOurs };
  Survivor(const std::filesystem::path& directory, Group group) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      if (group == Group::kOwn) ::setpgid(0, 0);
      struct flock whole{};
      whole.l_type = F_WRLCK;
      const int fd = ::open((directory / kWorkerLock).c_str(), O_RDWR | O_CREAT, 0644);
      const bool locked = ::fcntl(fd, F_SETLK, &whole) == 0;
      if (!locked || ::write(ready[1], "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) throw std::runtime_error("no survivor");
    ::close(ready[0]);
  }
  ~Survivor() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    (void)WaitFor(pid_);
  }
  Survivor(const Survivor&) = delete;
  Survivor& operator=(const Survivor&) = delete;
  int End() { return WaitFor(std::exchange(pid_, -1)); }

 private:
  pid_t pid_ = -1;
};

TEST_F(LocalExecutorTest, ReconcileKillsASurvivorAndReadsTheFiles) {
  Trainer("exit 0");
  const auto directory = Directory(kKey);
  for (const auto group : {Survivor::Group::kOwn, Survivor::Group::kOurs}) {
    Survivor survivor(directory, group);
    const AttemptOutcome outcome = executor_->Reconcile(kKey, directory, /*pid=*/0);
    EXPECT_EQ(outcome.failure, FailureKind::kInterrupted);
    EXPECT_EQ(survivor.End(), -SIGKILL);
  }
  WriteFileAtomically(directory / kResultFile, CanonicalJson(ToJson(TrialResult{})));
  EXPECT_TRUE(executor_->Reconcile(kKey, directory, 0).complete);
}

TEST_F(LocalExecutorTest, ReconcileSparesAStrangerWithTheSameProcessId) {
  Trainer("exit 0");
  const auto directory = Directory(kKey);
  WriteFileAtomically(directory / kWorkerLock, "");
  Survivor elsewhere(Directory({TrialId{2}, 1}), Survivor::Group::kOwn);
  (void)executor_->Reconcile(kKey, directory, ::getpid());  // we would not survive it
  const auto other = Directory({TrialId{2}, 1});
  (void)executor_->Reconcile({TrialId{2}, 1}, other, ::getpid());
  EXPECT_EQ(elsewhere.End(), -SIGKILL);
}

TEST_F(LocalExecutorTest, AWorkerIsKeptForTheNextAttemptThere) {
  Server(Say(Started{}) + "\n" + EndWell());
  for (std::int64_t trial = 1; trial <= 3; ++trial) {
    EXPECT_TRUE(Carried(trial).complete);
    const Report& report = reports_[{TrialId{trial}, 1}];
    ASSERT_EQ(report.messages.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<Finished>(report.messages[1]));
    EXPECT_EQ(WorkerOf(trial), WorkerOf(1));
  }
  EXPECT_TRUE(Carried(4, {"cuda:0", 3}).complete);
  EXPECT_TRUE(Carried(5, {"cpu", 2}).complete);
  EXPECT_NE(WorkerOf(4), WorkerOf(1));
  EXPECT_NE(WorkerOf(5), WorkerOf(1));
  EXPECT_NE(WorkerOf(5), WorkerOf(4));
  EXPECT_TRUE(Carried(6).complete);
  EXPECT_EQ(WorkerOf(6), WorkerOf(1));
}

TEST_F(LocalExecutorTest, TwoAttemptsAtOnceHaveAWorkerEach) {
  Server(Say(Started{}) + "\nwhile [ ! -e " + (folder_ / "go").string() +
         " ]; do sleep 0.01; done\n" + EndWell());
  Submit({TrialId{1}, 1});
  Submit({TrialId{2}, 1});
  WaitForMessage({TrialId{1}, 1});
  WaitForMessage({TrialId{2}, 1});
  WriteFileAtomically(folder_ / "go", "");
  EXPECT_TRUE(Wait({TrialId{1}, 1}).complete);
  EXPECT_TRUE(Wait({TrialId{2}, 1}).complete);
  EXPECT_NE(WorkerOf(1), WorkerOf(2));
}

TEST_F(LocalExecutorTest, AfterAFailureComesANewWorker) {
  Server("case $dir in *2) exit 4;; *4) kill -SEGV $$;; esac\n" + EndWell());
  EXPECT_TRUE(Carried(1).complete);
  EXPECT_EQ(Carried(2).failure, FailureKind::kDiverged);
  EXPECT_TRUE(Carried(3).complete);
  EXPECT_EQ(Carried(4).exit_code, -SIGSEGV);
  EXPECT_TRUE(Carried(5).complete);
  EXPECT_EQ(WorkerOf(1), WorkerOf(2));
  EXPECT_EQ(WorkerOf(3), WorkerOf(4));
  EXPECT_NE(WorkerOf(2), WorkerOf(3));
  EXPECT_NE(WorkerOf(4), WorkerOf(5));
}

TEST_F(LocalExecutorTest, AWorkerMayEndInsteadOfTakingMore) {
  Server(LeaveResult() + "\n" + Say(Finished{}) + "; exit 0");
  EXPECT_TRUE(Carried(1).complete);
  EXPECT_TRUE(Carried(2).complete);
  EXPECT_NE(WorkerOf(1), WorkerOf(2));
}

TEST_F(LocalExecutorTest, AWorkerThatDiesWhileItWaitsIsNobodysFailure) {
  Server(EndWell());
  EXPECT_TRUE(Carried(1).complete);
  ::kill(WorkerOf(1), SIGKILL);
  AwaitGone(WorkerOf(1));
  EXPECT_TRUE(Carried(2).complete);  // before the loop hears of the death
  EXPECT_NE(WorkerOf(1), WorkerOf(2));
  ::kill(WorkerOf(2), SIGKILL);
  AwaitGone(WorkerOf(2));
  EXPECT_TRUE(executor_->Poll(100ms).empty());
  EXPECT_TRUE(Carried(3).complete);
}

TEST_F(LocalExecutorTest, LateWordsDoNotReachTheNextAttempt) {
  Server(Say(Started{}) + "\n" + LeaveResult() + "\nprintf '%s\\n%s\\n%s' '" + ToLine(Ready{}) +
         "' '" + ToLine(Failed{.message = "late"}) + "' '{\"type\":\"hea'");
  for (std::int64_t trial = 1; trial <= 3; ++trial) {
    EXPECT_TRUE(Carried(trial).complete);
    const Report& report = reports_[{TrialId{trial}, 1}];
    ASSERT_EQ(report.messages.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<Started>(report.messages[0]));
  }
  EXPECT_EQ(WorkerOf(1), WorkerOf(3));
}

TEST_F(LocalExecutorTest, DeadlinesAndCancellationsEndWithTheirAttempt) {
  Server("case $dir in *2) sleep 0.5;; esac\n" + EndWell());
  Submit({TrialId{1}, 1}, 400ms);
  const AttemptOutcome first = Wait({TrialId{1}, 1});
  if (!first.complete) GTEST_SKIP() << "this machine is too slow today: " << first.message;
  executor_->Cancel({TrialId{1}, 1}, 0ms);  // of an attempt that is over
  EXPECT_TRUE(Carried(2).complete);
  EXPECT_EQ(WorkerOf(1), WorkerOf(2));
}

TEST_F(LocalExecutorTest, OneThatIsToBeAloneMeetsNobodyWhoWaits) {
  Server(EndWell());
  ASSERT_TRUE(Carried(1).complete);
  const pid_t waiting = WorkerOf(1);
  ASSERT_EQ(::kill(waiting, 0), 0);
  ASSERT_TRUE(Carried(2, {.device = "cpu", .threads = 3, .alone = true}).complete);
  EXPECT_NE(WorkerOf(2), waiting);
  EXPECT_NE(::kill(waiting, 0), 0) << "it has gone before the other began";
  ASSERT_TRUE(Carried(3).complete);
  EXPECT_EQ(WorkerOf(3), WorkerOf(2)) << "which is then as any other";
}

TEST_F(LocalExecutorTest, AKeptWorkerIsWatchedAsANewOne) {
  Server("case $dir in *2) exec sleep 1000;; esac\n" + EndWell(), {.silence = 500ms});
  const AttemptOutcome first = Carried(1);
  if (!first.complete) GTEST_SKIP() << "this machine is too slow today: " << first.message;
  EXPECT_EQ(Carried(2).failure, FailureKind::kHung);
  EXPECT_EQ(WorkerOf(1), WorkerOf(2));
}

TEST_F(LocalExecutorTest, AStoppedWorkerHangs) {
  Trainer(Say(Started{}) + "; kill -STOP $$; " + LeaveResult(), 300ms);
  Submit();
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure, FailureKind::kHung);
  EXPECT_EQ(outcome.exit_code, -SIGKILL);
}

TEST_F(LocalExecutorTest, AWorkerThatIsReadyWithoutAResultFailed) {
  Server(Say(Ready{}));
  EXPECT_EQ(Carried(1).failure, FailureKind::kCrashed);
}

TEST_F(LocalExecutorTest, WithoutWorkForLongAWorkerIsLetGo) {
  Server(EndWell(), {.idle = 10ms});
  EXPECT_TRUE(Carried(1).complete);
  while (!IsGone(WorkerOf(1))) EXPECT_TRUE(executor_->Poll(10ms).empty());
  EXPECT_TRUE(Carried(2).complete);
  EXPECT_NE(WorkerOf(1), WorkerOf(2));
}

TEST_F(LocalExecutorTest, DestructionLeavesNoWaitingWorker) {
  Server(EndWell());
  EXPECT_TRUE(Carried(1).complete);
  executor_.reset();
  EXPECT_TRUE(IsGone(WorkerOf(1)));
}

TEST_F(LocalExecutorTest, ADirectoryThatIsNoLineHasAWorkerOfItsOwn) {
  Use("dir=\"$2\"\n[ \"$1\" = train ] || exit 2\n" + LeaveResult() + "\n",
      {.life = WorkerLife::kManyAttempts});
  const auto directory = folder_ / "two\nlines";
  std::filesystem::create_directories(directory);
  executor_->Submit(kKey, directory, {"cpu", 1}, 0ms);
  EXPECT_TRUE(Wait().complete);
}

TEST_F(LocalExecutorTest, TheKernelTakesAWorkerBeforeUs) {
  Trainer("cat /proc/self/oom_score_adj > $dir/score\n" + LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete);
  const int own = std::stoi(ReadFile("/proc/self/oom_score_adj"));
  EXPECT_EQ(std::stoi(ReadFile(Directory(kKey) / "score")), std::min(own + 500, 1000));
}

TEST(WorkerLife, FreshWorkersCanBeAskedFor) {
  EXPECT_EQ(WorkerLifeFrom({"A=1"}), WorkerLife::kManyAttempts);
  EXPECT_EQ(WorkerLifeFrom({"BEAMGRID_FRESH_WORKERS=0"}), WorkerLife::kManyAttempts);
  EXPECT_EQ(WorkerLifeFrom({"A=1", "BEAMGRID_FRESH_WORKERS=1"}), WorkerLife::kOneAttempt);
}

}  // namespace
}  // namespace beamgrid
