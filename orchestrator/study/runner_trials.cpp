// StudyRunner: trials come in, from the strategy and from other orchestrators.

#include <utility>

#include "orchestrator/study/study_runner.h"
#include "orchestrator/study/trial_history.h"

namespace beamgrid {
namespace {

/// How often what other studies do is looked at: trials that we share, devices that they use.
constexpr std::chrono::milliseconds kForeignInterval{1000};

}  // namespace

void StudyRunner::AskForTrials() {
  if (!stopping_ && intake_.CanAsk(scheduler_.free_slots())) {
    std::vector<StudyTrial> trials;
    // Reused and refused candidates leave the window at once: the bound keeps one turn short.
    for (std::size_t asked = 0; asked < intake_.window() && !intake_.full(); ++asked) {
      std::optional<ConsideredCandidate> candidate = intake_.Next();
      if (!candidate) break;
      for (StudyTrial& trial : candidate->trials) {
        if (candidate->refusal) {
          events_.OnRefused(trial.label(), *candidate->refusal);
          Note(trial.label(), "refused: " + *candidate->refusal);
        } else {
          trials.push_back(std::move(trial));
        }
      }
      // While slots are free trials begin as soon as there is one for each; else many share a
      // transaction.
      const auto free = static_cast<std::size_t>(scheduler_.free_slots());
      if (free > 0 && trials.size() >= free) EnterAll(std::exchange(trials, {}));
    }
    EnterAll(std::move(trials));
  }
  events_.SetPlanned(intake_.planned());
}

void StudyRunner::EnterAll(std::vector<StudyTrial> trials) {
  if (trials.empty()) return;
  Record([&] {
    const std::vector<TrialId> ids = store_.AddTrials(study_, {trials.begin(), trials.end()});
    for (std::size_t i = 0; i < trials.size(); ++i) {
      trials[i].id = ids[i];
      Enter(std::move(trials[i]));
    }
  });
}

void StudyRunner::Enter(StudyTrial trial) {
  const bool is_new = members_.insert(trial.id).second;
  if (is_new && !trial.spec.warm_start.empty()) {
    Note(trial.label(),
         "starts from " + WarmStartText(trial.spec.model) + ", trial " + trial.spec.warm_start);
  }
  if (const auto present = trials_.find(trial.id); present != trials_.end()) {
    present->second.wanted_by.push_back(trial.wanted_by.front());
    return;
  }
  if (trial.known && IsOver(store_, *trial.known)) {
    if (is_new) Note(trial.label(), "reused: the record already held how it ended");
    return UseEnded(trial, *trial.known);
  }
  trial.needs = resources_.Needs(trial.spec.model, trial.parameters);
  StudyTrial& kept = trials_[trial.id] = std::move(trial);
  Schedule(kept, kept.known ? &*kept.known : nullptr);
}

void StudyRunner::UseEnded(const StudyTrial& trial, const TrialRecord& record) {
  if (record.state == TrialState::kComplete) {
    events_.OnReused(trial.label(), *record.result);
  } else {
    events_.OnFailedBefore(trial.label(), record.failure);
  }
  intake_.SettleEnded(trial, record);
}

void StudyRunner::Schedule(StudyTrial& trial, const TrialRecord* record) {
  if (record == nullptr) return scheduler_.OnTrialAdded(trial.id, 0, trial.needs);
  trial.attempts = record->attempts;
  if (record->state == TrialState::kRunning) {
    foreign_.insert(trial.id);
    return Note(trial.label(), "waits: another study's orchestrator is training it");
  }
  const bool again = record->state == TrialState::kFailed;
  if (again) store_.SetState(trial.id, TrialState::kWaiting);
  if (record->failed_attempts > 0) trial.needs.alone = RanOutOfMemory(store_, trial.id);
  scheduler_.OnTrialAdded(trial.id, again ? 0 : record->failed_attempts, trial.needs);
}

void StudyRunner::CloseAbandoned(const std::function<bool(TrialId)>& ours) {
  abandoned_.Close(ours, [this](const Store::OpenAttempt& attempt, const AttemptOutcome& outcome) {
    const TrialRecord record = store_.Trial(attempt.trial);
    const TrialLabel label{record.name, record.seed};
    events_.OnAbandoned(label, outcome);
    Note(label, "attempt " + std::to_string(attempt.attempt) +
                    " was left by an orchestrator that died: " +
                    (outcome.complete() ? "its result was complete" : outcome.failure().message));
  });
}

void StudyRunner::LookAtOtherStudies() {
  if (stopping_ || clock_() < next_foreign_look_) return;
  next_foreign_look_ = clock_() + kForeignInterval;
  if (foreign_.empty() && !scheduler_.refused()) return;
  if (!foreign_.empty()) {
    CloseAbandoned([this](TrialId trial) { return foreign_.contains(trial); });
  }
  Record([this] {
    scheduler_.OnDevicesFreed();
    for (const TrialId trial : std::set<TrialId>(foreign_)) {
      const TrialRecord record = store_.Trial(trial);
      if (record.state == TrialState::kRunning) continue;
      foreign_.erase(trial);
      TakeFromOther(trial, record);
    }
  });
}

void StudyRunner::TakeFromOther(TrialId trial, const TrialRecord& record) {
  if (!IsOver(store_, record)) return Schedule(trials_.at(trial), &record);
  const StudyTrial ended = std::move(trials_.extract(trial).mapped());
  Note(ended.label(), "reused: another study trained it meanwhile");
  UseEnded(ended, record);
}

}  // namespace beamgrid
