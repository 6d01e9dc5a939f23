#pragma once
// What the trials of a study need of the machine, and whether the machine has it now. This base
// has no limits; MachineResources is the real one.

#include <cstdint>
#include <string>

#include "orchestrator/study/scheduler.h"
#include "registry/model_spec.h"
#include "registry/outcome.h"

namespace beamgrid {

class Resources {
 public:
  Resources() = default;
  virtual ~Resources() = default;
  Resources(const Resources&) = delete;
  Resources& operator=(const Resources&) = delete;

  /// What a trial is expected to need; `parameters` of its model.
  [[nodiscard]] virtual TrialNeeds Needs(const ModelSpec& /*model*/, std::int64_t /*parameters*/) {
    return {};
  }
  /// What a trial did need: later forecasts are corrected by it.
  virtual void Learn(const ModelSpec& /*model*/, const TrialResult& /*result*/) {}

  /// Takes what an attempt of the trial uses; false where others use it now.
  [[nodiscard]] virtual bool Take(TrialId /*trial*/, const Slot& /*slot*/,
                                  const TrialNeeds& /*needs*/) {
    return true;
  }
  /// Why the last Take was refused, to be said after the device's name.
  [[nodiscard]] virtual std::string RefusalText() const {
    return "shared with other studies; trials start there as they make room";
  }
  /// The attempt has ended.
  virtual void GiveBack(TrialId /*trial*/) {}
  /// How many trials wait: others who use the machine leave room for them. Called all the time.
  virtual void SetWaiting(std::int64_t /*trials*/) {}
};

}  // namespace beamgrid
