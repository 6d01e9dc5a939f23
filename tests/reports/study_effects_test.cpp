// What a study learnt, from its trials and its recipe: factors, names, what is left out.

#include "reports/study_effects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "registry/util/error.h"
#include "reports/effects_words.h"
#include "reports/table.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace study_effects_test {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr char kGrid[] =
    "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 128]\n"
    "[[grid.temporal]]\nuse = \"blstm\"\n"
    "[[grid.classifier]]\nuse = \"logistic\"\n[[grid.classifier]]\nuse = \"moe\"\n"
    "[grid.extras]\ndropout = [false, 0.5]\n";

double Score(const ModelSpec& model) {
  const Variant& temporal = model.parts.at("temporal");
  double score = temporal.component == "netvlad" ? 0.8 : 0.7;
  if (model.parts.at("classifier").component == "moe") score += 0.02;
  return score;
}

/// The test catalogue with a teacher among the training settings.
Catalogue WithTeacher() {
  Catalogue catalogue = TestCatalogue();
  for (ComponentInfo& component : catalogue.components) {
    if (component.criterion != "train") continue;
    component.options.push_back(
        {.name = "teacher", .type = OptionType::kFile, .default_value = ""});
    component.options.push_back(Real("teacher_weight", 0.5, 0, 1, "tw"));
  }
  return catalogue;
}

/// Study is a recipe and trials of it.
class Study {
 public:
  explicit Study(const std::string& added = kGrid, Catalogue catalogue = TestCatalogue())
      : catalogue_(std::move(catalogue)),
        recipe_(ParseRecipe(RecipeHead() + added, "r.toml", catalogue_)),
        space_(recipe_, catalogue_) {}

  [[nodiscard]] const Recipe& recipe() const { return recipe_; }
  [[nodiscard]] const SearchSpace& space() const { return space_; }

  /// Adds a complete trial of each allowed point and seed.
  Study& Fill(const std::vector<std::int64_t>& seeds) {
    for (auto at = space_.NextAllowed(0); at; at = space_.NextAllowed(*at + 1)) {
      for (const std::int64_t seed : seeds) {
        Add(*space_.At(*at), seed, Score(*space_.At(*at)) + 0.001 * static_cast<double>(seed));
      }
    }
    return *this;
  }
  TrialRecord& Add(const ModelSpec& model, std::int64_t seed, double gap) {
    TrialRecord trial{.id = TrialId(std::ssize(trials) + 1),
                      .name = space_.Name(model),
                      .seed = seed,
                      .state = TrialState::kComplete,
                      .model_json = CanonicalJson(ToJson(model))};
    trial.result = TrialResult{.metrics = {.gap = gap}};
    trials.push_back(std::move(trial));
    return trials.back();
  }
  [[nodiscard]] StudyEffects Effects() const {
    return MakeEffects("s", FindMetric("gap"), trials, catalogue_, &recipe_);
  }
  [[nodiscard]] StudyEffects EffectsWithoutRecipe() const {
    return MakeEffects("s", FindMetric("gap"), trials, catalogue_, nullptr);
  }
  [[nodiscard]] std::string Refusal() const {
    return ErrorText<UsageError>([&] { (void)Effects(); });
  }

  std::vector<TrialRecord> trials;

 private:
  Catalogue catalogue_;
  Recipe recipe_;
  SearchSpace space_;
};

std::vector<std::string> NamesOf(const std::vector<StudyFactor>& factors) {
  std::vector<std::string> names;
  for (const StudyFactor& factor : factors) names.push_back(factor.name);
  return names;
}

TEST(StudyEffects, NamesFactorsLevelsAndModelsAsTheProjectDoes) {
  const StudyEffects made = Study().Fill({1, 2}).Effects();
  EXPECT_THAT(NamesOf(made.factors), ElementsAre("temporal", "classifier", "extras.dropout"));
  EXPECT_EQ(made.factors[2].criterion, "extras");
  EXPECT_THAT(made.factors[0].levels,
              ElementsAre("netvlad clusters=64", "netvlad clusters=128", "blstm"));
  EXPECT_THAT(made.factors[1].levels, ElementsAre("logistic", "moe experts=2"));
  EXPECT_THAT(made.factors[2].levels, ElementsAre("off", "rate=0.5"));
  EXPECT_EQ(made.effects.method, EffectsMethod::kExact);
  EXPECT_EQ(made.effects.grid_points, 12);
  EXPECT_NEAR(made.effects.factors[0].levels[2].effect->value, -0.1 * 2 / 3, 1e-12);
  EXPECT_NEAR(made.effects.factors[1].levels[1].effect->value, 0.01, 1e-12);
  EXPECT_EQ(made.baseline, "MC-NetVLAD-C64-Logistic");
  EXPECT_EQ(made.chosen, "MC-NetVLAD-C64-MoE2");
  EXPECT_EQ(made.best, made.chosen);
  EXPECT_THAT(made.notes,
              Contains(HasSubstr("GAP is that of each trial's best epoch, on the videos "
                                 "that also chose that epoch")));
  ASSERT_FALSE(made.proposals.empty()) << "dropout does nothing: which is best is open";
  EXPECT_EQ(made.proposals[0].seed, 3) << "the recipe has seed 1 alone, and both were measured";
}

// One part has no pairs, two have no three, and no variance is shared where there is none.
TEST(StudyEffects, SayOfTheVarianceWhatTheStudyHas) {
  StudyEffects made = Study().Fill({1, 2}).Effects();
  EXPECT_THAT(VarianceText(made), HasSubstr("of the variance: pairs 0 %, three and more together "
                                            "0 %; combinations differ by "));
  made.factors.pop_back();
  EXPECT_THAT(VarianceText(made),
              StartsWith("of the variance: pairs 0 %; combinations differ by "));
  made.factors.pop_back();
  EXPECT_THAT(VarianceText(made), StartsWith("combinations differ by "));
  made.effects.deviation = 0;
  made.effects.noise = 0.0742;
  EXPECT_EQ(VarianceText(made),
            "combinations differ by no more than their seeds do: by 0.0742 (standard deviation)");
}

TEST(StudyEffects, SayWhetherAnotherCanBeBetter) {
  StudyEffects made = Study().Fill({1, 2}).Effects();
  made.effects.one_at_a_time->chosen = made.effects.best;
  made.effects.one_at_a_time->loss = Estimate{0, ConfidenceInterval{0, 0}};
  EXPECT_THAT(LossText(made), HasSubstr(", the highest; no other can be better (95 % interval)"));
  made.effects.one_at_a_time->loss->interval->high = 0.01;
  EXPECT_THAT(
      LossText(made),
      HasSubstr(", the highest; others may still be better, by up to 0.0100 (95 % interval)"));
  made.best_is_trained = false;
  EXPECT_THAT(LossText(made), HasSubstr(", expected to be the highest, not trained; others may"));
  made.best_is_refused = true;
  EXPECT_THAT(LossText(made), HasSubstr(", expected to be the highest, refused; others may"));
  EXPECT_THAT(HighestText(made), StartsWith("expected highest, refused by the study: "));
}

// What the study refuses to train, as too large, is neither proposed nor only "not trained".
TEST(StudyEffects, ProposeNothingThatWasRefused) {
  Study study;
  for (const std::int64_t at : {0, 1, 2, 3, 6, 8}) {
    const ModelSpec model = *study.space().At(at);
    for (const std::int64_t seed : {1, 2}) {
      study.Add(model, seed, Score(model) + 0.03 * static_cast<double>(seed));
    }
  }
  const StudyEffects before = study.Effects();
  ASSERT_FALSE(before.proposals.empty());
  ASSERT_FALSE(before.best_is_refused);
  std::set<std::string> refused;
  for (std::int64_t at = 0; at < study.space().size(); ++at) {
    refused.insert(study.space().Name(*study.space().At(at)));
  }
  const StudyEffects made = MakeEffects("s", FindMetric("gap"), study.trials, TestCatalogue(),
                                        &study.recipe(), {}, refused);
  ASSERT_FALSE(made.proposals.empty());
  for (const ProposedTrial& proposed : made.proposals) {
    EXPECT_THAT(study.trials, Contains(testing::Field(&TrialRecord::name, proposed.name)))
        << "a further seed of what was trained";
  }
  EXPECT_EQ(made.best_is_refused, !made.best_is_trained);
  EXPECT_EQ(ToJson(made).at("best").at("refused"), made.best_is_refused);
}

// Of a model without a teacher the weight says nothing: no level of it is such a model's.
TEST(StudyEffects, ATeachersWeightIsOfModelsWithATeacherAlone) {
  const std::string grid =
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n[grid.train]\n"
      "teacher = [\"\", \"t.csv\"]\nteacher_weight = [0.3, 0.7]\n";
  Study study(grid, WithTeacher());
  std::set<std::string> added;
  for (auto at = study.space().NextAllowed(0); at; at = study.space().NextAllowed(*at + 1)) {
    ModelSpec model = *study.space().At(*at);
    double gap = 0.5 + 0.01 * (model.parts.at("classifier").options.at("experts") == 4 ? 1 : 0);
    if (model.train.at("teacher") != "") {
      gap += model.train.at("teacher_weight") == 0.7 ? 0.2 : 0.1;
    } else {
      model.train.erase("teacher_weight");  // as the record has it
    }
    if (!added.insert(CanonicalJson(ToJson(model))).second) continue;
    for (const std::int64_t seed : {1, 2}) {
      study.Add(model, seed, gap + 0.001 * static_cast<double>(seed));
    }
  }
  ASSERT_EQ(study.trials.size(), 12U);
  for (const StudyEffects& made : {study.Effects(), study.EffectsWithoutRecipe()}) {
    ASSERT_THAT(NamesOf(made.factors), ElementsAre("classifier", "train.teacher+teacher_weight"));
    const std::vector<std::string>& levels = made.factors[1].levels;
    ASSERT_THAT(levels, UnorderedElementsAre("no teacher", "teacher=t.csv teacher_weight=0.3",
                                             "teacher=t.csv teacher_weight=0.7"));
    EXPECT_EQ(made.effects.grid_points, 6);
    for (std::size_t level = 0; level < levels.size(); ++level) {
      const double expected = levels[level] == "no teacher"    ? -0.1
                              : levels[level].ends_with("0.3") ? 0
                                                               : 0.1;
      EXPECT_NEAR(made.effects.factors[1].levels[level].effect->value, expected, 1e-12);
    }
    EXPECT_THAT(made.notes, Contains("train.teacher+teacher_weight: one factor, for a teacher's "
                                     "weight says something only of models that have a teacher"));
  }
}

TEST(StudyEffects, HaveTrainingSettingsAsFactors) {
  Study study(
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n"
      "[grid.train]\nlearning_rate = [0.01, 0.001]\n");
  const StudyEffects made = study.Fill({1, 2}).Effects();
  EXPECT_THAT(NamesOf(made.factors), ElementsAre("classifier", "train.learning_rate"));
  EXPECT_THAT(made.factors[1].levels, ElementsAre("0.01", "0.001"));
}

TEST(StudyEffects, KnowWhatTheRecipeExcludes) {
  Study study(std::string(kGrid) +
              "[[exclude]]\ntemporal = { use = \"blstm\" }\nclassifier = { use = \"moe\" }\n");
  const StudyEffects made = study.Fill({1, 2}).Effects();
  EXPECT_EQ(made.effects.method, EffectsMethod::kExact);
  EXPECT_EQ(made.effects.grid_points, 10);
  const auto& classifier = made.effects.factors[1].levels;
  EXPECT_NEAR(classifier[1].effect->value - classifier[0].effect->value, 0.02, 1e-12)
      << "blstm, which is worse, is not held against logistic";
}

TEST(StudyEffects, LeaveOutWhatSaysNothingAndSaySo) {
  Study study;
  study.Fill({1, 2, 3});
  const auto trial = [&](std::size_t i) -> TrialRecord& { return study.trials[i]; };
  trial(0).state = TrialState::kFailed;
  trial(0).result.reset();
  trial(4).state = TrialState::kRunning;
  trial(7).state = TrialState::kPruned;
  trial(10).result->metrics.gap = std::numeric_limits<double>::quiet_NaN();
  trial(13).not_counted = "it is of other data";
  TrialRecord form = trial(20);  // in another precision: the study never counted it
  boost::json::value of_form = ParseJson(form.model_json);
  of_form.at("train").as_object()["epochs"] = 0;
  form.model_json = CanonicalJson(of_form);
  form.not_counted = "it is the fp16 form of another";
  study.trials.push_back(form);
  const StudyEffects made = study.Effects();
  EXPECT_EQ(made.effects.scores, 36 - 5);
  EXPECT_EQ(made.effects.measured, 12);
  const std::string name = trial(0).name;
  EXPECT_THAT(made.notes, Contains("left out: 1 trial failed (" + name +
                                   "#1); 1 trial let go before the end (" + trial(7).name +
                                   "#2); 1 trial not complete (" + trial(4).name +
                                   "#2); 1 trial without GAP (" + trial(10).name +
                                   "#2); 1 trial no longer counted (" + trial(13).name + "#2)"));
  EXPECT_THAT(made.notes, Contains(HasSubstr("those that were let go are the worse ones")));
  EXPECT_THAT(made.notes, Contains(HasSubstr("a combination has 2 to 3 seeds")));
  for (const ProposedTrial& proposed : made.proposals) EXPECT_NE(proposed.name, name);
}

TEST(StudyEffects, OfASearchThatLetTheWorseOnesGoHaveAnAverageWithoutAnInterval) {
  Study study;
  study.Fill({1, 2});
  EXPECT_TRUE(study.Effects().effects.mean.interval);
  const std::string worst = study.trials[0].name;
  for (TrialRecord& trial : study.trials) {
    if (trial.name == worst) trial.state = TrialState::kPruned;
  }
  const StudyEffects made = study.Effects();
  EXPECT_FALSE(made.effects.mean.interval);
  EXPECT_TRUE(made.effects.factors[0].levels[0].effect->interval);
  EXPECT_THAT(made.notes, Contains(HasSubstr("the average looks higher and effects look smaller "
                                             "than they are, and intervals do not allow for it")));
}

TEST(StudyEffects, ExpectNoScoreThatCannotBe) {
  Study study(
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n"
      "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n");
  for (std::int64_t at = 0; at < 3; ++at) {
    for (const std::int64_t seed : {1, 2}) {
      study.Add(*study.space().At(at), seed,
                (at == 0 ? 0.5 : 0.95) + 0.001 * static_cast<double>(seed));
    }
  }
  const StudyEffects made = study.Effects();
  EXPECT_EQ(made.best, "MC-GRU-MoE4");
  EXPECT_EQ(made.effects.best_score.value, 1) << "two steps of 0.45 from 0.5";
  EXPECT_EQ(made.effects.best_score.interval->high, 1);
}

/// As a halving leaves them: of the learning rates one, which the baseline does not have.
TEST(StudyEffects, OfOneCandidateThatIsLeftAreThoseOfModelsThatHaveIt) {
  Study study(
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4, 8]\n"
      "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"
      "[grid.train]\nlearning_rate = [0.001, 0.01]\n"
      "[[exclude]]\ntemporal = \"gru\"\nclassifier = { use = \"moe\", experts = 8 }\n"
      "train.learning_rate = 0.001\n");
  for (std::int64_t at = 0; at < study.space().size(); ++at) {
    const std::optional<ModelSpec> model = study.space().At(at);
    if (!model) continue;
    const double experts = model->parts.at("classifier").options.at("experts").to_number<double>();
    const bool is_kept = model->train.at("learning_rate") == 0.01;
    const bool is_gru = model->parts.at("temporal").component == "gru";
    // The last one is still to come.
    if (is_kept && is_gru && experts == 8) continue;
    for (const std::int64_t seed : {1, 2}) {
      TrialRecord& trial =
          study.Add(*model, seed, experts / 10 + 0.001 * static_cast<double>(seed));
      if (!is_kept) trial.state = TrialState::kFailed;
    }
  }
  const StudyEffects made = study.Effects();
  EXPECT_THAT(NamesOf(made.factors), ElementsAre("temporal", "classifier"));
  EXPECT_EQ(made.effects.grid_points, 6) << "the exclusion is of the other learning rate";
  EXPECT_EQ(made.effects.measured, 5);
  EXPECT_EQ(made.best, "MC-LSTM-MoE8-lr0.01");
  EXPECT_TRUE(made.best_is_trained);
  EXPECT_FALSE(made.effects.one_at_a_time) << "the baseline has the other learning rate";
  ASSERT_FALSE(made.proposals.empty()) << "what failed are other models";
  for (const ProposedTrial& proposed : made.proposals) {
    EXPECT_THAT(proposed.name, ::testing::EndsWith("-lr0.01"));
  }
  EXPECT_EQ(made.proposals[0].name, "MC-GRU-MoE8-lr0.01");
}

TEST(StudyEffects, OfAPartOfTheGridAreExpected) {
  // What a greedy search leaves: one criterion after the other; dropout was never tried.
  Study study;
  for (std::int64_t at = 0; at < study.space().size(); ++at) {
    const ModelSpec model = *study.space().At(at);
    const bool first = model.parts.at("classifier").component == "logistic";
    const bool best = model.parts.at("temporal").options.contains("clusters") &&
                      model.parts.at("temporal").options.at("clusters") == 64;
    if (!model.extras.empty() || (!first && !best)) continue;
    for (const std::int64_t seed : {1, 2}) {
      study.Add(model, seed, Score(model) + 0.001 * static_cast<double>(seed));
    }
  }
  const StudyEffects made = study.Effects();
  EXPECT_EQ(made.effects.method, EffectsMethod::kPosterior);
  EXPECT_THAT(NamesOf(made.factors), ElementsAre("temporal", "classifier"));
  EXPECT_EQ(made.effects.grid_points, 6);
  EXPECT_EQ(made.effects.measured, 4);
  EXPECT_THAT(made.notes, Contains("candidates without a complete trial, left out: extras.dropout "
                                   "rate=0.5"));
  EXPECT_THAT(made.notes, Contains(HasSubstr("expected by a Gaussian process")));
  EXPECT_NEAR(made.effects.factors[0].levels[2].effect->value, -0.1 * 2 / 3, 0.02);
  EXPECT_EQ(made.best, "MC-NetVLAD-C64-MoE2");
  EXPECT_EQ(ToJson(made).at("method"), "posterior");
  EXPECT_EQ(ToJson(made).at("noise_source"), "model");
}

TEST(StudyEffects, DoNotKnowSharesOfFewCombinations) {
  Study study;
  study.Fill({1, 2});
  EXPECT_TRUE(study.Effects().shares_known);
  EXPECT_TRUE(ToJson(study.Effects()).at("factors").at(0).at("share").is_double());
  // The first candidate of each part, and each other one beside those: 5 of the 12.
  std::erase_if(study.trials, [](const TrialRecord& trial) {
    const ModelSpec model = ModelSpecFromJson(ParseJson(trial.model_json));
    const Variant& temporal = model.parts.at("temporal");
    const bool first = temporal.component == "netvlad" && temporal.options.at("clusters") == 64;
    const int others = (first ? 0 : 1) + (model.parts.at("classifier").component == "moe" ? 1 : 0) +
                       (model.extras.empty() ? 0 : 1);
    return others > 1;
  });
  ASSERT_EQ(study.trials.size(), 10U);
  const StudyEffects made = study.Effects();
  EXPECT_FALSE(made.shares_known);
  EXPECT_THAT(made.notes,
              Contains("few combinations are measured (5 of 12, for 5 unknowns of the parts "
                       "alone): the shares of the variance are not known"));
  const boost::json::object json = ToJson(made);
  EXPECT_TRUE(json.at("factors").at(0).at("share").is_null());
  EXPECT_TRUE(json.at("pairs").at(0).at("share").is_null());
  EXPECT_TRUE(json.at("higher_share").is_null());
  EXPECT_TRUE(json.at("deviation").is_null());
  EXPECT_TRUE(json.at("mean").at("value").is_double());
}

TEST(StudyEffects, OfALevelWhoseTrialsAllFailedAreWithoutIt) {
  Study study;
  study.Fill({1, 2});
  for (TrialRecord& trial : study.trials) {
    if (trial.name.find("BLSTM") == std::string::npos) continue;
    trial.state = TrialState::kFailed;
    trial.result.reset();
  }
  const StudyEffects made = study.Effects();
  EXPECT_EQ(made.effects.method, EffectsMethod::kExact) << "the rest was measured whole";
  EXPECT_EQ(made.effects.grid_points, 8);
  EXPECT_THAT(made.factors[0].levels, ElementsAre("netvlad clusters=64", "netvlad clusters=128"));
  EXPECT_THAT(made.notes, Contains(HasSubstr("left out: 8 trials failed")));
  EXPECT_THAT(made.notes,
              Contains("candidates without a complete trial, left out: temporal blstm"));
}

TEST(StudyEffects, SayWhatIsMissing) {
  EXPECT_EQ(
      Study("").Fill({1, 2}).Refusal(),
      "study 's': nothing to learn effects from: nothing varies, and at least 1 criterion must "
      "have 2 candidates");
  Study one;
  one.Add(*one.space().At(0), 1, 0.5);
  EXPECT_EQ(one.Refusal(),
            "study 's': nothing to learn effects from: 1 combination is complete, and at least 2 "
            "must be; `beamgrid run` goes on with the study");
  Study failed;
  failed.Fill({1});
  for (TrialRecord& trial : failed.trials) {
    trial.state = TrialState::kFailed;
    trial.result.reset();
  }
  EXPECT_THAT(
      failed.Refusal(),
      HasSubstr("0 combinations are complete, and at least 2 must be; `beamgrid run` goes on "
                "with the study; left out: 12 trials failed (MC-NetVLAD-C64-Logistic#1, "));
}

TEST(StudyEffects, RefuseASeedThatIsThereTwice) {
  Study study;
  study.Fill({1, 2});
  study.trials.push_back(study.trials[0]);
  EXPECT_THROW((void)study.Effects(), Error);
}

TEST(StudyEffects, WithoutARecipeAreOfWhatWasTried) {
  Study study;
  const StudyEffects made = study.Fill({1, 2}).EffectsWithoutRecipe();
  EXPECT_THAT(NamesOf(made.factors), ElementsAre("temporal", "classifier", "extras.dropout"));
  EXPECT_EQ(made.effects.method, EffectsMethod::kExact);
  EXPECT_FALSE(made.effects.one_at_a_time);
  EXPECT_EQ(made.best, "MC-NetVLAD-C64-MoE2");
  EXPECT_THAT(made.notes, Contains(HasSubstr("cannot read the study's recipe")));
}

TEST(StudyEffects, JsonHasEveryNumber) {
  const StudyEffects made = Study().Fill({1, 2}).Effects();
  const boost::json::object json = ToJson(made);
  EXPECT_EQ(json.at("study"), "s");
  EXPECT_EQ(json.at("metric"), "gap");
  EXPECT_EQ(json.at("method"), "exact");
  EXPECT_EQ(json.at("noise_source"), "seeds");
  EXPECT_EQ(json.at("grid").at("combinations"), 12);
  EXPECT_EQ(json.at("grid").at("scores"), 24);
  const auto& temporal = json.at("factors").at(0);
  EXPECT_EQ(temporal.at("name"), "temporal");
  EXPECT_EQ(temporal.at("best"), "netvlad clusters=64");
  EXPECT_EQ(temporal.at("open"), true) << "both netvlads are the same";
  EXPECT_EQ(temporal.at("levels").at(2).at("may_be_best"), false);
  EXPECT_EQ(temporal.at("levels").at(2).at("measured"), 4);
  EXPECT_LT(temporal.at("levels").at(2).at("effect").at("high").as_double(), -0.06);
  EXPECT_EQ(json.at("pairs").as_array().size(), 3U);
  EXPECT_EQ(json.at("pairs").at(0).at("matters"), false);
  EXPECT_EQ(json.at("one_at_a_time").at("chosen"), "MC-NetVLAD-C64-MoE2");
  EXPECT_EQ(json.at("one_at_a_time").at("loss").at("value"), 0.0);
  EXPECT_EQ(json.at("best").at("name"), "MC-NetVLAD-C64-MoE2");
}

TEST(StudyEffects, OfTheRecordTakeTheRecipeOfItsLastRun) {
  Study study;
  study.Fill({1, 2});
  Store store(":memory:", OpenMode::kReadWrite);
  StudyRecord record = ExampleStudy("s");
  record.recipe_text = study.recipe().text;
  record.id = store.OpenStudy(record);
  const auto add = [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      TrialSpec spec = ExampleTrial();
      spec.model = ModelSpecFromJson(ParseJson(study.trials[i].model_json));
      spec.seed = study.trials[i].seed;
      const TrialId id = store.AddTrials(
          record.id,
          {{.name = study.trials[i].name, .fingerprint = Fingerprint(spec), .spec = spec}})[0];
      store.FinishAttempt(id, store.BeginAttempt(id, "d", "cpu", 1),
                          ExampleSuccess(study.trials[i].result->metrics.gap),
                          TrialState::kComplete);
    }
  };
  add(0, 10);
  EXPECT_FALSE(EffectsWorthTelling(store, TestCatalogue(), record)) << "5 combinations";
  add(10, 24);
  const auto told = EffectsWorthTelling(store, TestCatalogue(), record);
  ASSERT_TRUE(told);
  EXPECT_EQ(ToJson(*told), ToJson(MakeEffects(store, TestCatalogue(), record)));
  EXPECT_EQ(told->effects.grid_points, 12);
  EXPECT_THAT(told->notes, Each(Not(HasSubstr("recipe"))));
  record.recipe_text = "beamgrid = 2\n";
  EXPECT_THAT(MakeEffects(store, TestCatalogue(), record).notes,
              Contains(HasSubstr("cannot read the study's recipe")));
}

// Each classifier has a learning rate of its own: which of the two does it cannot be known.
TEST(StudyEffects, OfPartsThatExclusionsTieAreOfBothTogether) {
  Study study(
      "[[grid.classifier]]\nuse = \"logistic\"\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, "
      "4]\n"
      "[grid.train]\nlearning_rate = [0.01, 0.001]\n[grid.extras]\ndropout = [0.0, 0.5]\n"
      "[[exclude]]\nclassifier = { use = \"moe\" }\ntrain = { learning_rate = 0.01 }\n"
      "[[exclude]]\nclassifier = { use = \"logistic\" }\ntrain = { learning_rate = 0.001 }\n");
  const StudyEffects made = study.Fill({1, 2}).Effects();
  const auto place = [&](const std::string& name) {
    const std::vector<std::string> names = NamesOf(made.factors);
    return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
  };
  const std::size_t classifier = place("classifier"), rate = place("train.learning_rate");
  EXPECT_EQ(FactorName(made, classifier), "classifier with train.learning_rate");
  EXPECT_THAT(FactorShareText(made, classifier), HasSubstr(" % of the variance"));
  EXPECT_EQ(FactorShareText(made, rate), "cannot be told apart from classifier");
  EXPECT_EQ(BestLevelText(made, rate), "cannot be told apart from classifier");
  EXPECT_THAT(made.notes,
              Contains("classifier: what is excluded ties it to train.learning_rate; their effects "
                       "cannot be told apart, and those that stand here are of both together"));
  TableQuestion question{.study = "s", .vary = "train.learning_rate", .effects = true};
  const auto table = [&] {
    return MakeTable(study.trials, TestCatalogue(), question, {},
                     question.effects ? &made : nullptr);
  };
  EXPECT_EQ(ErrorText<UsageError>([&] { (void)table(); }),
            "no column of effects: train.learning_rate cannot be told apart from classifier: what "
            "is excluded ties them");
  question.vary = "classifier";
  const AblationTable told = table();
  ASSERT_FALSE(told.rows.empty());
  EXPECT_TRUE(told.rows[0].effect);
  EXPECT_THAT(told.columns, Contains("effect"));
  question.effects = false;
  question.vary = "train.learning_rate";
  EXPECT_FALSE(table().rows.empty()) << "without effects there is nothing to refuse";
  const boost::json::object json = ToJson(made);
  const boost::json::object& untold = json.at("factors").as_array().at(rate).as_object();
  EXPECT_TRUE(untold.at("best").is_null());
  EXPECT_TRUE(untold.at("share").is_null());
  EXPECT_EQ(untold.at("tied_to").as_array().at(0), "classifier");
  EXPECT_TRUE(untold.at("levels").as_array().at(0).at("effect").is_null());
}

// 3 x 8 x 10 of which most are measured: what a page may look at is said.
TEST(StudyEffects, ABudgetIsSaidAndBoundsNothingThatWasMeasuredWhole) {
  std::string clusters;
  for (int i = 1; i <= 10; ++i) clusters += std::to_string(8 * i) + ", ";
  Study study("[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [" + clusters +
              "]\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4]\n"
              "[grid.extras]\ndropout = [false, 0.1, 0.2]\n");
  const EffectsBudget budget{.most_observations = 40, .most_pair_work = 1};
  const auto effects = [&](const EffectsBudget& most) {
    return MakeEffects("s", FindMetric("gap"), study.trials, TestCatalogue(), &study.recipe(),
                       most);
  };
  study.Fill({1});
  const StudyEffects whole = effects(budget);
  EXPECT_EQ(whole.effects.method, EffectsMethod::kExact);
  EXPECT_EQ(whole.effects.looked_at, 120);
  EXPECT_THAT(whole.notes,
              Contains("pairs: too many to look at here; `beamgrid effects s` may have "
                       "them"));
  study.trials.resize(100);
  const StudyEffects part = effects(budget);
  EXPECT_EQ(part.effects.method, EffectsMethod::kPosterior);
  EXPECT_EQ(part.effects.measured, 100);
  EXPECT_EQ(part.effects.looked_at, 40);
  EXPECT_THAT(HeadText(part), HasSubstr("100 measured, of which 40 were looked at, the others as"));
  EXPECT_THAT(part.notes, Contains(HasSubstr("40 were looked at, drawn at random")));
  EXPECT_FALSE(part.effects.one_at_a_time) << "of a part nobody knows what is lost";
  EXPECT_TRUE(part.proposals.empty());
  std::int64_t measured = 0;
  for (const LevelEffect& level : part.effects.factors[0].levels) {
    measured += level.measured;
    EXPECT_TRUE(level.effect) << "each level is looked at";
  }
  EXPECT_EQ(measured, 100) << "how often a level was tried is of all";
  const StudyEffects again = effects(budget), all = effects({});
  EXPECT_EQ(again.effects.mean.value, part.effects.mean.value);
  EXPECT_EQ(all.effects.looked_at, 100);
  EXPECT_NEAR(part.effects.mean.value, all.effects.mean.value, 0.02);
}

}  // namespace study_effects_test
}  // namespace beamgrid
