#pragma once
// What a job is asked for, and what it runs.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/slurm_client.h"
#include "orchestrator/study/executor.h"
#include "search/recipe.h"

namespace beamgrid {

/// The memory of a job that has its node's whole memory.
inline constexpr std::int64_t kWholeNode = std::numeric_limits<std::int64_t>::max();

/// Returns the bytes of memory that an attempt's job should have: what the recipe says, else by the
/// forecast, with room; twice that for one that ran out of memory. 0: what the cluster gives.
[[nodiscard]] std::int64_t MemoryOfJob(const SlurmSettings& settings, const Placement& placement);
/// Returns the time of a job that carries such attempts out: what the recipe says, else by the
/// forecast, for a few of them and half an hour at least, and for no more than the partition
/// allows, where it allows `most` (0: nobody knows). 0: what the cluster gives. A trial that takes
/// longer goes on in the next job.
[[nodiscard]] std::chrono::milliseconds TimeOfJob(
    const SlurmSettings& settings, const Placement& placement,
    std::chrono::milliseconds most = std::chrono::milliseconds(0));

/// JobPlan is what one job is asked for.
struct JobPlan {
  SlurmSettings settings;
  std::int64_t memory_bytes = 0;      ///< see MemoryOfJob
  std::chrono::milliseconds time{0};  ///< see TimeOfJob
  std::int64_t threads = 1;
};

/// JobPrograms is what a job runs, as its node finds it.
struct JobPrograms {
  std::filesystem::path program, trainer;
  std::chrono::milliseconds silence{60'000};  ///< of a worker
  std::chrono::milliseconds beat{2'000};      ///< of the pilot
};

/// Returns the text as one word of sh.
[[nodiscard]] std::string ShellWord(const std::string& text);

/// Returns a job name that was never there: "beamgrid-<study>-<random digits>".
[[nodiscard]] std::string NewJobName(const std::string& study);

/// Returns, as text to compare, what a job was asked for and runs beside its memory, its time and
/// when it leaves: trials of a recipe with other terms are not for it.
[[nodiscard]] std::string TermsOf(const SlurmSettings& settings, std::int64_t threads,
                                  const JobPrograms& programs);

/// Makes the folder of a pilot (pilot_folder.h) and returns what its pilot.json says. Throws Error.
PilotSettings MakeJobFolder(const std::filesystem::path& folder, const JobPlan& plan,
                            const JobPrograms& programs);

/// Returns the request for the job of that folder.
[[nodiscard]] JobRequest MakeRequest(const std::filesystem::path& folder, const JobPlan& plan,
                                     const std::string& study);

}  // namespace beamgrid
