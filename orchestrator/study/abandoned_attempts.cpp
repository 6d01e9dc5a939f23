#include "orchestrator/study/abandoned_attempts.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>
#include <vector>

#include "orchestrator/study/attempt_starter.h"
#include "orchestrator/study/counted_model.h"
#include "registry/util/error.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

bool IsOpen(const Store& store, const Store::OpenAttempt& attempt) {
  const std::vector<Store::OpenAttempt> open = store.OpenAttempts();
  return std::ranges::any_of(open, [&attempt](const Store::OpenAttempt& other) {
    return other.trial == attempt.trial && other.attempt == attempt.attempt;
  });
}

/// Returns the study whose orchestrator began it: <runs>/<study>/<trial>/<attempt>.
std::string OwnerOf(const Store::OpenAttempt& attempt) {
  return std::filesystem::path(attempt.directory).parent_path().parent_path().filename().string();
}

/// Returns what the worker was told; nothing where that cannot be read.
std::optional<TrialFile> ReadTrialFile(const std::filesystem::path& directory) {
  try {
    return TrialFileFromJson(ParseJson(ReadFile(directory / kTrialFile)));
  } catch (const Error&) {
  } catch (const std::invalid_argument&) {
  }
  return std::nullopt;
}

}  // namespace

AbandonedAttempts::AbandonedAttempts(Store& store, Executor& executor, IsRun is_run,
                                     std::string study)
    : store_(store), executor_(executor), is_run_(std::move(is_run)), study_(std::move(study)) {}

void AbandonedAttempts::Close(const std::function<bool(TrialId)>& ours, const Mistrust& mistrust,
                              const OnClosed& on_closed) {
  for (const Store::OpenAttempt& attempt : store_.OpenAttempts()) {
    // Looked at again once the owner is known to be dead: it may have recorded the end after we
    // first looked, and died then.
    if (!ours(attempt.trial) || spared_.contains(attempt.trial)) continue;
    if (OwnerLives(attempt) || !IsOpen(store_, attempt)) continue;
    const TrialRecord trial = store_.Trial(attempt.trial);
    AttemptOutcome outcome = AsCounted(
        executor_.Reconcile({attempt.trial, attempt.attempt}, attempt.directory, attempt.pid),
        {trial.parameters, trial.size_bytes});
    if (std::string why = mistrust(attempt); !why.empty()) {
      // Before the record: an orchestrator that dies in between finds nothing to use, either.
      Disown(attempt.directory);
      store_.ForgetEpochs(attempt.trial);
      outcome = {AttemptFailure{.kind = FailureKind::kInterrupted, .message = std::move(why)}};
    }
    // Waiting, not failed: no try is used up by a death that was the orchestrator's.
    bool closed = false;
    store_.Together([&] {
      // Another orchestrator may have closed it meanwhile.
      closed = IsOpen(store_, attempt);
      if (!closed) return;
      store_.FinishAttempt(attempt.trial, attempt.attempt, outcome,
                           outcome.complete() ? TrialState::kComplete : TrialState::kWaiting);
    });
    if (closed) on_closed(attempt, outcome);
  }
}

void AbandonedAttempts::Spare(const std::function<bool(TrialId)>& ours, const Mistrust& mistrust) {
  for (const Store::OpenAttempt& attempt : store_.OpenAttempts()) {
    const bool can = ours(attempt.trial) && OwnerOf(attempt) == study_ &&
                     executor_.CanAdopt({attempt.trial, attempt.attempt}, attempt.directory);
    if (!can || !mistrust(attempt).empty()) continue;
    if (auto file = ReadTrialFile(attempt.directory)) {
      spared_.insert_or_assign(attempt.trial, SparedAttempt{attempt, *std::move(file)});
    }
  }
}

std::optional<SparedAttempt> AbandonedAttempts::TakeSpared(TrialId trial) {
  auto spared = spared_.extract(trial);
  if (!spared) return std::nullopt;
  return std::move(spared.mapped());
}

bool AbandonedAttempts::SpareNone() { return !std::exchange(spared_, {}).empty(); }

bool AbandonedAttempts::OwnerLives(const Store::OpenAttempt& attempt) const {
  const std::string owner = OwnerOf(attempt);
  // Our own study is run by us, and we have begun nothing yet.
  if (owner == study_ || owner.empty() || !is_run_) return false;
  return is_run_(owner);
}

}  // namespace beamgrid
