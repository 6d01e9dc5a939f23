#pragma once
// What the trials of a study need of the machine, and whether the machine has it at this moment.

#include <cstdint>
#include <string>

#include "orchestrator/study/scheduler.h"
#include "registry/model_spec.h"
#include "registry/outcome.h"

namespace beamgrid {

/// Resources answers what a trial needs and whether it may take it. This base has no limits;
/// MachineResources is the real one. Not thread-safe; owned by the study's thread.
class Resources {
 public:
  Resources() = default;
  virtual ~Resources() = default;
  Resources(const Resources&) = delete;
  Resources& operator=(const Resources&) = delete;

  /// Returns what a trial is expected to need. `parameters` is the number of its model's.
  [[nodiscard]] virtual TrialNeeds Needs(const ModelSpec& /*model*/, std::int64_t /*parameters*/) {
    return {};
  }
  /// Notes what a trial did need: later forecasts are corrected by it.
  virtual void Learn(const ModelSpec& /*model*/, const TrialResult& /*result*/) {}

  /// Takes what an attempt of the trial uses; false where others use it at the moment.
  [[nodiscard]] virtual bool Take(TrialId /*trial*/, const Slot& /*slot*/,
                                  const TrialNeeds& /*needs*/) {
    return true;
  }
  /// Returns why the last Take was refused, to be said after the device's name.
  [[nodiscard]] virtual std::string RefusalText() const {
    return "shared with other studies; trials start there as they make room";
  }
  /// Gives back what the trial's attempt took, once it has ended.
  virtual void GiveBack(TrialId /*trial*/) {}
  /// Says how many trials wait: others who use the machine leave room for them. Called every turn,
  /// so it must not block.
  virtual void SetWaiting(std::int64_t /*trials*/) {}
};

}  // namespace beamgrid
