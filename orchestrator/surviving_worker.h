#pragma once
// A worker that outlived its orchestrator.

#include <cstdint>
#include <filesystem>

namespace beamgrid {

/// Kills process `pid` if it works in `directory` (its command line names the directory: process
/// ids are used again, so the id alone says nothing) and waits until it is gone. Error where it
/// does not go.
void KillSurvivingWorker(const std::filesystem::path& directory, std::int64_t pid);

}  // namespace beamgrid
