// A database that goes away under a running study.

#include "tests/orchestrator/study/study_runner_fixture.h"

#include "registry/util/error.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;

using StudyLostRecordTest = StudyRunnerTest;

TEST_F(StudyLostRecordTest, TheWorkersWriteTheirCheckpointsAndTheStudyStops) {
  FakeExecutor executor(world_, outcome_of_);
  executor.held.insert("LSTM");
  int polls = 0;
  executor.on_poll = [&polls] { ++polls; };
  lost_ = [&polls] { return polls > 2 ? "test.db: was deleted while the study ran" : ""; };
  const std::string recipe = RecipeText("s", "[[grid.temporal]]\nuse = \"lstm\"\n", "[1, 2]");
  EXPECT_THAT(ErrorText<Error>([&] { (void)Run(recipe, executor); }), HasSubstr("was deleted"));
  EXPECT_EQ(executor.cancelled().size(), 2U);
  lost_ = nullptr;
  EXPECT_EQ(Run(recipe).complete, 2);
  for (const TrialFile& file : world_.trial_files) {
    EXPECT_EQ(file.resume_from.empty(), file.attempt == 1) << "goes on from its checkpoint";
  }
}

}  // namespace
}  // namespace beamgrid
