#include "orchestrator/workers/memory_kills.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// The number after "oom_kill".
std::optional<std::int64_t> KillsIn(const fs::path& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view kKey = "oom_kill ";
    if (line.starts_with(kKey)) return std::strtoll(line.c_str() + kKey.size(), nullptr, 10);
  }
  return std::nullopt;
}

struct Controllers {
  std::string names, path;
};

/// "4:memory:/a/b" (v1) or "0::/a/b" (v2).
Controllers ParseGroup(const std::string& line) {
  const std::size_t first = line.find(':');
  const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
  if (second == std::string::npos) return {};
  return {line.substr(first + 1, second - first - 1), line.substr(second + 1)};
}

/// Where this process's count may be, the narrowest first: in a container the path is often that of
/// the host, and the group itself is mounted at the top.
std::vector<fs::path> Candidates(const fs::path& proc, const fs::path& cgroups) {
  std::vector<fs::path> files;
  std::ifstream groups(proc / "self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const Controllers group = ParseGroup(line);
    const bool unified = group.names.empty();
    if (group.path.empty() ||
        (!unified && ("," + group.names + ",").find(",memory,") == std::string::npos)) {
      continue;
    }
    const fs::path root = unified ? cgroups : cgroups / group.names;
    const char* name = unified ? "memory.events" : "memory.oom_control";
    files.push_back(root / fs::path(group.path).relative_path() / name);
    files.push_back(root / name);
  }
  files.push_back(proc / "vmstat");
  return files;
}

}  // namespace

MemoryKills::MemoryKills(const fs::path& proc, const fs::path& cgroups) {
  for (const fs::path& candidate : Candidates(proc, cgroups)) {
    if (!KillsIn(candidate)) continue;
    file_ = candidate;
    return;
  }
}

std::int64_t MemoryKills::Count() const { return KillsIn(file_).value_or(0); }

bool MemoryKills::Claim(std::int64_t count_before) {
  const std::int64_t from = std::max(count_before, claimed_);
  if (Count() <= from) return false;
  claimed_ = from + 1;
  return true;
}

}  // namespace beamgrid
