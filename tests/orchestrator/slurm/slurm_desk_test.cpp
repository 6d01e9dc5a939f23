// What the desk asks of a cluster that is slow.
#include "orchestrator/slurm/slurm_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <semaphore>
#include <string>
#include <vector>

#include "registry/util/text.h"

namespace beamgrid {
namespace slurm_desk_test {

using testing::ElementsAre;

/// A cluster whose sbatch waits until it may go on, and which writes down what it was asked.
class SlowSlurm : public SlurmClient {
 public:
  SubmitAnswer Submit(const JobRequest& request) override {
    submitting.release();
    go_on.acquire();
    Note("sbatch " + request.name);
    return {.outcome = Submission::kAccepted, .id = "1", .message = ""};
  }
  QueueAnswer Queue() override {
    Note("squeue");
    return {.answered = true, .jobs = {}, .message = ""};
  }
  CancelAnswer Cancel(const std::vector<std::string>& names) override {
    Note("scancel " + Join(names, " "));
    return {.answered = true, .message = ""};
  }

  std::counting_semaphore<> submitting{0}, go_on{0};
  std::vector<std::string> asked;  ///< read when the desk is gone

 private:
  void Note(const std::string& what) {
    const std::scoped_lock lock(mutex_);
    asked.push_back(what);
  }
  std::mutex mutex_;
};

TEST(SlurmDesk, CancelsTogetherAndOnceWhatItWasToldMeanwhile) {
  SlowSlurm slurm;
  {
    SlurmDesk desk(slurm, std::chrono::milliseconds(0), [] {});
    desk.Submit({.name = "a"});
    slurm.submitting.acquire();
    for (int look = 0; look < 1000; ++look) desk.Cancel({"a", "b"});
    desk.Cancel({"c"});
    slurm.go_on.release();
  }
  EXPECT_THAT(slurm.asked, ElementsAre("sbatch a", "scancel a b c"));
}

TEST(SlurmDesk, CancelsNoJobBeforeItWasAskedFor) {
  SlowSlurm slurm;
  {
    SlurmDesk desk(slurm, std::chrono::milliseconds(0), [] {});
    desk.Submit({.name = "a"});
    slurm.submitting.acquire();
    desk.Cancel({"a"});
    desk.Submit({.name = "b"});
    desk.Cancel({"b", "a"});
    slurm.go_on.release();
    slurm.submitting.acquire();
    desk.Cancel({"a"});  // again, after it was carried out
    slurm.go_on.release();
  }
  EXPECT_THAT(slurm.asked, ElementsAre("sbatch a", "scancel a", "sbatch b", "scancel b a"));
}

}  // namespace slurm_desk_test
}  // namespace beamgrid
