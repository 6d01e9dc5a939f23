#pragma once
// What Linux says of a process while it may be ending.

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace beamgrid {

/// ProcessStat is some of the fields of a file /proc/PID/stat or /proc/PID/task/TID/stat (proc(5)).
struct ProcessStat {
  char state = ' ';  ///< R: runs or could; T: stopped; Z, X: has ended
  pid_t parent = 0;
  long long user_ticks = 0, system_ticks = 0;  ///< processor time, in units of _SC_CLK_TCK
};

/// Reads such a file. Nothing where it cannot be read or is none: the process may have ended, be it
/// after the file was opened.
[[nodiscard]] std::optional<ProcessStat> ReadProcessStat(const std::filesystem::path& file);

}  // namespace beamgrid
