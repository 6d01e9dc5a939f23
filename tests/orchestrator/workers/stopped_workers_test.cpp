// Workers that are stopped: those that hang or take too long, those that are cancelled, those whose
// orchestrator ends, and what they or a dead orchestrator left running.

#include "orchestrator/workers/surviving_worker.h"
#include "registry/util/error.h"
#include "tests/orchestrator/workers/local_executor_fixture.h"
#include "tests/support/error_text.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

namespace beamgrid {
namespace {

using namespace std::chrono_literals;

using StoppedWorkersTest = LocalExecutorTest;

/// Returns what the file says once it has a whole line.
std::string LineIn(const std::filesystem::path& file) {
  std::string text;
  Await("a line in " + file.string(), [&] {
    if (std::filesystem::exists(file)) text = ReadFile(file);
    return text.ends_with('\n');
  });
  return text;
}

TEST_F(StoppedWorkersTest, ASilentWorkerHangs) {
  Trainer(Say(Started{}) + "; echo 'words are no messages'; exec sleep 1000", 300ms);
  Submit();
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure().kind, FailureKind::kHung);
  EXPECT_EQ(outcome.failure().message, "sent no message for 0.3 s");
}

TEST_F(StoppedWorkersTest, AStoppedWorkerHangs) {
  Trainer(Say(Started{}) + "; kill -STOP $$; " + LeaveResult(), 300ms);
  Submit();
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure().kind, FailureKind::kHung);
  EXPECT_EQ(outcome.exit_code, -SIGKILL);
}

TEST_F(StoppedWorkersTest, HeartbeatsKeepASlowWorkerAlive) {
  Trainer(
      "for i in 1 2 3 4 5 6 7 8; do " + Say(Heartbeat{}) + "; sleep 0.1; done\n" + LeaveResult(),
      500ms);
  Submit();
  EXPECT_TRUE(Wait().complete());
}

TEST_F(StoppedWorkersTest, AWorkerThatTakesTooLongIsStopped) {
  Trainer("while :; do " + Say(Heartbeat{}) + "; sleep 0.05; done");
  Submit(kKey, 300ms);
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure().kind, FailureKind::kTimedOut);
  EXPECT_EQ(outcome.failure().message, "took longer than the timeout of 0.3 s");
}

TEST_F(StoppedWorkersTest, CancelLetsTheWorkerEndWell) {
  Trainer("trap 'echo saved > $dir/last.checkpoint; exit 130' TERM\n" + Say(Started{}) +
          "\nwhile :; do sleep 0.02; done");
  Submit();
  WaitForMessage();
  executor_->Cancel(kKey, 10s);
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_EQ(ReadFile(Directory(kKey) / kLastCheckpoint), "saved\n");
}

TEST_F(StoppedWorkersTest, CancelKillsTheWorkerThatDoesNotListen) {
  Trainer("trap '' TERM\n" + Say(Started{}) + "\nwhile :; do sleep 0.02; done");
  Submit();
  WaitForMessage();
  executor_->Cancel(kKey, 100ms);
  const AttemptOutcome outcome = Wait();
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_EQ(outcome.exit_code, -SIGKILL);
  executor_->Cancel(kKey, 0ms);  // of an attempt that is over: nothing
}

TEST_F(StoppedWorkersTest, WhatAWorkerStartedGoesWithIt) {
  Trainer("sleep 1000 & echo $! > $dir/child; " + LeaveResult());
  Submit();
  EXPECT_TRUE(Wait().complete());
  AwaitGone(std::stoi(ReadFile(Directory(kKey) / "child")));
}

TEST_F(StoppedWorkersTest, DestructionLeavesNoWorker) {
  Trainer("echo $$ > $dir/pid; " + Say(Started{}) + "; exec sleep 1000");
  Submit();
  WaitForMessage();
  const pid_t pid = std::stoi(ReadFile(Directory(kKey) / "pid"));
  executor_.reset();
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(StoppedWorkersTest, WorkersDieWithAKilledOrchestrator) {
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
  const std::string text = LineIn(directory / "pid");
  ::kill(orchestrator, SIGKILL);
  ::waitpid(orchestrator, nullptr, 0);
  AwaitGone(std::stoi(text));
}

TEST_F(StoppedWorkersTest, AMachineThatWasFrozenHasNoHungWorkers) {
  Trainer(
      "echo $$ > $dir/pid\n"
      "for i in 1 2 3 4 5; do " +
          Say(Heartbeat{}) + "; sleep 0.2; done\n" + LeaveResult(),
      2s);
  const auto directory = Directory(kKey);
  const pid_t orchestrator = ::fork();
  if (orchestrator == 0) {
    LocalExecutor own({.trainer = folder_ / "trainer",
                       .environment = CurrentEnvironment(),
                       .silence = 2s,
                       .life = WorkerLife::kOneAttempt});
    own.Submit(kKey, directory, {"cpu", 1}, /*timeout=*/6s);
    for (int turn = 0; turn < 10; ++turn) {
      for (const ExecutorEvent& event : own.Poll(10s)) {
        const auto* outcome = std::get_if<AttemptOutcome>(&event.what);
        if (outcome != nullptr) ::_exit(outcome->complete() ? 0 : 1);
      }
    }
    ::_exit(2);  // no end came
  }
  const std::string text = LineIn(directory / "pid");
  const pid_t worker = std::stoi(text);
  // Longer than the silence that is allowed and, with the rest, than the timeout.
  ::kill(orchestrator, SIGSTOP);
  ::kill(-worker, SIGSTOP);
  std::this_thread::sleep_for(6s);
  ::kill(orchestrator, SIGCONT);
  std::this_thread::sleep_for(200ms);  // it looks before the worker can have said a word
  ::kill(-worker, SIGCONT);
  EXPECT_EQ(WaitFor(orchestrator), 0) << "the worker was taken for hung or late";
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
  [[nodiscard]] pid_t pid() const { return pid_; }
  int End() { return WaitFor(std::exchange(pid_, -1)); }

 private:
  pid_t pid_ = -1;
};

/// Has a process at work in the directory until this one is killed; writes a byte once it is.
[[noreturn]] void HoldWorker(const std::filesystem::path& directory, Survivor::Group group,
                             int ready) {
  const Survivor worker(directory, group);
  (void)!::write(ready, "x", 1);
  ::pause();
  ::_exit(0);
}

TEST_F(StoppedWorkersTest, ReconcileKillsASurvivorAndReadsTheFiles) {
  Trainer("exit 0");
  const auto directory = Directory(kKey);
  for (const auto group : {Survivor::Group::kOwn, Survivor::Group::kOurs}) {
    Survivor survivor(directory, group);
    const AttemptOutcome outcome = executor_->Reconcile(kKey, directory, /*pid=*/0);
    EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
    EXPECT_EQ(survivor.End(), -SIGKILL);
  }
  WriteFileAtomically(directory / kResultFile, CanonicalJson(ToJson(TrialResult{})));
  EXPECT_TRUE(executor_->Reconcile(kKey, directory, 0).complete());
}

TEST_F(StoppedWorkersTest, AKilledWorkerTakesTheCopyThatWorksForItAlong) {
  const auto directory = Directory(kKey);
  Survivor copy(directory, Survivor::Group::kOurs);
  Trainer("kill -KILL $$");
  Submit();
  EXPECT_EQ(Wait().exit_code, -SIGKILL);
  EXPECT_EQ(copy.End(), -SIGKILL);
}

TEST_F(StoppedWorkersTest, OneThatEndsByItselfHasNoCopy) {
  const auto directory = Directory(kKey);
  Survivor stranger(directory, Survivor::Group::kOwn);  // started by hand
  Trainer("exit 1");
  Submit();
  EXPECT_EQ(Wait().exit_code, 1);
  EXPECT_EQ(WorkerIn(directory), stranger.pid());
}

TEST_F(StoppedWorkersTest, ReconcileSparesTheWorkerOfAnotherOrchestrator) {
  Trainer("exit 0");
  const auto directory = Directory(kKey);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  for (const bool forks : {false, true}) {
    const pid_t orchestrator = ::fork();  // a program of our name
    if (orchestrator == 0) {
      if (!forks) HoldWorker(directory, Survivor::Group::kOwn, ready[1]);
      if (::fork() == 0) {  // the worker that forks
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        HoldWorker(directory, Survivor::Group::kOurs, ready[1]);
      }
      ::pause();
      ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_THAT(
        ErrorText<Error>([&] { (void)executor_->Reconcile(kKey, directory, /*pid=*/0); }),
        testing::HasSubstr("works for another beamgrid, process " + std::to_string(orchestrator)));
    ::kill(orchestrator, SIGKILL);
    (void)WaitFor(orchestrator);
    // Now it is a survivor, and its parent is somebody else.
    EXPECT_EQ(executor_->Reconcile(kKey, directory, 0).failure().kind, FailureKind::kInterrupted);
  }
  for (const int end : ready) ::close(end);
}

TEST_F(StoppedWorkersTest, WhatTheDeadHaveHalfWrittenIsRemoved) {
  const auto directory = Directory(kKey);
  const auto half = directory / "last.checkpoint.part.17";
  Trainer("echo half > " + half.string() + "; echo whole > $dir/last.checkpoint; kill -KILL $$");
  Submit();
  EXPECT_EQ(Wait().exit_code, -SIGKILL);
  EXPECT_FALSE(std::filesystem::exists(half));
  EXPECT_TRUE(std::filesystem::exists(directory / kLastCheckpoint));

  WriteFileAtomically(half, "of a worker that died with its orchestrator");
  (void)executor_->Reconcile(kKey, directory, /*pid=*/0);
  EXPECT_FALSE(std::filesystem::exists(half));
}

TEST_F(StoppedWorkersTest, ReconcileSparesAStrangerWithTheSameProcessId) {
  Trainer("exit 0");
  const auto directory = Directory(kKey);
  WriteFileAtomically(directory / kWorkerLock, "");
  Survivor elsewhere(Directory({TrialId{2}, 1}), Survivor::Group::kOwn);
  (void)executor_->Reconcile(kKey, directory, ::getpid());  // we would not survive it
  const auto other = Directory({TrialId{2}, 1});
  (void)executor_->Reconcile({TrialId{2}, 1}, other, ::getpid());
  EXPECT_EQ(elsewhere.End(), -SIGKILL);
}

}  // namespace
}  // namespace beamgrid
