#include "trainer/worker/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace beamgrid::trainer {

void OpenLog() { spdlog::set_default_logger(spdlog::stderr_logger_mt("trainer")); }

void LogInfo(const std::string& line) { spdlog::info(line); }

void LogError(const std::string& line) { spdlog::error(line); }

}  // namespace beamgrid::trainer
