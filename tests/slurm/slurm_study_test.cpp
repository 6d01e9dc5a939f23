// A whole study on a real cluster: killed on the way, it equals the one of this machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/end_to_end/study_folder.h"
#include "tests/slurm/own_cluster.h"

namespace beamgrid {
namespace slurm_study_test {

using testing::HasSubstr;

constexpr int kTrials = 40;

/// Ten models of four seeds, asked for in three stages.
RecipeText Greedy() {
  RecipeText recipe;
  recipe.study = "name = \"small\"\nseeds = [1, 2, 3, 4]";
  recipe.grid =
      "[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"max\"\n"
      "[[grid.temporal]]\nuse = \"lstm\"\nhidden = [4, 8]\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3]\n"
      "[[grid.classifier]]\nuse = \"logistic\"\n"
      "[grid.extras]\ndropout = [false, 0.1, 0.2, 0.3]\n";
  recipe.search = "strategy = \"greedy\"\norder = [\"temporal\", \"classifier\", \"extras\"]";
  // Two jobs fit on a node by their memory.
  recipe.resources =
      "timeout = \"10m\"\n[resources.slurm]\njobs = 4\nmemory = \"2GiB\"\ntime = \"10m\"\nidle = "
      "\"5s\"";
  return recipe;
}

const std::vector<std::string> kOnCluster = {"--set", "resources.executor=\"slurm\""};

std::vector<std::string> RunArguments(const std::string& database) {
  std::vector<std::string> arguments = {"run",    "recipe.toml", "--db", database + ".db",
                                        "--runs", database};
  if (database == "cluster") {
    arguments.insert(arguments.end(), kOnCluster.begin(), kOnCluster.end());
  }
  return arguments;
}

/// A cluster with or without accounting, and who knows there on which nodes jobs ran.
struct Bookkeeping {
  std::string name;
  std::vector<std::string> options;
  std::vector<std::string> nodes_of_jobs;
};

class SlurmStudyOn : public testing::TestWithParam<Bookkeeping> {};

INSTANTIATE_TEST_SUITE_P(
    Clusters, SlurmStudyOn,
    testing::Values(
        Bookkeeping{"Plain", {}, {"squeue", "--states=all", "--noheader", "--format=%N"}},
        // Its queue soon forgets what has ended.
        Bookkeeping{"Accounting",
                    {"--accounting"},
                    {"sacct", "--allocations", "--noheader", "--parsable2", "--format=NodeList"}}),
    [](const auto& info) { return info.param.name; });

TEST_P(SlurmStudyOn, AGreedyStudyThatIsKilledOnTheWayEqualsTheLocalOne) {
  const OwnCluster cluster(GetParam().options);
  if (!cluster.why_not().empty()) GTEST_SKIP() << cluster.why_not();
  const StudyFolder folder;
  folder.WriteRecipe(Greedy());
  const Ended local = folder.Run(RunArguments("local"));
  ASSERT_EQ(local.exit_code, 0) << local.err;

  const std::string log = (folder.path() / "execution.log").string();
  ::setenv("BEAMGRID_EXECUTION_LOG", log.c_str(), 1);
  // Each time a little later: the pilots go on meanwhile.
  for (const char* line : {"started on", "complete, gap", "complete, gap"}) {
    Process process(BeamgridCommand(RunArguments("cluster")), folder.path());
    ASSERT_TRUE(process.WaitForLine(line));
    ASSERT_TRUE(process.WaitForLine(line));
    process.Signal(SIGKILL);
    (void)process.Wait();
  }
  const Ended ended = folder.Run(RunArguments("cluster"));
  ::unsetenv("BEAMGRID_EXECUTION_LOG");
  ASSERT_EQ(ended.exit_code, 0) << ended.err;

  const auto dump = [&folder](const std::string& database) {
    return folder.Run({"dump", "small", "--canonical", "--db", database + ".db"}).out;
  };
  EXPECT_FALSE(dump("local").empty());
  EXPECT_EQ(dump("cluster"), dump("local"));
  std::map<std::string, int> ends;
  std::ifstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("end ")) ++ends[line.substr(4, line.find(' ', 4) - 4)];
  }
  EXPECT_EQ(ends.size(), kTrials);
  for (const auto& [fingerprint, count] : ends) EXPECT_EQ(count, 1) << fingerprint;
  // The accounting hears of jobs a little later.
  std::string used;
  for (int look = 0;
       look < 300 && (used.find("n1") == std::string::npos || used.find("n2") == std::string::npos);
       ++look) {
    used = cluster.Slurm(GetParam().nodes_of_jobs);
  }
  EXPECT_THAT(used, HasSubstr("n1"));
  EXPECT_THAT(used, HasSubstr("n2"));
}

TEST(SlurmStudy, ExplainTellsWhyATrialWaits) {
  const OwnCluster cluster;
  if (!cluster.why_not().empty()) GTEST_SKIP() << cluster.why_not();
  const StudyFolder folder;
  folder.WriteRecipe(Greedy());
  for (const char* node : {"NodeName=n1", "NodeName=n2"}) {
    (void)cluster.Slurm({"scontrol", "update", node, "State=DRAIN", "Reason=test"});
  }
  Process process(BeamgridCommand(RunArguments("cluster")), folder.path());
  ASSERT_TRUE(process.WaitForLine("Slurm jobs"));
  std::string told;
  for (int look = 0; look < 300 && told.find("drained") == std::string::npos; ++look) {
    told = folder.Run({"explain", "MC-Mean-MoE1/1", "--db", "cluster.db"}).out;
  }
  EXPECT_THAT(told, HasSubstr("drained"));
  EXPECT_THAT(told, HasSubstr("waits (PENDING)"));
  EXPECT_THAT(told, HasSubstr("attempt 1 waits for a Slurm job"));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait().exit_code, 130);
}

}  // namespace slurm_study_test
}  // namespace beamgrid
