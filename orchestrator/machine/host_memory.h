#pragma once
// Memory of the machine, or of the control group (container, systemd unit, Slurm job) that this
// process is in, whichever is less.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace beamgrid {

/// MemoryState is the memory of a device, in bytes.
struct MemoryState {
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;  ///< what a new process could still use
};

/// HostMemoryFiles is where the kernel tells it; tests name other files.
struct HostMemoryFiles {
  std::filesystem::path meminfo = "/proc/meminfo";
  std::filesystem::path own_cgroup = "/proc/self/cgroup";
  std::filesystem::path cgroups = "/sys/fs/cgroup";  ///< version 2 there, version 1 in "memory"
};

/// Reads the files; what is missing or not understood is no limit. Nothing where even the machine's
/// memory is not known.
[[nodiscard]] std::optional<MemoryState> ReadHostMemory(const HostMemoryFiles& files);

}  // namespace beamgrid
