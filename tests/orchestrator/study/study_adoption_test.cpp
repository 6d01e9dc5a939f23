// Attempts that are still at work when the next orchestrator comes.

#include "tests/orchestrator/study/study_runner_fixture.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class StudyAdoptionTest : public StudyRunnerTest {
 protected:
  /// Runs the study until its orchestrator is killed in the n-th poll, all workers at work.
  void KillAtPoll(const std::string& recipe, int poll) {
    FakeExecutor executor(world_, outcome_of_);
    int polls = 0;
    executor.on_poll = [&] {
      if (++polls == poll) throw Killed{};
    };
    EXPECT_THROW((void)Run(recipe, executor), Killed);
  }
  StudyResult RunWithSurvivors(const std::string& recipe) {
    FakeExecutor executor(world_, outcome_of_);
    executor.outlive = true;
    return Run(recipe, executor);
  }
};

TEST_F(StudyAdoptionTest, WhatIsAtWorkGoesOnWithoutASecondAttempt) {
  const std::string recipe = RecipeText("s", kFourModels);
  KillAtPoll(recipe, 2);
  const StudyResult result = RunWithSurvivors(recipe);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(world_.adopted, SizeIs(2));
  EXPECT_EQ(world_.started.size(), 8U) << "one attempt each";
  EXPECT_EQ(world_.reconciled, 0);
  ExpectAllComplete("s", 8);
  EXPECT_THAT(world_.trained, AllOf(SizeIs(8), Each(Pair(::testing::_, 1))));
  EXPECT_THAT(events_, Contains(HasSubstr("it goes on in this run")));
  for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.attempts, 1);
}

TEST_F(StudyAdoptionTest, WhatIsAtWorkIsFoundBehindAllThatIsComplete) {
  const std::string recipe = RecipeText(
      "s",
      "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]\n"
      "[resources]\ndevices = [\"cpu\"]\nretries = 1\n");
  KillAtPoll(recipe, 20);
  EXPECT_EQ(RunWithSurvivors(recipe).exit_code, 0);
  EXPECT_THAT(world_.adopted, SizeIs(2));
  EXPECT_EQ(world_.reconciled, 0);
  ExpectAllComplete("s", 48);
}

TEST_F(StudyAdoptionTest, ThereAreNeverMoreAtWorkThanSlots) {
  slots_ = 4;
  const std::string recipe = RecipeText("s", kFourModels);
  KillAtPoll(recipe, 1);
  slots_ = 2;
  FakeExecutor executor(world_, outcome_of_);
  executor.outlive = true;
  EXPECT_EQ(Run(recipe, executor).exit_code, 0);
  EXPECT_LE(executor.most_running(), 2U);
  EXPECT_EQ(world_.adopted.size(), 2U);
  EXPECT_EQ(world_.reconciled, 2);
  ExpectAllComplete("s", 8);
  EXPECT_THAT(world_.trained, Each(Pair(::testing::_, 1)));
}

TEST_F(StudyAdoptionTest, LongerTrialsDoNotTakeTheSlotsOfWhatIsAtWork) {
  const std::string recipe = RecipeText("s", kFourModels);
  KillAtPoll(recipe, 1);
  resources_.seconds_of = [&](const ModelSpec& model) {
    // Those that were not begun are the longest now.
    return model.parts.at("temporal").component == "gru" ? 100.0 : 1.0;
  };
  EXPECT_EQ(RunWithSurvivors(recipe).exit_code, 0);
  EXPECT_THAT(world_.adopted, SizeIs(2));
  EXPECT_EQ(world_.reconciled, 0);
  ExpectAllComplete("s", 8);
}

TEST_F(StudyAdoptionTest, WhatNobodyAsksForAnyMoreIsClosedAtTheEnd) {
  KillAtPoll(RecipeText("s", kFourModels), 1);
  accept_changes_ = true;
  const StudyResult result = RunWithSurvivors(
      RecipeText("s",
                 "[[grid.temporal]]\nuse = \"gru\"\n[[grid.classifier]]\nuse = \"moe\"\n"
                 "experts = 8\n[resources]\ndevices = [\"cpu\"]\nretries = 1\n"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(world_.adopted, IsEmpty());
  EXPECT_EQ(world_.reconciled, 2);
  const Store store(database_, OpenMode::kReadOnly);
  EXPECT_THAT(store.OpenAttempts(), IsEmpty());
}

TEST_F(StudyAdoptionTest, AnInterruptStopsAdoptedAttemptsToo) {
  const std::string recipe = RecipeText("s", kFourModels);
  KillAtPoll(recipe, 1);
  FakeExecutor executor(world_, outcome_of_);
  executor.outlive = true;
  executor.held = {world_.started.begin(), world_.started.end()};
  executor.on_poll = [&] { runner_->Interrupt(); };
  EXPECT_EQ(Run(recipe, executor).exit_code, 130);
  EXPECT_THAT(executor.cancelled(), SizeIs(2));
  const Store store(database_, OpenMode::kReadOnly);
  EXPECT_THAT(store.OpenAttempts(), IsEmpty());
}

TEST_F(StudyAdoptionTest, WhatMayHaveSeenOtherDataIsNotAdopted) {
  const std::string recipe = RecipeText("s", kFourModels);
  KillAtPoll(recipe, 1);
  digest_ = "d2";
  accept_changes_ = true;
  EXPECT_EQ(RunWithSurvivors(recipe).exit_code, 0);
  EXPECT_THAT(world_.adopted, IsEmpty());
  EXPECT_EQ(world_.reconciled, 2);
}

/// Kills the orchestrator at its n-th step for every n; the workers go on, and the next run adopts
/// them, and is killed at a step as well.
TEST_F(StudyAdoptionTest, DeathAtEveryStepLosesNothingAndRepeatsNothing) {
  const std::string recipe = RecipeText(
      "s", "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n", "[1, 2]");
  std::int64_t steps = 0;
  for (std::int64_t kill_at = 1; steps == 0 || kill_at <= steps; ++kill_at) {
    SCOPED_TRACE("killed at step " + std::to_string(kill_at));
    std::filesystem::remove_all(folder_ / "runs");
    for (const char* file : {"test.db", "test.db-wal", "test.db-shm"}) {
      std::filesystem::remove(folder_ / file);
    }
    world_ = {};
    bool killed = false;
    for (const std::int64_t at : {kill_at, 3 + kill_at % 23}) {
      Fuse fuse(at);
      try {
        FakeExecutor executor(world_, outcome_of_, &fuse);
        executor.outlive = true;
        EXPECT_EQ(Run(recipe, executor, &fuse).exit_code, 0);
      } catch (const Killed&) {
        killed = true;
      }
      if (!killed && steps == 0) steps = fuse.burnt();
    }
    EXPECT_EQ(RunWithSurvivors(recipe).exit_code, 0);
    ExpectAllComplete("s", 4);
    EXPECT_THAT(world_.trained, AllOf(SizeIs(4), Each(Pair(::testing::_, 1))));
    for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.failed_attempts, 0);
  }
  EXPECT_GT(steps, 20);
}

}  // namespace
}  // namespace beamgrid
