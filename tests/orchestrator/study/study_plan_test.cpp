#include "orchestrator/study/study_plan.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace study_plan_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Counts nothing; refuses NetVLAD.
class FakeCounter : public ModelCounter {
 public:
  CountAnswer Count(const ModelSpec& model, const DataSpec& /*data*/) override {
    if (model.parts.at("temporal").component == "netvlad") return "no frames to cluster";
    return ModelSize{.parameters = 1000, .size_bytes = 4000};
  }
  /// Another temporal component has other weights.
  std::string WhyNoStart(const ModelSpec& model, const DataSpec& /*data*/, const TrialSpec& start,
                         const std::string& fingerprint) override {
    const auto temporal = [](const ModelSpec& of) { return of.parts.at("temporal").component; };
    return temporal(model) == temporal(start.model) ? "" : fingerprint + " does not fit";
  }
};

class StudyPlanTest : public ::testing::Test {
 protected:
  PlanTotals Plan(const std::string& rest_of_recipe,
                  std::optional<std::int64_t> limit = std::nullopt) {
    const Recipe recipe = ParseRecipe(RecipeHead() + rest_of_recipe, "recipe.toml", catalogue_);
    names_.clear();
    starts_.clear();
    refused_.clear();
    PlanSink sink;
    sink.on_trial = [this](const StudyTrial& trial) {
      names_.push_back(trial.name + "/" + std::to_string(trial.spec.seed));
      starts_.push_back(trial.spec.warm_start);
      planned_.push_back(trial);
    };
    sink.on_refused = [this](const std::string& name, const std::string& why) {
      refused_.push_back(name + ": " + why);
    };
    return PlanStudy({.recipe = &recipe,
                      .catalogue = &catalogue_,
                      .data = &data_,
                      .store = &store_,
                      .counter = &counter_,
                      .limit = limit},
                     sink);
  }

  /// Records the planned trials as complete, the first with the best GAP.
  void CompletePlanned() {
    const StudyId study = store_.OpenStudy({.name = "test", .recipe_digest = "d"});
    double gap = 0.9;
    for (const TrialId trial : store_.AddTrials(study, planned_)) {
      store_.FinishAttempt(trial, store_.BeginAttempt(trial, "runs", "cpu", 1),
                           {TrialResult{.metrics = {.gap = gap}}}, TrialState::kComplete);
      gap -= 0.1;
    }
    planned_.clear();
  }

  const Catalogue catalogue_ = CatalogueWithFrom();
  const DataSpec data_{.format = "frame", .classes = 10, .digest = "abc"};
  Store store_{":memory:", OpenMode::kReadWrite};
  FakeCounter counter_;
  std::vector<std::string> names_, refused_, starts_;
  std::vector<NewTrial> planned_;
};

constexpr char kTwoByTwo[] =
    "[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"gru\"\n"
    "[[grid.classifier]]\nuse = \"logistic\"\n[[grid.classifier]]\nuse = \"moe\"\n";

TEST_F(StudyPlanTest, AGridIsPlannedWholeWithEverySeed) {
  const PlanTotals totals = Plan(kTwoByTwo);
  EXPECT_EQ(totals.candidates, 4);
  EXPECT_EQ(totals.trials, 4);
  EXPECT_EQ(totals.complete, 0);
  EXPECT_EQ(totals.later_candidates, 0);
  EXPECT_EQ(names_.size(), 4U);
}

TEST_F(StudyPlanTest, WhatTheRecordHoldsIsComplete) {
  Plan(kTwoByTwo, /*limit=*/3);
  CompletePlanned();
  const PlanTotals totals = Plan(kTwoByTwo);
  EXPECT_EQ(totals.trials, 4);
  EXPECT_EQ(totals.complete, 3);
}

TEST_F(StudyPlanTest, RefusedModelsAreNamedWithTheReason) {
  const PlanTotals totals = Plan(
      "[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [8, "
      "16]\n");
  EXPECT_EQ(totals.candidates, 1);
  EXPECT_EQ(totals.refused, 2);
  ASSERT_EQ(refused_.size(), 2U);
  EXPECT_THAT(refused_[0], HasSubstr("no frames to cluster"));
}

TEST_F(StudyPlanTest, AModelLargerThanTheEnsembleMayBeIsRefused) {
  const PlanTotals totals = Plan("[ensemble]\nsize_limit = \"3kB\"\n");
  EXPECT_EQ(totals.trials, 0);
  ASSERT_EQ(refused_.size(), 1U);
  EXPECT_THAT(refused_[0], HasSubstr("limit"));
}

TEST_F(StudyPlanTest, OfABudgetRefusedModelsTakeNothing) {
  // Each temporal is tried in the first design, so both NetVLADs are refused.
  const PlanTotals totals = Plan(std::string(kTwoByTwo) +
                                 "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = "
                                 "\"netvlad\"\nclusters = [8, 16]\n[search]\nstrategy = "
                                 "\"model\"\nbudget = 5\n");
  EXPECT_EQ(totals.refused, 2);
  EXPECT_EQ(totals.candidates, 3);
  EXPECT_EQ(totals.later_candidates, 2);
}

TEST_F(StudyPlanTest, GreedyIsPlannedAsFarAsTheRecordDecides) {
  const std::string recipe = std::string(kTwoByTwo) +
                             "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", "
                             "\"classifier\"]\n";
  const PlanTotals first = Plan(recipe);
  EXPECT_EQ(first.trials, 2);  // the two temporals
  EXPECT_EQ(first.later_candidates, 1) << "the classifier that is held was tried";
  CompletePlanned();

  const PlanTotals second = Plan(recipe);
  EXPECT_EQ(second.complete, 2);
  EXPECT_EQ(second.trials, 3);  // the second stage's own: logistic is known already
  EXPECT_EQ(second.decisions.size(), 1U);
}

/// `run` tells the strategy that a diverged candidate has failed for good, and goes on behind it.
TEST_F(StudyPlanTest, GreedyGoesOnBehindACandidateThatDiverged) {
  const std::string recipe = std::string(kTwoByTwo) +
                             "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", "
                             "\"classifier\"]\n";
  Plan(recipe);
  ASSERT_EQ(planned_.size(), 2U);
  const StudyId study = store_.OpenStudy({.name = "test", .recipe_digest = "d"});
  const std::vector<TrialId> ids = store_.AddTrials(study, planned_);
  const auto finish = [this](TrialId trial, const AttemptOutcome& outcome, TrialState state) {
    store_.FinishAttempt(trial, store_.BeginAttempt(trial, "runs", "cpu", 1), outcome, state);
  };
  finish(ids[1], {TrialResult{.metrics = {.gap = 0.5}}}, TrialState::kComplete);
  finish(ids[0], {AttemptFailure{.kind = FailureKind::kCrashed}}, TrialState::kFailed);
  EXPECT_EQ(Plan(recipe).trials, 2) << "a run would try the crashed one again and wait for it";

  store_.SetState(ids[0], TrialState::kWaiting);
  finish(ids[0], {AttemptFailure{.kind = FailureKind::kDiverged}}, TrialState::kFailed);
  const PlanTotals totals = Plan(recipe);
  EXPECT_EQ(totals.trials, 3) << "the second stage's own trial follows";
  EXPECT_EQ(totals.complete, 1);
  ASSERT_EQ(totals.decisions.size(), 1U);
  EXPECT_THAT(totals.decisions[0], HasSubstr("GRU wins"));
}

TEST_F(StudyPlanTest, ShowsWhichTrialAModelStartsFrom) {
  Plan("");
  const std::string fingerprint = planned_.at(0).fingerprint, name = planned_.at(0).name;
  const std::string recipe = "[grid.train]\nfrom = [\"\", \"test/" + name + "\"]\n";
  EXPECT_THROW(Plan(recipe), RecipeError) << "it is not complete yet";
  CompletePlanned();
  const PlanTotals totals = Plan(recipe);
  EXPECT_THAT(starts_, ElementsAre("", fingerprint));
  EXPECT_EQ(totals.complete, 1) << "the model without a start is known";
}

TEST_F(StudyPlanTest, AModelThatTheWeightsDoNotFitIsRefusedBeforeAnythingRuns) {
  Plan("");
  const std::string fingerprint = planned_.at(0).fingerprint, name = planned_.at(0).name;
  CompletePlanned();
  const PlanTotals totals =
      Plan("[train]\nfrom = \"test/" + name +
           "\"\n[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"gru\"\n");
  EXPECT_THAT(starts_, ElementsAre(fingerprint));
  EXPECT_THAT(refused_, ElementsAre(HasSubstr(fingerprint + " does not fit")));
  EXPECT_EQ(totals.trials, 1);
}

TEST_F(StudyPlanTest, AMillionPointsStreamInFlatMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps freed memory back, so resident memory says nothing";
#endif
  std::string rates, dropouts;
  for (int i = 1; i <= 1000; ++i) {
    rates += (i > 1 ? ", " : "") + ("0.0" + std::to_string(10000 + i));
    dropouts += (i > 1 ? ", " : "") + ("0.1" + std::to_string(10000 + i));
  }
  const std::string recipe = "[grid.extras]\ndropout = [" + dropouts +
                             "]\n[grid.train]\nlearning_rate = [" + rates + "]\n";
  const auto resident_pages = [] {
    std::ifstream statm("/proc/self/statm");
    std::int64_t size = 0, resident = 0;
    statm >> size >> resident;
    return resident;
  };
  const Recipe parsed = ParseRecipe(RecipeHead() + recipe, "recipe.toml", catalogue_);
  std::int64_t seen = 0, pages_early = 0;
  PlanSink sink;
  sink.on_trial = [&](const StudyTrial&) {
    if (++seen == 500) pages_early = resident_pages();
  };
  const PlanTotals totals = PlanStudy({.recipe = &parsed,
                                       .catalogue = &catalogue_,
                                       .data = &data_,
                                       .store = &store_,
                                       .counter = &counter_,
                                       .limit = 5000},
                                      sink);
  EXPECT_EQ(totals.trials, 5000);
  EXPECT_TRUE(totals.limited);
  ASSERT_TRUE(totals.later_candidates.has_value());
  EXPECT_EQ(*totals.later_candidates, 1'000'000 - 5000);
  EXPECT_LT((resident_pages() - pages_early) * sysconf(_SC_PAGESIZE), 4 << 20);
}

}  // namespace study_plan_test
}  // namespace beamgrid
