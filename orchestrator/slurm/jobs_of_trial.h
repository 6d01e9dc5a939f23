#pragma once
// Which job carries a trial out, or why none does yet: for `explain`, from the folders of a study's
// pilots and the queue.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/slurm/slurm_client.h"
#include "orchestrator/study/executor.h"

namespace beamgrid {

/// Returns lines for people on a trial that is not over. `pilots` is the folder of its study's
/// pilots (PilotsBeside); where it is not there, the study runs on no cluster, and nothing is
/// returned. Without a `key` no attempt of the trial has begun. Asks the queue once; where it does
/// not answer, `run_says`, what the study's run has noted of its jobs, is told too unless empty.
[[nodiscard]] std::vector<std::string> JobsOfTrial(const std::filesystem::path& pilots,
                                                   const std::optional<AttemptKey>& key,
                                                   SlurmClient& client,
                                                   const std::string& run_says = "");

/// True if a worker has begun the attempt of the directory and no job was given it.
[[nodiscard]] bool BeganHere(const std::filesystem::path& directory);

}  // namespace beamgrid
