#include "orchestrator/slurm/job_need.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>

namespace beamgrid {
namespace {

/// How many there are of each size, the largest first: few sizes, however many trials.
using Sizes = std::map<std::int64_t, std::size_t, std::greater<>>;

}  // namespace

std::vector<JobNeed> NeedsWithoutJob(const std::vector<JobNeed>& needs,
                                     const std::vector<std::int64_t>& memory_of_jobs) {
  Sizes needed, jobs;
  for (const JobNeed& need : needs) ++needed[need.memory_bytes];
  for (const std::int64_t memory : memory_of_jobs) ++jobs[memory];
  // A job that is enough for a need is enough for all smaller ones: those that are taken already
  // are among those that are enough for the next need, so that to count them is all.
  std::size_t enough = 0, taken = 0;
  auto job = jobs.begin();
  for (auto& [memory, count] : needed) {
    for (; job != jobs.end() && job->first >= memory; ++job) enough += job->second;
    count = std::min(count, enough - taken);  // from here on: how many of them have a job
    taken += count;
  }
  std::vector<JobNeed> without;
  for (const JobNeed& need : needs) {
    std::size_t& have_job = needed[need.memory_bytes];
    if (have_job > 0) {
      --have_job;
    } else {
      without.push_back(need);
    }
  }
  return without;
}

}  // namespace beamgrid
