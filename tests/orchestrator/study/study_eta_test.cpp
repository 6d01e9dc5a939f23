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
    tick_ = std::chrono::milliseconds(0);  // what takes no time has no pace
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

TEST_F(StudyEtaTest, AModelsSeedsAreForecastOnceBetweenTwoResults) {
  slots_ = 1;
  int forecasts = 0;
  resources_.seconds_of = [&forecasts](const ModelSpec&) {
    ++forecasts;
    return 100.0;
  };
  Run(RecipeText("seeds", kFourModels, "[1, 2, 3, 4, 5]"));
  EXPECT_EQ(resources_.learnt, 20);
  // When they come in, and after 1, 2, 4, 8 and 16 results.
  EXPECT_GE(forecasts, 4);
  EXPECT_LE(forecasts, 6 * 4);
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

/// A machine that others load: all takes twice as long as was forecast.
TEST_F(StudyEtaTest, GoesByThePaceOfThreeTrialsThatHaveEnded) {
  slots_ = 1;
  tick_ = std::chrono::milliseconds(0);
  resources_.measured_after = 0;
  resources_.seconds_of = [](const ModelSpec&) { return 100.0; };
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [this] { now_ += seconds(200); };
  std::vector<std::optional<seconds>> etas;
  watch_state_ = [&etas](const ProgressState& state) {
    if (etas.empty() || etas.back() != Eta(state)) etas.push_back(Eta(state));
  };
  Run(RecipeText("eta", kFourModels, "[1, 2]"), executor);
  EXPECT_EQ(etas, (std::vector<std::optional<seconds>>{
                      seconds(800), seconds(700), seconds(600), seconds(2 * 500), seconds(2 * 400),
                      seconds(2 * 300), seconds(2 * 200), seconds(2 * 100), seconds(0)}));
}

/// The forecasts learn what others take, of some trials sooner than of others: none of it counts
/// twice.
TEST_F(StudyEtaTest, ThePaceIsBesideWhatWasKnownBeforeTheRun) {
  slots_ = 1;
  tick_ = std::chrono::milliseconds(0);
  resources_.measured_after = 0;
  resources_.seconds_before = 100;
  resources_.seconds_of = [this](const ModelSpec&) {
    return resources_.learnt == 0 ? 100.0 : 150.0;
  };
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [this] { now_ += seconds(200); };
  std::vector<std::optional<seconds>> etas;
  watch_state_ = [&etas](const ProgressState& state) {
    if (etas.empty() || etas.back() != Eta(state)) etas.push_back(Eta(state));
  };
  Run(RecipeText("eta", kFourModels, "[1, 2]"), executor);
  EXPECT_EQ(etas,
            (std::vector<std::optional<seconds>>{
                seconds(800), seconds(7 * 150), seconds(6 * 150), seconds(5 * 200),
                seconds(4 * 200), seconds(3 * 200), seconds(2 * 200), seconds(200), seconds(0)}));
}

/// What an attempt went on from is not in its time, nor the wait in a cluster's queue.
TEST_F(StudyEtaTest, ThePaceIsOfWhatAnAttemptDidWhileItWasAtWork) {
  slots_ = 1;
  tick_ = std::chrono::milliseconds(0);
  resources_.measured_after = 0;
  resources_.seconds_of = [](const ModelSpec&) { return 100.0; };
  FakeExecutor executor(world_, outcome_of_);
  executor.queues = true;
  executor.says = [](const TrialFile&) {
    return std::vector<Message>{Started{.parameters = 1,
                                        .size_bytes = 4,
                                        .epochs = 4,
                                        .train_examples = 10,
                                        .resumed_examples = 30}};
  };
  // One poll in the queue, one at work: 75 s for a quarter of 100 s.
  int polls = 0;
  executor.on_poll = [&] { now_ += ++polls % 2 == 1 ? seconds(1000) : seconds(75); };
  std::optional<WorkAhead> ahead;
  watch_state_ = [&](const ProgressState& state) {
    if (state.complete == 3 && state.running.empty()) ahead = state.ahead;
  };
  Run(RecipeText("eta", kFourModels, "[1]"), executor);
  ASSERT_TRUE(ahead);
  EXPECT_DOUBLE_EQ(ahead->waiting_seconds, 300);
}

}  // namespace study_eta_test
}  // namespace beamgrid
