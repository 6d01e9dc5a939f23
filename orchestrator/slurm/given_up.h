#pragma once
// The end of attempts that pilots of a dead orchestrator may still carry out.

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "orchestrator/slurm/known_pilot.h"
#include "orchestrator/study/executor.h"
#include "orchestrator/workers/local_executor.h"

namespace beamgrid {

/// ClusterView is what can be known of the pilots beside their files.
struct ClusterView {
  /// Shows the queue; may block. Null, or without an answer: the files alone tell.
  std::function<QueueAnswer()> queue;
  /// Ends jobs by their names.
  std::function<void(const std::vector<std::string>&)> cancel;
  /// Says whether a pilot is known to be gone; may be null.
  std::function<bool(const std::string& pilot)> is_gone;
  std::function<std::chrono::milliseconds()> clock;
  ClusterPatience patience;
};

/// True if some pilot was told, or was to be told, to carry out the attempt.
[[nodiscard]] bool IsPilots(const std::filesystem::path& directory);

/// Ends an attempt of a pilot: one that was not begun never will be; one that is at work stops,
/// behind a checkpoint. Returns how it ended. Blocks until its pilot has stopped it, or, where the
/// pilot says nothing more, until it is certain to be believed by nobody; a minute or two at most.
/// Throws Error where the files cannot be read or written.
[[nodiscard]] AttemptOutcome EndPilotsAttempt(const AttemptKey& key,
                                              const std::filesystem::path& directory,
                                              const ClusterView& view);

/// LocalExecutorBesideSlurm is the executor for local processes of a study that may have run on a
/// cluster before.
class LocalExecutorBesideSlurm : public LocalExecutor {
 public:
  using LocalExecutor::LocalExecutor;
  AttemptOutcome Reconcile(const AttemptKey& key, const std::filesystem::path& directory,
                           std::int64_t pid) override;
};

}  // namespace beamgrid
