#pragma once
// A trial of a study at work: one struct from the moment its candidate is asked for until the
// strategy is told.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/study/executor.h"
#include "orchestrator/study/model_counter.h"
#include "orchestrator/study/scheduler.h"
#include "orchestrator/study/seed_results.h"
#include "registry/store/store.h"

namespace beamgrid {

/// StudyTrial is a trial with all that a running study knows of it. The intake makes one for each
/// seed of a candidate; the runner owns it from then on.
struct StudyTrial : NewTrial {
  TrialId id{};                      ///< set when the trial enters the record
  std::vector<SeedSlot> wanted_by;   ///< more than one where candidates turn out to be one model
  std::optional<TrialRecord> known;  ///< what the record held before the study asked
  TrialNeeds needs;
  std::string why;                    ///< why the strategy asked for it; may be empty
  std::int64_t until_epoch = 0;       ///< it pauses after this epoch; 0: it is trained to its end
  std::int64_t attempts = 0;          ///< begun so far, in all runs and studies
  std::optional<AttemptKey> running;  ///< this study's attempt at work
  std::optional<std::string> miscounted;  ///< why the attempt at work can be no result

  /// Returns the size of its model, as it was counted.
  [[nodiscard]] ModelSize size() const { return {parameters, size_bytes}; }
  /// Returns the trial's name for people.
  [[nodiscard]] TrialLabel label() const { return {name, spec.seed}; }
};

}  // namespace beamgrid
