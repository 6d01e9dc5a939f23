// kill -9 of anybody at any time: every finished trial is there once, and the end is the
// undisturbed one.

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/fault/faulty_study.h"

namespace beamgrid {
namespace {

RecipeText SixTrials() {
  RecipeText recipe = TwoTrials();
  recipe.grid += "[grid.train]\nlearning_rate = [0.01, 0.02, 0.03]\n";
  return recipe;
}

class Kill : public testing::Test {
 protected:
  Kill() : study_(SixTrials()) {}

  /// Calls that a run makes, in which it can be killed.
  [[nodiscard]] std::int64_t CallsOf(const std::string& program) {
    study_.Forget();
    study_.faults().Set(program, Fault::kKill, kEver);
    EXPECT_EQ(study_.Run(FaultyStudy::With::kFaults).exit_code, 0);
    return study_.faults().seen();
  }

  FaultyStudy study_;
};

TEST_F(Kill, ASeriesOfKillsEndsInTheUndisturbedResult) {
  constexpr std::uint64_t kSeed = 7;
  constexpr int kKills = 8;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  const std::map<std::string, std::int64_t> calls = {
      {kOrchestratorProgram, CallsOf(kOrchestratorProgram)},
      {kWorkerProgram, CallsOf(kWorkerProgram)}};
  study_.Forget();
  std::int64_t kills = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    const std::string program = random() % 2 == 0 ? kOrchestratorProgram : kWorkerProgram;
    // Not far, or the study is done before it has been killed often.
    std::uniform_int_distribution<std::int64_t> moment(1, calls.at(program) / 5);
    study_.faults().Set(program, Fault::kKill, moment(random), 1);
    (void)study_.Run(FaultyStudy::With::kFaults);
    kills += study_.faults().hits();
  }
  EXPECT_GE(kills, 3);
  study_.ExpectUndisturbedEnd();
  study_.ExpectNothingRepeated(2 * kills);
  EXPECT_EQ(study_.Query("SELECT count(*) FROM attempt WHERE outcome = 'running'"),
            "count(*)\n0\n");
}

}  // namespace
}  // namespace beamgrid
