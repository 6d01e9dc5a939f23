#pragma once
// Jobs that a study left in the queue when its orchestrator was killed, and their folders.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/slurm/slurm_client.h"

namespace beamgrid {

/// LeftJobs is what became of the jobs.
struct LeftJobs {
  std::size_t ended = 0;
  std::string problem;  ///< why some, or their folders, may be there still; empty: none are
  std::vector<std::string> names;  ///< of those that may be in the queue still
};

/// Has Slurm end the jobs of the study whose attempts lie in `study_folder`, and deletes the
/// folders of all that it ever had. For a study that goes or gets another name: nobody would take
/// them over. Asks nothing where it never had one, and leaves all as it is where another beamgrid
/// has them.
LeftJobs RemoveLeftJobs(const std::filesystem::path& study_folder, SlurmClient& client);

}  // namespace beamgrid
