#pragma once
// The seam between deciding and doing: the scheduler says which attempt goes where, an executor
// carries it out. Its forms are processes of this machine, jobs of a cluster, and a fake one that
// tests the scheduler by the thousand.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "registry/store/store.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {

/// TrialLabel names a trial in lines for people: "MC-MoE2 seed 1".
struct TrialLabel {
  std::string name;
  std::int64_t seed = 0;
};
[[nodiscard]] inline std::string ToString(const TrialLabel& label) {
  return label.name + " seed " + std::to_string(label.seed);
}

/// AttemptKey names one attempt for good: it survives the orchestrator and is never reused.
struct AttemptKey {
  TrialId trial{};
  std::int64_t attempt = 0;
  auto operator<=>(const AttemptKey&) const = default;
};

/// Placement says what an attempt may use.
struct Placement {
  std::string device;             ///< "cpu", "cuda:1"
  std::int64_t threads = 1;       ///< for OpenMP and BLAS together
  bool alone = false;             ///< nothing of ours may hold memory of the device meanwhile
  std::int64_t memory_bytes = 0;  ///< that it is expected to need there; 0: nobody knows
  double seconds = 0;             ///< that it is expected to take; 0: nobody knows
};

/// AttemptBegun says that an attempt waits in a queue no more: it is at work.
struct AttemptBegun {
  std::string where;                 ///< "n1"
  std::chrono::milliseconds ago{0};  ///< since it is
};

/// ExecutorEvent is what an executor reports of one attempt.
struct ExecutorEvent {
  AttemptKey key;
  /// A worker's message, the attempt's end or, of an executor that queues, its beginning.
  std::variant<Message, AttemptOutcome, AttemptBegun> what;
};

/// Executor carries out attempts and reports what they say and how they end. One thread makes all
/// calls but Wake.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Starts the worker of an attempt whose directory holds trial.json. Must not block; failure to
  /// start is an event. A `timeout` of 0 is none.
  virtual void Submit(const AttemptKey& key, const std::filesystem::path& directory,
                      const Placement& placement, std::chrono::milliseconds timeout) = 0;
  /// Asks the worker to checkpoint and stop (SIGTERM; SIGKILL after the grace period). False where
  /// no worker is at work on the attempt (any more), so that no end will be reported but one that
  /// was already on its way. Must not block.
  virtual bool Cancel(const AttemptKey& key, std::chrono::milliseconds grace) = 0;
  /// Waits up to `wait` for events and returns what came. Where it throws, the end of one attempt
  /// is lost: what became of it is in its directory.
  virtual std::vector<ExecutorEvent> Poll(std::chrono::milliseconds wait) = 0;
  /// Makes Poll return early. Safe in a signal handler and from any thread, as no other member is.
  virtual void Wake() = 0;
  /// Returns what an attempt left by a dead orchestrator has become: its outcome from the files,
  /// after its worker is gone (killed if it still runs). May block for seconds; throws Error where
  /// the worker does not go or the files cannot be read.
  virtual AttemptOutcome Reconcile(const AttemptKey& key, const std::filesystem::path& directory,
                                   std::int64_t pid) = 0;

  /// Returns whether attempts wait in a queue after Submit, until AttemptBegun is reported of them.
  /// Else they are at work at once.
  [[nodiscard]] virtual bool Queues() const { return false; }
  /// Returns what those that wait in the queue wait for: "Slurm: other jobs come first".
  [[nodiscard]] virtual std::string QueuedFor() const { return ""; }

  /// Returns whether the attempt that a dead orchestrator began may still be at work, and can be
  /// taken over instead of being reconciled. Workers that die with their orchestrator cannot.
  [[nodiscard]] virtual bool CanAdopt(const AttemptKey& /*key*/,
                                      const std::filesystem::path& /*directory*/) {
    return false;
  }
  /// Takes such an attempt over, as if it had been submitted here: what its worker has said so far
  /// is reported again, its epochs as earlier ones, then the rest. Must not block.
  virtual void Adopt(const AttemptKey& /*key*/, const std::filesystem::path& /*directory*/) {}
};

}  // namespace beamgrid
