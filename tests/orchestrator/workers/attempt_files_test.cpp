#include "orchestrator/workers/attempt_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class OutcomeTest : public ::testing::Test {
 protected:
  void WriteResult(std::int64_t model_bytes) {
    TrialResult result{.metrics = {.gap = 0.75}, .device = "cpu"};
    result.artifacts = {
        {.name = "model", .path = kModelFile, .bytes = model_bytes, .hash = HashBytes("12345")}};
    WriteFileAtomically(folder_ / kModelFile, "12345");
    WriteFileAtomically(folder_ / kResultFile, CanonicalJson(ToJson(result)));
  }
  [[nodiscard]] AttemptOutcome Outcome(const WorkerEnd& end) const {
    return OutcomeOf(folder_.path(), end);
  }

  TemporaryFolder folder_;
};

TEST_F(OutcomeTest, AValidResultIsCompleteWhateverTheExit) {
  WriteResult(5);
  for (const int code : {0, 1, 4, 130, -SIGKILL, -SIGSEGV}) {
    const AttemptOutcome outcome = Outcome({.exit_code = code, .stopped = StopReason::kTimedOut});
    EXPECT_TRUE(outcome.complete()) << code;
    EXPECT_EQ(outcome.result().metrics.gap, 0.75);
    EXPECT_EQ(outcome.exit_code, code);
  }
  EXPECT_TRUE(Outcome({}).complete());
}

TEST_F(OutcomeTest, AResultWhoseFilesAreNotThereIsNotComplete) {
  WriteResult(6);
  EXPECT_THAT(Outcome({.exit_code = 0}).failure().message, HasSubstr("bytes, the record says 6"));
  std::filesystem::remove(folder_ / kModelFile);
  const AttemptOutcome outcome = Outcome({.exit_code = 0});
  EXPECT_FALSE(outcome.complete());
  EXPECT_EQ(outcome.failure().kind, FailureKind::kCrashed);
  EXPECT_THAT(outcome.failure().message, HasSubstr("is damaged: it is gone"));
  // After a power cut between the names of a result and of what it names, nobody saw an end.
  EXPECT_THAT(Outcome({}).failure().message, HasSubstr("is damaged: it is gone"));
}

TEST_F(OutcomeTest, TheCheckpointThatOlderWorkersListedIsNoArtifact) {
  TrialResult result{.metrics = {.gap = 0.75}, .device = "cpu"};
  result.artifacts = {{.name = "checkpoint", .path = kBestCheckpoint, .bytes = 9, .hash = "gone"}};
  WriteFileAtomically(folder_ / kResultFile, CanonicalJson(ToJson(result)));
  const AttemptOutcome outcome = Outcome({});
  ASSERT_TRUE(outcome.complete());
  EXPECT_TRUE(outcome.result().artifacts.empty());
}

TEST_F(OutcomeTest, AnArtifactThatLostItsContentIsFoundWhereNobodySawTheEnd) {
  WriteResult(5);
  WriteFileAtomically(folder_ / kModelFile, std::string(5, '\0'));
  EXPECT_TRUE(Outcome({.exit_code = 0}).complete());
  const AttemptOutcome outcome = Outcome({});
  EXPECT_FALSE(outcome.complete());
  EXPECT_EQ(outcome.failure().kind, FailureKind::kCrashed);
  EXPECT_THAT(outcome.failure().message, HasSubstr("model.pt is damaged"));
}

TEST_F(OutcomeTest, AResultThatCannotBeReadNowIsNoOutcome) {
  WriteResult(5);
  struct rlimit former{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &former), 0);
  const struct rlimit none{.rlim_cur = 0, .rlim_max = former.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::string text = ErrorText<Error>([&] { (void)Outcome({.exit_code = 0}); });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &former), 0);
  EXPECT_THAT(text, AllOf(HasSubstr("result.json"), HasSubstr("ulimit -n")));
  EXPECT_TRUE(Outcome({.exit_code = 0}).complete());
}

TEST_F(OutcomeTest, ADamagedResultIsNotComplete) {
  for (const char* text : {"", "{", "[]", "{\"metrics\": {}}"}) {
    WriteFileAtomically(folder_ / kResultFile, text);
    const AttemptOutcome outcome = Outcome({.exit_code = 0});
    EXPECT_FALSE(outcome.complete()) << text;
    EXPECT_THAT(outcome.failure().message, HasSubstr("result.json is damaged")) << text;
  }
}

TEST_F(OutcomeTest, ExitCodesNameTheKind) {
  const std::pair<TrainerExit, FailureKind> cases[] = {
      {TrainerExit::kBroken, FailureKind::kCrashed},
      {TrainerExit::kBadSpec, FailureKind::kBadSpec},
      {TrainerExit::kOutOfMemory, FailureKind::kOutOfMemory},
      {TrainerExit::kDiverged, FailureKind::kDiverged},
      {TrainerExit::kBadData, FailureKind::kBadData},
      {TrainerExit::kInterrupted, FailureKind::kInterrupted},
      {static_cast<TrainerExit>(77), FailureKind::kCrashed}};
  for (const auto& [code, kind] : cases) {
    const AttemptOutcome outcome = Outcome({.exit_code = static_cast<int>(code)});
    EXPECT_EQ(outcome.failure().kind, kind);
    EXPECT_THAT(outcome.failure().message,
                HasSubstr("status " + std::to_string(static_cast<int>(code))));
  }
  EXPECT_THAT(Outcome({.exit_code = 0}).failure().message, HasSubstr("left no result.json"));
}

TEST_F(OutcomeTest, TheWorkersWordsExplainButTheExitCodeDecides) {
  const Failed words{FailureKind::kOutOfMemory, "no room for 3 GiB"};
  const AttemptOutcome diverged = Outcome({.exit_code = 4, .failed_message = words});
  EXPECT_EQ(diverged.failure().kind, FailureKind::kDiverged);
  EXPECT_EQ(diverged.failure().message, "no room for 3 GiB");
  EXPECT_EQ(Outcome({.exit_code = 1, .failed_message = words}).failure().kind,
            FailureKind::kOutOfMemory);
}

TEST_F(OutcomeTest, SignalsAreNamedAndAForeignKillSuspectsMemory) {
  EXPECT_THAT(Outcome({.exit_code = -SIGSEGV}).failure().message, HasSubstr("SIGSEGV"));
  const AttemptOutcome killed = Outcome({.exit_code = -SIGKILL});
  EXPECT_EQ(killed.failure().kind, FailureKind::kCrashed);
  EXPECT_EQ(killed.exit_code, -SIGKILL);
  EXPECT_THAT(killed.failure().message, HasSubstr("possibly out of memory"));
}

TEST_F(OutcomeTest, ADeathBySignalIsBlamedOnWhoCanHaveCausedIt) {
  const auto kind_of = [this](int code) { return Outcome({.exit_code = code}).failure().kind; };
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGTRAP}) {
    EXPECT_EQ(kind_of(-signal), FailureKind::kCrashed) << signal;
  }
  for (const int signal : {SIGBUS, SIGILL, SIGSYS, SIGXCPU, SIGXFSZ}) {
    EXPECT_EQ(kind_of(-signal), FailureKind::kEnvironment) << signal;
    EXPECT_THAT(Outcome({.exit_code = -signal}).failure().message, HasSubstr("then run again"));
  }
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGALRM, SIGRTMIN}) {
    EXPECT_EQ(kind_of(-signal), FailureKind::kInterrupted) << signal;
  }
  for (const int status : {126, 127}) {
    EXPECT_EQ(kind_of(status), FailureKind::kEnvironment) << status;
  }
}

TEST_F(OutcomeTest, ALimitThatKeptAWorkerFromStartingIsToldWithTheWayOut) {
  WriteFileAtomically(folder_ / kWorkerLog,
                      "beamgrid-trainer: error while loading shared libraries: libx.so: failed to "
                      "map segment from shared object\n");
  const AttemptOutcome limited = Outcome({.exit_code = 127});
  EXPECT_EQ(limited.failure().kind, FailureKind::kEnvironment);
  EXPECT_THAT(limited.failure().message, HasSubstr("ulimit -v"));
  WriteFileAtomically(folder_ / kWorkerLog,
                      "terminate called after throwing an instance of 'std::bad_alloc'\n"
                      "  what():  std::bad_alloc\n");
  const AttemptOutcome without_memory = Outcome({.exit_code = -SIGABRT});
  EXPECT_EQ(without_memory.failure().kind, FailureKind::kOutOfMemory);
  EXPECT_THAT(without_memory.failure().message, HasSubstr("ulimit -v"));
  EXPECT_EQ(Outcome({.exit_code = -SIGSEGV}).failure().kind, FailureKind::kCrashed);
  WriteFileAtomically(folder_ / kWorkerLog, "libx.so: No such file or directory\n");
  EXPECT_THAT(Outcome({.exit_code = 127}).failure().message, HasSubstr("is missing"));
}

TEST_F(OutcomeTest, OurOwnStopsHaveTheirReason) {
  EXPECT_EQ(Outcome({.exit_code = 130, .stopped = StopReason::kCancelled}).failure().kind,
            FailureKind::kInterrupted);
  EXPECT_EQ(Outcome({.exit_code = -SIGKILL, .stopped = StopReason::kHung}).failure().kind,
            FailureKind::kHung);
  const AttemptOutcome late = Outcome(
      {.exit_code = -SIGKILL, .stopped = StopReason::kTimedOut, .stop_detail = "took too long"});
  EXPECT_EQ(late.failure().kind, FailureKind::kTimedOut);
  EXPECT_EQ(late.failure().message, "took too long");
  EXPECT_EQ(Outcome({}).failure().kind, FailureKind::kInterrupted);
}

TEST_F(OutcomeTest, TheEndOfTheLogComesWithIt) {
  std::string log;
  for (int line = 1; line <= 30; ++line) log += "line " + std::to_string(line) + "\n";
  WriteFileAtomically(folder_ / kWorkerLog, log);
  const std::string tail = Outcome({.exit_code = -SIGSEGV}).failure().log_tail;
  EXPECT_TRUE(tail.starts_with("line 11\n")) << tail;
  EXPECT_TRUE(tail.ends_with("\nline 30")) << tail;
}

TEST_F(OutcomeTest, LogsAreMadeReadable) {
  WriteFileAtomically(folder_ / kWorkerLog, std::string("\033[31mred\xff caf\xc3\xa9 \xe2\x82") +
                                                "\n" + std::string(100'000, 'x') + "\nend");
  const std::string tail = LogTail(folder_ / kWorkerLog);
  EXPECT_TRUE(tail.ends_with("x\nend"));
  EXPECT_LT(tail.size(), 1'000U);
  EXPECT_EQ(LogTail(folder_ / "none.log"), "");
  WriteFileAtomically(folder_ / kWorkerLog, "\033[31mred\xff caf\xc3\xa9 \xe2\x82");
  EXPECT_EQ(LogTail(folder_ / kWorkerLog), "\\x1b[31mred\\xff caf\xc3\xa9 \\xe2\\x82");
}

}  // namespace
}  // namespace beamgrid
