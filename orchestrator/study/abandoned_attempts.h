#pragma once
// Attempts that an orchestrator began and did not finish: one of this study that died, or one of
// another study that shares a trial with this one.

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "orchestrator/study/executor.h"
#include "registry/store/store.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {

/// SparedAttempt is an attempt that may still be at work though its orchestrator has died.
struct SparedAttempt {
  Store::OpenAttempt attempt;
  TrialFile file;
};

/// AbandonedAttempts closes attempts that nobody works on any more, with the outcome that their
/// files tell. Those of this study that may go on (Executor::CanAdopt) can be spared until it is
/// known whether somebody asks for them. Not thread-safe; owned by the study's thread.
class AbandonedAttempts {
 public:
  /// Says whether another orchestrator runs a study of this database.
  using IsRun = std::function<bool(const std::string& study)>;

  /// Expects that the caller holds the lock of `study`. All arguments must outlive this object.
  /// Without `is_run` nobody else uses the database.
  AbandonedAttempts(Store& store, Executor& executor, IsRun is_run, std::string study);

  /// Mistrust returns why what an attempt left must not be used; empty where it may be.
  using Mistrust = std::function<std::string(const Store::OpenAttempt&)>;
  /// OnClosed is called with each attempt that was closed.
  using OnClosed = std::function<void(const Store::OpenAttempt&, const AttemptOutcome&)>;

  /// Closes the open attempts of the trials that `ours` accepts, unless a living orchestrator is at
  /// work on them: their worker is killed and their files decide. Afterwards those trials are
  /// complete or waiting. May block for seconds while a worker dies; throws Error where one does
  /// not.
  void Close(const std::function<bool(TrialId)>& ours, const Mistrust& mistrust,
             const OnClosed& on_closed);

  /// Spares the open attempts of this study among those of `ours` that can be adopted and are not
  /// mistrusted: Close passes them over.
  void Spare(const std::function<bool(TrialId)>& ours, const Mistrust& mistrust);
  /// Returns the trial's spared attempt, which is spared no more; nothing where it has none.
  [[nodiscard]] std::optional<SparedAttempt> TakeSpared(TrialId trial);
  [[nodiscard]] std::int64_t spared() const { return std::ssize(spared_); }
  /// Spares none any more; returns whether there was one.
  bool SpareNone();

 private:
  /// True if the orchestrator of another study that began the attempt still runs.
  [[nodiscard]] bool OwnerLives(const Store::OpenAttempt& attempt) const;

  Store& store_;
  Executor& executor_;
  IsRun is_run_;
  std::string study_;
  std::map<TrialId, SparedAttempt> spared_;
};

}  // namespace beamgrid
