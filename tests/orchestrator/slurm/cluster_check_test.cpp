// What `doctor` asks of a cluster, with stand-ins for Slurm's commands.
#include "orchestrator/slurm/cluster_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace cluster_check_test {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ClusterCheckTest : public testing::Test {
 protected:
  ClusterCheckTest() {
    fs::create_directory(bin());
    fs::create_directory(folder_ / "runs");
    Put("program", "echo beamgrid 0.1.0");
    Put("scancel", "touch " + (folder_ / "cancelled").string());
    Put("squeue", "exit 0");
  }
  void Put(const std::string& name, const std::string& script) {
    std::ofstream(bin() / name) << "#!/bin/sh\n" << script << "\n";
    ::chmod((bin() / name).c_str(), 0755);
  }
  /// An sbatch that carries the job out at once, as if on a node, after `before`.
  void RunJobs(const std::string& before = "") {
    Put("sbatch", before +
                      "\nfor script; do :; done\nSLURMD_NODENAME=n7 bash \"$script\" >/dev/null "
                      "2>&1\necho 5");
  }
  /// Returns what is wrong and what to do, a problem a line: "WHAT | FIX".
  static std::vector<std::string> Lines(const NodeAnswer& answer) {
    std::vector<std::string> lines;
    for (const auto& [what, fix] : answer.problems) lines.push_back(what + " | " + fix);
    return lines;
  }
  NodeAnswer Probe(const SlurmSettings& settings = {}) {
    SlurmClient client({.folder = bin(), .patience = std::chrono::seconds(60)});
    return ProbeNode(
        client,
        {.folder = folder_ / "runs",
         .program = bin() / "program",
         .trainer = bin() / "program",
         .data = data_,
         .settings = settings,
         .patience = std::chrono::minutes(1)},
        [this](const std::string& line) { told_.push_back(line); }, [](milliseconds) {});
  }
  [[nodiscard]] fs::path bin() const { return folder_ / "bin"; }
  [[nodiscard]] bool IsClean() const { return fs::is_empty(folder_ / "runs"); }

  TemporaryFolder folder_;
  fs::path data_;
  std::vector<std::string> told_;
};

TEST_F(ClusterCheckTest, WithoutSlurmThereIsNothingToTell) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", bin().c_str(), 1);
  EXPECT_EQ(LookAtCluster({}), std::nullopt);
  ::setenv("PATH", path.c_str(), 1);
}

TEST_F(ClusterCheckTest, ReadsVersionPartitionsAndAccounting) {
  Put("sinfo",
      "[ \"$1\" = --version ] && echo 'slurm-wlm 22.05.8' && exit\n"
      "printf 'main*\\037up\\037infinite\\0372\\037idle\\0374\\0374096\\037gpu:2\\n'\n"
      "printf 'urgent\\037up\\0371:00:00\\0371\\037drained*\\0374\\0374096\\037(null)\\nodd\\n'");
  Put("scontrol",
      "printf 'Configuration data as of 2026\\nAccountingStorageTRES   = cpu\\n"
      "AccountingStorageType   = accounting_storage/none\\n'");
  const SlurmPrograms programs{.folder = bin()};
  const ClusterFacts facts = LookAtCluster(programs).value();
  EXPECT_EQ(facts.version, "22.05.8");
  EXPECT_EQ(facts.problem, "");
  EXPECT_FALSE(facts.has_accounting());
  ASSERT_EQ(facts.parts.size(), 2U);
  EXPECT_EQ(facts.parts[0].partition, "main*");
  EXPECT_EQ(facts.parts[0].gres, "gpu:2");
  EXPECT_EQ(facts.parts[1].state, "drained*");
  EXPECT_EQ(facts.parts[1].gres, "");
  EXPECT_EQ(facts.parts[1].time_limit, "1:00:00");
  Put("scontrol", "echo 'AccountingStorageType = accounting_storage/slurmdbd'");
  EXPECT_TRUE(LookAtCluster(programs)->has_accounting());
  Put("sinfo",
      "[ \"$1\" = --version ] && echo 'slurm 22.05.8' && exit\n"
      "echo 'slurm_load_partitions: Unable to contact slurm controller (connect failure)' >&2\n"
      "exit 1");
  EXPECT_THAT(LookAtCluster(programs)->problem, HasSubstr("Unable to contact slurm controller"));
}

TEST_F(ClusterCheckTest, ANodeThatSeesAllIsFine) {
  data_ = folder_ / "it's data";
  std::ofstream(data_) << "x";
  Put("program", "[ \"$1\" = doctor ] && echo '{\"devices\":[{\"name\":\"H100\"}]}'; exit 0");
  RunJobs("export CUDA_VISIBLE_DEVICES=1");
  const NodeAnswer answer = Probe({.gres = "gpu:1"});
  EXPECT_EQ(answer.node, "n7");
  EXPECT_EQ(answer.gpus, "1");
  EXPECT_THAT(Lines(answer), IsEmpty());
  EXPECT_TRUE(IsClean());
}

TEST_F(ClusterCheckTest, AGpuThatTheTrainerDoesNotSeeIsTold) {
  RunJobs("export CUDA_VISIBLE_DEVICES=0");
  for (const char* report : {"{\"cuda\":false,\"devices\":[]}", "no JSON", ""}) {
    Put("program", std::string("echo '") + report + "'");
    EXPECT_THAT(
        Lines(Probe({.gres = "gpu:1"})),
        ElementsAre(AllOf(HasSubstr("the job got gpu:1, and"), HasSubstr("sees no GPU there"),
                          HasSubstr("| is it built with CUDA"))));
  }
  EXPECT_THAT(Lines(Probe()), IsEmpty());  // nobody asked for one
}

TEST_F(ClusterCheckTest, WhatANodeDoesNotSeeIsTold) {
  data_ = folder_ / "missing";
  Put("program", "echo 'libtorch.so: cannot open shared object file' >&2; exit 127");
  RunJobs("unset CUDA_VISIBLE_DEVICES");
  const NodeAnswer answer = Probe({.gres = "gpu:1"});
  EXPECT_THAT(Lines(answer),
              ElementsAre(AllOf(HasSubstr("program failed: libtorch.so: cannot open"),
                                HasSubstr("| put beamgrid where all machines have it")),
                          HasSubstr("put beamgrid-trainer where"),
                          AllOf(HasSubstr("missing failed"), HasSubstr("put the data on")),
                          HasSubstr("asked for gpu:1 and got no CUDA_VISIBLE_DEVICES")));
  EXPECT_TRUE(IsClean());
}

TEST_F(ClusterCheckTest, AnotherFolderOfTheSameNameIsToldApart) {
  // On the node the token is another one, and the answer comes all the same.
  RunJobs("for s; do :; done; echo other >\"$(dirname \"$s\")/token\"");
  EXPECT_THAT(Lines(Probe()), ElementsAre(AllOf(HasSubstr("is another folder on the node"),
                                                HasSubstr("that all machines share"))));
}

TEST_F(ClusterCheckTest, AJobThatIsNotTakenIsTold) {
  Put("sbatch", "echo 'sbatch: error: invalid partition specified: nope' >&2; exit 1");
  EXPECT_THAT(Lines(Probe({.partition = "nope"})),
              ElementsAre(AllOf(HasSubstr("invalid partition specified: nope; look at partition in "
                                          "[resources.slurm] | "),
                                HasSubstr("`sinfo` shows partitions"))));
  Put("sbatch", "echo 'sbatch: error: Memory specification can not be satisfied' >&2; exit 1");
  EXPECT_THAT(Lines(Probe()), ElementsAre(HasSubstr("look at memory in [resources.slurm]")));
  Put("sbatch", "echo 'sbatch: error: Unable to contact slurm controller' >&2; exit 1");
  EXPECT_THAT(Lines(Probe()), ElementsAre(HasSubstr("controller | it may be taken later")));
  EXPECT_TRUE(IsClean());
}

TEST_F(ClusterCheckTest, AJobThatWaitsTooLongIsCancelledAndTold) {
  Put("sbatch", "for argument; do case $argument in --job-name=*) echo \"${argument#*=}\" >" +
                    (folder_ / "name").string() + ";; esac; done; echo 5");
  Put("squeue",
      "printf '\\0365\\037PENDING\\037Resources\\037\\037N/A\\037%s\\037(null)\\n' \"$(cat " +
          (folder_ / "name").string() + ")\"");
  EXPECT_THAT(Lines(Probe()),
              ElementsAre(HasSubstr("no answer of the test job (job 5 waits (PENDING): no node has "
                                    "enough free for it yet (Resources)) | where it waits")));
  EXPECT_THAT(told_, Contains(HasSubstr("waiting for the test job: job 5 waits (PENDING)")));
  EXPECT_TRUE(fs::exists(folder_ / "cancelled"));
  EXPECT_TRUE(IsClean());
}

TEST_F(ClusterCheckTest, AJobThatEndsWithoutAnAnswerBlamesTheFolderAndShowsTheLog) {
  Put("sbatch",
      "for argument; do case $argument in --job-name=*) echo \"${argument#*=}\" >" +
          (folder_ / "name").string() +
          ";; --output=*) echo 'module: not found' >\"${argument#*=}\";; esac; done; echo 5");
  Put("squeue",
      "printf '\\0365\\037FAILED\\037NonZeroExitCode\\037\\037N/A\\037%s\\037(null)\\n' "
      "\"$(cat " +
          (folder_ / "name").string() + ")\"");
  EXPECT_THAT(Lines(Probe({.prologue = "module load cuda"})),
              ElementsAre(AllOf(HasSubstr("the test job ended, and its answer is not in"),
                                HasSubstr("job 5 failed (FAILED)"),
                                HasSubstr("its log: module: not found) | "),
                                HasSubstr("and the prologue must not fail"))));
}

}  // namespace cluster_check_test
}  // namespace beamgrid
