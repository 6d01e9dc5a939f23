// Hundreds of kills over the whole life of a study of 200 trials, start-up included.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/fault/kill_series.h"

namespace beamgrid {
namespace {

constexpr std::int64_t kKills = 500;
constexpr std::int64_t kTrials = 200;

/// Killed workers count as tries, and 500 kills may well hit one trial twice.
RecipeText TwoHundredTrials() {
  RecipeText recipe = TwoTrials();
  recipe.grid =
      "[[grid.classifier]]\nuse = \"logistic\"\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 3, 4]\n"
      "[grid.train]\nlearning_rate = [";
  for (int rate = 1; rate <= 50; ++rate) recipe.grid += "0.0" + std::to_string(1000 + rate) + ", ";
  recipe.grid += "]\n";
  recipe.resources += "\nretries = 10";
  return recipe;
}

std::uint64_t Seed() {
  const char* seed = std::getenv("BEAMGRID_FAULT_SEED");
  return seed == nullptr ? 1 : std::stoull(seed);
}

std::string Count(const FaultyStudy& study, const std::string& of) {
  const std::string csv = study.Query("SELECT count(*) FROM " + of);
  return csv.substr(csv.find('\n') + 1, csv.size() - csv.find('\n') - 2);
}

/// Of some seconds each, so that most kills hit a training in its middle; with dropout, whose
/// random numbers must go on where they were.
RecipeText LongTrials() {
  RecipeText recipe = TwoTrials();
  recipe.train = "batch = 16\nlearning_rate = 0.01\nepochs = 150";
  recipe.grid =
      "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n"
      "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = 4\n"
      "[grid.extras]\ndropout = [0.1, 0.3]\n";
  recipe.resources += "\nretries = 10";
  return recipe;
}

TEST(RandomKills, TrainingsThatGoOnEndInTheSameBits) {
  constexpr std::int64_t kKillsOfTrainings = 100;
  std::mt19937_64 random(Seed());
  FaultyStudy study(LongTrials());
  std::int64_t kills = 0;
  for (int round = 1; kills < kKillsOfTrainings && !HasFailure(); ++round) {
    study.Forget();
    const KillReport report = KillUntilDone(study, random);
    kills += report.kills();
    study.ExpectUndisturbedEnd();
    study.ExpectNothingRepeated(report.lost());
    std::cout << "round " << round << ": " << report.kills() << " kills in " << report.runs
              << " runs, " << AuditOf(study.Executions()).begun << " executions of "
              << Count(study, "trial") << " trials" << std::endl;
  }
}

TEST(RandomKills, LoseNothingAndRepeatNothing) {
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t seed = Seed();
  std::cout << "seed " << seed << " (BEAMGRID_FAULT_SEED)" << std::endl;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  FaultyStudy study(TwoHundredTrials());
  std::int64_t kills = 0;
  for (int round = 1; kills < kKills && !HasFailure(); ++round) {
    study.Forget();
    const KillReport report = KillUntilDone(study, random);
    kills += report.kills();
    study.ExpectUndisturbedEnd();
    study.ExpectNothingRepeated(report.lost());
    EXPECT_EQ(Count(study, "trial WHERE state <> 'complete'"), "0");
    EXPECT_EQ(Count(study, "attempt WHERE outcome = 'running'"), "0");
    EXPECT_EQ(Count(study, "trial"), std::to_string(kTrials));
    const Audit audit = AuditOf(study.Executions());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::cout << "round " << round << ": " << report.kills() << " kills (" << report.orchestrators
              << " orchestrators, " << report.workers << " workers, " << report.both << " both) in "
              << report.runs << " runs, " << kTrials << " trials, " << audit.begun
              << " executions, " << Count(study, "trial WHERE state <> 'complete'") << " stuck, "
              << audit.executed_twice.size() << " twice, " << seconds.count() << " s so far"
              << std::endl;
  }
}

}  // namespace
}  // namespace beamgrid
