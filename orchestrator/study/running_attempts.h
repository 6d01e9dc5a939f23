#pragma once
// The attempts that an executor is at work on: launched and not ended. So that a run that has to
// end, also by an error, can let their workers write checkpoints first.

#include <chrono>
#include <functional>
#include <set>
#include <vector>

#include "orchestrator/study/executor.h"

namespace beamgrid {

class RunningAttempts {
 public:
  /// `executor` must outlive this. `grace`: what a worker has for its checkpoint.
  RunningAttempts(Executor& executor, std::chrono::milliseconds grace)
      : executor_(executor), grace_(grace) {}

  /// Called once the executor has got the attempt.
  void Add(const AttemptKey& key) { running_.insert(key); }
  /// Attempts whose end is among the events are no longer at work, even if the caller then throws.
  [[nodiscard]] std::vector<ExecutorEvent> Poll(std::chrono::milliseconds wait);
  [[nodiscard]] bool none() const { return running_.empty(); }

  /// Workers write their checkpoints and end.
  void Stop(const AttemptKey& key) { executor_.Cancel(key, grace_); }
  /// Workers end at once.
  void KillAll();
  /// Stops all and returns when they have ended; `hurry` says that they are to be killed instead.
  /// What the executor throws meanwhile is passed over.
  void StopAllAndWait(const std::function<bool()>& hurry);

 private:
  /// Those that the executor does not know (any more) are no longer at work.
  void StopAll();

  Executor& executor_;
  std::chrono::milliseconds grace_;
  std::set<AttemptKey> running_;
};

}  // namespace beamgrid
