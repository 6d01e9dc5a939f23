// Whom a killed worker was killed by.

#include "orchestrator/workers/worker_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "orchestrator/workers/local_executor.h"
#include "registry/util/files.h"
#include "tests/support/await.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;

class MemoryDeathTest : public ::testing::Test {
 protected:
  MemoryDeathTest() { WriteFileAtomically(folder_ / "proc/vmstat", "oom_kill 3\n"); }

  /// The outcome of a worker that runs `script`, where the kernel's count is in $1/vmstat.
  AttemptOutcome OutcomeOfWorker(const std::string& script) {
    const UniqueFd log(::dup(STDERR_FILENO));
    MemoryKills kills(folder_ / "proc", folder_ / "cgroup");
    boost::asio::io_context loop;
    // It waits until its attempt has begun: what the kernel counted before is of no meaning.
    const std::filesystem::path begun = folder_ / "begun";
    std::filesystem::remove(begun);
    const std::string wait = "until [ -e " + begun.string() + " ]; do sleep 0.01; done; ";
    WorkerProcess worker(loop,
                         StartProcess({.arguments = {"/bin/sh", "-c", wait + script, "sh",
                                                     (folder_ / "proc").string()},
                                       .environment = CurrentEnvironment(),
                                       .stderr_fd = log.get()}),
                         {}, kills);
    std::optional<AttemptOutcome> ended;
    worker.Begin({.directory = folder_.path(),
                  .on_message = [](const Message&) {},
                  .on_end = [&](AttemptOutcome outcome) { ended = std::move(outcome); }});
    WriteFileAtomically(begun, "");
    Await(
        "the worker's end", [&] { return worker.Reap(); },
        [&] { loop.run_for(std::chrono::milliseconds(5)); });
    return ended.value();
  }

  TemporaryFolder folder_;
};

constexpr char kCountsOne[] = "echo oom_kill 4 > $1/vmstat; ";

TEST_F(MemoryDeathTest, AKillThatTheKernelCountedIsOutOfMemory) {
  const AttemptOutcome outcome = OutcomeOfWorker(std::string(kCountsOne) + "kill -KILL $$");
  EXPECT_EQ(outcome.failure().kind, FailureKind::kOutOfMemory);
  EXPECT_THAT(outcome.failure().message, HasSubstr("the kernel's out-of-memory killer"));
  EXPECT_EQ(outcome.exit_code, -SIGKILL);
}

TEST_F(MemoryDeathTest, AKillThatTheKernelDidNotCountIsSomebodysAndNotTheTrials) {
  const AttemptFailure failure = OutcomeOfWorker("kill -KILL $$").failure();
  EXPECT_EQ(failure.kind, FailureKind::kInterrupted);
  EXPECT_THAT(failure.message, HasSubstr("neither we nor the kernel"));
}

TEST_F(MemoryDeathTest, WhereNobodyCountsAKillMayHaveBeenForWantOfMemory) {
  std::filesystem::remove(folder_ / "proc/vmstat");
  const AttemptFailure failure = OutcomeOfWorker("kill -KILL $$").failure();
  EXPECT_EQ(failure.kind, FailureKind::kCrashed);
  EXPECT_THAT(failure.message, HasSubstr("possibly out of memory"));
}

TEST_F(MemoryDeathTest, AnotherEndIsNotExplainedByTheCount) {
  EXPECT_EQ(OutcomeOfWorker(std::string(kCountsOne) + "exit 4").failure().kind,
            FailureKind::kDiverged);
  EXPECT_EQ(OutcomeOfWorker(std::string(kCountsOne) + "kill -SEGV $$").failure().kind,
            FailureKind::kCrashed);
}

/// Writes a value to a file of the control group; false where that is not allowed.
bool Put(const std::filesystem::path& file, const std::string& value) {
  return static_cast<bool>(std::ofstream(file) << value << std::flush);
}

constexpr int kLongestTurns = 100, kNoEnd = 254;

/// What an orchestrator with little memory, in a group of its own, makes of a worker that eats all
/// of it; 255: it could not go there; kNoEnd: it has heard of no end.
int ExitOfStarvedOrchestrator(const std::filesystem::path& group,
                              const std::filesystem::path& directory) {
  if (!Put(group / "cgroup.procs", "0") && !Put(group / "tasks", "0")) return 255;
  LocalExecutor executor({.trainer = directory / "trainer",
                          .environment = CurrentEnvironment(),
                          .life = WorkerLife::kOneAttempt});
  executor.Submit({TrialId{1}, 1}, directory, {"cpu", 1}, std::chrono::seconds(60));
  for (int turn = 0; turn < kLongestTurns; ++turn) {
    for (const ExecutorEvent& event : executor.Poll(std::chrono::seconds(1))) {
      const auto* outcome = std::get_if<AttemptOutcome>(&event.what);
      if (outcome != nullptr) return static_cast<int>(outcome->failure().kind);
    }
  }
  return kNoEnd;
}

TEST(MemoryLimitTest, TheKernelTakesTheWorkerAndWeSaySo) {
  const std::filesystem::path file = MemoryKills().file();
  const std::filesystem::path group =
      file.parent_path() / ("beamgrid-test-" + std::to_string(::getpid()));
  if (file.filename() == "vmstat" || ::mkdir(group.c_str(), 0755) != 0) {
    GTEST_SKIP() << "no control group of our own can be made here";
  }
  const char* limit = file.filename() == "memory.events" ? "memory.max" : "memory.limit_in_bytes";
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "trainer",
                      "#!/bin/sh\nexec tail /dev/zero\n");  // keeps all it reads
  std::filesystem::permissions(folder / "trainer", std::filesystem::perms::owner_all);
  int exit = 255;
  // The kernel takes the largest process of the group, which must not be ours: sanitizers make it a
  // large one.
  if (Put(group / limit, std::to_string(512 << 20))) {
    const pid_t orchestrator = ::fork();
    if (orchestrator == 0) ::_exit(ExitOfStarvedOrchestrator(group, folder.path()));
    exit = WaitFor(orchestrator);
  }
  ::rmdir(group.c_str());
  if (exit == 255) GTEST_SKIP() << "control groups cannot be used here";
  EXPECT_EQ(exit, static_cast<int>(FailureKind::kOutOfMemory));
}

}  // namespace
}  // namespace beamgrid
