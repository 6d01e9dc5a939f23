// A recipe that changes under its study's name: what is told, what is asked, which trials count.

#include "orchestrator/study/study_change.h"

#include <map>
#include <set>
#include <utility>

#include "registry/util/error.h"
#include "tests/orchestrator/study/study_runner_fixture.h"

namespace beamgrid {
namespace study_change_test {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kLstm[] = "[[grid.temporal]]\nuse = \"lstm\"\n";
constexpr char kGru[] = "[[grid.temporal]]\nuse = \"gru\"\n";
constexpr char kBlstm[] = "[[grid.temporal]]\nuse = \"blstm\"\n";
constexpr char kExperts[] = "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n";
constexpr char kGreedy[] =
    "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"classifier\"]\n";

class StudyChangeTest : public StudyRunnerTest {
 protected:
  /// Recipes of study s.
  static std::string Recipe(const std::string& rest, const std::string& seeds = "[1, 2]") {
    return RecipeText("s", rest, seeds);
  }
  StudyResult RunAccepting(const std::string& recipe) {
    accept_changes_ = true;
    const StudyResult result = Run(recipe);
    accept_changes_ = false;
    return result;
  }
  /// Expects that a run is refused, with the record as it was; returns what is said.
  std::string Refusal(const std::string& recipe) {
    const auto record = [this] {
      const Store store(database_, OpenMode::kReadOnly);
      std::string text = store.FindStudy("s")->recipe_text;
      for (const TrialRecord& trial : store.Trials(store.FindStudy("s")->id, Counting::kAll)) {
        text += trial.name + trial.not_counted + ToString(trial.state);
      }
      return text + std::to_string(store.RecipeHistory(store.FindStudy("s")->id).size());
    };
    const std::string before = record();
    const std::size_t trained = world_.trained.size();
    std::string said;
    try {
      (void)Run(recipe);
      ADD_FAILURE() << "the run was not refused";
    } catch (const UsageError& error) {
      said = error.what();
    }
    EXPECT_EQ(record(), before);
    EXPECT_EQ(world_.trained.size(), trained);
    EXPECT_TRUE(change_.needs_consent());
    return said;
  }
  std::vector<RecipeEntry> History() const {
    const Store store(database_, OpenMode::kReadOnly);
    return store.RecipeHistory(store.FindStudy("s")->id);
  }
  std::set<std::string> Reasons() const {
    std::set<std::string> reasons;
    for (const TrialRecord& trial : Trials("s", Counting::kAll)) {
      if (!trial.counts()) reasons.insert(trial.not_counted);
    }
    return reasons;
  }
};

TEST_F(StudyChangeTest, WhatOnlyAddsGoesOnByItself) {
  const std::string first = Recipe(kLstm);
  EXPECT_EQ(Run(first).complete, 2);
  EXPECT_THAT(events_, Each(Not(HasSubstr("has changed"))));
  const StudyResult more = Run(Recipe(std::string(kLstm) + kGru, "[3, 2, 1]"));
  EXPECT_EQ(more.complete, 4);
  EXPECT_EQ(more.reused, 2);
  const auto said = std::vector<std::string>(events_.begin(), events_.begin() + 4);
  EXPECT_THAT(said, ElementsAre("the recipe has changed since the study was run last:",
                                "  seeds: 3 is new", "  temporal: gru is new",
                                "2 trials stay, 4 are new, 0 are no longer asked for"));
  ExpectAllComplete("s", 6);
  ASSERT_THAT(History(), SizeIs(2));
  EXPECT_EQ(History()[0].recipe_text, first);
  EXPECT_THAT(History()[1].changes, ElementsAre("seeds: 3 is new", "temporal: gru is new"));
}

TEST_F(StudyChangeTest, WhatTakesFinishedTrialsAwayIsAskedFor) {
  const std::string both = Recipe(std::string(kLstm) + kGru);
  const std::string one = Recipe(kLstm);
  EXPECT_EQ(Run(both).complete, 4);
  EXPECT_THAT(Refusal(one),
              AllOf(HasSubstr("2 finished trials of study 's' would no longer count\n"
                              "the recipe has changed since the study was run last:\n"
                              "  temporal: gru is gone\n"
                              "2 trials stay, 0 are new, 2 are no longer asked for (2 of them "
                              "complete)\n"),
                    HasSubstr("nothing will be deleted"), HasSubstr("--accept-changes"),
                    HasSubstr("--set study.name=NAME")));
  EXPECT_EQ(RunAccepting(one).attempts, 0);
  ExpectAllComplete("s", 2);
  EXPECT_THAT(Reasons(), ElementsAre("it is none that the study asks for now"));
  EXPECT_THAT(Trials("s", Counting::kAll), SizeIs(4));

  // And back: what only adds needs nobody's word, and nothing is trained again.
  const StudyResult back = Run(both);
  EXPECT_EQ(back.attempts, 0);
  EXPECT_EQ(back.reused, 4);
  EXPECT_THAT(events_,
              Contains("2 trials stay, 2 of earlier recipes or data count again, 0 are new, "
                       "0 are no longer asked for"));
  ExpectAllComplete("s", 4);
  EXPECT_THAT(History(), SizeIs(3));
}

TEST_F(StudyChangeTest, AnotherSettingMakesEveryTrialAnother) {
  const std::string slow = Recipe(kLstm, "[1]");
  const std::string fast = Recipe(std::string(kLstm) + "[train]\nlearning_rate = 0.01\n", "[1]");
  EXPECT_EQ(Run(slow).complete, 1);
  EXPECT_THAT(Refusal(fast), AllOf(HasSubstr("  train.learning_rate: 0.001 -> 0.01\n"),
                                   HasSubstr("0 trials stay, 1 is new, 1 is no longer asked for (1 "
                                             "of them complete)")));
  EXPECT_EQ(RunAccepting(fast).complete, 1);
  EXPECT_EQ(RunAccepting(slow).attempts, 0) << "edit back: nothing is trained";
  EXPECT_EQ(RunAccepting(fast).attempts, 0);
  ExpectAllComplete("s", 1);
}

TEST_F(StudyChangeTest, ChangesThatTakeFinishedTrialsAwayAreAllAskedFor) {
  const std::string recipe = Recipe(std::string(kLstm) + kGru);
  EXPECT_EQ(Run(recipe).complete, 4);
  const std::map<std::string, std::string> takes = {
      {Recipe(std::string(kLstm) + kGru, "[2]"), "  seeds: 1 is gone\n"},
      {Recipe(std::string(kLstm) + kGru + "[[exclude]]\ntemporal = \"gru\"\n"),
       "  exclude: temporal = gru is new\n"},
      {Recipe(std::string(kLstm) + kGru + "[grid.extras]\nlayer_norm = true\n"),
       "  extras.layer_norm: off is gone\n  extras.layer_norm: on is new\n"},
      {Recipe(std::string(kLstm) + kGru + "[grid.train]\nbatch = 2\n"),
       "  grid.train.batch: 128 is gone\n  grid.train.batch: 2 is new\n"},
      {Recipe(std::string(kLstm) + kGru + "[ensemble]\nsize_limit = 1\n"),
       "  ensemble.size_limit: 1073741824 bytes -> 1 bytes\n"},
  };
  size_of_ = [](const ModelSpec&) { return ModelSize{.parameters = 1, .size_bytes = 4}; };
  for (const auto& [changed, words] : takes) EXPECT_THAT(Refusal(changed), HasSubstr(words));
  std::string other_objective = recipe;
  other_objective.replace(other_objective.find("seeds"), 0, "objective = \"map\"\n");
  EXPECT_THAT(Refusal(other_objective), HasSubstr("  study.objective: gap -> map\n"));
  EXPECT_EQ(Run(recipe).attempts, 0);
  EXPECT_THAT(History(), SizeIs(1));
}

TEST_F(StudyChangeTest, ConductGoesOnAndIsInTheHistory) {
  EXPECT_EQ(Run(Recipe(kLstm)).complete, 2);
  const std::string rest = "[[table]]\nvary = \"temporal\"\n[resources]\nretries = 3\n[ensemble]\n";
  EXPECT_EQ(Run(Recipe(kLstm + rest)).attempts, 0);
  EXPECT_THAT(History().back().changes,
              ElementsAre("resources.retries: 1 -> 3", "ensemble: is asked for now",
                          "table: 'temporal' (vary = temporal) is new"));
  EXPECT_THAT(events_, Contains("2 trials stay, 0 are new, 0 are no longer asked for"));
}

TEST_F(StudyChangeTest, WhatIsRefusedIsNotNew) {
  size_of_ = [](const ModelSpec& model) -> CountAnswer {
    if (model.parts.at("temporal").component == "gru") return "it is too slow";
    return ModelSize{.parameters = 1, .size_bytes = 4};
  };
  const std::string both = std::string(kLstm) + kGru;
  EXPECT_EQ(Run(Recipe(both)).complete, 2);
  EXPECT_EQ(Run(Recipe(both + "[resources]\nretries = 3\n")).attempts, 0);
  EXPECT_THAT(events_, Contains("2 trials stay, 0 are new, 0 are no longer asked for"));
  EXPECT_EQ(Run(Recipe(both + kBlstm)).complete, 2);
  EXPECT_THAT(events_, Contains("2 trials stay, 2 are new, 0 are no longer asked for"));
}

TEST_F(StudyChangeTest, OtherWordsForTheSameAreNoChange) {
  EXPECT_EQ(Run(Recipe(std::string(kLstm) + kGru)).complete, 4);
  const std::string said = "# comment\n" + Recipe(std::string(kGru) + kLstm, "[ 2,1 ]");
  EXPECT_EQ(Run(said).attempts, 0);
  EXPECT_FALSE(change_.any());
  EXPECT_THAT(History(), SizeIs(1));
  const Store store(database_, OpenMode::kReadOnly);
  EXPECT_EQ(store.FindStudy("s")->recipe_text, said) << "as it was written last";
}

TEST_F(StudyChangeTest, AnExclusionOfWhatWasNotTrainedAsksNobody) {
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&] { runner_->Interrupt(); };
  slots_ = 1;
  const std::string both = std::string(kLstm) + kGru;
  EXPECT_LT(Run(Recipe(both, "[1]"), executor).complete, 2);
  EXPECT_EQ(Run(Recipe(both + "[[exclude]]\ntemporal = \"gru\"\n", "[1]")).exit_code, 0);
  EXPECT_THAT(events_, Contains(HasSubstr("1 is no longer asked for")));
  ExpectAllComplete("s", 1);
}

TEST_F(StudyChangeTest, AMixtureIsToldWhole) {
  EXPECT_EQ(Run(Recipe(std::string(kLstm) + kGru)).complete, 4);
  EXPECT_THAT(
      Refusal(Recipe(std::string(kLstm) + kBlstm + "[resources]\nretries = 2\n", "[2, 3]")),
      HasSubstr("3 finished trials of study 's' would no longer count\n"
                "the recipe has changed since the study was run last:\n"
                "  seeds: 1 is gone\n"
                "  seeds: 3 is new\n"
                "  temporal: blstm is new\n"
                "  temporal: gru is gone\n"
                "  resources.retries: 1 -> 2\n"
                "1 trial stays, 3 are new, 3 are no longer asked for (3 of them complete)"));
}

TEST_F(StudyChangeTest, DataAndRecipeMayChangeTogether) {
  EXPECT_EQ(Run(Recipe(std::string(kLstm) + kGru, "[1]")).complete, 2);
  digest_ = "d2";
  const std::string said = Refusal(Recipe(kLstm, "[1]"));
  EXPECT_THAT(said, AllOf(HasSubstr("  temporal: gru is gone\n"),
                          HasSubstr("1 trial that was trained on other data no longer counts"),
                          HasSubstr("0 trials stay, 1 is new, 2 are no longer asked for (2 of them "
                                    "complete)")));
  EXPECT_EQ(RunAccepting(Recipe(kLstm, "[1]")).complete, 1);
  EXPECT_THAT(Reasons(), ElementsAre("it is none that the study asks for now",
                                     "it was trained on other data"));
}

TEST_F(StudyChangeTest, ARecipeThatCannotBeCheckedAnyMoreIsComparedAsText) {
  EXPECT_EQ(Run(Recipe(std::string(kLstm) + kGru, "[1]")).complete, 2);
  std::erase_if(catalogue_.components,
                [](const ComponentInfo& component) { return component.name == "gru"; });
  EXPECT_THAT(Refusal(Recipe(kLstm, "[1]")),
              AllOf(HasSubstr("  grid.temporal: { use = 'gru' } is gone\n"),
                    HasSubstr("cannot be checked any more: the recorded recipe:"),
                    HasSubstr("1 trial stays, 0 are new, 1 is no longer asked for")));
  EXPECT_EQ(RunAccepting(Recipe(kLstm, "[1]")).attempts, 0);
}

TEST_F(StudyChangeTest, APluginAtAnotherPlaceKeepsItsTrials) {
  const auto with_plugin = [&](const std::string& path) {
    std::string recipe = Recipe(kLstm, "[1]");
    return recipe.insert(recipe.find("[study]"), "plugins = \"" + path + "\"\n");
  };
  EXPECT_EQ(Run(with_plugin("a.so")).complete, 1);
  EXPECT_EQ(Run(with_plugin("b/a.so")).attempts, 0);
  EXPECT_THAT(History().back().changes,
              ElementsAre("plugins: a.so is gone", "plugins: b/a.so is new"));
}

TEST_F(StudyChangeTest, AnotherTrialToStartFromIsAskedFor) {
  catalogue_ = CatalogueWithFrom();
  outcome_of_ = [](const TrialFile&) {
    AttemptOutcome outcome = Complete(0.5);
    outcome.result().artifacts = {{.name = "model", .path = "model.pt", .bytes = 4, .hash = "aa"}};
    return outcome;
  };
  (void)Run(RecipeText("a", kLstm, "[1]"));
  const auto from = [&](const std::string& text) {
    return Recipe(std::string(kLstm) + "[train]\nepochs = 7\nfrom = \"" + text + "\"\n", "[1]");
  };
  EXPECT_EQ(Run(from("a/*")).complete, 1);
  EXPECT_THAT(Refusal(from("")), HasSubstr("  train.from: a/* -> \"\"\n"));
  EXPECT_EQ(RunAccepting(from("")).complete, 1);
  EXPECT_EQ(RunAccepting(from("a/*")).attempts, 0);
}

TEST_F(StudyChangeTest, AGridTooLargeToBeCountedIsNotWalkedThrough) {
  EXPECT_EQ(Run(Recipe(kLstm, "[1]")).complete, 1);
  std::string widths;
  for (int width = 1; width <= 2000; ++width) widths += std::to_string(width) + ", ";
  const std::string huge = "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [" + widths +
                           "]\nhidden = [" + widths + "]\nframe_projection = [" + widths +
                           "]\n[[exclude]]\nclassifier = \"moe\"\n";
  const beamgrid::Recipe recipe = ParseRecipe(Recipe(kLstm + huge, "[1]"), "r.toml", catalogue_);
  const Store store(database_, OpenMode::kReadOnly);
  FakeCounter counter;
  const StudyChange change = FindStudyChange(store, recipe, catalogue_, Data(), counter);
  EXPECT_FALSE(change.needs_consent());
  EXPECT_THAT(
      LinesOf(change),
      ElementsAre("the recipe has changed since the study was run last:",
                  "  temporal: 1 variant -> 8000000001", "  exclude: classifier = moe is new",
                  "1 trial stays, the rest of the grid is new, 0 are no longer asked for"));
}

TEST_F(StudyChangeTest, WithoutTheDataOnlyTheRecipeIsCompared) {
  EXPECT_EQ(Run(Recipe(std::string(kLstm) + kGru)).complete, 4);
  const beamgrid::Recipe recipe = ParseRecipe(Recipe(kLstm), "r.toml", catalogue_);
  digest_ = "";
  const Store store(database_, OpenMode::kReadOnly);
  FakeCounter counter;
  const StudyChange change = FindStudyChange(store, recipe, catalogue_, Data(), counter);
  EXPECT_THAT(LinesOf(change), ElementsAre("the recipe has changed since the study was run last:",
                                           "  temporal: gru is gone",
                                           "how many trials stay cannot be told without the data"));
  EXPECT_TRUE(ToJson(change).at("added").is_null());
  EXPECT_TRUE(ToJson(StudyChange{}).is_null());
}

// ---- Searches that decide by results -----------------------------------------------------------

class SearchChangeTest : public StudyChangeTest {
 protected:
  /// LSTM wins, unless there is a BLSTM; of the experts 4.
  SearchChangeTest() {
    outcome_of_ = [](const TrialFile& trial) {
      const std::string temporal = ComponentOf(trial, "temporal");
      const double experts =
          trial.spec.model.parts.at("classifier").options.at("experts").to_number<double>();
      return Complete((temporal == "blstm"  ? 0.9
                       : temporal == "lstm" ? 0.5
                                            : 0.25) +
                      experts / 100);
    };
  }
  const std::string recipe_ = Recipe(std::string(kLstm) + kGru + kExperts + kGreedy, "[1]");
};

TEST_F(SearchChangeTest, AVariantMoreGoesOnAndTheResultsDecide) {
  EXPECT_EQ(Run(recipe_).complete, 3);
  EXPECT_EQ(Run(Recipe(std::string(kLstm) + kGru + kBlstm + kExperts + kGreedy, "[1]")).complete,
            2);
  EXPECT_THAT(events_,
              Contains("2 trials stay, 1 is new to begin with, 0 are no longer asked for; of 1 "
                       "more the results decide (1 complete: they may no longer count at "
                       "the end); which new ones follow, the search decides by its results"));
  EXPECT_THAT(events_, Contains(HasSubstr("no longer counted: 1 trial of earlier runs")));
  EXPECT_THAT(Trials("s"), SizeIs(4));
}

TEST_F(SearchChangeTest, AWinnerThatIsTakenAwayIsAskedFor) {
  EXPECT_EQ(Run(recipe_).complete, 3);
  const std::string without = Recipe(std::string(kGru) + kExperts + kGreedy, "[1]");
  EXPECT_THAT(Refusal(without),
              AllOf(HasSubstr("2 finished trials of study 's' would no longer"),
                    HasSubstr("  temporal: lstm is gone\n"),
                    HasSubstr("  the search starts from temporal: lstm -> gru\n")));
  EXPECT_EQ(RunAccepting(without).complete, 1);
  // Back again. GRU with four experts is none that the old recipe has led to.
  EXPECT_THAT(Refusal(recipe_), HasSubstr("1 finished trial of study 's' would no longer count\n"));
  EXPECT_EQ(RunAccepting(recipe_).attempts, 0);
  EXPECT_THAT(Trials("s"), SizeIs(3));
}

TEST_F(SearchChangeTest, AnotherStrategyTakesAwayWhatItDoesNotAskFor) {
  const std::string grid = Recipe(std::string(kLstm) + kGru + kExperts, "[1]");
  EXPECT_EQ(Run(grid).complete, 4);
  EXPECT_THAT(Refusal(recipe_),
              AllOf(HasSubstr("1 finished trial of study 's' would no longer count\n"),
                    HasSubstr("  search.strategy: grid -> greedy\n"),
                    HasSubstr("3 trials stay, 0 are new, 1 is no longer asked for (1 of them "
                              "complete)\n")));
  EXPECT_EQ(RunAccepting(recipe_).attempts, 0);
  EXPECT_THAT(Trials("s"), SizeIs(3));
  EXPECT_EQ(Run(grid).attempts, 0);
  EXPECT_THAT(Trials("s"), SizeIs(4));
}

TEST_F(SearchChangeTest, WhatGreedyMayStillAskForIsAtStake) {
  const std::string grid = Recipe(std::string(kLstm) + kExperts, "[1]");
  EXPECT_EQ(Run(grid).complete, 2);
  // The first stage is not known to its end: which experts follow, nobody can tell.
  const std::string said = Refusal(recipe_);
  EXPECT_THAT(said, AllOf(HasSubstr("1 finished trial of study 's' may no longer count\n"),
                          HasSubstr("; of 1 more the results decide (1 complete: ")));
  EXPECT_EQ(RunAccepting(recipe_).complete, 1);
  EXPECT_THAT(Trials("s"), SizeIs(3));
}

/// Refused models leave no trial in the record: the search is followed behind them all the same.
TEST_F(SearchChangeTest, ABudgetThatChangesKeepsWhatTheSearchStillAsksFor) {
  size_of_ = [](const ModelSpec& model) -> CountAnswer {
    if (model.parts.at("temporal").component == "gru") return "it is too slow";
    return ModelSize{.parameters = 1, .size_bytes = 4};
  };
  // Four LSTM, among as many GRU that are refused.
  const auto of_budget = [](const char* budget) {
    return Recipe(std::string(kLstm) + kGru +
                      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4, 8, 16]\n[search]\n"
                      "strategy = \"random\"\nbudget = " +
                      budget + "\n",
                  "[1]");
  };
  EXPECT_EQ(Run(of_budget("2")).complete, 2);
  EXPECT_EQ(Run(of_budget("4")).complete, 2);
  EXPECT_THAT(events_, Contains("  search.budget: 2 -> 4"));
  EXPECT_THAT(events_, Contains("2 trials stay, 2 are new, 0 are no longer asked for"));
  ExpectAllComplete("s", 4);
  EXPECT_THAT(Refusal(of_budget("3")),
              AllOf(HasSubstr("1 finished trial of study 's' would no longer count\n"),
                    HasSubstr("3 trials stay, 0 are new, 1 is no longer asked for (1 of them "
                              "complete)\n")));
  EXPECT_EQ(RunAccepting(of_budget("3")).attempts, 0);
  EXPECT_EQ(Run(of_budget("4")).attempts, 0);
  ExpectAllComplete("s", 4);
}

/// Of a larger grid, or of the same in another order, other models are drawn, whatever the results.
TEST_F(SearchChangeTest, WhatIsDrawnAnewIsAskedFor) {
  const auto recipe = [](const std::string& temporal, const std::string& experts,
                         const std::string& search) {
    return Recipe(temporal + "[[grid.classifier]]\nuse = \"moe\"\nexperts = " + experts +
                      "\n[search]\n" + search,
                  "[1]");
  };
  const std::string temporal = std::string(kLstm) + kGru;
  const std::string experts = "[2, 4, 8, 16]";
  for (const std::string strategy : {"random", "model"}) {
    const auto of_budget = [&](const std::string& budget) {
      return "strategy = \"" + strategy + "\"\nbudget = " + budget + "\n";
    };
    EXPECT_EQ(RunAccepting(recipe(temporal, experts, of_budget("5"))).exit_code, 0) << strategy;
    const std::string larger = recipe(temporal + kBlstm, experts, of_budget("5"));
    EXPECT_THAT(Refusal(larger),
                AllOf(HasSubstr(" no longer count\n"), HasSubstr("  temporal: blstm is new\n")))
        << strategy;
    EXPECT_THAT(Refusal(recipe(temporal, "[16, 2, 8, 4]", of_budget("5"))),
                HasSubstr("  classifier: the candidates are in another order, by which the search "
                          "draws\n"))
        << strategy;
    // A larger budget goes on where the smaller one ended.
    EXPECT_EQ(Run(recipe(temporal, experts, of_budget("6"))).exit_code, 0) << strategy;
    EXPECT_THAT(Trials("s"), SizeIs(6)) << strategy;
    EXPECT_EQ(RunAccepting(larger).exit_code, 0) << strategy;
    EXPECT_THAT(Trials("s"), SizeIs(5)) << strategy;
  }
}

/// What is drawn, no result decides, however far the study is; which of it gets further seeds, the
/// results do.
TEST_F(SearchChangeTest, OfWhatIsDrawnTheResultsDecideNothingButFurtherSeeds) {
  const auto recipe = [](const std::string& temporal, const std::string& seeds,
                         const std::string& search) {
    return Recipe(temporal +
                      "[train]\nepochs = 4\n[[grid.classifier]]\nuse = \"moe\"\nexperts = "
                      "[2, 4, 8, 16]\n[search]\n" +
                      search,
                  seeds);
  };
  const std::string temporal = std::string(kLstm) + kGru;
  for (const std::string search :
       {"strategy = \"random\"\nbudget = 5\n", "strategy = \"halving\"\ncandidates = 5\n"}) {
    EXPECT_EQ(RunAccepting(recipe(temporal, "[1]", "strategy = \"grid\"\n")).exit_code, 0);
    const std::string drawn = recipe(temporal + kBlstm, "[1]", search);
    const std::string said = Refusal(drawn);
    EXPECT_THAT(said,
                AllOf(HasSubstr(" would no longer count\n"), HasSubstr(" stay"),
                      Not(HasSubstr("the results decide")), Not(HasSubstr("the search decides"))))
        << search;
    const std::string raced = Refusal(recipe(temporal + kBlstm, "{ min = 1, max = 2 }", search));
    EXPECT_THAT(raced,
                AllOf(HasSubstr(" would no longer count\n"), Not(HasSubstr("the results decide")),
                      HasSubstr("which new ones follow, the search decides by its results")))
        << search;
  }
}

/// A model that is refused leaves room for another one, so that who cannot count them all says
/// nothing of what leaves.
TEST_F(SearchChangeTest, WhereTooManyAreRefusedWhatIsDrawnIsOpen) {
  size_of_ = [](const ModelSpec& model) -> CountAnswer {
    const std::int64_t experts = model.parts.at("classifier").options.at("experts").as_int64();
    if (experts > 2) return "it has too many experts";
    return ModelSize{.parameters = 1, .size_bytes = 4};
  };
  std::string rates;
  for (int i = 1; i <= 40; ++i) rates += (i == 1 ? "" : ", ") + std::to_string(i * 0.001);
  std::string experts;
  for (int i = 1; i <= 64; ++i) experts += (i == 1 ? "" : ", ") + std::to_string(i);
  const std::string recipe =
      Recipe(std::string(kLstm) + "[[grid.classifier]]\nuse = \"moe\"\nexperts = [" + experts +
                 "]\n[grid.train]\nlearning_rate = [" + rates +
                 "]\n[search]\nstrategy = \"random\"\nbudget = 60\n",
             "[1]");
  EXPECT_EQ(Run(recipe).complete, 60);
  EXPECT_EQ(Run(recipe).attempts, 0);
  EXPECT_FALSE(change_.needs_consent());
  ExpectAllComplete("s", 60);
}

TEST_F(SearchChangeTest, AStudyThatGoesOnIsAskedNothing) {
  for (std::size_t stop_after = 1; stop_after <= 3; ++stop_after) {
    FakeExecutor executor(world_, outcome_of_);
    executor.on_poll = [&] {
      if (world_.started.size() >= stop_after) runner_->Interrupt();
    };
    slots_ = 1;
    (void)Run(recipe_, executor);
    EXPECT_FALSE(change_.any());
  }
  EXPECT_EQ(Run(recipe_).exit_code, 0);
  EXPECT_THAT(Trials("s"), SizeIs(3));
}

TEST_F(SearchChangeTest, ARaceOfSeedsThatGoesOnIsAskedNothing) {
  const std::string race = Recipe(std::string(kLstm) + kGru + kExperts, "{ min = 1, max = 3 }");
  for (std::size_t stop_after = 1; stop_after <= 4; ++stop_after) {
    FakeExecutor executor(world_, outcome_of_);
    executor.on_poll = [&] {
      if (world_.started.size() >= stop_after) runner_->Interrupt();
    };
    slots_ = 1;
    (void)Run(race, executor);
    EXPECT_FALSE(change_.any());
  }
  EXPECT_EQ(Run(race).exit_code, 0);
  EXPECT_EQ(Run(race).attempts, 0);
  EXPECT_FALSE(change_.any());
  // More seeds to race for are only more.
  EXPECT_EQ(Run(Recipe(std::string(kLstm) + kGru + kExperts, "{ min = 1, max = 4 }")).exit_code, 0);
  EXPECT_THAT(events_, Contains("  seeds: 4 is new"));
}

// ---- Killed at every step
// ------------------------------------------------------------------------

TEST_F(StudyChangeTest, ARunThatIsKilledLeavesTheOldStudyOrTheNew) {
  const std::string before = Recipe(std::string(kLstm) + kGru);
  const std::string after = Recipe(std::string(kLstm) + kBlstm, "[2, 3]");
  std::int64_t steps = 0;
  for (std::int64_t kill_at = 1; steps == 0 || kill_at <= steps; ++kill_at) {
    SCOPED_TRACE("killed at step " + std::to_string(kill_at));
    std::filesystem::remove_all(folder_ / "runs");
    for (const char* file : {"test.db", "test.db-wal", "test.db-shm"}) {
      std::filesystem::remove(folder_ / file);
    }
    world_ = {};
    EXPECT_EQ(Run(before).complete, 4);
    accept_changes_ = true;
    Fuse fuse(kill_at);
    try {
      FakeExecutor executor(world_, outcome_of_, &fuse);
      (void)Run(after, executor, &fuse);
      steps = fuse.burnt();
    } catch (const Killed&) {
    }
    const bool is_new = Store(database_, OpenMode::kReadOnly).FindStudy("s")->recipe_text == after;
    EXPECT_THAT(History(), SizeIs(is_new ? 2 : 1));
    for (const TrialRecord& trial : Trials("s")) {
      EXPECT_TRUE(!is_new || (trial.seed != 1 && trial.name.find("GRU") == std::string::npos))
          << trial.name << " " << trial.seed;
    }
    EXPECT_EQ(Run(after).exit_code, 0);
    accept_changes_ = false;
    ExpectAllComplete("s", 4);
    EXPECT_THAT(History(), SizeIs(2));
    EXPECT_THAT(world_.trained, AllOf(SizeIs(7), Each(testing::Pair(testing::_, 1))));
  }
  EXPECT_GT(steps, 10);
}

}  // namespace study_change_test
}  // namespace beamgrid
