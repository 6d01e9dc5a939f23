#pragma once
// The attempts of a study that pilots carry out, or that wait for one: who gets which, what is
// heard of them, and how they end. Files decide that (attempt_end.h), never the queue.

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/slurm/pilots.h"
#include "orchestrator/slurm/slurm_options.h"
#include "orchestrator/slurm/watched_time.h"
#include "orchestrator/study/executor.h"

namespace beamgrid {

/// PilotedAttempts gives attempts to pilots and reports what becomes of them. Not thread-safe.
class PilotedAttempts : private PilotListener {
 public:
  /// `client` and `options` outlive it. `wake`: see Pilots. May ask the queue once.
  PilotedAttempts(SlurmClient& client, const SlurmExecutorOptions& options,
                  std::function<void()> wake);

  // As in Executor.
  void Submit(const AttemptKey& key, const std::filesystem::path& directory,
              const Placement& placement, std::chrono::milliseconds timeout);
  bool Cancel(const AttemptKey& key, std::chrono::milliseconds grace);
  [[nodiscard]] AttemptOutcome Reconcile(const AttemptKey& key,
                                         const std::filesystem::path& directory);
  [[nodiscard]] bool CanAdopt(const std::filesystem::path& directory);
  void Adopt(const AttemptKey& key, const std::filesystem::path& directory);

  /// Takes in what has happened since the last turn, and does what follows from it.
  void Turn();
  /// Returns what has been reported since the last call.
  [[nodiscard]] std::vector<ExecutorEvent> TakeEvents() { return std::exchange(events_, {}); }
  [[nodiscard]] bool has_events() const { return !events_.empty(); }
  [[nodiscard]] const Pilots& pilots() const { return pilots_; }

 private:
  using Milliseconds = std::chrono::milliseconds;

  /// Cancelled is that an attempt was to stop, and for how long it has not.
  struct Cancelled {
    Milliseconds grace;
    WatchedTime waited;
  };
  /// Work is an attempt that was submitted or adopted and has not ended.
  struct Work {
    std::filesystem::path directory;
    Milliseconds timeout{0};
    bool alone = false;
    JobNeed need;
    std::string pilot;    ///< empty: it waits for one
    bool ending = false;  ///< it has ended, and how is not to be seen yet
    WatchedTime unseen;
    std::optional<Cancelled> cancelled;
  };
  /// Told says when a worker said something.
  enum class Told { kNow, kEarlier };

  void OnReport(const KnownPilot& pilot, const Report& report) override;
  void OnJobLost(const AttemptKey& attempt, FailureKind kind, const std::string& why) override;
  void OnPilotLeft(const AttemptKey& attempt, const std::string& why) override;
  void OnTooLarge(std::int64_t memory_bytes, const std::string& why) override;
  void OnNoJobs(const std::string& why) override;

  [[nodiscard]] Milliseconds Now() const { return options_.clock(); }
  /// Returns the time of a job for the attempt; says once where the partition allows less.
  [[nodiscard]] Milliseconds TimeFor(const Placement& placement);
  /// Asks for a node's whole memory where more was asked for than any has.
  void HeedTooLarge(JobNeed& need) const;
  void PassOn(const AttemptKey& key, const std::string& line, Told told);

  // They get pilots.
  void Assign();
  static void Give(const AttemptKey& key, Work& work, KnownPilot& pilot);
  void AskForPilots();

  // They end.
  void BeginEnding(const AttemptKey& key);
  void StopEnding(const AttemptKey& key);
  void LookAtEndings();
  void LookAtEnd(const AttemptKey& key);
  void LookAtCancelled();
  /// Ends an attempt that is at work no more, or that must not be believed any more: by what its
  /// files say, else as a failure of that kind.
  void GiveUp(const AttemptKey& key, FailureKind kind, const std::string& why);
  /// Returns how an attempt ends whose end.json nobody understands.
  [[nodiscard]] AttemptOutcome OutcomeOfGarbage(const std::string& why);
  void End(const AttemptKey& key, AttemptOutcome outcome);

  const SlurmExecutorOptions& options_;
  std::map<AttemptKey, Work> works_;
  std::deque<AttemptKey> waiting_;  ///< of works_: those without a pilot
  std::set<AttemptKey> ending_, cancelled_;
  std::vector<ExecutorEvent> events_;
  bool told_limit_ = false;              ///< that jobs are shorter than wanted
  std::int64_t too_large_ = kWholeNode;  ///< memory that the cluster gives no job
  int garbage_ = 0;                      ///< ends in a row that nobody understands
  Pilots pilots_;                        ///< last: it calls us
};

}  // namespace beamgrid
