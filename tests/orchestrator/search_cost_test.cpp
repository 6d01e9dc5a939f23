// What a search costs, by a record that is made up: the numbers follow from it exactly.
#include "orchestrator/search_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "orchestrator/machine/need_estimate.h"
#include "orchestrator/study/trial_history.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace search_cost_test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kHour = 3600;
constexpr std::int64_t kEpochExamples = 1000;

/// Four models of ten epochs.
const std::string kFour =
    "[train]\nepochs = 10\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 4, 8]\n";
/// Eight models: these four with each of two others.
const std::string kEight =
    kFour + "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"mean\"\n";
/// Nine models of twelve epochs.
const std::string kNine =
    "[train]\nepochs = 12\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n";

std::int64_t ParametersOf(const ModelSpec& model) {
  const Options& options = model.parts.at("classifier").options;
  const auto experts = options.find("experts");
  return 1000 * (experts == options.end() ? 1 : experts->second.as_int64());
}

class CountingCounter : public ModelCounter {
 public:
  CountAnswer Count(const ModelSpec& model, const DataSpec& /*data*/) override {
    ++counted;
    return ModelSize{.parameters = ParametersOf(model), .size_bytes = 4 * ParametersOf(model)};
  }
  int counted = 0;
};

/// A trial of ten or twelve epochs that took so long for each example.
TrialResult Took(const ModelSpec& model, double seconds_per_example,
                 const std::string& device = "cpu") {
  TrialResult result;
  result.parameters = ParametersOf(model);
  result.examples = model.train.at("epochs").as_int64() * kEpochExamples;
  result.examples_per_second = 1 / seconds_per_example;
  result.wall_seconds = seconds_per_example * static_cast<double>(result.examples);
  result.peak_memory_bytes = 1 << 20;
  result.device = device;
  return result;
}

class SearchCostTest : public testing::Test {
 protected:
  void UseRecipe(const std::string& rest, const std::string& seeds = "[1]") {
    std::string head = RecipeHead();
    const std::string study = "name = \"test\"\n";
    head.insert(head.find(study) + study.size(), "seeds = " + seeds + "\n");
    recipe_ = ParseRecipe(head + rest, "r.toml", catalogue_);
  }

  /// Every model of the grid took so long for each example.
  void LearnAll(double seconds_per_example, const std::string& device = "cpu") {
    const SearchSpace space(recipe_, catalogue_);
    for (auto point = space.NextAllowed(0); point; point = space.NextAllowed(*point + 1)) {
      const ModelSpec model = *space.At(*point);
      forecast_.Learn(model, data_, Took(model, seconds_per_example, device));
    }
  }

  /// Trials take 100 s for each expert, whatever else they have.
  void LearnByExperts() {
    const SearchSpace space(recipe_, catalogue_);
    for (auto point = space.NextAllowed(0); point; point = space.NextAllowed(*point + 1)) {
      const ModelSpec model = *space.At(*point);
      forecast_.Learn(model, data_, Took(model, 1e-5 * static_cast<double>(ParametersOf(model))));
    }
  }

  CostParts Parts() {
    return {.recipe = &recipe_,
            .catalogue = &catalogue_,
            .data = &data_,
            .forecast = &forecast_,
            .counter = &counter_,
            .slots = slots_,
            .memory = {},
            .predictions_bytes = predictions_bytes_};
  }

  SearchCost Cost(std::optional<std::int64_t> limit = std::nullopt) {
    CostMeter meter(Parts());
    PlanSink sink;
    sink.on_trial = [&](const StudyTrial& trial) {
      StudyTrial planned = trial;
      if (known_) planned.known = known_(trial);
      meter.Add(planned, done_ ? done_(trial) : 0);
    };
    sink.on_refused = [](const std::string&, const std::string&) {};
    const PlanTotals totals = PlanStudy({.recipe = &recipe_,
                                         .catalogue = &catalogue_,
                                         .data = &data_,
                                         .counter = &counter_,
                                         .limit = limit},
                                        sink);
    const SearchCost cost = meter.Total(totals);
    others_ = meter.Others();
    basis_ = meter.Basis();
    return cost;
  }

  const OtherStrategy& Other(const std::string& name) const {
    for (const OtherStrategy& other : others_) {
      if (other.name == name) return other;
    }
    throw std::out_of_range(name);
  }

  static void ExpectRange(const CostRange& range, double low, double about, double high) {
    EXPECT_NEAR(range.low, low, 1e-9 * low);
    EXPECT_NEAR(range.about, about, 1e-9 * about);
    EXPECT_NEAR(range.high, high, 1e-9 * high);
  }

  /// The range that is assumed where too little of the same model was measured.
  static void ExpectAssumed(const CostRange& range, double about) {
    ExpectRange(range, about / 1.5, about, about * 1.5);
  }

  const Catalogue catalogue_ = TestCatalogue();
  const DataSpec data_{.format = "frame",
                       .classes = 10,
                       .features = {{"rgb", 8}},
                       .max_frames = 30,
                       .digest = "abc"};
  Recipe recipe_;
  Forecast forecast_;
  CountingCounter counter_;
  std::vector<Slot> slots_ = {{"cpu", 1}, {"cpu", 1}};
  std::optional<std::int64_t> predictions_bytes_ = 100;
  std::function<std::optional<TrialRecord>(const StudyTrial&)> known_;
  std::function<double(const StudyTrial&)> done_;
  std::vector<OtherStrategy> others_;
  std::vector<std::string> basis_;
};

TEST_F(SearchCostTest, OfModelsThatWereMeasuredIsTheirTime) {
  UseRecipe(kFour, "[1, 2]");
  LearnAll(0.01);  // 100 s a trial
  const SearchCost cost = Cost();
  EXPECT_EQ(cost.trials.least, 8);
  EXPECT_EQ(cost.trials.most, 8);
  EXPECT_EQ(cost.complete, 0);
  // One trial of each model says nothing of the spread: a factor of 1.5 is assumed.
  ExpectAssumed(cost.hours.at("cpu"), 800 / kHour);
  ExpectAssumed(*cost.wall_seconds, 400);
  EXPECT_THAT(basis_,
              ElementsAre("times are forecast from 4 trials measured on a CPU",
                          HasSubstr("of the same model: 8 trials, range 0.67 to 1.50 x"),
                          HasSubstr("by other strategies, costs what 4 points of the grid")));
  EXPECT_THAT(basis_[1], HasSubstr("assumed"));
}

TEST_F(SearchCostTest, TheRangeIsTheSpreadOfTheRecord) {
  UseRecipe(kFour);
  for (const double seconds : {0.009, 0.01, 0.01, 0.01, 0.01, 0.014}) LearnAll(seconds);
  const SearchCost cost = Cost();
  // Each of a model's six trials beside the median of its five others: 0.9, 1, 1, 1, 1, 1.4. Of 24
  // ratios the 10th percentile is 0.9, the 90th 1.4.
  ExpectRange(cost.hours.at("cpu"), 360 / kHour, 400 / kHour, 560 / kHour);
  EXPECT_THAT(basis_[1], HasSubstr("10th to 90th percentile of measured/forecast over 24 trials"));
}

TEST_F(SearchCostTest, OfPartsThatWereNeverMeasuredTogetherIsTheMedianOfAllAndSaysSo) {
  UseRecipe(
      "[train]\nepochs = 10\n[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = "
      "\"gru\"\n");
  const SearchSpace space(recipe_, catalogue_);
  forecast_.Learn(*space.At(0), data_, Took(*space.At(0), 0.01));
  (void)Cost();
  EXPECT_THAT(
      basis_,
      ElementsAre(
          "times are forecast from 1 trial measured on a CPU",
          HasSubstr("of the same model: 1 trial, range 0.67 to 1.50 x"),
          "of parts that were never measured together, by the median of all models: 1 "
          "trial, range 0.25 to 4.00 x the forecast, assumed, for fewer than 5 trials tell "
          "of it",
          HasSubstr("by other strategies, costs what 2 points of the grid"),
          "of these points 1 has parts that were never measured together on a CPU: by the "
          "median of all models, range 0.25 to 4.00 x the forecast, assumed, for fewer than "
          "5 trials tell of it"));
}

TEST_F(SearchCostTest, OfNothingMeasuredHasNoTimes) {
  UseRecipe(kFour);
  const SearchCost cost = Cost();
  EXPECT_EQ(cost.trials.most, 4);
  EXPECT_TRUE(cost.hours.empty());
  EXPECT_EQ(cost.wall_seconds, std::nullopt);
  EXPECT_GT(cost.disk_end_bytes.low, 0);
  EXPECT_THAT(basis_, ElementsAre("nothing was measured on a CPU yet: only sizes are known, so no "
                                  "times"));
  EXPECT_TRUE(Other("greedy").hours.empty());
  EXPECT_EQ(counter_.counted, 4) << "no point is counted for nothing";
}

TEST_F(SearchCostTest, OfDataThatNobodyHasCountedHasNoTimes) {
  UseRecipe(kFour);
  DataSpec other = data_;
  other.digest = "other";
  const SearchSpace space(recipe_, catalogue_);
  forecast_.Learn(*space.At(0), other, Took(*space.At(0), 0.01));
  EXPECT_TRUE(Cost().hours.empty());
  EXPECT_THAT(basis_, ElementsAre(HasSubstr("how many examples these data have is not known")));
  // The study's own look at its data tells it.
  forecast_.KnowExamples("abc", 2 * kEpochExamples);
  EXPECT_GT(Cost().hours.at("cpu").about, 0);
}

TEST_F(SearchCostTest, OfDataThatNothingWasTrainedOnIsRoughAndSaysSo) {
  UseRecipe(kFour);
  DataSpec other = data_;
  other.digest = "other";
  const SearchSpace space(recipe_, catalogue_);
  // As often as a spread is told from, and all alike: of these data it tells nothing.
  for (std::int64_t point = 0; point < 4; ++point) {
    for (int seed = 0; seed < 3; ++seed) {
      forecast_.Learn(*space.At(point), other, Took(*space.At(point), 0.01));
    }
  }
  forecast_.KnowExamples("abc", kEpochExamples);
  ExpectRange(Cost().hours.at("cpu"), 400 / kHour / 8, 400 / kHour, 400 / kHour * 8);
  EXPECT_THAT(basis_,
              Contains(HasSubstr("times are forecast from 12 trials measured on a CPU, none "
                                 "of them on these data: these times are rough")));
  EXPECT_THAT(basis_, Contains(HasSubstr("range 0.12 to 8.00 x the forecast, assumed at least so "
                                         "wide, for none was trained on these data")));
  forecast_.Learn(*space.At(0), data_, Took(*space.At(0), 0.01));
  EXPECT_LT(Cost().hours.at("cpu").high, 400 / kHour * 2);
  EXPECT_THAT(basis_, Contains("times are forecast from 13 trials measured on a CPU"));
}

TEST_F(SearchCostTest, OfOneMeasuredIsWide) {
  UseRecipe(kFour);
  const SearchSpace space(recipe_, catalogue_);
  forecast_.Learn(*space.At(0), data_, Took(*space.At(0), 0.01));
  const CostRange hours = Cost().hours.at("cpu");
  EXPECT_LT(hours.low, hours.about * 0.6);
  EXPECT_GT(hours.high, hours.about * 1.7);
  EXPECT_THAT(basis_, Contains(HasSubstr("of the same model: 1 trial, range 0.67 to 1.50")));
  EXPECT_THAT(basis_, Contains(HasSubstr("of the same parts: 3 trials, range 0.50 to 2.00")));
}

TEST_F(SearchCostTest, WhatIsCompleteCostsNothingAndOfTheOthersTheRest) {
  UseRecipe(kFour);
  LearnAll(0.01);
  known_ = [](const StudyTrial&) { return TrialRecord{.state = TrialState::kComplete}; };
  done_ = [](const StudyTrial&) { return 1.0; };
  const SearchCost all = Cost();
  EXPECT_EQ(all.complete, 4);
  ExpectRange(all.hours.at("cpu"), 0, 0, 0);
  ExpectRange(*all.wall_seconds, 0, 0, 0);
  ExpectRange(all.disk_end_bytes, 0, 0, 0);
  EXPECT_EQ(all.disk_most_bytes, 0);
  EXPECT_TRUE(all.nothing_left);
  // One is half done, one complete: 50 s and two of 100 s on two slots.
  known_ = [](const StudyTrial& trial) {
    const bool first = trial.name.ends_with("MoE1");
    return TrialRecord{.state = first ? TrialState::kComplete : TrialState::kWaiting};
  };
  done_ = [](const StudyTrial& trial) {
    return trial.name.ends_with("MoE1") ? 1.0 : trial.name.ends_with("MoE2") ? 0.5 : 0.0;
  };
  const SearchCost some = Cost();
  EXPECT_EQ(some.complete, 1);
  EXPECT_FALSE(some.nothing_left);
  ExpectAssumed(some.hours.at("cpu"), 250 / kHour);
  ExpectAssumed(*some.wall_seconds, 150);
}

TEST_F(SearchCostTest, TheRecordKnowsHowMuchOfATrialIsDone) {
  UseRecipe(kFour);
  Store store(":memory:", OpenMode::kReadWrite);
  const SearchSpace space(recipe_, catalogue_);
  StudyTrial trial;
  trial.name = "one";
  trial.spec = {.model = *space.At(0), .data = data_, .seed = 1};
  trial.fingerprint = Fingerprint(trial.spec);
  EXPECT_EQ(DoneShare(store, trial), 0);
  const StudyId study = store.OpenStudy({.name = "test", .recipe_digest = "d"});
  const TrialId id = store.AddTrials(study, {trial}).front();
  const auto look = [&] {
    trial.known = store.FindByFingerprint(trial.fingerprint);
    return DoneShare(store, trial);
  };
  EXPECT_EQ(look(), 0);
  const std::int64_t attempt = store.BeginAttempt(id, "runs", "cpu", 1);
  for (std::int64_t epoch = 1; epoch <= 3; ++epoch) {
    store.RecordEpoch(id, {.epoch = epoch}, /*just_ended=*/true);
  }
  EXPECT_DOUBLE_EQ(look(), 0.3);
  store.FinishAttempt(id, attempt, {TrialResult{}}, TrialState::kComplete);
  EXPECT_EQ(look(), 1);
}

TEST_F(SearchCostTest, OnMixedDevicesEachDoesItsShare) {
  UseRecipe(
      "[train]\nepochs = 10\n[[grid.classifier]]\nuse = \"moe\"\n"
      "experts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]\n");
  LearnAll(0.01);
  LearnAll(0.001, "cuda:0 NVIDIA H200");
  slots_ = {{"cpu", 1}, {"cuda:0", 1}};
  const SearchCost cost = Cost();
  // While the CPU trains one for 100 s, the GPU trains ten.
  ExpectAssumed(*cost.wall_seconds, 100);
  ExpectAssumed(cost.hours.at("cpu"), 100 / kHour);
  ExpectAssumed(cost.hours.at("cuda"), 100 / kHour);
  // One kind that was never measured leaves no time.
  forecast_ = {};
  LearnAll(0.01);
  EXPECT_TRUE(Cost().hours.empty());
  EXPECT_THAT(basis_, ElementsAre(HasSubstr("nothing was measured on a GPU yet")));
}

TEST_F(SearchCostTest, OfHalvingCountsEpochs) {
  UseRecipe(kNine + "[search]\nstrategy = \"halving\"\neta = 3\n");
  LearnAll(0.01);  // 120 s a trial
  slots_ = {{"cpu", 1}};
  const SearchCost cost = Cost();
  EXPECT_EQ(cost.trials.least, 9);
  EXPECT_EQ(cost.trials.most, 9);
  // 26 of 108 epochs, 10 s each.
  ExpectAssumed(cost.hours.at("cpu"), 260 / kHour);
  ExpectAssumed(*cost.wall_seconds, 260);
  // Eight are let go and keep their checkpoints (16 bytes a parameter), one has its model; models
  // have 1000 to 9000 parameters.
  const std::int64_t parameters = 45'000;
  ExpectRange(cost.disk_end_bytes, 4 * 1000 + 100 + 16 * (parameters - 9000),
              parameters * (8 * 16 + 4) / 9.0 + 100, 4 * 9000 + 100 + 16 * (parameters - 1000));
  EXPECT_EQ(cost.disk_most_bytes, 4 * 9000 + 100 + 16 * (parameters + 9000));
  // The grid of the same models is trained in full.
  ExpectAssumed(Other("grid").hours.at("cpu"), 1080 / kHour);
  EXPECT_DOUBLE_EQ(Other("grid").whole_trials, 9);
}

TEST_F(SearchCostTest, ARungThatIsAskedForAgainCountsOnce) {
  UseRecipe(kNine + "[search]\nstrategy = \"halving\"\neta = 3\n");
  LearnAll(0.01);
  slots_ = {{"cpu", 1}};
  CostMeter meter(Parts());
  const SearchSpace space(recipe_, catalogue_);
  const auto strategy = MakeStrategyFor(space, recipe_);
  StudyTrial trial;
  trial.name = "one";
  trial.spec = {.model = *space.At(0), .data = data_, .seed = 1};
  trial.parameters = 1000;
  trial.until_epoch = 1;
  meter.Add(trial, 1.0 / 12);  // measured already
  trial.until_epoch = 4;
  meter.Add(trial, 1.0 / 12);
  trial.until_epoch = 0;
  meter.Add(trial, 1.0 / 12);
  const SearchCost cost = meter.Total({.effort = {.least = 1, .most = 1}, .finished = true});
  EXPECT_EQ(cost.trials.most, 1);
  EXPECT_NEAR(cost.hours.at("cpu").about, 110 / kHour, 1e-9);
}

TEST_F(SearchCostTest, OfARaceIsFromTheFewestSeedsToTheMost) {
  UseRecipe(kFour, "{ min = 1, max = 5 }");
  LearnAll(0.01);
  slots_ = {{"cpu", 1}};
  const SearchCost cost = Cost();
  EXPECT_EQ(cost.trials.least, 4);
  EXPECT_EQ(cost.trials.most, 20);
  ExpectRange(cost.hours.at("cpu"), 400 / 1.5 / kHour, 1200 / kHour, 2000 * 1.5 / kHour);
}

TEST_F(SearchCostTest, OfGreedyIsKnownThoughItsLaterModelsAreNot) {
  UseRecipe(kFour +
            "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"mean\"\n"
            "[search]\nstrategy = \"greedy\"\n");
  LearnAll(0.01);
  const SearchCost cost = Cost();
  EXPECT_EQ(cost.trials.least, 2 + 3);
  EXPECT_EQ(cost.trials.most, 2 + 3);
  ExpectAssumed(cost.hours.at("cpu"), 500 / kHour);
  // Two at once, then, when their results are there, three on two slots.
  ExpectAssumed(*cost.wall_seconds, 300);
  EXPECT_THAT(basis_,
              Contains(HasSubstr(
                  "what is not chosen yet, here or by other strategies, costs what 8 points")));
  EXPECT_EQ(Other("grid").trials.most, 8);
  EXPECT_EQ(Other("beam").trials.most, 2 + 2 * 3);
}

TEST_F(SearchCostTest, NoPartOfTheGridCostsMoreThanAllOfIt) {
  UseRecipe(kEight + "[search]\nstrategy = \"random\"\nbudget = 4\n");
  LearnByExperts();  // 100, 200, 400 and 800 s, each twice: 3000 s in all, 375 s on average
  Cost();
  ExpectRange(Other("grid").hours.at("cpu"), 3000 / 1.5 / kHour, 3000 / kHour, 3000 * 1.5 / kHour);
  // Five: the shortest have 100, 100, 200, 200 and 400 s, the longest 800, 800, 400, 400 and 200 s.
  EXPECT_EQ(Other("greedy").trials.most, 5);
  ExpectRange(Other("greedy").hours.at("cpu"), 1000 / 1.5 / kHour, 1875 / kHour,
              2600 * 1.5 / kHour);
  // Four: 600 s to 2400 s.
  EXPECT_EQ(Other("model").trials.least, 4);
  ExpectRange(Other("model").hours.at("cpu"), 600 / 1.5 / kHour, 1500 / kHour, 2400 * 1.5 / kHour);
  const CostRange grid = Other("grid").hours.at("cpu");
  for (const OtherStrategy& other : others_) {
    ASSERT_EQ(other.problem, "") << other.name;
    EXPECT_LE(other.hours.at("cpu").low, grid.low) << other.name;
    EXPECT_LE(other.hours.at("cpu").high, grid.high) << other.name;
  }
}

TEST_F(SearchCostTest, APartOfTheGridHasNoModelOftenerThanItsSeeds) {
  UseRecipe(kEight + "[search]\nstrategy = \"random\"\nbudget = 8\n", "{ min = 1, max = 2 }");
  LearnByExperts();
  Cost();
  EXPECT_EQ(Other("greedy").trials.least, 5);
  EXPECT_EQ(Other("greedy").trials.most, 10);
  // From the five shortest with a seed each to the five longest with two; 7.5 on average.
  ExpectRange(Other("greedy").hours.at("cpu"), 1000 / 1.5 / kHour, 7.5 * 375 / kHour,
              5200 * 1.5 / kHour);
  ExpectRange(Other("grid").hours.at("cpu"), 3000 / 1.5 / kHour, 4500 / kHour, 6000 * 1.5 / kHour);
}

TEST_F(SearchCostTest, OfOtherStrategiesLeavesOutWhatIsRefused) {
  const std::string limit = "[ensemble]\nsize_limit = \"20kB\"\n";
  UseRecipe(kEight + "[search]\nstrategy = \"random\"\nbudget = 4\n" + limit);
  LearnByExperts();
  const SearchCost cost = Cost();
  EXPECT_EQ(cost.trials.least, 4) << "what is refused costs nothing";
  EXPECT_EQ(cost.trials.most, 4);
  // Eight experts have 32 kB. The others: 100, 200 and 400 s, each twice, 1400 s in all.
  EXPECT_EQ(Other("grid").trials.least, 6);
  EXPECT_EQ(Other("grid").trials.most, 6);
  ExpectRange(Other("grid").hours.at("cpu"), 1400 / 1.5 / kHour, 1400 / kHour, 1400 * 1.5 / kHour);
  EXPECT_EQ(Other("beam").trials.least, 6) << "all of this grid";
  EXPECT_EQ(Other("beam").trials.most, 6);
  // Of its five two may be refused.
  EXPECT_EQ(Other("greedy").trials.least, 3);
  EXPECT_EQ(Other("greedy").trials.most, 5);
  ExpectRange(Other("greedy").hours.at("cpu"), 400 / 1.5 / kHour, 4 * 1400.0 / 6 / kHour,
              1300 * 1.5 / kHour);
  // The whole plan of a grid has told already what is refused.
  UseRecipe(kEight + limit);
  forecast_ = {};
  counter_.counted = 0;
  Cost();
  EXPECT_EQ(counter_.counted, 8);
  EXPECT_EQ(Other("random").trials.least, 6);
  EXPECT_EQ(Other("random").trials.most, 6);
}

/// Greedy has not asked for the eight experts yet when it is planned.
TEST_F(SearchCostTest, OfLaterStagesSomeMayBeRefused) {
  UseRecipe(kEight + "[search]\nstrategy = \"greedy\"\n[ensemble]\nsize_limit = \"20kB\"\n",
            "[1, 2]");
  const SearchCost cost = Cost();
  EXPECT_EQ(cost.trials.least, 2 * 3) << "two of the grid's eight are refused";
  EXPECT_EQ(cost.trials.most, 2 * 5);
}

TEST_F(SearchCostTest, OfALargeGridItSaysThatRefusedModelsAreCounted) {
  const auto says = [this] {
    return std::ranges::any_of(basis_, [](const std::string& line) {
      return line.find("how many of the grid's 72 points are refused is not known") == 0;
    });
  };
  const std::string limit = "[ensemble]\nsize_limit = \"20kB\"\n";
  const std::string grid =
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 4, 8]\n"
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3, 4, 5, 6, 7, 8, 9]\nlayers = [1, 2]\n";
  const std::string random = "[search]\nstrategy = \"random\"\nbudget = 4\n";
  UseRecipe(grid + random + limit);
  LearnByExperts();
  Cost();
  EXPECT_TRUE(says());
  UseRecipe(grid + random);
  Cost();
  EXPECT_FALSE(says()) << "none is refused";
  UseRecipe(grid + limit);
  Cost();
  EXPECT_FALSE(says()) << "the whole plan has told";
}

TEST_F(SearchCostTest, WhatIsRefusedRacesForNoSeeds) {
  UseRecipe(kFour + "[ensemble]\nsize_limit = \"20kB\"\n", "{ min = 1, max = 5 }");
  LearnAll(0.01);
  const SearchCost cost = Cost();
  EXPECT_EQ(cost.trials.least, 3);
  EXPECT_EQ(cost.trials.most, 15);
  ExpectRange(cost.hours.at("cpu"), 300 / 1.5 / kHour, 900 / kHour, 1500 * 1.5 / kHour);
}

TEST_F(SearchCostTest, AnotherStrategyThatCannotSearchItSaysWhy) {
  UseRecipe("[train]\nepochs = 1\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2]\n");
  Cost();
  EXPECT_THAT(Other("halving").problem, HasSubstr("there is nothing to halve"));
  EXPECT_EQ(Other("beam").problem, "");
  for (const OtherStrategy& other : others_) EXPECT_NE(other.name, "grid");
}

TEST_F(SearchCostTest, WhatALimitLeavesOutCostsToo) {
  UseRecipe(kFour);
  LearnAll(0.01);
  ExpectAssumed(Cost(/*limit=*/2).hours.at("cpu"), 400 / kHour);
}

TEST_F(SearchCostTest, OnDiskAreModelsAndPredictionsAndMeanwhileCheckpoints) {
  UseRecipe(kFour);
  const SearchCost cost = Cost();
  ExpectRange(cost.disk_end_bytes, 60'400, 60'400, 60'400);
  // Two at work: at most as large as the largest.
  EXPECT_EQ(cost.disk_most_bytes, 60'400 + 2 * 16 * 8000);
  EXPECT_TRUE(cost.disk_has_predictions);
  predictions_bytes_.reset();
  EXPECT_EQ(Cost().disk_end_bytes.about, 4 * 15'000);
  EXPECT_FALSE(Cost().disk_has_predictions);
}

TEST_F(SearchCostTest, OnDiskLaterModelsAreAsLargeAsThoseOfTheGrid) {
  UseRecipe(kEight + "[search]\nstrategy = \"greedy\"\n");
  const SearchCost cost = Cost();
  ASSERT_EQ(cost.trials.most, 2 + 3);
  // Two of 4 kB are known. Three of two each of 4, 8, 16 and 32 kB follow.
  ExpectRange(cost.disk_end_bytes, 8000 + 16'000 + 500, 8000 + 45'000 + 500, 8000 + 80'000 + 500);
  EXPECT_EQ(cost.disk_most_bytes, 88'500 + 2 * 16 * 8000);
}

TEST_F(SearchCostTest, OnDiskFurtherSeedsAreARange) {
  UseRecipe(kFour, "{ min = 1, max = 3 }");
  const SearchCost cost = Cost();
  ExpectRange(cost.disk_end_bytes, 60'400, 2 * 60'400, 3 * 60'400);
}

TEST_F(SearchCostTest, OnDiskOfARungThatIsMeasuredIsWhatThePromotedLeave) {
  UseRecipe(kNine + "[search]\nstrategy = \"halving\"\neta = 3\n");
  predictions_bytes_ = 100'000;
  done_ = [](const StudyTrial&) { return 1.0 / 12; };
  const SearchCost cost = Cost();
  EXPECT_FALSE(cost.nothing_left);
  // One of nine checkpoints becomes a model with predictions; the checkpoint of the largest model
  // takes more than that.
  ExpectRange(cost.disk_end_bytes, 0, 4 * 5000 + 100'000 - 16 * 5000,
              4 * 9000 + 100'000 - 16 * 1000);
  EXPECT_EQ(cost.disk_most_bytes, 4 * 9000 + 100'000 + 16 * 9000);
}

TEST_F(SearchCostTest, AveragesAreInTheCheckpointsToo) {
  UseRecipe(kFour);
  const std::int64_t plain = Cost().disk_most_bytes;
  CostMeter meter(Parts());
  const SearchSpace space(recipe_, catalogue_);
  for (std::int64_t point = 0; point < 4; ++point) {
    StudyTrial trial;
    trial.name = std::to_string(point);
    trial.spec = {.model = *space.At(point), .data = data_, .seed = 1};
    trial.spec.model.train["ema"] = 0.99;
    trial.parameters = ParametersOf(trial.spec.model);
    trial.size_bytes = 4 * trial.parameters;
    meter.Add(trial, 0);
  }
  const SearchCost cost = meter.Total({.effort = {.least = 4, .most = 4}, .finished = true});
  EXPECT_EQ(cost.disk_most_bytes, plain + 2 * 4 * 8000);
}

TEST_F(SearchCostTest, OfAHugeGridIsBounded) {
  std::string experts;
  for (int i = 1; i <= 64; ++i) experts += std::to_string(i) + ", ";
  std::string hidden;
  for (int i = 1; i <= 1000; ++i) hidden += std::to_string(i) + ", ";
  UseRecipe("[train]\nepochs = 10\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [" + experts +
            "]\n[[grid.temporal]]\nuse = \"gru\"\nhidden = [" + hidden +
            "]\nlayers = [1, 2, 3, 4, 5, 6, 7, 8]\n[grid.train]\nbatch = [" + hidden + "]\n");
  const SearchSpace space(recipe_, catalogue_);
  ASSERT_GT(space.size(), 500'000'000);
  forecast_.Learn(*space.At(0), data_, Took(*space.At(0), 0.01));
  const SearchCost cost = Cost(/*limit=*/3);
  EXPECT_EQ(cost.trials.most, space.size());
  EXPECT_GT(cost.hours.at("cpu").about, 1e6);
  EXPECT_LE(counter_.counted, 3 + 1 + 64) << "points of the grid stand for the rest";
  EXPECT_LT(Other("greedy").hours.at("cpu").about, cost.hours.at("cpu").about / 1000);
  EXPECT_THAT(Other("halving").problem, HasSubstr("candidates"));
  // No number of trials is too large to be told.
  CostMeter meter(Parts());
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const SearchCost endless = meter.Total({.effort = {.least = kMost, .most = kMost}});
  EXPECT_EQ(endless.trials.most, kMost);
  EXPECT_EQ(endless.disk_most_bytes, kMost);
  EXPECT_TRUE(std::isfinite(endless.hours.at("cpu").high));
}

TEST_F(SearchCostTest, ManyTrialsAreThinnedOut) {
  UseRecipe(kFour);
  LearnAll(0.01);
  const SearchSpace space(recipe_, catalogue_);
  CostMeter meter(Parts());
  StudyTrial trial;
  trial.spec = {.model = *space.At(0), .data = data_, .seed = 1};
  trial.parameters = 1000;
  for (int i = 0; i < 50'000; ++i) {
    trial.name = std::to_string(i);
    meter.Add(trial, 0);
  }
  const SearchCost cost =
      meter.Total({.effort = {.least = 50'000, .most = 50'000}, .finished = true});
  EXPECT_NEAR(cost.hours.at("cpu").about, 5e6 / kHour, 1e-3);
  EXPECT_NEAR(cost.wall_seconds->about, 2.5e6, 2.5e6 / 100);
  EXPECT_THAT(meter.Basis(), Contains(HasSubstr("chosen by chance, stand for 50000")));
}

TEST_F(SearchCostTest, MemoryKeepsSlotsEmptyAsInARun) {
  UseRecipe(kFour);
  LearnAll(0.01);
  CostParts parts = Parts();
  parts.memory = {{"cpu", 1}};  // room for one trial at a time
  CostMeter meter(parts);
  const SearchSpace space(recipe_, catalogue_);
  for (std::int64_t point = 0; point < 4; ++point) {
    StudyTrial trial;
    trial.name = std::to_string(point);
    trial.spec = {.model = *space.At(point), .data = data_, .seed = 1};
    trial.parameters = ParametersOf(trial.spec.model);
    meter.Add(trial, 0);
  }
  ExpectAssumed(*meter.Total({.effort = {.least = 4, .most = 4}, .finished = true}).wall_seconds,
                400);
}

TEST_F(SearchCostTest, TheRangeHoldsWhatASimulatedStudyTakes) {
  std::string hidden;
  for (int i = 1; i <= 12; ++i) hidden += std::to_string(32 * i) + ", ";
  UseRecipe("[train]\nepochs = 10\n[[grid.temporal]]\nuse = \"gru\"\nhidden = [" + hidden +
                "]\n[[grid.temporal]]\nuse = \"lstm\"\nhidden = [" + hidden + "]\n",
            "[1, 2, 3]");
  const SearchSpace space(recipe_, catalogue_);
  int held = 0;
  constexpr int kStudies = 40;
  for (unsigned study = 0; study < kStudies; ++study) {
    std::mt19937 random(study);
    const auto noise = [&random](double width) {
      return std::exp(std::normal_distribution<>(0, width)(random));
    };
    forecast_ = {};
    double total = 0;
    for (std::int64_t point = 0; point < space.size(); ++point) {
      const ModelSpec model = *space.At(point);
      // What sizes do not tell of a model is its own; seeds differ a little.
      const double of_model =
          1e-7 * noise(0.2) * EstimateNeed(model, data_, ParametersOf(model), "cpu").operations;
      const bool measured = random() % 3 == 0;
      for (int seed = 1; seed <= 3; ++seed) {
        const double each = of_model * noise(0.05);
        total += each * static_cast<double>(10 * kEpochExamples);
        if (measured && seed < 3) forecast_.Learn(model, data_, Took(model, each));
      }
    }
    const SearchCost cost = Cost();
    const CostRange hours = cost.hours.at("cpu");
    if (hours.low * kHour <= total && total <= hours.high * kHour) ++held;
    EXPECT_NEAR(hours.about * kHour / total, 1, 0.35);
    EXPECT_LT(hours.high, hours.low * 4) << "a range that holds everything says nothing";
    EXPECT_NEAR(cost.wall_seconds->about / (hours.about * kHour / 2), 1, 0.1);
  }
  EXPECT_GE(held, kStudies * 9 / 10);
}

}  // namespace search_cost_test
}  // namespace beamgrid
