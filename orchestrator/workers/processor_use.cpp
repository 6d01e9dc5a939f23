#include "orchestrator/workers/processor_use.h"

#include <unistd.h>

#include <fstream>
#include <string>
#include <system_error>

#include "registry/util/process_stat.h"

namespace beamgrid {

namespace fs = std::filesystem;

std::optional<ProcessorUse> ProcessorUseOf(pid_t pid, const fs::path& proc) {
  const fs::path process = proc / std::to_string(pid);
  const std::optional<ProcessStat> whole = ReadProcessStat(process / "stat");
  if (!whole) return std::nullopt;
  const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  ProcessorUse use{.used = std::chrono::milliseconds(
                       1000 * (whole->user_ticks + whole->system_ticks) / ticks_per_second)};
  std::error_code ignored;
  for (fs::directory_iterator task(process / "task", ignored), end; task != end;
       task.increment(ignored)) {
    const std::optional<ProcessStat> thread = ReadProcessStat(task->path() / "stat");
    use.waits_for_more |= thread && thread->state == 'R';
    std::ifstream children(task->path() / "children");
    for (pid_t child = 0; children >> child;) {
      const std::optional<ProcessorUse> more = ProcessorUseOf(child, proc);
      if (!more) continue;
      use.used += more->used;
      use.waits_for_more |= more->waits_for_more;
    }
  }
  return use;
}

}  // namespace beamgrid
