// `beamgrid-trainer serve --fork`: each attempt in a copy of the worker, whose end is the worker's.

#include "trainer/worker/forked_attempt.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "registry/util/files.h"
#include "registry/util/process_stat.h"
#include "tests/support/await.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "tests/trainer/worker/trainer_program.h"

namespace beamgrid::trainer {
namespace {

class ForkedAttemptTest : public ::testing::Test {
 protected:
  ForkedAttemptTest()
      : data_(WriteData(folder_ / "data", {.videos = 60, .classes = 4, .max_frames = 5})) {}

  TrialFile Trial(std::int64_t epochs) const {
    return MakeTrial(data_, {.extras = {{"dropout", {{"rate", 0.2}}}},
                             .train = {{"epochs", epochs}, {"batch", 16}}});
  }
  std::filesystem::path Attempt(const std::string& name, std::int64_t epochs) const {
    const std::filesystem::path path = folder_ / name;
    WriteFileAtomically(path / kTrialFile, boost::json::serialize(ToJson(Trial(epochs))));
    return path;
  }

  /// Tells the worker an attempt that takes longer than any test; returns the copy that carries it
  /// out, in the middle of it.
  pid_t InTheMiddle(TrainerProgram& worker) const {
    worker.Say(Attempt("long", 1'000'000).string());
    const std::optional<Started> started = worker.AwaitMessage<Started>();
    EXPECT_TRUE(worker.AwaitMessage<Evaluated>());
    return static_cast<pid_t>(started.value_or(Started{}).pid);
  }

  TemporaryFolder folder_;
  DataSpec data_;
};

/// Gone, or a zombie that nobody has waited for.
bool IsGone(pid_t process) {
  const auto stat = ReadProcessStat("/proc/" + std::to_string(process) + "/stat");
  return !stat || stat->state == 'Z' || stat->state == 'X';
}

TEST_F(ForkedAttemptTest, EachHasAProcessThatIsGoneWhenTheWorkerIsReady) {
  TrainerProgram worker({"serve", "--fork"});
  for (const char* name : {"a", "b", "c"}) {
    worker.Say(Attempt(name, 2).string());
    const std::optional<Started> started = worker.AwaitMessage<Started>();
    ASSERT_TRUE(started);
    EXPECT_NE(started->pid, worker.pid());
    ASSERT_TRUE(worker.AwaitMessage<Finished>());
    ASSERT_TRUE(worker.AwaitMessage<Ready>());
    EXPECT_FALSE(ReadProcessStat("/proc/" + std::to_string(started->pid) + "/stat"));
  }
  worker.CloseInput();
  EXPECT_EQ(worker.Wait(), 0);
}

TEST_F(ForkedAttemptTest, TheWorkerEndsByTheSignalThatEndsTheCopy) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGKILL, SIGHUP}) {
    TrainerProgram worker({"serve", "--fork"}, "ulimit -c 0");
    ::kill(InTheMiddle(worker), signal);
    EXPECT_FALSE(worker.AwaitMessage<Ready>());
    EXPECT_EQ(worker.Wait(), -signal);
  }
}

TEST_F(ForkedAttemptTest, TheCopyDiesWithTheWorker) {
  TrainerProgram worker({"serve", "--fork"});
  const pid_t copy = InTheMiddle(worker);
  ASSERT_NE(copy, worker.pid());
  ::kill(worker.pid(), SIGKILL);
  EXPECT_EQ(worker.Wait(), -SIGKILL);
  Await("the end of the copy", [copy] { return IsGone(copy); });
}

TEST_F(ForkedAttemptTest, AStopReachesTheCopyWhoeverOfBothGetsIt) {
  enum class Told { kWorker, kCopy, kBoth };
  for (const Told told : {Told::kWorker, Told::kCopy, Told::kBoth}) {
    TrainerProgram worker({"serve", "--fork"});
    const pid_t copy = InTheMiddle(worker);
    if (told != Told::kWorker) ::kill(copy, SIGTERM);
    if (told != Told::kCopy) ::kill(worker.pid(), SIGTERM);
    const std::optional<Failed> failed = worker.AwaitMessage<Failed>();
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->kind, FailureKind::kInterrupted);
    EXPECT_EQ(worker.Wait(), static_cast<int>(TrainerExit::kInterrupted));
    EXPECT_TRUE(std::filesystem::exists(folder_ / "long" / kLastCheckpoint));
    std::filesystem::remove_all(folder_ / "long");
  }
}

TEST_F(ForkedAttemptTest, TerminatedBetweenTwoItEnds) {
  TrainerProgram worker({"serve", "--fork"});
  worker.Say(Attempt("a", 1).string());
  ASSERT_TRUE(worker.AwaitMessage<Ready>());
  ::kill(worker.pid(), SIGTERM);
  EXPECT_FALSE(worker.AwaitMessage<Ready>());
  EXPECT_EQ(worker.Wait(), static_cast<int>(TrainerExit::kInterrupted));
}

TEST_F(ForkedAttemptTest, WithTooLittleMemoryForOpenBlasItSaysSoAndHangsNowhere) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer needs more address space than the limit leaves";
#endif
  // Some of these limits let the libraries in and leave no room for the buffers of the BLAS.
  int done = 0, refused = 0;
  for (const int mebibytes : {800, 1000, 1200, 1400}) {
    const std::filesystem::path attempt = Attempt(std::to_string(mebibytes), 1);
    const TrainerRun run = RunForked(
        attempt, "export OPENBLAS_NUM_THREADS=2; ulimit -v " + std::to_string(mebibytes << 10));
    EXPECT_TRUE(run.exit == 127 || !run.lines.empty()) << "why, at " << mebibytes;
    done += run.exit == 0 ? 1 : 0;
    refused += run.exit == static_cast<int>(TrainerExit::kBroken) ? 1 : 0;
  }
  EXPECT_GE(done, 1);
  EXPECT_GE(refused, 1);
}

}  // namespace
}  // namespace beamgrid::trainer
