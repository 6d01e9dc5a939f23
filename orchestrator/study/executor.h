#pragma once
// The seam between deciding and doing: the scheduler says which attempt goes where, an executor
// carries it out. Local processes are its first form; a fake one tests the scheduler by the
// thousand.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "registry/store/store.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {

/// A label names a trial in lines for people: "MC-MoE2 seed 1".
struct TrialLabel {
  std::string name;
  std::int64_t seed = 0;
};
[[nodiscard]] inline std::string ToString(const TrialLabel& label) {
  return label.name + " seed " + std::to_string(label.seed);
}

/// Names one attempt for good: survives the orchestrator and never gets reused.
struct AttemptKey {
  TrialId trial{};
  std::int64_t attempt = 0;
  auto operator<=>(const AttemptKey&) const = default;
};

/// What an attempt may use.
struct Placement {
  std::string device;        ///< "cpu", "cuda:1"
  std::int64_t threads = 1;  ///< for OpenMP and BLAS together
  bool alone = false;        ///< nothing of ours may hold memory of the device meanwhile
};

/// Something an executor reports.
struct ExecutorEvent {
  AttemptKey key;
  /// A worker's message, or the attempt's end.
  std::variant<Message, AttemptOutcome> what;
};

class Executor {
 public:
  virtual ~Executor() = default;
  /// Starts the worker of an attempt whose directory holds trial.json. Never blocks; failure to
  /// start is an event.
  virtual void Submit(const AttemptKey& key, const std::filesystem::path& directory,
                      const Placement& placement, std::chrono::milliseconds timeout) = 0;
  /// Asks the worker to checkpoint and stop (SIGTERM; SIGKILL after the grace period). False where
  /// no worker is at work on it (any more), so that no end will be reported but one that was
  /// already on its way.
  virtual bool Cancel(const AttemptKey& key, std::chrono::milliseconds grace) = 0;
  /// Waits up to `wait` for events and returns what came. The only blocking call. Where it throws,
  /// the end of one attempt is lost: what became of it is in its directory.
  virtual std::vector<ExecutorEvent> Poll(std::chrono::milliseconds wait) = 0;
  /// Makes Poll return early; the only member that may be called from a signal handler or another
  /// thread.
  virtual void Wake() = 0;
  /// What an attempt left by a dead orchestrator has become: its outcome from the files, after its
  /// worker is gone (killed if it still runs).
  virtual AttemptOutcome Reconcile(const AttemptKey& key, const std::filesystem::path& directory,
                                   std::int64_t pid) = 0;
};

}  // namespace beamgrid
