#pragma once
// How long a job may be at most, by the partition that it is asked for in.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/slurm/slurm_command.h"
#include "search/recipe.h"

namespace beamgrid {

/// PartitionLimit is the longest time that a partition gives a job. Limits of accounts and
/// qualities of service are not in it.
struct PartitionLimit {
  std::string partition;
  std::chrono::milliseconds most{0};
};

/// Returns the limit of the partition that the settings name, else of the default one; of several
/// that are named, the largest. Nothing where there is none, or it cannot be told. Asks sinfo once;
/// blocks up to the patience.
[[nodiscard]] std::optional<PartitionLimit> FindPartitionLimit(const SlurmPrograms& programs,
                                                               const SlurmSettings& settings);

/// Returns the same of what sinfo printed. Pure.
[[nodiscard]] std::optional<PartitionLimit> LimitIn(std::string_view output,
                                                    const SlurmSettings& settings);

/// Returns the time that Slurm writes as "1-02:03:04", "2:03:04" or "3:04"; nothing for another
/// text. Pure.
[[nodiscard]] std::optional<std::chrono::milliseconds> SlurmTime(std::string_view text);

}  // namespace beamgrid
