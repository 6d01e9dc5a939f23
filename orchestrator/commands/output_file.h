#pragma once
// The file that a command is to write, looked at before any work: what is there already must be
// nothing that others need.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/commands/record.h"

namespace beamgrid {

/// Returns the file to write where `--out` names `out`: of a link what it points to. Throws
/// UsageError for no name, a folder, a device or pipe (it would be replaced by a file), a folder
/// that is not there, one of `inputs`, the database and its log, and whatever lies among the runs
/// of `store`, which may be null.
[[nodiscard]] std::filesystem::path OutputFile(const std::string& out,
                                               const std::vector<std::string>& inputs,
                                               const DatabaseOption& database, const Store* store);

}  // namespace beamgrid
