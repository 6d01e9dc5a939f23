#pragma once
// How commands that delete or move something ask first.

#include <istream>
#include <ostream>
#include <string>

#include "orchestrator/commands/command.h"

namespace beamgrid {

/// Adds `-y,--yes`.
void AddYesFlag(CLI::App& app, bool* yes);

/// Returns whether the user wants it: asks on the terminal, unless `yes`. Throws UsageError where
/// there is no terminal to ask on.
[[nodiscard]] bool Confirmed(const CommandContext& context, const std::string& question, bool yes);

/// Asks "QUESTION [y/N] " and reads a line: true for y or yes, false for anything else or none.
[[nodiscard]] bool AskYesNo(std::istream& in, std::ostream& out, const std::string& question);

}  // namespace beamgrid
