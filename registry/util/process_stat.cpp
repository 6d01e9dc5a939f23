#include "registry/util/process_stat.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <string>

#include "registry/util/unique_fd.h"

namespace beamgrid {

std::optional<ProcessStat> ReadProcessStat(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> buffer{};
  const ssize_t size = fd.get() < 0 ? -1 : ::read(fd.get(), buffer.data(), buffer.size());
  if (size <= 0) return std::nullopt;
  const std::string text(buffer.data(), static_cast<std::size_t>(size));
  // "pid (name) state parent ...", where the name may hold anything.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  ProcessStat stat;
  fields >> stat.state >> stat.parent;
  std::string skipped;
  for (int field = 5; field < 14; ++field) fields >> skipped;
  fields >> stat.user_ticks >> stat.system_ticks;
  return fields ? std::optional(stat) : std::nullopt;
}

}  // namespace beamgrid
