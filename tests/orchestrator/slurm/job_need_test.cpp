// For which attempts the jobs that are there are not enough.
#include "orchestrator/slurm/job_need.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace beamgrid {
namespace job_need_test {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<JobNeed> Needs(const std::vector<std::int64_t>& memory) {
  std::vector<JobNeed> needs;
  for (const std::int64_t bytes : memory) needs.push_back({.memory_bytes = bytes});
  return needs;
}

std::vector<std::int64_t> Without(const std::vector<std::int64_t>& needs,
                                  const std::vector<std::int64_t>& jobs) {
  std::vector<std::int64_t> memory;
  for (const JobNeed& need : NeedsWithoutJob(Needs(needs), jobs)) {
    memory.push_back(need.memory_bytes);
  }
  return memory;
}

/// The most of the needs, of `i` on, that can have a job of their own: by trying all.
std::size_t MostServed(const std::vector<std::int64_t>& needs, std::size_t i,
                       std::vector<std::int64_t> jobs) {
  if (i == needs.size()) return 0;
  std::size_t most = MostServed(needs, i + 1, jobs);
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    if (jobs[job] < needs[i]) continue;
    std::vector<std::int64_t> others = jobs;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(job));
    most = std::max(most, 1 + MostServed(needs, i + 1, others));
  }
  return most;
}

TEST(JobNeeds, ThoseWithoutAJobAreInTheirOrder) {
  EXPECT_THAT(Without({}, {4}), IsEmpty());
  EXPECT_THAT(Without({2, 1, 3}, {}), ElementsAre(2, 1, 3));
  EXPECT_THAT(Without({2, 1, 3}, {1}), ElementsAre(2, 3));
  EXPECT_THAT(Without({2, 1, 3}, {2, 2}), ElementsAre(3));
  EXPECT_THAT(Without({2, 2, 2}, {2}), ElementsAre(2, 2));
}

TEST(JobNeeds, ALargeJobIsForTheLargeNeed) {
  EXPECT_THAT(Without({1, 9}, {9}), ElementsAre(1));
  EXPECT_THAT(Without({1, 9}, {9, 1}), IsEmpty());
  EXPECT_THAT(Without({9, 9, 1}, {9, 1}), ElementsAre(9));
}

TEST(JobNeeds, WhatTheClusterGivesIsEnoughForWhatNobodyKnows) {
  EXPECT_THAT(Without({0, 0}, {0}), ElementsAre(0));
  EXPECT_THAT(Without({0, 1}, {0, 0}), ElementsAre(1));
}

TEST(JobNeeds, AsManyAsCanBeHaveAJobAndEachThatIsAskedForLeavesOneLess) {
  std::mt19937_64 random(7);
  const auto some = [&random] {
    std::vector<std::int64_t> memory(random() % 6);
    for (std::int64_t& bytes : memory) bytes = static_cast<std::int64_t>(random() % 5);
    return memory;
  };
  for (int round = 0; round < 2000; ++round) {
    const std::vector<std::int64_t> needs = some();
    std::vector<std::int64_t> jobs = some();
    std::vector<std::int64_t> without = Without(needs, jobs);
    EXPECT_EQ(needs.size() - without.size(), MostServed(needs, 0, jobs));
    // The largest of those jobs that are waited for would do.
    std::ranges::sort(jobs, std::greater());
    std::vector<std::int64_t> largest = jobs;
    largest.resize(needs.size() - without.size());
    EXPECT_EQ(Without(needs, largest), without);
    while (!without.empty()) {
      jobs.push_back(without[random() % without.size()]);
      const std::size_t before = without.size();
      without = Without(needs, jobs);
      ASSERT_EQ(without.size(), before - 1);
    }
  }
}

}  // namespace job_need_test
}  // namespace beamgrid
