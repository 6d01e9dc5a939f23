#include "tests/fault/kill_series.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <thread>

#include "tests/fault/processes.h"

namespace beamgrid {
namespace {

/// From a start to the next kill, or between two kills: from nothing at all to a few trials.
constexpr std::int64_t kLongestPauseMilliseconds = 2000;

class Killer {
 public:
  Killer(const FaultyStudy& study, std::mt19937_64& random) : study_(study), random_(random) {}

  KillReport UntilDone() {
    while (true) {
      const std::set<std::string> complete = CompleteTrials(study_);
      const std::size_t log_before = study_.Executions().size();
      const std::optional<Ended> ended = RunOnce();
      ExpectNoneOf(complete, log_before);
      if (testing::Test::HasFailure() || (ended && ended->exit_code == 0)) return report_;
    }
  }

 private:
  /// How it ended; nothing where it was killed.
  std::optional<Ended> RunOnce() {
    ++report_.runs;
    Process run(study_.RunCommand(FaultyStudy::With::kNoFaults), study_.path());
    while (true) {
      std::this_thread::sleep_for(std::chrono::milliseconds(
          std::uniform_int_distribution<std::int64_t>(0, kLongestPauseMilliseconds)(random_)));
      if (HasEnded(run.pid())) return run.Wait();
      const std::vector<pid_t> workers = WorkersOf(run.pid());
      if (workers.empty() || random_() % 2 == 0) {
        KillOrchestrator(run, workers);
        (void)run.Wait();
        return std::nullopt;
      }
      ::kill(workers[random_() % workers.size()], SIGKILL);
      ++report_.workers;
    }
  }

  void KillOrchestrator(const Process& run, const std::vector<pid_t>& workers) {
    const bool both = !workers.empty() && random_() % 2 == 0;
    if (both) ::kill(workers.front(), SIGKILL);
    run.Signal(SIGKILL);
    ++(both ? report_.both : report_.orchestrators);
  }

  void ExpectNoneOf(const std::set<std::string>& complete, std::size_t log_before) const {
    const std::vector<Execution> log = study_.Executions();
    for (std::size_t i = log_before; i < log.size(); ++i) {
      EXPECT_FALSE(complete.contains(log[i].fingerprint))
          << log[i].directory << " was executed though the record called the trial complete";
    }
  }

  const FaultyStudy& study_;
  std::mt19937_64& random_;
  KillReport report_;
};

}  // namespace

KillReport KillUntilDone(const FaultyStudy& study, std::mt19937_64& random) {
  return Killer(study, random).UntilDone();
}

std::set<std::string> CompleteTrials(const FaultyStudy& study) {
  std::set<std::string> complete;
  if (!std::filesystem::exists(study.path() / "beamgrid.db")) return complete;
  std::istringstream lines(study.Query("SELECT fingerprint FROM trial WHERE state = 'complete'"));
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) complete.insert(line);
  return complete;
}

}  // namespace beamgrid
