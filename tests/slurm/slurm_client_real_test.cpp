// The client and doctor's questions, asked of a real cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "orchestrator/slurm/cluster_check.h"
#include "orchestrator/slurm/slurm_client.h"
#include "tests/slurm/own_cluster.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace slurm_client_real_test {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

constexpr int kMostLooks = 1200;

class RealSlurmTest : public testing::Test {
 protected:
  explicit RealSlurmTest(std::vector<std::string> options = {}) : cluster_(std::move(options)) {}
  void SetUp() override {
    if (!cluster_.why_not().empty()) GTEST_SKIP() << cluster_.why_not();
  }
  JobRequest Request(const std::string& name, const std::string& script) {
    const fs::path path = folder_ / (name + ".sh");
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    JobRequest request;
    request.name = name;
    request.comment = "a comment, with | and \"";
    request.script = path;
    request.log = folder_ / "50%job.log";
    return request;
  }
  /// Returns the job of that name when `holds`. Throws where it never does, so that the cluster
  /// is stopped: a test that ctest kills leaves it behind.
  QueuedJob WaitFor(const std::string& name, const std::function<bool(const QueuedJob&)>& holds) {
    for (int look = 0; look < kMostLooks; ++look) {
      const QueueAnswer queue = client_.Queue();
      const auto job = std::ranges::find(queue.jobs, name, &QueuedJob::name);
      if (job != queue.jobs.end() && holds(*job)) return *job;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    throw std::runtime_error("the job " + name + " never came to what was waited for");
  }

  OwnCluster cluster_;
  TemporaryFolder folder_;
  SlurmClient client_;
};

TEST_F(RealSlurmTest, AJobGoesThroughTheQueueUnderItsName) {
  JobRequest request = Request("beamgrid-a", "echo at $SLURMD_NODENAME gpu $CUDA_VISIBLE_DEVICES");
  request.settings.gres = "gpu:1";
  request.settings.time_seconds = 90;
  request.warning = std::chrono::seconds(20);
  const fs::path odd = folder_ / "o'dd\\ \\\\ %j \"q\" $HOME\n";
  fs::create_directory(odd);
  request.log = odd / "50%job.log";
  const SubmitAnswer answer = client_.Submit(request);
  ASSERT_EQ(answer.outcome, Submission::kAccepted) << answer.message;
  const QueuedJob ended = WaitFor("beamgrid-a", [](const auto& job) { return IsFinal(job.state); });
  EXPECT_EQ(ended.state, "COMPLETED");
  EXPECT_EQ(ended.id, answer.id);
  EXPECT_EQ(ended.comment, "a comment, with | and \"");
  std::ifstream log(odd / "50%job.log");
  std::string line;
  std::getline(log, line);
  EXPECT_THAT(line, testing::MatchesRegex("at n[12] gpu 0"));
}

TEST_F(RealSlurmTest, AJobIsCancelledByItsNameAndHearsOfIt) {
  ASSERT_EQ(client_.Submit(Request("beamgrid-b", "trap 'echo told; exit' TERM; sleep 1000 & wait"))
                .outcome,
            Submission::kAccepted);
  ASSERT_EQ(client_.Submit(Request("beamgrid-bb", "sleep 1000")).outcome, Submission::kAccepted);
  WaitFor("beamgrid-b", [](const auto& job) { return job.state == "RUNNING"; });
  EXPECT_TRUE(client_.Cancel({"beamgrid-b", "beamgrid-none"}).answered);
  const auto ended = WaitFor("beamgrid-b", [](const auto& job) { return IsFinal(job.state); });
  EXPECT_EQ(ended.state, "CANCELLED");
  // One with a name that begins so goes on.
  EXPECT_FALSE(IsFinal(WaitFor("beamgrid-bb", [](const auto&) { return true; }).state));
  EXPECT_TRUE(client_.Cancel({"beamgrid-bb"}).answered);
}

TEST_F(RealSlurmTest, WhatTheClusterCannotGiveIsRefused) {
  JobRequest request = Request("beamgrid-c", "true");
  request.settings.partition = "nope";
  SubmitAnswer answer = client_.Submit(request);
  EXPECT_EQ(answer.outcome, Submission::kRefused);
  EXPECT_THAT(answer.message, HasSubstr("invalid partition specified: nope"));
  request.settings.partition = "";
  request.settings.gres = "gpu:100";
  answer = client_.Submit(request);
  EXPECT_EQ(answer.outcome, Submission::kRefused);
  EXPECT_THAT(answer.message, HasSubstr("Requested node configuration is not available"));
}

TEST_F(RealSlurmTest, WhyAJobWaitsIsTold) {
  JobRequest request = Request("beamgrid-d", "true");
  request.settings.arguments = {"--begin=now+1hour"};
  ASSERT_EQ(client_.Submit(request).outcome, Submission::kAccepted);
  const QueuedJob job =
      WaitFor("beamgrid-d", [](const auto& one) { return one.reason == "BeginTime"; });
  EXPECT_EQ(job.state, "PENDING");
  EXPECT_THAT(ReasonInWords(job.reason), HasSubstr("(BeginTime)"));
  EXPECT_FALSE(job.start.empty());
  EXPECT_TRUE(client_.Cancel({"beamgrid-d"}).answered);
}

TEST_F(RealSlurmTest, OddNamesOfOthersDoNoHarm) {
  (void)cluster_.Slurm({"sbatch", "--hold", "--job-name=odd|\x1f\x1e\nname", "--comment=\xc3\xa9\n",
                        "--output=/dev/null", "--wrap=true"});
  ASSERT_EQ(client_.Submit(Request("beamgrid-e", "true")).outcome, Submission::kAccepted);
  WaitFor("beamgrid-e", [](const auto& job) { return IsFinal(job.state); });
}

TEST_F(RealSlurmTest, WithoutItsControllerNothingIsConcluded) {
  ASSERT_EQ(client_.Submit(Request("beamgrid-f", "sleep 1000")).outcome, Submission::kAccepted);
  WaitFor("beamgrid-f", [](const auto& job) { return job.state == "RUNNING"; });
  ::kill(cluster_.Daemon("slurmctld"), SIGKILL);
  const QueueAnswer queue = client_.Queue();
  EXPECT_FALSE(queue.answered);
  EXPECT_NE(queue.message, "");  // whom it could not reach, or whose connection broke
  EXPECT_FALSE(client_.Cancel({"beamgrid-f"}).answered);
  const SubmitAnswer answer = client_.Submit(Request("beamgrid-g", "true"));
  EXPECT_EQ(answer.outcome, Submission::kNotNow) << answer.message;
  EXPECT_NE(LookAtCluster({})->problem, "");
  cluster_.Mend();
  EXPECT_TRUE(client_.Queue().answered);
  EXPECT_TRUE(client_.Cancel({"beamgrid-f"}).answered);
}

TEST_F(RealSlurmTest, AccountingThatIsOffIsToldFromOneThatIsSilent) {
  EXPECT_EQ(client_.Ended({"beamgrid-a"}).accounting, Accounting::kOff);
}

class AccountingTest : public RealSlurmTest {
 protected:
  AccountingTest() : RealSlurmTest({"--accounting"}) {}

  /// Returns what the accounting says of the job of that name, when it has ended.
  EndedJob WaitForEnd(const std::string& name) {
    for (int look = 0; look < kMostLooks; ++look) {
      const EndedAnswer answer = client_.Ended({name});
      if (!answer.jobs.empty() && IsFinal(answer.jobs.back().state)) return answer.jobs.back();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    throw std::runtime_error("the accounting never knew the end of " + name);
  }
};

TEST_F(AccountingTest, TellsEndsByNamesThoughIdsAreGivenAnew) {
  ASSERT_EQ(client_.Submit(Request("beamgrid-x", "true")).outcome, Submission::kAccepted);
  const EndedJob first = WaitForEnd("beamgrid-x");
  EXPECT_EQ(first.state, "COMPLETED");
  ASSERT_EQ(client_.Submit(Request("beamgrid-y", "sleep 1000")).outcome, Submission::kAccepted);
  WaitFor("beamgrid-y", [](const auto& job) { return job.state == "RUNNING"; });
  EXPECT_TRUE(client_.Cancel({"beamgrid-y"}).answered);
  EXPECT_THAT(WaitForEnd("beamgrid-y").state, testing::StartsWith("CANCELLED by "));
  // What the accounting says of a job that Slurm forgot differs: CANCELLED, or no end at all. Ids
  // are given once more.
  ASSERT_EQ(client_.Submit(Request("beamgrid-z", "sleep 1000")).outcome, Submission::kAccepted);
  WaitFor("beamgrid-z", [](const auto& job) { return job.state == "RUNNING"; });
  cluster_.LoseState();
  ASSERT_EQ(client_.Submit(Request("beamgrid-v", "exit 3")).outcome, Submission::kAccepted);
  const EndedJob second = WaitForEnd("beamgrid-v");
  EXPECT_EQ(second.state, "FAILED");
  EXPECT_EQ(second.exit, "3:0");
  EXPECT_EQ(second.id, first.id);
  const EndedAnswer both = client_.Ended({"beamgrid-x", "beamgrid-v", "beamgrid-none"});
  EXPECT_EQ(both.accounting, Accounting::kAnswered);
  EXPECT_EQ(both.jobs.size(), 2U);
  EXPECT_EQ(WaitForEnd("beamgrid-x").state, "COMPLETED");
  // One that does not answer is not one that is off.
  ::kill(cluster_.Daemon("slurmdbd"), SIGKILL);
  EXPECT_EQ(client_.Ended({"beamgrid-x"}).accounting, Accounting::kUnclear);
  cluster_.Mend();
  EXPECT_EQ(WaitForEnd("beamgrid-x").state, "COMPLETED");
  EXPECT_TRUE(LookAtCluster({})->has_accounting());
}

TEST_F(RealSlurmTest, DoctorSeesTheClusterAndANode) {
  const ClusterFacts facts = LookAtCluster({}).value();
  EXPECT_EQ(facts.problem, "");
  EXPECT_FALSE(facts.has_accounting());
  std::vector<std::string> partitions;
  for (const ClusterPart& part : facts.parts) partitions.push_back(part.partition);
  EXPECT_THAT(partitions, Contains("main*"));
  EXPECT_EQ(facts.parts.front().gres, "gpu:2");
  fs::create_directory(folder_ / "runs");
  const auto probe = [&](const SlurmSettings& settings) {
    return ProbeNode(
        client_,
        {.folder = folder_ / "runs",
         .program = Binary("beamgrid"),
         .trainer = Binary("beamgrid-trainer"),
         .data = "/proc/self/exe",
         .settings = settings},
        [](const std::string&) {},
        [](std::chrono::milliseconds span) { std::this_thread::sleep_for(span); });
  };
  const NodeAnswer answer = probe({.gres = "gpu:1"});
  // A GPU of this cluster is a file, with a device behind it only where the machine has one.
  EXPECT_THAT(answer.problems,
              testing::Each(Field(&NodeProblem::what, HasSubstr("sees no GPU there"))));
  EXPECT_THAT(answer.node, testing::MatchesRegex("n[12]"));
  EXPECT_EQ(answer.gpus, "0");
  EXPECT_THAT(probe({.prologue = "echo no such module; false"}).problems,
              ElementsAre(Field(&NodeProblem::what, HasSubstr("no such module"))));
  EXPECT_TRUE(fs::is_empty(folder_ / "runs"));
}

}  // namespace slurm_client_real_test
}  // namespace beamgrid
