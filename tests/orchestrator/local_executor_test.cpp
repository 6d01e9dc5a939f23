// Real processes: shell scripts play the trainer.

#include "orchestrator/local_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>
#include <thread>

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
  LocalExecutor& Trainer(const std::string& body, std::chrono::milliseconds silence = 60s) {
    WriteFileAtomically(folder_ / "trainer", "#!/bin/sh\ndir=\"$2\"\n" + body + "\n");
    std::filesystem::permissions(folder_ / "trainer", std::filesystem::perms::owner_all);
    executor_ =
        std::make_unique<LocalExecutor>(LocalExecutorOptions{.trainer = folder_ / "trainer",
                                                             .environment = CurrentEnvironment(),
                                                             .processor_flags = {"avx2", "fma"},
                                                             .silence = silence,
                                                             .longest_line = 1 << 16});
    return *executor_;
  }

  std::filesystem::path Directory(const AttemptKey& key) {
    const auto path = folder_ / std::to_string(static_cast<std::int64_t>(key.trial));
    std::filesystem::create_directories(path);
    return path;
  }

  void Submit(const AttemptKey& key = kKey, std::chrono::milliseconds timeout = 0ms) {
    executor_->Submit(key, Directory(key), {"cpu", 3}, timeout);
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
    LocalExecutor own({.trainer = folder_ / "trainer", .environment = CurrentEnvironment()});
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

TEST_F(LocalExecutorTest, ReconcileKillsASurvivorAndReadsTheFiles) {
  Trainer("exit 0");
  const auto directory = Directory(kKey);
  WriteFileAtomically(folder_ / "survivor", "sleep 1000\n");
  const UniqueFd log(::dup(STDERR_FILENO));
  const ChildProcess survivor =
      StartProcess({.arguments = {"/bin/sh", (folder_ / "survivor").string(), directory.string()},
                    .environment = CurrentEnvironment(),
                    .stderr_fd = log.get()});
  const AttemptOutcome outcome = executor_->Reconcile(kKey, directory, survivor.pid);
  EXPECT_EQ(outcome.failure, FailureKind::kInterrupted);
  EXPECT_EQ(WaitFor(survivor.pid), -SIGKILL);

  WriteFileAtomically(directory / kResultFile, CanonicalJson(ToJson(TrialResult{})));
  EXPECT_TRUE(executor_->Reconcile(kKey, directory, 0).complete);
}

TEST_F(LocalExecutorTest, ReconcileSparesAStrangerWithTheSameProcessId) {
  Trainer("exit 0");
  (void)executor_->Reconcile(kKey, Directory(kKey), ::getpid());  // we would not survive it
  SUCCEED();
}

}  // namespace
}  // namespace beamgrid
