// Two studies on one database that share all their trials, at the same time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>

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

  /// Trials that one study began while the other was at work on them; executions of `dead` in vain.
  [[nodiscard]] std::vector<std::string> ExecutedAtOnce(
      const std::string& dead = "no study") const {
    std::map<std::string, std::string> at_work;
    std::vector<std::string> found;
    for (const Execution& execution : study_.Executions()) {
      if (execution.event == Execution::Event::kEnd) {
        at_work.erase(execution.fingerprint);
        continue;
      }
      const auto earlier = at_work.find(execution.fingerprint);
      const bool abandoned =
          earlier != at_work.end() && earlier->second.find("/" + dead + "/") != std::string::npos;
      if (earlier != at_work.end() && !abandoned) found.push_back(execution.directory);
      at_work[execution.fingerprint] = execution.directory;
    }
    return found;
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
  EXPECT_THAT(ExecutedAtOnce(), IsEmpty());
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(0);
}

TEST_F(TwoStudies, TheOtherTakesOverWhatAKilledOneLeft) {
  Process one(Command("recipe.toml"), study_.path());
  ASSERT_TRUE(one.WaitForLine("started on"));
  Process other(Command("other.toml"), study_.path());
  WaitUntil("a trial ends", [&] { return AuditOf(study_.Executions()).ended > 0; });
  one.Signal(SIGKILL);
  EXPECT_EQ(one.Wait().exit_code, -SIGKILL);
  const Ended ended = other.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, study_.undisturbed().out);
  EXPECT_THAT(ExecutedAtOnce("small"), IsEmpty());
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(2);
}

}  // namespace
}  // namespace beamgrid
