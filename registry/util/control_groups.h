#pragma once
// The kernel's control groups (container, systemd unit, Slurm job), of which a process is in some.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace beamgrid {

/// MemoryGroup is a control group that counts this process's memory.
struct MemoryGroup {
  std::string controllers;     ///< "memory" or "cpu,memory"; empty: version 2 of control groups
  std::filesystem::path path;  ///< below the root of its hierarchy
};

/// Reads /proc/self/cgroup or a file like it; a line that is not understood is left out.
[[nodiscard]] std::vector<MemoryGroup> ReadMemoryGroups(const std::filesystem::path& own_cgroup);

/// The number after `key` in a file of lines "key number ...", such as memory.stat.
[[nodiscard]] std::optional<std::int64_t> ReadField(const std::filesystem::path& path,
                                                    const std::string& key);

}  // namespace beamgrid
