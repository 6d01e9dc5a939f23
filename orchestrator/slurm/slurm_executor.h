#pragma once
// Attempts as work of Slurm jobs.
//
// A job is a pilot (pilot.h), which carries out one attempt after the other: short trials do not
// queue each. There are as many as there are attempts, at most `jobs`; an attempt goes to a pilot
// that has begun and is free. Whatever Slurm says or loses, an attempt has one worker and one end
// (attempt_end.h), and a job is known by its name alone, which is that of its folder.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/slurm/known_pilot.h"
#include "orchestrator/slurm/slurm_client.h"
#include "orchestrator/study/executor.h"
#include "search/recipe.h"

namespace beamgrid {

/// SlurmExecutorOptions is what an executor works with.
struct SlurmExecutorOptions {
  std::string study;
  std::filesystem::path
      study_folder;  ///< absolute, on the shared file system: its attempts' folder
  SlurmSettings settings;
  std::int64_t threads = 1;                   ///< of a worker, as the slots have it
  std::filesystem::path program;              ///< beamgrid, as the nodes find it
  std::filesystem::path trainer;              ///< beamgrid-trainer, likewise
  std::chrono::milliseconds silence{60'000};  ///< of a worker, after which it hangs
  ClusterPatience patience;
  /// Hears what is to be told to people.
  std::function<void(const std::string&)> tell;
  /// Monotonic; the time that patience is measured in.
  std::function<std::chrono::milliseconds()> clock;
};

/// SlurmExecutor carries out attempts by pilots. Jobs that an earlier orchestrator of the study
/// left are found again by their folders, with what they carry out. The pilots of this one are told
/// to leave when it goes; what they still carry out is adopted by the next. One thread owns it and
/// makes all calls (Wake excepted).
class SlurmExecutor : public Executor {
 public:
  /// `client` must outlive the executor. May ask the queue once, and block as long as that takes.
  SlurmExecutor(SlurmClient& client, SlurmExecutorOptions options);
  ~SlurmExecutor() override;

  void Submit(const AttemptKey& key, const std::filesystem::path& directory,
              const Placement& placement, std::chrono::milliseconds timeout) override;
  bool Cancel(const AttemptKey& key, std::chrono::milliseconds grace) override;
  std::vector<ExecutorEvent> Poll(std::chrono::milliseconds wait) override;
  void Wake() override;
  AttemptOutcome Reconcile(const AttemptKey& key, const std::filesystem::path& directory,
                           std::int64_t pid) override;
  bool CanAdopt(const AttemptKey& key, const std::filesystem::path& directory) override;
  void Adopt(const AttemptKey& key, const std::filesystem::path& directory) override;

 private:
  class Jobs;
  std::unique_ptr<Jobs> jobs_;
};

}  // namespace beamgrid
