#include "trainer/worker/execution_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "tests/trainer/worker/trainer_program.h"

namespace beamgrid::trainer {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class ExecutionLogTest : public ::testing::Test {
 protected:
  void SetUp() override { Name(log_); }
  void TearDown() override { ::unsetenv("BEAMGRID_EXECUTION_LOG"); }
  static void Name(const std::filesystem::path& log) {
    ::setenv("BEAMGRID_EXECUTION_LOG", log.c_str(), /*overwrite=*/1);
  }

  TemporaryFolder folder_;
  std::filesystem::path log_ = folder_ / "log";
};

TEST_F(ExecutionLogTest, AppendsALineForEachEvent) {
  LogExecution(ExecutionEvent::kBegin, "f00d", "/runs/a b/1");
  LogExecution(ExecutionEvent::kEnd, "f00d", "/runs/a b/1");
  const std::string pid = std::to_string(::getpid());
  EXPECT_EQ(ReadFile(log_),
            "begin f00d /runs/a b/1 " + pid + "\nend f00d /runs/a b/1 " + pid + "\n");
}

TEST_F(ExecutionLogTest, WithoutTheVariableThereIsNone) {
  Name("");
  LogExecution(ExecutionEvent::kBegin, "f00d", "/runs/1");
  ::unsetenv("BEAMGRID_EXECUTION_LOG");
  LogExecution(ExecutionEvent::kBegin, "f00d", "/runs/1");
  EXPECT_FALSE(std::filesystem::exists(log_));
}

TEST_F(ExecutionLogTest, ALogThatCannotBeWrittenIsAnError) {
  Name(folder_ / "gone" / "log");
  EXPECT_THAT([] { LogExecution(ExecutionEvent::kBegin, "f00d", "/runs/1"); },
              ThrowsMessage<Error>(HasSubstr("No such file")));
  Name("/dev/full");
  EXPECT_THAT([] { LogExecution(ExecutionEvent::kBegin, "f00d", "/runs/1"); },
              ThrowsMessage<Error>(HasSubstr("No space left")));
}

TEST_F(ExecutionLogTest, TellsWhatTheWorkerCarriedOut) {
  TrialFile trial =
      MakeTrial(WriteData(folder_ / "data", {.videos = 60, .classes = 4, .max_frames = 5}), {});
  const std::filesystem::path attempt = folder_ / "attempt";
  WriteFileAtomically(attempt / kTrialFile, boost::json::serialize(ToJson(trial)));
  TrainerProgram program({"train", attempt.string()});
  const std::string rest =
      " " + trial.fingerprint + " " + attempt.string() + " " + std::to_string(program.pid()) + "\n";
  for (std::string line; program.NextLine(line);) {
  }
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(ReadFile(log_), "begin" + rest + "end" + rest);

  trial.spec.objective = "beauty";  // this one fails
  WriteFileAtomically(folder_ / "bad" / kTrialFile, boost::json::serialize(ToJson(trial)));
  EXPECT_EQ(RunTrainer({"train", (folder_ / "bad").string()}).exit, 2);
  EXPECT_THAT(ReadFile(log_),
              HasSubstr("begin " + trial.fingerprint + " " + (folder_ / "bad").string() + " "));
  EXPECT_EQ(ReadFile(log_).find("end " + trial.fingerprint + " " + (folder_ / "bad").string()),
            std::string::npos);
}

}  // namespace
}  // namespace beamgrid::trainer
