#pragma once
// A worker that outlived its orchestrator.

#include <filesystem>

namespace beamgrid {

/// Kills the worker that still works in `directory` and waits until it is gone. It is the process
/// that holds the lock on the directory's worker.lock: the kernel names it, so a stranger that has
/// got the process id of a dead worker is never taken for one. Error where it does not go, or where
/// it is a process of another machine.
void KillSurvivingWorker(const std::filesystem::path& directory);

}  // namespace beamgrid
