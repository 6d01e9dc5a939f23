#include "orchestrator/study/abandoned_attempts.h"

#include <utility>

#include "orchestrator/study/attempt_starter.h"
#include "registry/store/study_lock.h"
#include "registry/util/error.h"

namespace beamgrid {

AbandonedAttempts::AbandonedAttempts(Store& store, Executor& executor,
                                     std::filesystem::path database, std::string study)
    : store_(store),
      executor_(executor),
      database_(std::move(database)),
      study_(std::move(study)) {}

void AbandonedAttempts::Close(const std::function<bool(TrialId)>& ours, const Mistrust& mistrust,
                              const OnClosed& on_closed) {
  for (const Store::OpenAttempt& attempt : store_.OpenAttempts()) {
    if (!ours(attempt.trial) || OwnerLives(attempt)) continue;
    AttemptOutcome outcome =
        executor_.Reconcile({attempt.trial, attempt.attempt}, attempt.directory, attempt.pid);
    if (std::string why = mistrust(attempt); !why.empty()) {
      // Before the record: an orchestrator that dies in between finds nothing to use, either.
      Disown(attempt.directory);
      store_.ForgetEpochs(attempt.trial);
      outcome = {AttemptFailure{.kind = FailureKind::kInterrupted, .message = std::move(why)}};
    }
    // Waiting, not failed: no try is used up by a death that was the orchestrator's.
    store_.FinishAttempt(attempt.trial, attempt.attempt, outcome,
                         outcome.complete() ? TrialState::kComplete : TrialState::kWaiting);
    on_closed(attempt, outcome);
  }
}

bool AbandonedAttempts::OwnerLives(const Store::OpenAttempt& attempt) const {
  // <runs>/<study>/<trial>/<attempt>
  const std::string owner =
      std::filesystem::path(attempt.directory).parent_path().parent_path().filename().string();
  // Our own lock is held by us: a second attempt to take it would be refused and look like a living
  // owner.
  if (owner == study_ || owner.empty()) return false;
  try {
    // Holding the lock for a moment is the only sure question: a process id may be somebody else's
    // by now, but the kernel releases the lock of the dead.
    const StudyLock probe(database_, owner);
    return false;
  } catch (const UsageError&) {
    return true;
  }
}

}  // namespace beamgrid
