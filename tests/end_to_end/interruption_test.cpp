// A study that is interrupted, killed or loses a worker ends in the same table as an undisturbed
// one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "registry/store/store.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// One long trial and one short one beside it: when the short one is complete, the long one is in
/// the middle of its training.
RecipeText LongAndShort() {
  RecipeText recipe;
  recipe.study = "name = \"small\"";
  recipe.train = "batch = 16\nlearning_rate = 0.01";
  recipe.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n[grid.train]\nepochs = [150, 1]\n";
  return recipe;
}

class Interruption : public ::testing::Test {
 protected:
  Interruption() { folder_.WriteRecipe(LongAndShort()); }

  [[nodiscard]] static std::vector<std::string> RunCommand() {
    return BeamgridCommand({"run", "recipe.toml"});
  }
  /// Starts the study and returns in the middle of its long trial.
  void StartAndReachTheMiddle() {
    process_.emplace(RunCommand(), folder_.path());
    ASSERT_TRUE(process_->WaitForLine(": complete")) << process_->Wait().err;
  }
  /// What is printed and recorded now equals what an undisturbed study leaves.
  void ExpectTheUndisturbedResult() {
    const Ended finished = folder_.Run({"run", "recipe.toml"});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    const Ended undisturbed =
        folder_.Run({"run", "recipe.toml", "--db", "undisturbed.db", "--runs", "undisturbed"});
    ASSERT_EQ(undisturbed.exit_code, 0) << undisturbed.err;
    EXPECT_EQ(finished.out, undisturbed.out);
    const std::string exact =
        "SELECT name, seed, state, gap, hit_at_1, perr, map FROM trials ORDER BY name, seed";
    EXPECT_EQ(folder_.Run({"query", exact, "--json"}).out,
              folder_.Run({"query", exact, "--json", "--db", "undisturbed.db"}).out);
  }
  [[nodiscard]] std::string OutcomesOfTheLongTrial() const {
    return folder_
        .Run({"query", "SELECT outcome FROM attempt WHERE trial = 1 ORDER BY number", "--csv"})
        .out;
  }

  const StudyFolder folder_;
  std::optional<Process> process_;
};

TEST_F(Interruption, CtrlCStopsCleanlyAndTheNextRunGoesOn) {
  StartAndReachTheMiddle();
  process_->Signal(SIGINT);
  const Ended interrupted = process_->Wait();
  EXPECT_EQ(interrupted.exit_code, 130);
  EXPECT_THAT(interrupted.err, HasSubstr("run the same recipe again"));
  EXPECT_THAT(folder_.HalfWritten(), IsEmpty());
  ExpectTheUndisturbedResult();
  EXPECT_EQ(OutcomesOfTheLongTrial(), "outcome\ninterrupted\ncomplete\n");
}

TEST_F(Interruption, AKilledOrchestratorLosesNothing) {
  StartAndReachTheMiddle();
  process_->Signal(SIGKILL);
  EXPECT_EQ(process_->Wait().exit_code, -SIGKILL);
  ExpectTheUndisturbedResult();
}

TEST_F(Interruption, AKilledWorkerIsStartedAgain) {
  StartAndReachTheMiddle();
  {
    const pid_t worker = folder_.WorkerOf(1);
    ASSERT_GT(worker, 0);
    ASSERT_EQ(kill(worker, SIGKILL), 0);
  }
  const Ended ended = process_->Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  // Where nobody counts the kernel's kills for want of memory, it may have been one.
  EXPECT_THAT(OutcomesOfTheLongTrial(),
              AnyOf("outcome\ninterrupted\ncomplete\n", "outcome\ncrashed\ncomplete\n"));
  ExpectTheUndisturbedResult();
}

TEST_F(Interruption, ASecondOrchestratorOfTheStudyIsRefused) {
  StartAndReachTheMiddle();
  const Ended second = folder_.Run({"run", "recipe.toml"});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr(std::to_string(process_->pid())));
  process_->Signal(SIGINT);
  EXPECT_EQ(process_->Wait().exit_code, 130);
}

std::string InShell(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += "'" + word + "' ";
  return text;
}

TEST_F(Interruption, AReaderThatGoesAwayDoesNotEndTheStudy) {
  // The reader ends after the first line; the study has most of its lines still to say.
  const std::string pipeline =
      "{ " + InShell(RunCommand()) + " >out; echo $? >code; } 2>&1 | head -n 1";
  const Ended ended = Process({"/bin/sh", "-c", pipeline}, folder_.path()).Wait();
  EXPECT_THAT(ended.out, HasSubstr("slots on cpu"));
  EXPECT_EQ(ReadFile(folder_.path() / "code"), "0\n");
  const Ended again = folder_.Run({"run", "recipe.toml"});
  EXPECT_EQ(ReadFile(folder_.path() / "out"), again.out);
  EXPECT_THAT(again.err, HasSubstr("nothing to do"));
}

TEST_F(Interruption, CtrlCMayEndTheReaderFirst) {
  const std::string pipeline = "{ " + InShell(RunCommand()) +
                               " >out & echo $! >pid; wait $!; echo $? >code; } 2>&1 |"
                               " { grep -m 1 ': complete'; kill -INT $(cat pid); }";
  const Ended ended = Process({"/bin/sh", "-c", pipeline}, folder_.path()).Wait();
  EXPECT_EQ(ReadFile(folder_.path() / "code"), "130\n") << ended.err;
  ExpectTheUndisturbedResult();
  EXPECT_EQ(OutcomesOfTheLongTrial(), "outcome\ninterrupted\ncomplete\n");
}

}  // namespace
}  // namespace beamgrid
