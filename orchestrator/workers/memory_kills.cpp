#include "orchestrator/workers/memory_kills.h"

#include <algorithm>
#include <vector>

#include "registry/util/control_groups.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

std::optional<std::int64_t> KillsIn(const fs::path& path) { return ReadField(path, "oom_kill"); }

/// Returns the files where this process's count may be, the narrowest first: in a container the
/// path is often that of the host, and the group itself is mounted at the top.
std::vector<fs::path> Candidates(const fs::path& proc, const fs::path& cgroups) {
  std::vector<fs::path> files;
  for (const MemoryGroup& group : ReadMemoryGroups(proc / "self/cgroup")) {
    const char* name = group.controllers.empty() ? "memory.events" : "memory.oom_control";
    const fs::path root = cgroups / group.controllers;
    files.push_back(root / group.path / name);
    files.push_back(root / name);
  }
  files.push_back(proc / "vmstat");
  return files;
}

}  // namespace

MemoryKills::MemoryKills(const fs::path& proc, const fs::path& cgroups) {
  for (const fs::path& candidate : Candidates(proc, cgroups)) {
    // Existing is not enough: kernels before 4.13 have the files without the count.
    if (!KillsIn(candidate)) continue;
    file_ = candidate;
    return;
  }
}

std::int64_t MemoryKills::Count() const { return KillsIn(file_).value_or(0); }

bool MemoryKills::Claim(std::int64_t count_before) {
  const std::int64_t from = std::max(count_before, claimed_);
  if (Count() <= from) return false;
  // One at a time: of two workers that were killed together, with two kills counted, both are told.
  claimed_ = from + 1;
  return true;
}

}  // namespace beamgrid
