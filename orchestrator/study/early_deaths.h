#pragma once
// A machine on which no worker gets as far as its first batch.

#include <cstddef>
#include <set>
#include <string>

#include "registry/outcome.h"

namespace beamgrid {

/// EarlyDeaths tells failures of the trials apart from one of the machine or the installation that
/// nobody has a name for: where the first workers of a run all end alike before their first batch,
/// whatever the model, then so will the others. Once a worker has begun to train it says nothing
/// more. Not thread-safe.
class EarlyDeaths {
 public:
  /// So many models in a row, with no other end in between.
  static constexpr std::size_t kMost = 3;
  /// Of workers that somebody kills from outside: what kills three may be over, and a kill costs a
  /// trial nothing.
  static constexpr std::size_t kMostKilled = 8;

  /// Notes that a worker has data and model ready and begins to train.
  void OnStarted() { has_trained_ = true; }

  /// Notes how an attempt of the model failed. Returns the failure, as one of the machine where it
  /// completes the row.
  [[nodiscard]] AttemptFailure Judged(const std::string& model, AttemptFailure failure) {
    if (has_trained_ || !MayBeTheMachines(failure.kind)) return failure;
    if (failure.message != message_) models_.clear();
    message_ = failure.message;
    models_.insert(model);
    const std::size_t most = failure.kind == FailureKind::kInterrupted ? kMostKilled : kMost;
    if (models_.size() < most) return failure;
    failure.kind = FailureKind::kEnvironment;
    failure.message += "; the first " + std::to_string(most) +
                       " models all ended so before their first batch, which is hardly a fault of "
                       "each of them: look at the log of the attempt and at `beamgrid doctor`, "
                       "mend the machine, the installation or the plugin, then run again";
    return failure;
  }

 private:
  /// The other kinds say what was wrong.
  static bool MayBeTheMachines(FailureKind kind) {
    return kind == FailureKind::kCrashed || kind == FailureKind::kHung ||
           kind == FailureKind::kInterrupted;
  }

  bool has_trained_ = false;
  std::string message_;
  std::set<std::string> models_;  ///< that ended with the message, one after the other
};

}  // namespace beamgrid
