#pragma once
// Which slots a study has: devices of this machine times workers on each.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "orchestrator/study/scheduler.h"
#include "search/recipe.h"

namespace beamgrid {

/// MachineDevices is what this machine offers.
struct MachineDevices {
  std::int64_t cores = 1;
  std::int64_t cuda_devices = 0;  ///< usable by the trainer
  bool gpu_memory_known = false;  ///< so that several trials may share a GPU where they fit
};

/// Returns one slot for each worker that may run at once, spread over the devices in turn. "auto"
/// devices: the CUDA devices if there are any, else the CPU; "auto" slots: cores /
/// threads_per_worker on a CPU (docs/benchmarks.md has the measurement); on a GPU as many as its
/// share of the cores feeds, four at most, where its memory is known (the scheduler fills them as
/// trials fit), else one. Throws UsageError for a device that is not there.
[[nodiscard]] std::vector<Slot> MakeSlots(const ResourceSettings& resources,
                                          const MachineDevices& machine);

/// Looks at this machine. The trainer is asked for its GPUs (which loads LibTorch) only where the
/// kernel shows one and `resources` could use it.
[[nodiscard]] MachineDevices LookAtMachine(const ResourceSettings& resources,
                                           const std::filesystem::path& trainer);

}  // namespace beamgrid
