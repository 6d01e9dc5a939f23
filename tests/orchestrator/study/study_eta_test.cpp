// The remaining time that a running study shows, by forecasts that are made up.
#include "tests/orchestrator/study/study_runner_fixture.h"

namespace beamgrid {
namespace study_eta_test {

using std::chrono::seconds;

class StudyEtaTest : public StudyRunnerTest {
 protected:
  /// Returns what Eta said in each turn, repetitions left out.
  std::vector<std::optional<seconds>> EtasOf(const std::string& recipe) {
    std::vector<std::optional<seconds>> etas;
    watch_state_ = [&etas](const ProgressState& state) {
      // Without a forecast it goes by the clock, which is not of interest here.
      const auto eta = state.ahead ? Eta(state) : std::nullopt;
      if (etas.empty() || etas.back() != eta) etas.push_back(eta);
    };
    Run(recipe);
    watch_state_ = {};
    return etas;
  }
};

TEST_F(StudyEtaTest, GoesByTheForecastOfTrialsOfDifferentLengths) {
  slots_ = 1;
  resources_.measured_after = 0;
  resources_.seconds_of = [](const ModelSpec& model) {
    return model.parts.at("temporal").component == "lstm" ? 1000.0 : 10.0;
  };
  // Two models of 1000 s and two of 10 s, the longest first.
  const auto etas = EtasOf(RecipeText("eta", kFourModels, "[1]"));
  EXPECT_EQ(etas, (std::vector<std::optional<seconds>>{seconds(2020), seconds(1020), seconds(20),
                                                       seconds(10), seconds(0)}));
}

TEST_F(StudyEtaTest, IsNoneBeforeTheFirstMeasurement) {
  slots_ = 1;
  resources_.measured_after = 1;
  resources_.seconds_of = [](const ModelSpec&) { return 100.0; };
  const auto etas = EtasOf(RecipeText("eta", kFourModels, "[1]"));
  EXPECT_EQ(etas, (std::vector<std::optional<seconds>>{std::nullopt, seconds(300), seconds(200),
                                                       seconds(100), seconds(0)}));
}

TEST_F(StudyEtaTest, WhatIsCompleteAlreadyTakesNoTime) {
  slots_ = 1;
  resources_.measured_after = 0;
  resources_.seconds_of = [](const ModelSpec&) { return 100.0; };
  Run(RecipeText("eta", kFourModels, "[1]"));
  const auto etas = EtasOf(RecipeText("more", kFourModels, "[1, 2]"));
  EXPECT_EQ(etas.front(), seconds(400));
  EXPECT_EQ(etas.back(), seconds(0));
}

TEST_F(StudyEtaTest, OfAGreedySearchHasTheStagesToCome) {
  slots_ = 1;
  resources_.measured_after = 0;
  resources_.seconds_of = [](const ModelSpec&) { return 100.0; };
  const auto etas = EtasOf(
      RecipeText("eta", std::string(kFourModels) + "[search]\nstrategy = \"greedy\"\n", "[1]"));
  // Two temporals, then one further classifier.
  EXPECT_EQ(etas, (std::vector<std::optional<seconds>>{seconds(300), seconds(200), seconds(100),
                                                       seconds(0)}));
}

TEST_F(StudyEtaTest, OfHalvingCountsEpochs) {
  slots_ = 1;
  resources_.measured_after = 0;
  resources_.seconds_of = [](const ModelSpec&) { return 120.0; };
  const auto etas = EtasOf(
      RecipeText("eta",
                 "[train]\nepochs = 12\n"
                 "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
                 "[search]\nstrategy = \"halving\"\neta = 3\n[resources]\ndevices = [\"cpu\"]\n",
                 "[1]"));
  // 26 of 108 epochs of 10 s each.
  EXPECT_EQ(etas.front(), seconds(260));
}

}  // namespace study_eta_test
}  // namespace beamgrid
