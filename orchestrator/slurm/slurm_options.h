#pragma once
// What attempts as work of Slurm jobs are carried out with.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "orchestrator/slurm/known_pilot.h"
#include "orchestrator/slurm/partition_limit.h"
#include "search/recipe.h"

namespace beamgrid {

/// SlurmExecutorOptions is what an executor works with.
struct SlurmExecutorOptions {
  std::string study;
  std::filesystem::path
      study_folder;  ///< absolute, on the shared file system: its attempts' folder
  SlurmSettings settings;
  std::optional<PartitionLimit> limit;        ///< of a job's time; nothing: nobody knows one
  std::int64_t threads = 1;                   ///< of a worker, as the slots have it
  std::filesystem::path program;              ///< beamgrid, as the nodes find it
  std::filesystem::path trainer;              ///< beamgrid-trainer, likewise
  std::chrono::milliseconds silence{60'000};  ///< of a worker, after which it hangs
  ClusterPatience patience;
  /// Hears what is to be told to people.
  std::function<void(const std::string&)> tell;
  /// Monotonic; the time that patience is measured in.
  std::function<std::chrono::milliseconds()> clock;

  void Tell(const std::string& line) const {
    if (tell) tell(line);
  }
};

}  // namespace beamgrid
