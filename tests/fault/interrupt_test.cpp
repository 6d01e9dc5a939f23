// Ctrl-C, and what the next run goes on from.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/fault/faulty_study.h"
#include "tests/fault/processes.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;
using With = FaultyStudy::With;

RecipeText OneLongTrial() {
  RecipeText recipe = TwoTrials();
  recipe.train = "epochs = 60\nbatch = 16\nlearning_rate = 0.01";
  recipe.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n";
  return recipe;
}

class Interrupt : public testing::Test {
 protected:
  Interrupt() : study_(OneLongTrial()) {
    run_.emplace(study_.RunCommand(With::kNoFaults), study_.path());
  }
  /// The first epoch is over, the last one far away.
  void ReachTheMiddle() {
    WaitUntil("the first checkpoint", [this] {
      return !FilesOfAttempt("1", kLastCheckpoint).empty() || HasEnded(run_->pid());
    });
    ASSERT_FALSE(HasEnded(run_->pid())) << run_->Wait().err;
  }

  [[nodiscard]] std::vector<std::filesystem::path> FilesOfAttempt(const std::string& attempt,
                                                                  const std::string& name) const {
    std::vector<std::filesystem::path> found;
    const std::filesystem::path trials = study_.path() / "runs/small";
    std::error_code error;  // files come and go while workers are at work
    for (const auto& trial : std::filesystem::directory_iterator(trials, error)) {
      const std::filesystem::path path = trial.path() / attempt / name;
      if (std::filesystem::exists(path)) found.push_back(path);
    }
    return found;
  }

  [[nodiscard]] std::string LogOfTheSecondAttempt() const {
    std::string log;
    for (const auto& path : FilesOfAttempt("2", kWorkerLog)) log += ReadText(path);
    return log;
  }

  FaultyStudy study_;
  std::optional<Process> run_;
};

TEST_F(Interrupt, TheNextRunGoesOnFromTheCheckpoint) {
  ReachTheMiddle();
  run_->Signal(SIGINT);
  EXPECT_EQ(run_->Wait().exit_code, 130);
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(1);
  EXPECT_THAT(LogOfTheSecondAttempt(), HasSubstr("goes on from"));
}

TEST_F(Interrupt, ASecondOneStopsAtOnceEvenAWorkerThatHearsNothing) {
  ReachTheMiddle();
  const std::vector<pid_t> workers = WorkersOf(run_->pid());
  ASSERT_EQ(workers.size(), 1U);
  ASSERT_EQ(::kill(workers.front(), SIGSTOP), 0);
  run_->Signal(SIGINT);
  ASSERT_TRUE(run_->WaitForLine("interrupted"));
  run_->Signal(SIGINT);
  EXPECT_EQ(run_->Wait().exit_code, 130);
  EXPECT_NE(::kill(workers.front(), 0), 0) << "the worker lives";
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(1);
  // It got no chance to write another, but each epoch has left one.
  EXPECT_THAT(LogOfTheSecondAttempt(), HasSubstr("goes on from"));
}

TEST_F(Interrupt, AKilledOrchestratorsTrialGoesOnFromItsCheckpointToo) {
  ReachTheMiddle();
  run_->Signal(SIGKILL);
  EXPECT_EQ(run_->Wait().exit_code, -SIGKILL);
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(1);
  EXPECT_THAT(LogOfTheSecondAttempt(), HasSubstr("goes on from"));
}

}  // namespace
}  // namespace beamgrid
