// StudyLoop: trials come in, from the strategy and from other orchestrators.

#include <utility>

#include "orchestrator/study/study_loop.h"
#include "orchestrator/study/trial_history.h"
#include "registry/scoring/metrics.h"

namespace beamgrid {
namespace {

/// How often what other studies do is looked at: trials that we share, devices that they use.
constexpr std::chrono::milliseconds kForeignInterval{1000};

}  // namespace

void StudyLoop::AskForTrials() {
  if (stopping_) return;
  intake_.Fill(
      study_, [this] { return scheduler_.free_slots(); },
      [this](std::vector<WantedTrial> trials) {
        after_commit_.Together([&] {
          for (WantedTrial& trial : trials) Enter(std::move(trial));
        });
      },
      [this](const TrialLabel& label, const std::string& why) {
        events_.OnRefused(label, why);
        Note(label, "refused: " + why);
      });
  events_.SetPlanned(intake_.planned());
}

void StudyLoop::Enter(WantedTrial trial) {
  const bool is_new = members_.insert(trial.id).second;
  if (is_new && !trial.start.empty()) {
    Note(trial.label, "starts from " + StartText(trial.model) + ", trial " + trial.start);
  }
  if (const auto active = active_.find(trial.id); active != active_.end()) {
    active->second.wanted_by.push_back(trial.wanted_by);
    return;
  }
  if (trial.twin && IsOver(store_, *trial.twin)) {
    if (is_new) Note(trial.label, "reused: the record already held how it ended");
    return UseEnded(trial.label, *trial.twin, {trial.wanted_by});
  }
  active_[trial.id] = {.label = std::move(trial.label),
                       .fingerprint = std::move(trial.fingerprint),
                       .model = trial.model,
                       .start = std::move(trial.start),
                       .parameters = trial.parameters,
                       .needs = resources_.Needs(trial.model, trial.parameters),
                       .wanted_by = {trial.wanted_by}};
  Schedule(trial.id, trial.twin);
}

void StudyLoop::UseEnded(const TrialLabel& label, const TrialRecord& record,
                         const std::vector<SeedSlot>& wanted_by) {
  if (record.state == TrialState::kComplete) {
    events_.OnReused(label, *record.result);
    intake_.Settle(wanted_by, ResultOf(*record.result));
  } else {
    events_.OnFailedBefore(label, record.failure);
    intake_.Settle(wanted_by, {.size_bytes = record.size_bytes});
  }
}

void StudyLoop::Schedule(TrialId trial, const std::optional<TrialRecord>& twin) {
  ActiveTrial& active = active_.at(trial);
  active.attempts = twin ? twin->attempts : 0;
  if (twin && twin->state == TrialState::kRunning) {
    foreign_.insert(trial);
    Note(active.label, "waits: another study's orchestrator is training it");
    return;
  }
  const bool again = twin && twin->state == TrialState::kFailed;
  if (again) store_.SetState(trial, TrialState::kWaiting);
  if (twin && twin->failed_attempts > 0) active.needs.alone = RanOutOfMemory(store_, trial);
  Execute(scheduler_.OnTrialAdded(trial, twin && !again ? twin->failed_attempts : 0, active.needs));
}

SeedResult StudyLoop::ResultOf(const TrialResult& result) const {
  return {ObjectiveOf(result.metrics, recipe_.objective), result.size_bytes};
}

void StudyLoop::CloseAbandoned(const std::function<bool(TrialId)>& ours) {
  abandoned_.Close(ours, [this](const Store::OpenAttempt& attempt, const AttemptOutcome& outcome) {
    const TrialRecord trial = store_.Trial(attempt.trial);
    events_.OnAbandoned({trial.name, trial.seed}, outcome);
    Note({trial.name, trial.seed},
         "attempt " + std::to_string(attempt.attempt) + " was left by an orchestrator that died: " +
             (outcome.complete() ? "its result was complete" : outcome.failure().message));
  });
}

void StudyLoop::LookAtOtherStudies() {
  if (stopping_ || clock_() < next_foreign_look_) return;
  next_foreign_look_ = clock_() + kForeignInterval;
  if (!foreign_.empty()) LookAtForeignTrials();
  if (scheduler_.refused()) {
    after_commit_.Together([this] { Execute(scheduler_.OnDevicesFreed()); });
  }
}

void StudyLoop::LookAtForeignTrials() {
  CloseAbandoned([this](TrialId trial) { return foreign_.contains(trial); });
  for (const TrialId trial : std::set<TrialId>(foreign_)) {
    const TrialRecord record = store_.Trial(trial);
    if (record.state == TrialState::kRunning) continue;
    foreign_.erase(trial);
    if (IsOver(store_, record)) {
      UseForeign(trial, record);
    } else {
      Schedule(trial, record);
    }
  }
}

void StudyLoop::UseForeign(TrialId trial, const TrialRecord& record) {
  const ActiveTrial ended = std::move(active_.extract(trial).mapped());
  Note(ended.label, "reused: another study trained it meanwhile");
  UseEnded(ended.label, record, ended.wanted_by);
}

void StudyLoop::GiveToOther(TrialId trial, const TrialRecord& now) {
  const std::vector<Command> commands = scheduler_.OnTrialWithdrawn(trial);
  if (IsOver(store_, now)) {
    UseForeign(trial, now);
  } else {
    Schedule(trial, now);
  }
  Execute(commands);
}

}  // namespace beamgrid
