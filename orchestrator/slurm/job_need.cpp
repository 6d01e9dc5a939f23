#include "orchestrator/slurm/job_need.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>

namespace beamgrid {

std::vector<JobNeed> NeedsWithoutJob(const std::vector<JobNeed>& needs,
                                     std::vector<std::int64_t> memory_of_jobs) {
  std::vector<std::size_t> largest_first(needs.size());
  std::iota(largest_first.begin(), largest_first.end(), std::size_t{0});
  std::ranges::stable_sort(largest_first, std::greater(),
                           [&](std::size_t i) { return needs[i].memory_bytes; });
  std::ranges::sort(memory_of_jobs, std::greater());
  // A job that is enough for a need is enough for all smaller ones: those that are taken already
  // are among those that are enough for the next need, so that to count them is all.
  std::vector<bool> has_job(needs.size());
  std::size_t enough = 0, taken = 0;
  for (const std::size_t i : largest_first) {
    while (enough < memory_of_jobs.size() && memory_of_jobs[enough] >= needs[i].memory_bytes) {
      ++enough;
    }
    has_job[i] = taken < enough;
    if (has_job[i]) ++taken;
  }
  std::vector<JobNeed> without;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    if (!has_job[i]) without.push_back(needs[i]);
  }
  return without;
}

}  // namespace beamgrid
