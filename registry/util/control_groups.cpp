#include "registry/util/control_groups.h"

#include <fstream>
#include <sstream>

namespace beamgrid {

std::vector<MemoryGroup> ReadMemoryGroups(const std::filesystem::path& own_cgroup) {
  std::vector<MemoryGroup> groups;
  std::ifstream file(own_cgroup);
  for (std::string line; std::getline(file, line);) {
    // "4:cpu,memory:/a/b" of version 1, "0::/a/b" of version 2.
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || second + 1 == line.size()) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool memory = ("," + controllers + ",").find(",memory,") != std::string::npos;
    if (!memory && !controllers.empty()) continue;
    groups.push_back({controllers, std::filesystem::path(line.substr(second + 1)).relative_path()});
  }
  return groups;
}

std::optional<std::int64_t> ReadField(const std::filesystem::path& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::int64_t number = 0;
    if (words >> name >> number && name == key) return number;
  }
  return std::nullopt;
}

}  // namespace beamgrid
