#pragma once
// The worker's log, on stderr: stdout belongs to the protocol. A library of its own, because
// LibTorch 2.x ships headers of another fmt than the one that spdlog is built with, and both cannot
// be seen by one source file.

#include <string>

namespace beamgrid::trainer {

/// Sends the log to stderr. To be called once, before the first line.
void OpenLog();
/// Writes a line with time and level. Thread-safe, as is LogError.
void LogInfo(const std::string& line);
void LogError(const std::string& line);

}  // namespace beamgrid::trainer
