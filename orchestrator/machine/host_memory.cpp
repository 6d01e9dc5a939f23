#include "orchestrator/machine/host_memory.h"

#include <algorithm>
#include <fstream>

#include "registry/util/control_groups.h"

namespace beamgrid {
namespace {

/// CgroupNames is what the versions of control groups call the same things.
struct CgroupNames {
  const char *limit, *usage, *cache;
};
constexpr CgroupNames kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                   "total_inactive_file"};
constexpr CgroupNames kVersion2 = {"memory.max", "memory.current", "inactive_file"};

/// Returns the number that a file consists of. "max" is none.
std::optional<std::int64_t> ReadNumber(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

std::optional<MemoryState> ReadMachine(const std::filesystem::path& meminfo) {
  constexpr std::int64_t kKibibyte = 1024;
  const std::optional<std::int64_t> total = ReadField(meminfo, "MemTotal:");
  const std::optional<std::int64_t> available = ReadField(meminfo, "MemAvailable:");
  if (!total || !available) return std::nullopt;
  return MemoryState{.total_bytes = *total * kKibibyte, .free_bytes = *available * kKibibyte};
}

/// Applies one group's limit. Pages of files that nobody uses count as usage, but give way.
void Restrict(const std::filesystem::path& group, const CgroupNames& names, MemoryState* state) {
  const std::optional<std::int64_t> limit = ReadNumber(group / names.limit);
  const std::optional<std::int64_t> usage = ReadNumber(group / names.usage);
  // Version 1 writes "no limit" as a number near 2^63.
  if (!limit || !usage || *limit >= state->total_bytes) return;
  const std::int64_t cache = ReadField(group / "memory.stat", names.cache).value_or(0);
  state->total_bytes = *limit;
  state->free_bytes =
      std::clamp<std::int64_t>(*limit - *usage + cache, 0, std::min(state->free_bytes, *limit));
}

/// Applies the limits of the group and of those that it is in, up to `root`: inside a container
/// that is the container's own group, even where `group` names a path outside.
void RestrictAll(const std::filesystem::path& root, const std::filesystem::path& group,
                 const CgroupNames& names, MemoryState* state) {
  std::filesystem::path path = root;
  Restrict(path, names, state);
  for (const std::filesystem::path& part : group) {
    path /= part;
    Restrict(path, names, state);
  }
}

}  // namespace

std::optional<MemoryState> ReadHostMemory(const HostMemoryFiles& files) {
  std::optional<MemoryState> state = ReadMachine(files.meminfo);
  if (!state) return std::nullopt;
  for (const MemoryGroup& group : ReadMemoryGroups(files.own_cgroup)) {
    if (group.controllers.empty()) {
      RestrictAll(files.cgroups, group.path, kVersion2, &*state);
    } else {
      RestrictAll(files.cgroups / "memory", group.path, kVersion1, &*state);
    }
  }
  return state;
}

}  // namespace beamgrid
