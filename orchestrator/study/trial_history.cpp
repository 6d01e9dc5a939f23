#include "orchestrator/study/trial_history.h"

#include <algorithm>
#include <vector>

namespace beamgrid {

bool IsOver(const Store& store, const TrialRecord& trial) {
  // One that a search let go has not ended: whoever asks for its end has it trained on.
  if (trial.state == TrialState::kComplete) return true;
  if (trial.state != TrialState::kFailed) return false;
  const std::vector<Store::AttemptRecord> attempts = store.Attempts(trial.id);
  // The last attempt decides: what diverges does so again, training repeats itself to the bit.
  return !attempts.empty() && attempts.back().outcome == ToString(FailureKind::kDiverged);
}

double DoneShare(const Store& store, const StudyTrial& trial) {
  if (!trial.known) return 0;
  if (IsOver(store, *trial.known)) return 1;
  if (trial.known->state == TrialState::kFailed) return 0;
  std::int64_t last = 0;
  for (const EpochResult& epoch : store.Epochs(trial.known->id)) last = std::max(last, epoch.epoch);
  return std::min(1.0, static_cast<double>(last) / static_cast<double>(trial.epochs()));
}

bool RanOutOfMemory(const Store& store, TrialId trial) {
  const std::string kind = ToString(FailureKind::kOutOfMemory);
  return std::ranges::any_of(store.Attempts(trial), [&kind](const Store::AttemptRecord& attempt) {
    return attempt.outcome == kind;
  });
}

void NoteOnce(Store& store, StudyId study, const TrialLabel& label, const std::string& text) {
  const std::vector<std::string> notes = store.Notes(study, label.name, label.seed);
  if (std::ranges::find(notes, text) != notes.end()) return;
  store.AddNote(study, label.name, label.seed, text);
}

}  // namespace beamgrid
