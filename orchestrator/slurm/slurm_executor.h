#pragma once
// Attempts as work of Slurm jobs.
//
// A job is a pilot (pilot.h), which carries out one attempt after the other: short trials do not
// queue each. There are as many as there are attempts, at most `jobs`; an attempt goes to a pilot
// that has begun and is free. Whatever Slurm says or loses, an attempt has one worker and one end
// (attempt_end.h), and a job is known by its name alone, which is that of its folder.

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/slurm/piloted_attempts.h"
#include "orchestrator/slurm/slurm_client.h"
#include "orchestrator/slurm/slurm_options.h"
#include "orchestrator/study/executor.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {

/// SlurmExecutor carries out attempts by pilots (piloted_attempts.h, pilots.h) in turns, between
/// which it sleeps. Jobs that an earlier orchestrator of the study left are found again by their
/// folders, with what they carry out. The pilots of this one are told to leave when it goes; what
/// they still carry out is adopted by the next. One thread owns it and makes all calls (Wake
/// excepted).
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
  [[nodiscard]] bool Queues() const override { return true; }
  [[nodiscard]] std::string QueuedFor() const override;

 private:
  /// Sleeps until it is woken; true if it was, by Wake.
  [[nodiscard]] bool Sleep(std::chrono::milliseconds most) const;

  SlurmExecutorOptions options_;
  UniqueFd wake_;
  PilotedAttempts attempts_;
};

}  // namespace beamgrid
