// Two studies on one database that share all their trials, at the same time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/fault/faulty_study.h"
#include "tests/fault/processes.h"

namespace beamgrid {
namespace {

using testing::IsEmpty;

RecipeText FourTrials(const std::string& study) {
  RecipeText recipe = TwoTrials();
  recipe.study = "name = \"" + study + "\"";
  recipe.grid += "[grid.train]\nlearning_rate = [0.01, 0.02]\n";
  return recipe;
}

class TwoStudies : public testing::Test {
 protected:
  TwoStudies() : study_(FourTrials("small")) {
    study_.folder().WriteRecipe(FourTrials("other"), "other.toml");
  }

  [[nodiscard]] std::vector<std::string> Command(const std::string& recipe) const {
    std::vector<std::string> command = study_.RunCommand(FaultyStudy::With::kNoFaults);
    command.back() = recipe;
    return command;
  }

  FaultyStudy study_;
};

TEST_F(TwoStudies, ShareEveryTrial) {
  Process one(Command("recipe.toml"), study_.path()), other(Command("other.toml"), study_.path());
  for (Process* run : {&one, &other}) {
    const Ended ended = run->Wait();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, study_.undisturbed().out);
  }
  EXPECT_THAT(ExecutedAtOnce(study_.Executions()), IsEmpty());
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(0);
}

TEST_F(TwoStudies, TheOtherTakesOverWhatAKilledOneLeft) {
  Process one(Command("recipe.toml"), study_.path());
  ASSERT_TRUE(one.WaitForLine("started on"));
  Process other(Command("other.toml"), study_.path());
  WaitUntil("a trial ends", [&] { return AuditOf(study_.Executions()).ended > 0; });
  Freeze(one.pid());
  const std::vector<pid_t> workers = WorkersOf(one.pid());
  one.Signal(SIGKILL);
  EXPECT_EQ(one.Wait().exit_code, -SIGKILL);
  const Ended ended = other.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, study_.undisturbed().out);
  EXPECT_THAT(ExecutedAtOnce(study_.Executions(), {workers.begin(), workers.end()}), IsEmpty());
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(2);
}

}  // namespace
}  // namespace beamgrid
