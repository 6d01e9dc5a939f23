// kill -9 of anybody at any time: every finished trial is there once, and the end is the
// undisturbed one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/fault/kill_series.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

RecipeText SixTrials() {
  RecipeText recipe = TwoTrials();
  recipe.grid += "[grid.train]\nlearning_rate = [0.01, 0.02, 0.03]\n";
  return recipe;
}

TEST(Kill, ASeriesOfKillsEndsInTheUndisturbedResult) {
  constexpr std::uint64_t kSeed = 7;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  FaultyStudy study(SixTrials());
  std::mt19937_64 random(kSeed);
  const KillReport report = KillUntilDone(study, random);
  study.ExpectUndisturbedEnd();
  study.ExpectNothingRepeated(report.lost());
  EXPECT_EQ(study.Query("SELECT count(*) FROM attempt WHERE outcome = 'running'"), "count(*)\n0\n");
}

}  // namespace
}  // namespace beamgrid
