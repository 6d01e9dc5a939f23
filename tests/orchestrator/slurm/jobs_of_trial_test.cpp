// Which job has a trial, or why none has.
#include "orchestrator/slurm/jobs_of_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "orchestrator/slurm/pilot_folder.h"
#include "registry/util/error.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace jobs_of_trial_test {

using testing::ElementsAre;
using testing::IsEmpty;

/// A queue as a test says it.
class SaidQueue : public SlurmClient {
 public:
  [[nodiscard]] QueueAnswer Queue() override {
    ++asked;
    if (!missing.empty()) throw Error(missing);
    return answer;
  }
  QueueAnswer answer{.answered = true, .jobs = {}, .message = ""};
  std::string missing;
  int asked = 0;
};

class JobsOfTrialTest : public testing::Test {
 protected:
  void Pilot(const std::string& name, std::vector<AttemptKey> orders = {}) {
    std::filesystem::create_directories(folder_ / name);
    std::ofstream out(folder_ / name / kOrders);
    for (const AttemptKey& key : orders) {
      std::string line =
          ToLine(Order{.what = Order::What::kCarryOut, .key = key, .directory = "/x"});
      if (!line.ends_with('\n')) line += '\n';
      out << line;
    }
  }
  void Job(const std::string& name, const std::string& state, const std::string& reason = "",
           const std::string& nodes = "") {
    queue_.answer.jobs.push_back({.id = std::to_string(10 + queue_.answer.jobs.size()),
                                  .name = name,
                                  .comment = "",
                                  .state = state,
                                  .reason = reason,
                                  .nodes = nodes,
                                  .start = ""});
  }
  std::vector<std::string> Lines(std::optional<AttemptKey> key = std::nullopt) {
    return JobsOfTrial(folder_.path(), key, queue_);
  }

  TemporaryFolder folder_;
  SaidQueue queue_;
};

TEST_F(JobsOfTrialTest, AStudyOfThisMachineAsksNoQueue) {
  EXPECT_THAT(JobsOfTrial(folder_ / "none", std::nullopt, queue_), IsEmpty());
  EXPECT_EQ(queue_.asked, 0);
}

TEST_F(JobsOfTrialTest, TheJobThatHasItIsTold) {
  const AttemptKey key{TrialId{4}, 2};
  Pilot("beamgrid-a-1", {AttemptKey{TrialId{4}, 1}, AttemptKey{TrialId{5}, 2}});
  Pilot("beamgrid-a-2", {AttemptKey{TrialId{3}, 1}, key});
  Job("beamgrid-a-1", "PENDING", "Priority");
  Job("beamgrid-a-2", "RUNNING", "", "n2");
  EXPECT_THAT(Lines(key),
              ElementsAre("given to job 11 (beamgrid-a-2), which runs (RUNNING) on n2"));
  queue_.answer.jobs[1].state = "PENDING";
  queue_.answer.jobs[1].nodes = "";
  queue_.answer.jobs[1].reason = "BeginTime";
  queue_.answer.jobs[1].start = "2026-11-29T18:00:00";
  EXPECT_THAT(
      Lines(key),
      ElementsAre("given to job 11 (beamgrid-a-2), which waits (PENDING): it was queued again and "
                  "may begin after a pause that the cluster sets (BeginTime); expected to "
                  "begin at 2026-11-29T18:00:00"));
  queue_.answer.jobs.pop_back();
  EXPECT_THAT(Lines(key),
              ElementsAre("given to the job beamgrid-a-2, which is in the queue no more"));
  EXPECT_EQ(queue_.asked, 3);
}

TEST_F(JobsOfTrialTest, WhyNoJobHasItYetIsTold) {
  for (const char* name : {"beamgrid-a-1", "beamgrid-a-2", "beamgrid-a-3", "beamgrid-a-4"}) {
    Pilot(name);
  }
  Job("beamgrid-a-1", "RUNNING", "", "n1");
  Job("beamgrid-a-2", "PENDING", "Resources");
  Job("beamgrid-a-3", "PENDING", "Resources");
  Job("beamgrid-a-4", "COMPLETED");
  Job("beamgrid-b-1", "RUNNING");
  EXPECT_THAT(
      Lines(),
      ElementsAre("no job has it yet; the jobs of its study:", "  1 job that runs (RUNNING)",
                  "  2 jobs, each of which waits (PENDING): no node has enough free for it yet "
                  "(Resources)"));
  queue_.answer.jobs.clear();
  EXPECT_THAT(Lines(), ElementsAre("no job of its study is in the queue"));
}

TEST_F(JobsOfTrialTest, AClusterThatDoesNotAnswerIsToldAsThat) {
  Pilot("beamgrid-a-1", {AttemptKey{TrialId{4}, 2}});
  queue_.answer = {.answered = false, .jobs = {}, .message = "no controller"};
  EXPECT_THAT(Lines(), ElementsAre("Slurm cannot be asked: no controller"));
  EXPECT_THAT(JobsOfTrial(folder_.path(), AttemptKey{TrialId{4}, 2}, queue_, "its run said"),
              ElementsAre("given to the job beamgrid-a-1", "Slurm cannot be asked: no controller",
                          "its run said"));
  queue_.missing = "no squeue in $PATH";
  EXPECT_THAT(Lines(), ElementsAre("Slurm cannot be asked: no squeue in $PATH"));
}

}  // namespace jobs_of_trial_test
}  // namespace beamgrid
