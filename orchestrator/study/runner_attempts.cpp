// StudyLoop: attempts start, say something and end.

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>
#include <variant>

#include "orchestrator/study/study_loop.h"

namespace beamgrid {
namespace {

/// As explain shows it.
constexpr char kAlone[] = ", alone on its device";

}  // namespace

void StudyLoop::Execute(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    if (const auto* start = std::get_if<StartAttempt>(&command)) {
      Start(start->trial, scheduler_.slots().at(static_cast<std::size_t>(start->slot)));
    } else if (const auto* cancel = std::get_if<CancelAttempt>(&command)) {
      const ActiveTrial& active = active_.at(cancel->trial);
      if (!active.running) continue;
      after_commit_.Do([this, key = *active.running] { running_.Stop(key); });
    }
  }
}

void StudyLoop::Start(TrialId trial, const Slot& slot) {
  ActiveTrial& active = active_.at(trial);
  const TrialRecord now = store_.Trial(trial);
  if (now.state != TrialState::kWaiting) return GiveToOther(trial, now);
  if (!resources_.Take(trial, slot, active.needs)) {
    events_.OnDeviceInUse(slot.device);
    return Execute(scheduler_.OnStartRefused(trial));
  }
  const BegunAttempt begun = starter_.Begin({.trial = trial,
                                             .name = active.label.name,
                                             .fingerprint = active.fingerprint,
                                             .model = &active.model,
                                             .seed = active.label.seed,
                                             .start = active.start,
                                             .earlier_attempts = active.attempts,
                                             .alone = active.needs.alone},
                                            slot);
  active.running = begun.key;
  active.attempts = begun.key.attempt;
  after_commit_.Do([this, begun] {
    starter_.Launch(begun);
    running_.Add(begun.key);
  });
  events_.OnStarted(trial, active.label, slot, active.attempts);
}

void StudyLoop::Handle(const ExecutorEvent& event) {
  const auto active = active_.find(event.key.trial);
  // Late words of an attempt that is over.
  if (active == active_.end() || active->second.running != event.key) return;
  if (const auto* message = std::get_if<Message>(&event.what)) {
    if (const auto* started = std::get_if<Started>(message)) {
      store_.SetAttemptProcess(event.key.trial, event.key.attempt, started->pid);
    }
    events_.OnMessage(event.key.trial, *message);
  } else {
    EndAttempt(event.key, std::get<AttemptOutcome>(event.what));
  }
}

void StudyLoop::EndAttempt(const AttemptKey& key, const AttemptOutcome& outcome) {
  ActiveTrial& active = active_.at(key.trial);
  active.running.reset();
  resources_.GiveBack(key.trial);
  // Before the scheduler hears of the end, or it would start the next attempt.
  if (StopsStudy(outcome)) {
    events_.result().stopped_because = outcome.failure().message;
    Stop((IsMachineFault(outcome.failure().kind) ? "the machine has a fault, the study stops: "
                                                 : "the study stops at damaged data: ") +
         outcome.failure().message);
  }
  const std::vector<Command> commands = scheduler_.OnAttemptEnded(key.trial, outcome);
  const Command* first = commands.empty() ? nullptr : &commands.front();
  const auto* finish = first != nullptr ? std::get_if<FinishTrial>(first) : nullptr;
  const auto* retry = first != nullptr ? std::get_if<RetryTrial>(first) : nullptr;
  store_.FinishAttempt(key.trial, key.attempt, outcome,
                       finish != nullptr ? finish->state : TrialState::kWaiting);
  if (finish != nullptr) {
    EndTrial(key.trial, outcome);
  } else if (retry != nullptr) {
    active.needs.alone = retry->alone;
    events_.OnRetry(key.trial, active.label, outcome);
    Note(active.label, "attempt " + std::to_string(key.attempt) + " ended (" +
                           ToString(outcome.failure().kind) + ": " + outcome.failure().message +
                           "); it is tried again" + (retry->alone ? kAlone : ""));
  } else {
    events_.OnInterrupted(key.trial, active.label);
  }
  Execute(commands);
  if (scheduler_.refused()) Execute(scheduler_.OnDevicesFreed());
}

void StudyLoop::EndTrial(TrialId trial, const AttemptOutcome& outcome) {
  const ActiveTrial ended = std::move(active_.extract(trial).mapped());
  if (outcome.complete()) {
    Learn(ended.model, outcome.result());
    events_.OnComplete(trial, ended.label, outcome.result());
    intake_.Settle(ended.wanted_by, ResultOf(outcome.result()));
    return;
  }
  events_.OnFailed(trial, ended.label, outcome);
  intake_.Settle(ended.wanted_by, {});
}

void StudyLoop::Learn(const ModelSpec& model, const TrialResult& result) {
  resources_.Learn(model, result);
  if (!std::has_single_bit(++learnt_)) return;
  std::vector<Command> commands;
  for (auto& [trial, active] : active_) {
    if (active.running || foreign_.contains(trial)) continue;
    const bool alone = active.needs.alone;
    active.needs = resources_.Needs(active.model, active.parameters);
    active.needs.alone = alone;
    std::ranges::copy(scheduler_.OnNeedsChanged(trial, active.needs), std::back_inserter(commands));
  }
  Execute(commands);
}

bool StudyLoop::StopsStudy(const AttemptOutcome& outcome) const {
  if (outcome.complete() || stopping_) return false;
  const bool bad_data =
      outcome.failure().kind == FailureKind::kBadData && intake_.data().on_error == "stop";
  return bad_data || IsMachineFault(outcome.failure().kind);
}

}  // namespace beamgrid
