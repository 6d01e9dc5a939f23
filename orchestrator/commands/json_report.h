#pragma once
// `--json` of commands that check or carry something out: one object at the end, whatever the end
// is, so that a script reads one thing.

#include <boost/json.hpp>
#include <functional>

#include "orchestrator/commands/command.h"

namespace beamgrid {

/// The keys that every report has, for the help.
inline constexpr char kReportKeys[] =
    "exit_code, error, mistakes: [{file, line, column, key, message}]";

/// Carries `work` out and returns its exit code. `work` puts what it found into the object. Then
/// prints the object with
///   exit_code: that of the command
///   mistakes:  what is wrong with the recipe: [{file, line, column, key, message}]; line and
///              column are null where the place is no line, as that of --set
///   error:     what else ended the command, in words; else null
/// Mistakes and errors of `work` are told on context.err as well, and become exit codes.
[[nodiscard]] int ReportAsJson(CommandContext& context,
                               const std::function<int(boost::json::object&)>& work);

}  // namespace beamgrid
