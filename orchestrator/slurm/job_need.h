#pragma once
// What attempts need of a job, and for which of them the jobs that are there are not enough.

#include <chrono>
#include <cstdint>
#include <vector>

namespace beamgrid {

/// JobNeed is what the job of an attempt should have; 0: what the cluster gives.
struct JobNeed {
  std::int64_t memory_bytes = 0;
  std::chrono::milliseconds time{0};
  bool alone = false;  ///< what it needs is no measure for the jobs of other attempts
};

/// Returns those of `needs`, in their order, that are left without a job if the jobs, whose memory
/// (bytes) this is, go to as many as possible, one to each, and to the larger needs first. A job
/// that is then asked for, with the memory of one of these, leaves one less. Pure; linear where the
/// sizes are few.
[[nodiscard]] std::vector<JobNeed> NeedsWithoutJob(const std::vector<JobNeed>& needs,
                                                   const std::vector<std::int64_t>& memory_of_jobs);

}  // namespace beamgrid
