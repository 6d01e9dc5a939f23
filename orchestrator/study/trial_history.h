#pragma once
// What the record tells of a trial's past, and how a study writes to it what happened.

#include <string>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/study_trial.h"
#include "registry/store/store.h"

namespace beamgrid {

/// True if nothing more is to be tried in this run. Failures whose cause is the trial's own
/// arithmetic are final; others get a fresh set of tries in each run, for the user may have mended
/// the machine or the data.
[[nodiscard]] bool IsOver(const Store& store, const TrialRecord& trial);

/// Returns which share of its training the record has of a trial as the intake made it: 1 where
/// nothing more is to be tried, 0 where it is to be tried from the beginning.
[[nodiscard]] double DoneShare(const Store& store, const StudyTrial& trial);

/// True if any attempt of the trial ran out of memory.
[[nodiscard]] bool RanOutOfMemory(const Store& store, TrialId trial);

/// Writes a note for `explain`; the same one is kept once, however often the study is run.
void NoteOnce(Store& store, StudyId study, const TrialLabel& label, const std::string& text);

}  // namespace beamgrid
