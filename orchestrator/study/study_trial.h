#pragma once
// A trial of a study at work: one struct from the moment its candidate is asked for until the
// strategy is told.

#include <algorithm>
#include <chrono>
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
  double done = 0;                    ///< share of its training that the record had when asked for
  std::int64_t attempts = 0;          ///< begun so far, in all runs and studies
  std::optional<AttemptKey> running;  ///< this study's attempt at work, or in a cluster's queue
  bool queued = false;                ///< that attempt is in the queue
  /// When it began to work; nothing: its worker has said nothing yet, or this run did not begin it.
  std::optional<std::chrono::milliseconds> at_work_since;
  std::optional<double> resumed_share;    ///< of the training that was done then, by its worker
  std::int64_t resumed_examples = 0;      ///< the most that an attempt of this run went on from
  std::optional<std::string> miscounted;  ///< why the attempt at work can be no result

  /// Returns the size of its model, as it was counted.
  [[nodiscard]] ModelSize size() const { return {parameters, size_bytes}; }
  /// Returns the number of epochs of its whole training.
  [[nodiscard]] std::int64_t epochs() const {
    const auto found = spec.model.train.find("epochs");
    const bool known = found != spec.model.train.end() && found->second.is_int64();
    return known ? std::max<std::int64_t>(1, found->second.as_int64()) : 1;
  }
  /// Returns the share of its training after which it pauses; 1: it is trained to its end.
  [[nodiscard]] double until_share() const {
    if (until_epoch == 0) return 1;
    return std::min(1.0, static_cast<double>(until_epoch) / static_cast<double>(epochs()));
  }
  /// Returns the trial's name for people.
  [[nodiscard]] TrialLabel label() const { return {name, spec.seed}; }
};

}  // namespace beamgrid
