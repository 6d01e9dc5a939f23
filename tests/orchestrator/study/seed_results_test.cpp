#include "orchestrator/study/seed_results.h"

#include <gtest/gtest.h>

#include "tests/support/specs.h"

namespace beamgrid {
namespace {

Candidate Of(const std::string& name, std::vector<std::size_t> seeds) {
  return {.name = name, .model = ExampleModel(), .seeds = std::move(seeds)};
}

TEST(SeedResults, TellsTheMeanWhenTheLastSeedEnds) {
  SeedResults results;
  const CandidateId id = results.Open(Of("a", {0, 1, 2}));
  EXPECT_FALSE(results.Settle({id, 2}, {0.1, 40, 3}));
  EXPECT_FALSE(results.Settle({id, 0}, {0.2, 40, 5}));
  EXPECT_FALSE(results.Settle({id, 0}, {0.2, 40, 5}));  // the same seed again is no other seed
  const auto finding = results.Settle({id, 1}, {0.7, 40});
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->name, "a");
  EXPECT_EQ(finding->model, ExampleModel());
  EXPECT_EQ(finding->objective, (0.2 + 0.7 + 0.1) / 3);
  EXPECT_EQ(finding->scores, (std::vector<double>{0.2, 0.7, 0.1}));
  EXPECT_EQ(finding->seconds, 8);
  EXPECT_EQ(finding->size_bytes, 40);
  EXPECT_EQ(results.size(), 0U);
}

TEST(SeedResults, TheMeanDoesNotDependOnTheOrderOfEnds) {
  const double values[] = {0.1, 0.2, 0.3};
  std::optional<double> means[2];
  for (const bool backwards : {false, true}) {
    SeedResults results;
    const CandidateId id = results.Open(Of("a", {0, 1, 2}));
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t seed = backwards ? 2 - i : i;
      if (const auto finding = results.Settle({id, seed}, {values[seed], 0})) {
        means[backwards ? 1 : 0] = finding->objective;
      }
    }
  }
  ASSERT_TRUE(means[0]);
  EXPECT_EQ(means[0], means[1]);  // to the last bit
}

TEST(SeedResults, OneFailedSeedFailsTheCandidate) {
  SeedResults results;
  const CandidateId first = results.Open(Of("a", {0, 1}));
  const CandidateId second = results.Open(Of("b", {3, 4}));
  EXPECT_FALSE(results.Settle({first, 0}, {std::nullopt, 8}));
  EXPECT_FALSE(results.Settle({second, 0}, {0.5, 0}));
  const auto finding = results.Settle({first, 1}, {0.5, 16});
  ASSERT_TRUE(finding);
  EXPECT_FALSE(finding->objective);
  EXPECT_EQ(finding->size_bytes, 16);
  EXPECT_EQ(results.size(), 1U);
}

TEST(SeedResults, ARefusedCandidateIsClosedWithoutObjective) {
  SeedResults results;
  const CandidateId id = results.Open(Of("a", {0, 1}));
  const Finding finding = results.Refuse(id, 99);
  EXPECT_TRUE(finding.is_refused);
  EXPECT_EQ(finding.name, "a");
  EXPECT_FALSE(finding.objective);
  EXPECT_EQ(finding.size_bytes, 99);
  EXPECT_EQ(results.size(), 0U);
}

}  // namespace
}  // namespace beamgrid
