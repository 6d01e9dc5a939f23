// Workers that are kept, that stop answering and that stand still.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "registry/store/store.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// An environment variable of the programs that a test starts.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

/// How many processes carried out the attempts that an execution log tells of.
std::size_t ProcessesIn(const std::filesystem::path& log) {
  std::istringstream lines(ReadText(log));
  std::set<std::string> processes;
  for (std::string line; std::getline(lines, line);) {
    processes.insert(line.substr(line.rfind(' ') + 1));
  }
  return processes.size();
}

TEST(Workers, KeptForManyTrialsTheyLeaveWhatNewOnesLeave) {
  const StudyFolder folder;
  RecipeText recipe;
  recipe.resources = "devices = [\"cpu\"]\nslots_per_device = 1";
  folder.WriteRecipe(recipe);
  const auto results = [&](const std::string& name) {
    const Variable log("BEAMGRID_EXECUTION_LOG", (folder.path() / (name + ".log")).string());
    const Ended ended = folder.Run({"run", "recipe.toml", "--db", name + ".db", "--runs", name});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return folder
        .Run({"query",
              "SELECT fingerprint, state, gap, hit_at_1, perr, map, validate_loss FROM trials "
              "ORDER BY fingerprint",
              "--csv", "--db", name + ".db"})
        .out;
  };
  const std::string kept = results("kept");
  const Variable fresh("BEAMGRID_FRESH_WORKERS", "1");
  EXPECT_EQ(kept, results("fresh"));
  EXPECT_EQ(ProcessesIn(folder.path() / "kept.log"), 1U);
  EXPECT_EQ(ProcessesIn(folder.path() / "fresh.log"), 8U);
}

std::string OutcomesOfTheFirstTrial(const StudyFolder& folder) {
  return folder
      .Run({"query", "SELECT outcome FROM attempt WHERE trial = 1 ORDER BY number", "--csv"})
      .out;
}

TEST(Workers, OneThatDoesNotAnswerIsKilledAndItsTrialGoesOn) {
  const StudyFolder folder;
  RecipeText recipe;
  recipe.study = "name = \"small\"";
  recipe.train = "batch = 16\nlearning_rate = 0.01";
  recipe.grid = "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n[grid.train]\nepochs = [150, 1]\n";
  recipe.resources =
      "devices = [\"cpu\"]\nslots_per_device = 2\nretries = 5\n"
      "heartbeat_timeout = \"5s\"";
  folder.WriteRecipe(recipe);
  Process run(BeamgridCommand({"run", "recipe.toml"}), folder.path());
  ASSERT_TRUE(run.WaitForLine(": complete")) << run.Wait().err;
  {
    const pid_t worker = folder.WorkerOf(1);
    ASSERT_GT(worker, 0);
    ASSERT_EQ(kill(worker, SIGSTOP), 0);
  }
  const Ended ended = run.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  // A machine that takes longer than the timeout to load LibTorch adds some that hung.
  EXPECT_THAT(OutcomesOfTheFirstTrial(folder),
              AllOf(StartsWith("outcome\nhung\n"), EndsWith("\ncomplete\n")));
}

TEST(Workers, OneWhoseTrainingStandsStillGivesUpByItself) {
  const StudyFolder folder;
  RecipeText recipe;
  recipe.study = "name = \"small\"";
  recipe.grid = "[[grid.temporal]]\nuse = \"standstill\"\nbatches = 3\n";
  recipe.resources =
      "devices = [\"cpu\"]\nslots_per_device = 1\nretries = 0\nstall_timeout = \"1s\"";
  std::string text = recipe.Text();
  text.insert(text.find("[study]"), "plugins = [\"" + Binary("plugins/standstill.so") + "\"]\n");
  WriteText(folder.path() / "recipe.toml", text);
  const Ended ended = folder.Run({"run", "recipe.toml"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(OutcomesOfTheFirstTrial(folder), "outcome\nhung\n");
  EXPECT_THAT(folder.Run({"explain", "1"}).out,
              AllOf(HasSubstr("stood still for 1"), HasSubstr("in epoch 1")));
}

}  // namespace
}  // namespace beamgrid
