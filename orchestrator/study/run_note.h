#pragma once
// What a run notes of itself in the record while it goes on, so that others can watch it: how far
// its trials are within their epochs, how many it plans, what is ahead. All else of it is told by
// the rows of its trials.

#include <boost/json.hpp>
#include <optional>
#include <string>

#include "orchestrator/study/progress.h"
#include "registry/store/store.h"

namespace beamgrid {

/// RunNote is the last note of a study's last run.
struct RunNote {
  ProgressState progress;
  std::string noted_at;  ///< ISO-8601 UTC
  /// "complete", "interrupted", or why it stopped. Empty where the run goes on, or was killed.
  std::string ending;
};

/// Notes the state of a run in the place of the note before it; a transaction, or a part of the one
/// of Store::Together. `ending`: see RunNote.
void NoteRun(Store& store, StudyId study, const ProgressState& progress,
             const std::string& ending = "");

/// Returns the note of the study's last run; nothing where none was made (an earlier version ran
/// it, or its trials came by `merge`). Throws Error where it is none of ours.
[[nodiscard]] std::optional<RunNote> LastRunNote(const Store& store, StudyId study);

/// Returns the state as JSON: {study, objective, planned, complete, reused, failed, refused,
/// waiting, queued, queued_for, best: {name, value}, leaders: [{name, mean, seeds}], next: [{name,
/// seed}], running: [{trial, name, seed, device, epoch, epochs, examples, total_examples, ...}],
/// devices: [{device, slots}], elapsed_seconds, ...}. What is not known is null.
[[nodiscard]] boost::json::object ToJson(const ProgressState& progress);

}  // namespace beamgrid
