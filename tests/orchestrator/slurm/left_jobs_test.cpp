// Jobs of a study that goes.

#include "orchestrator/slurm/left_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/pilots_lock.h"
#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace left_jobs_test {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A cluster that shows a queue, and notes what it is to end.
class ShownQueue : public SlurmClient {
 public:
  QueueAnswer Queue() override {
    ++asked;
    return answer;
  }
  CancelAnswer Cancel(const std::vector<std::string>& names) override {
    cancelled = names;
    return {.answered = cancel_problem.empty(), .message = cancel_problem};
  }
  void Show(const std::string& name, const std::string& state) {
    answer.jobs.push_back({.id = "7", .name = name, .state = state});
  }

  QueueAnswer answer{.answered = true};
  std::vector<std::string> cancelled;
  std::string cancel_problem;
  int asked = 0;
};

class LeftJobsTest : public testing::Test {
 protected:
  /// Makes a job's folder; `made_at`: where it was made, if that is elsewhere.
  void Put(const std::string& name, const fs::path& made_at = {}) const {
    const fs::path folder = PilotsOf(study()) / name;
    fs::create_directories(folder);
    WritePilotSettings(folder, {.folder = (made_at.empty() ? folder : made_at).string()});
  }
  [[nodiscard]] fs::path study() const { return folder_ / "runs" / "a"; }

  TemporaryFolder folder_;
  ShownQueue slurm_;
};

TEST_F(LeftJobsTest, AStudyThatNeverHadAnyAsksNothing) {
  const LeftJobs left = RemoveLeftJobs(study(), slurm_);
  EXPECT_EQ(left.ended, 0U);
  EXPECT_EQ(left.problem, "");
  EXPECT_EQ(slurm_.asked, 0);
  EXPECT_FALSE(fs::exists(study()));
}

TEST_F(LeftJobsTest, ThoseInTheQueueAreEndedAndAllFoldersGo) {
  Put("beamgrid-a-1");
  Put("beamgrid-a-2");
  Put("beamgrid-a-3");
  fs::create_directories(PilotsOf(study()) / "beamgrid-a-4");  // half made
  slurm_.Show("beamgrid-a-1", "PENDING");
  slurm_.Show("beamgrid-a-2", "RUNNING");
  slurm_.Show("beamgrid-a-3", "COMPLETED");
  slurm_.Show("beamgrid-a-4", "PENDING");
  slurm_.Show("beamgrid-ab-1", "PENDING");  // another study's
  const LeftJobs left = RemoveLeftJobs(study(), slurm_);
  EXPECT_THAT(slurm_.cancelled, ElementsAre("beamgrid-a-1", "beamgrid-a-2"));
  EXPECT_EQ(left.ended, 2U);
  EXPECT_EQ(left.problem, "");
  EXPECT_FALSE(fs::exists(study()));
}

TEST_F(LeftJobsTest, FilesOfTrialsStay) {
  Put("beamgrid-a-1");
  WriteFileAtomically(study() / "trial-s1" / "1" / "model.pt", "weights");
  EXPECT_EQ(RemoveLeftJobs(study(), slurm_).problem, "");
  EXPECT_EQ(ReadFile(study() / "trial-s1" / "1" / "model.pt"), "weights");
  EXPECT_FALSE(fs::exists(PilotsOf(study())));
  EXPECT_FALSE(fs::exists(study() / kPilotsLockFile));
}

TEST_F(LeftJobsTest, ThoseOfACopyAreTheOriginals) {
  const fs::path original = folder_ / "original" / "beamgrid-a-1";
  fs::create_directories(original);
  Put("beamgrid-a-1", original);
  slurm_.Show("beamgrid-a-1", "RUNNING");
  EXPECT_EQ(RemoveLeftJobs(study(), slurm_).ended, 0U);
  EXPECT_THAT(slurm_.cancelled, IsEmpty());
  EXPECT_TRUE(fs::exists(original));
}

TEST_F(LeftJobsTest, ThoseOfAnotherOrchestratorAreLeftAlone) {
  Put("beamgrid-a-1");
  slurm_.Show("beamgrid-a-1", "RUNNING");
  const PilotsLock lock(study());
  EXPECT_THAT(RemoveLeftJobs(study(), slurm_).problem, HasSubstr("another beamgrid"));
  EXPECT_EQ(slurm_.asked, 0);
  EXPECT_TRUE(fs::exists(PilotsOf(study()) / "beamgrid-a-1"));
}

TEST_F(LeftJobsTest, ThoseThatSlurmDoesNotCancelAreNamed) {
  Put("beamgrid-a-1");
  Put("beamgrid-a-2");
  slurm_.Show("beamgrid-a-2", "PENDING");
  slurm_.cancel_problem = "Access/permission denied";
  const LeftJobs left = RemoveLeftJobs(study(), slurm_);
  EXPECT_EQ(left.ended, 0U);
  EXPECT_EQ(left.problem, "Access/permission denied");
  EXPECT_THAT(left.names, ElementsAre("beamgrid-a-2"));
}

TEST_F(LeftJobsTest, WhereSlurmIsSilentThatIsSaid) {
  Put("beamgrid-a-1");
  slurm_.answer = {.message = "Unable to contact slurm controller"};
  const LeftJobs left = RemoveLeftJobs(study(), slurm_);
  EXPECT_EQ(left.problem, "Unable to contact slurm controller");
  EXPECT_THAT(left.names, ElementsAre("beamgrid-a-1"));
  EXPECT_FALSE(fs::exists(study()));
}

}  // namespace left_jobs_test
}  // namespace beamgrid
