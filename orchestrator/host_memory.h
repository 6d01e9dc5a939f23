#pragma once
// Memory of the machine, or of the control group (container, systemd unit, Slurm job) that this
// process is in, whichever is less.

#include <filesystem>
#include <optional>

#include "orchestrator/memory_state.h"

namespace beamgrid {

struct HostMemoryFiles {
  std::filesystem::path meminfo = "/proc/meminfo";
  std::filesystem::path own_cgroup = "/proc/self/cgroup";
  std::filesystem::path cgroups = "/sys/fs/cgroup";  ///< version 2 there, version 1 in "memory"
};

/// Reads the files; what is missing or not understood is no limit. Nothing where even the machine's
/// memory is not known.
[[nodiscard]] std::optional<MemoryState> ReadHostMemory(const HostMemoryFiles& files);

}  // namespace beamgrid
