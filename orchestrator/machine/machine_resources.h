#pragma once
// The machine as a study sees it: forecasts of what trials need, learnt from the record; memory;
// and slots shared with the studies of other orchestrators.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/machine/device_memory.h"
#include "orchestrator/machine/forecast.h"
#include "orchestrator/machine/machine_share.h"
#include "orchestrator/study/resources.h"
#include "registry/store/store.h"
#include "registry/util/error.h"

namespace beamgrid {

/// Returns what the complete trials of a record (the newest ones of a large one) say of others;
/// `except`: not what this one says.
[[nodiscard]] Forecast ForecastFrom(const Store& store,
                                    std::optional<TrialId> except = std::nullopt);

/// Returns a line for people: that nothing is shared, and why.
[[nodiscard]] std::string NotShared(const Error& error);

/// MachineResources is the machine as a study sees it: forecasts of what trials need, learnt from
/// the record; memory; and slots shared with the studies of other orchestrators. Not thread-safe;
/// owned by the study's thread.
class MachineResources : public Resources {
 public:
  using Warn = std::function<void(const std::string&)>;
  using MakeForecast = std::function<Forecast()>;

  /// Expects that `data`, `memory` and `share` outlive this object. `cores` are those that this
  /// process may use. `make_forecast` is asked when a trial is to be forecast first: a study of
  /// which all is trained needs none. `share`: null where nothing is shared. `warn` hears where the
  /// share cannot be used any more: the study goes on without it, for it is worth more than a
  /// neighbour's turn.
  MachineResources(const DataSpec& data, const std::vector<Slot>& slots, std::int64_t cores,
                   MakeForecast make_forecast, DeviceMemory& memory, MachineShare* share,
                   Warn warn);

  /// Returns the bytes that the trials of each device may use together: what is free there at the
  /// moment, less a reserve. Devices whose memory is not known are missing.
  [[nodiscard]] std::map<std::string, std::int64_t> Budgets();
  /// Returns a line for people: "2 slots on cpu (21.3 GiB free)".
  [[nodiscard]] std::string Summary();

  [[nodiscard]] TrialNeeds Needs(const ModelSpec& model, std::int64_t parameters) override;
  void Learn(const ModelSpec& model, const TrialResult& result) override;
  [[nodiscard]] bool Take(TrialId trial, const Slot& slot, const TrialNeeds& needs) override;
  void GiveBack(TrialId trial) override;
  void SetWaiting(std::int64_t trials) override;
  [[nodiscard]] std::string RefusalText() const override { return refusal_; }

 private:
  /// Returns the forecast with all that was measured so far.
  [[nodiscard]] Forecast& Known();
  /// True if other studies leave the units of one worker.
  [[nodiscard]] bool OthersLeave(const std::string& device, std::int64_t capacity,
                                 std::int64_t units);

  /// Device is one of the study's devices, and what of it is shared with others.
  struct Device {
    std::string identity;
    std::int64_t slots = 0;
    std::int64_t units = 0;     ///< of the machine, as this study counts them
    std::int64_t per_slot = 1;  ///< units that a worker takes
    std::int64_t running = 0;
  };

  const DataSpec& data_;
  MakeForecast make_forecast_;
  std::optional<Forecast> forecast_;
  std::optional<Forecast> before_;  ///< what it knew before it learnt anything in this run
  DeviceMemory& memory_;
  MachineShare* share_;
  Warn warn_;
  std::map<std::string, Device> devices_;
  std::map<TrialId, std::string> held_;  ///< their devices
  std::string refusal_;
};

}  // namespace beamgrid
