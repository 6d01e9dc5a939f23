#pragma once
// Attempts that an orchestrator began and did not finish: its own study's after a crash, or another
// study's that shares a trial with ours.

#include <filesystem>
#include <functional>
#include <string>

#include "orchestrator/study/executor.h"
#include "registry/store/store.h"

namespace beamgrid {

class AbandonedAttempts {
 public:
  /// `study`: the one whose lock we hold. All must outlive this.
  AbandonedAttempts(Store& store, Executor& executor, std::filesystem::path database,
                    std::string study);

  /// Called with each attempt that was closed.
  using OnClosed = std::function<void(const Store::OpenAttempt&, const AttemptOutcome&)>;

  /// Closes the open attempts of the trials that `ours` accepts, unless a living orchestrator is at
  /// work on them: the worker is killed, the files decide. Afterwards those trials are complete or
  /// waiting.
  void Close(const std::function<bool(TrialId)>& ours, const OnClosed& on_closed);

 private:
  [[nodiscard]] bool OwnerLives(const Store::OpenAttempt& attempt) const;

  Store& store_;
  Executor& executor_;
  std::filesystem::path database_;
  std::string study_;
};

}  // namespace beamgrid
