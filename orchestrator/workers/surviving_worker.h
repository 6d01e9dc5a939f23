#pragma once
// The end of a worker that outlived its orchestrator, or of a copy that outlived its worker.

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace beamgrid {

/// Returns the process that works in `directory`; nothing where none does.
[[nodiscard]] std::optional<pid_t> WorkerIn(const std::filesystem::path& directory);

/// Kills the worker that still works in `directory` and waits until it is gone, at most five
/// seconds. It is the process that holds the lock on the directory's worker.lock: the kernel names
/// it, so a stranger that has got the process id of a dead worker is never taken for one. Throws
/// Error where it does not go, where it is a process of another machine, and where it is no
/// survivor at all but works for another living orchestrator, that of a copied database.
void KillSurvivingWorker(const std::filesystem::path& directory);

}  // namespace beamgrid
