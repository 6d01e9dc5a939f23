// StudyRunner: attempts begin, say something and end.

#include <bit>
#include <utility>
#include <variant>

#include "orchestrator/study/study_runner.h"

namespace beamgrid {
namespace {

/// The state of a trial between its attempts, or after the last one.
TrialState StateAfter(NextStep next) {
  switch (next) {
    case NextStep::kComplete:
      return TrialState::kComplete;
    case NextStep::kFail:
      return TrialState::kFailed;
    case NextStep::kRetry:
    case NextStep::kLeaveWaiting:
      return TrialState::kWaiting;
  }
  return TrialState::kWaiting;
}

}  // namespace

void StudyRunner::Begin(const StartAttempt& start) {
  StudyTrial& trial = trials_.at(start.trial);
  const Slot& slot = scheduler_.slots().at(start.slot);
  const TrialRecord now = store_.Trial(trial.id);
  if (now.state != TrialState::kWaiting) {
    // While the trial waited for a slot, another study's orchestrator took it.
    scheduler_.OnTrialWithdrawn(trial.id);
    return TakeFromOther(trial.id, now);
  }
  if (!resources_.Take(trial.id, slot, trial.needs)) {
    events_.OnDeviceInUse(slot.device, resources_.RefusalText());
    return scheduler_.OnStartRefused(trial.id);
  }
  const BegunAttempt begun = starter_.Begin(trial, slot);
  trial.running = begun.key;
  trial.attempts = begun.key.attempt;
  after_commit_.Do([this, begun] {
    starter_.Launch(begun);
    running_.Add(begun.key);
  });
  events_.OnStarted(trial.id, trial.label(), slot, trial.attempts);
}

void StudyRunner::Handle(const ExecutorEvent& event) {
  const auto trial = trials_.find(event.key.trial);
  // Late words of an attempt that is over.
  if (trial == trials_.end() || trial->second.running != event.key) return;
  if (const auto* outcome = std::get_if<AttemptOutcome>(&event.what)) {
    return EndAttempt(trial->second, *outcome);
  }
  const Message& message = std::get<Message>(event.what);
  if (const auto* started = std::get_if<Started>(&message)) {
    store_.SetAttemptProcess(event.key.trial, event.key.attempt, started->pid);
  }
  events_.OnMessage(event.key.trial, message);
}

void StudyRunner::EndAttempt(StudyTrial& trial, const AttemptOutcome& outcome) {
  const std::int64_t attempt = std::exchange(trial.running, std::nullopt)->attempt;
  resources_.GiveBack(trial.id);
  if (StopsStudy(outcome)) {
    const AttemptFailure& failure = outcome.failure();
    events_.result().stopped_because = failure.message;
    Stop((IsMachineFault(failure.kind) ? "the machine has a fault, the study stops: "
                                       : "the study stops at damaged data: ") +
         failure.message);
  }
  const AfterAttempt after = scheduler_.OnAttemptEnded(trial.id, outcome);
  scheduler_.OnDevicesFreed();  // what this attempt used may be what another one waits for
  store_.FinishAttempt(trial.id, attempt, outcome, StateAfter(after.next));
  switch (after.next) {
    case NextStep::kComplete:
      return Complete(trial.id, outcome.result());
    case NextStep::kFail:
      return Fail(trial.id, outcome.failure());
    case NextStep::kLeaveWaiting:
      return events_.OnInterrupted(trial.id, trial.label());
    case NextStep::kRetry:
      break;
  }
  const AttemptFailure& failure = outcome.failure();
  trial.needs.alone = after.alone;
  events_.OnRetry(trial.id, trial.label(), failure);
  Note(trial.label(), "attempt " + std::to_string(attempt) + " ended (" + ToString(failure.kind) +
                          ": " + failure.message + "); it is tried again" +
                          (after.alone ? ", alone on its device" : ""));
}

void StudyRunner::Complete(TrialId trial, const TrialResult& result) {
  const StudyTrial ended = std::move(trials_.extract(trial).mapped());
  Learn(ended.spec.model, result);
  events_.OnComplete(trial, ended.label(), result);
  intake_.Settle(ended, result);
}

void StudyRunner::Fail(TrialId trial, const AttemptFailure& failure) {
  const StudyTrial ended = std::move(trials_.extract(trial).mapped());
  events_.OnFailed(trial, ended.label(), failure);
  intake_.SettleFailed(ended);
}

void StudyRunner::Learn(const ModelSpec& model, const TrialResult& result) {
  resources_.Learn(model, result);
  if (!std::has_single_bit(++learnt_)) return;
  for (auto& [id, trial] : trials_) {
    if (trial.running || foreign_.contains(id)) continue;
    const bool alone = trial.needs.alone;
    trial.needs = resources_.Needs(trial.spec.model, trial.parameters);
    trial.needs.alone = alone;
    scheduler_.OnNeedsChanged(id, trial.needs);
  }
}

bool StudyRunner::StopsStudy(const AttemptOutcome& outcome) const {
  if (outcome.complete() || stopping_) return false;
  const FailureKind kind = outcome.failure().kind;
  const bool bad_data = kind == FailureKind::kBadData && intake_.data().on_error == "stop";
  return bad_data || IsMachineFault(kind);
}

}  // namespace beamgrid
