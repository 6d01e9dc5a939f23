// Ten thousand jobs at once, whose pilots are played by the test.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/shared_files.h"
#include "orchestrator/slurm/slurm_executor.h"
#include "registry/util/files.h"
#include "tests/support/await.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace many_jobs_test {

using std::chrono::milliseconds;

/// A cluster that only counts what it is asked.
class CountingSlurm : public SlurmClient {
 public:
  SubmitAnswer Submit(const JobRequest& request) override {
    const std::scoped_lock lock(mutex_);
    names_.push_back(request.name);
    return {.outcome = Submission::kAccepted, .id = std::to_string(names_.size())};
  }
  QueueAnswer Queue() override {
    const std::scoped_lock lock(mutex_);
    ++queues;
    QueueAnswer answer{.answered = true};
    for (const std::string& name : names_)
      answer.jobs.push_back({.name = name, .state = "RUNNING"});
    return answer;
  }
  EndedAnswer Ended(const std::vector<std::string>& /*names*/) override {
    const std::scoped_lock lock(mutex_);
    ++accountings;
    return {.accounting = Accounting::kAnswered};
  }
  CancelAnswer Cancel(const std::vector<std::string>& /*names*/) override {
    return {.answered = true};
  }
  std::vector<std::string> names() {
    const std::scoped_lock lock(mutex_);
    return names_;
  }

  int queues = 0, accountings = 0;

 private:
  std::mutex mutex_;
  std::vector<std::string> names_;
};

/// On a file system without a disk, where there is one: a study of thousands of jobs writes tens of
/// thousands of small files.
std::filesystem::path QuickFolder(const TemporaryFolder& other) {
  std::string name = "/dev/shm/beamgrid-XXXXXX";
  return ::mkdtemp(name.data()) != nullptr ? std::filesystem::path(name) : other.path();
}

TEST(TenThousandJobs, AreLookedAtByOneQueueAndAFewReportsATurn) {
  constexpr std::int64_t kJobs = 10'000, kLooks = 128, kAsked = 16;
  const TemporaryFolder folder;
  const std::filesystem::path quick = QuickFolder(folder);
  const std::filesystem::path study = quick / "s";
  CountingSlurm slurm;
  milliseconds now{0};
  auto executor = std::make_unique<SlurmExecutor>(
      slurm, SlurmExecutorOptions{.study = "s",
                                  .study_folder = study,
                                  .settings = {.jobs = kJobs},
                                  .program = "/bin/true",
                                  .trainer = "/bin/true",
                                  .patience = {.queue = milliseconds(0)},
                                  .clock = [&now] { return now += milliseconds(1); }});
  for (std::int64_t trial = 1; trial <= kJobs; ++trial) {
    const auto directory = study / ("t" + std::to_string(trial)) / "1";
    std::filesystem::create_directories(directory);
    executor->Submit({TrialId{trial}, 1}, directory, {.device = "cpu"}, milliseconds(0));
  }
  int polls = 0;
  Await(
      "ten thousand jobs", [&] { return slurm.names().size() == kJobs; },
      [&] {
        EXPECT_TRUE(executor->Poll(milliseconds(0)).empty());
        ++polls;
      },
      100'000);
  EXPECT_GE(polls, kJobs / kAsked);
  EXPECT_EQ(slurm.queues, 0);
  // All begin; each turn hears some of them, and gives them work.
  for (const std::string& name : slurm.names()) {
    (void)GrowingLines(PilotsOf(study) / name / kReports)
        .Add(ToLine(Report{.what = Report::What::kBegun, .text = "n1"}));
  }
  std::int64_t given = 0;
  int turns = 0;
  while (given < kJobs) {
    ASSERT_LE(turns, 4 * (kJobs / kLooks)) << "no more than " << given << " were given work";
    (void)executor->Poll(milliseconds(0));
    ++turns;
    const std::int64_t before = given;
    if (turns % 8 != 0) continue;  // counting is the test's own work
    given = 0;
    for (std::int64_t trial = 1; trial <= kJobs; ++trial) {
      given += OrderedPilot(study / ("t" + std::to_string(trial)) / "1") ? 1 : 0;
    }
    EXPECT_LE(given - before, 8 * kLooks);
  }
  EXPECT_GE(turns, kJobs / kLooks);
  EXPECT_LE(turns, 2 * (kJobs / kLooks) + 8);
  // All end; nothing is left behind.
  for (std::int64_t trial = 1; trial <= kJobs; ++trial) {
    const auto directory = study / ("t" + std::to_string(trial)) / "1";
    const AttemptKey key{TrialId{trial}, 1};
    const std::string pilot = *OrderedPilot(directory);
    ASSERT_TRUE(Claim(directory, pilot));
    ASSERT_TRUE(PublishEnd(directory, key, pilot,
                           {AttemptFailure{.kind = FailureKind::kDiverged, .message = "nan"}}));
    GrowingLines reports(PilotsOf(study) / pilot / kReports);
    (void)reports.Add(ToLine(Report{.what = Report::What::kEnded, .key = key}));
    (void)reports.Add(ToLine(Report{.what = Report::What::kLeft, .text = "it was told to"}));
  }
  std::int64_t ended = 0;
  for (turns = 0; ended < kJobs; ++turns) {
    ASSERT_LE(turns, 4 * (kJobs / kLooks)) << "no more than " << ended << " ended";
    for (const ExecutorEvent& event : executor->Poll(milliseconds(0))) {
      ended += std::holds_alternative<AttemptOutcome>(event.what) ? 1 : 0;
    }
  }
  EXPECT_LE(turns, 2 * (kJobs / kLooks) + 8);
  executor.reset();
  EXPECT_TRUE(std::filesystem::is_empty(PilotsOf(study)));
  std::filesystem::remove_all(quick / "s");
  if (quick != folder.path()) std::filesystem::remove(quick);
}

}  // namespace many_jobs_test
}  // namespace beamgrid
