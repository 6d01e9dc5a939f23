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
