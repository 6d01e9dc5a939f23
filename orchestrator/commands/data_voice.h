#pragma once
// How commands speak of the data that they read.

#include "orchestrator/commands/command.h"
#include "orchestrator/inputs/data_files.h"

namespace beamgrid {

/// Returns a voice that warns by remarks, and shows progress unless --quiet was said. `context`
/// outlives it.
[[nodiscard]] inline ReadingVoice VoiceOf(const CommandContext& context) {
  return {.warn = [&context](const std::string& line) { context.Remark(line); },
          .show_progress = context.verbosity != Verbosity::kQuiet};
}

}  // namespace beamgrid
