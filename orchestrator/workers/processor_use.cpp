#include "orchestrator/workers/processor_use.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// What a stat file of /proc says (proc(5)): fields 3, 14 and 15.
struct Stat {
  char state = ' ';
  long long user_ticks = 0, system_ticks = 0;
};

std::optional<Stat> ReadStat(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // The name before it may hold anything, blanks and brackets included.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  Stat stat;
  fields >> stat.state;
  std::string skipped;
  for (int field = 4; field < 14; ++field) fields >> skipped;
  fields >> stat.user_ticks >> stat.system_ticks;
  return fields ? std::optional(stat) : std::nullopt;
}

}  // namespace

std::optional<ProcessorUse> ProcessorUseOf(pid_t pid, const fs::path& proc) {
  const fs::path process = proc / std::to_string(pid);
  const std::optional<Stat> whole = ReadStat(process / "stat");
  if (!whole) return std::nullopt;
  const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  ProcessorUse use{.used = std::chrono::milliseconds(
                       1000 * (whole->user_ticks + whole->system_ticks) / ticks_per_second)};
  std::error_code ignored;
  for (fs::directory_iterator task(process / "task", ignored), end; task != end;
       task.increment(ignored)) {
    const std::optional<Stat> thread = ReadStat(task->path() / "stat");
    use.waits_for_more |= thread && thread->state == 'R';
  }
  return use;
}

}  // namespace beamgrid
