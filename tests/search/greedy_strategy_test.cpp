// Greedy selection on planted objectives: which models each stage asks for, and what wins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "registry/util/error.h"
#include "search/strategy.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Objective = std::function<std::optional<double>(const std::string& name, const ModelSpec&)>;

/// A recipe with its space and strategy, which refer to each other.
class Search {
 public:
  explicit Search(const std::string& added)
      : catalogue_(TestCatalogue()),
        recipe_(ParseRecipe(RecipeHead() + added, "r.toml", catalogue_)),
        space_(recipe_, catalogue_),
        strategy_(MakeStrategyFor(space_, recipe_)) {}

  Strategy& operator*() { return *strategy_; }
  Strategy* operator->() { return strategy_.get(); }

  std::vector<Candidate> AskAll() {
    std::vector<Candidate> asked;
    while (auto candidate = strategy_->Ask()) asked.push_back(std::move(*candidate));
    return asked;
  }

  void Tell(const Candidate& candidate, std::optional<double> objective, std::int64_t size = 1) {
    strategy_->Tell({.name = candidate.name,
                     .model = candidate.model,
                     .objective = objective,
                     .size_bytes = size});
  }

  /// Names per stage, until the search is done; findings are told in a shuffled order.
  std::vector<std::vector<std::string>> Run(const Objective& objective, unsigned seed = 1) {
    std::vector<std::vector<std::string>> stages;
    std::mt19937 random(seed);
    while (!strategy_->finished()) {
      std::vector<Candidate> asked = AskAll();
      if (asked.empty()) {
        ADD_FAILURE() << "not finished, and nothing to ask";
        break;
      }
      stages.emplace_back();
      for (const Candidate& candidate : asked) stages.back().push_back(candidate.name);
      std::shuffle(asked.begin(), asked.end(), random);
      for (const Candidate& candidate : asked) {
        Tell(candidate, objective(candidate.name, candidate.model));
      }
    }
    EXPECT_FALSE(strategy_->Ask().has_value());
    return stages;
  }

 private:
  Catalogue catalogue_;
  Recipe recipe_;
  SearchSpace space_;
  std::unique_ptr<Strategy> strategy_;
};

const std::string kGrid =
    "[[grid.multimodal]]\nuse = \"concat\"\n"
    "[[grid.multimodal]]\nuse = \"sum\"\n"
    "[[grid.temporal]]\nuse = \"gru\"\n"
    "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 128]\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n";

/// Each part adds its worth.
std::optional<double> Additive(const std::string& /*name*/, const ModelSpec& model) {
  double worth = 0;
  if (model.parts.at("multimodal").component == "sum") worth += 0.1;
  const Variant& temporal = model.parts.at("temporal");
  if (temporal.component == "netvlad") {
    worth += temporal.options.at("clusters") == 128 ? 0.3 : 0.2;
  }
  if (model.parts.at("classifier").options.at("experts") == 4) worth += 0.05;
  return worth;
}

TEST(Greedy, VariesOneCriterionAndHoldsTheOthersAtTheBestSoFar) {
  Search search(
      kGrid +
      "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"multimodal\", \"classifier\"]\n");
  EXPECT_THAT(
      search.Run(Additive),
      ElementsAre(
          UnorderedElementsAre("MC-GRU-MoE2", "MC-NetVLAD-C64-MoE2", "MC-NetVLAD-C128-MoE2"),
          ElementsAre("MS-NetVLAD-C128-MoE2"), ElementsAre("MS-NetVLAD-C128-MoE4")));
  EXPECT_THAT(
      search->Decisions(),
      ElementsAre("temporal: NetVLAD-C128 wins with 0.30000 over 3 candidates, next NetVLAD-C64 "
                  "with 0.20000; held: multimodal MC, classifier MoE2",
                  "multimodal: MS wins with 0.40000 over 2 candidates, next MC with 0.30000, 1 "
                  "known before; held: temporal NetVLAD-C128, classifier MoE2",
                  "classifier: MoE4 wins with 0.45000 over 2 candidates, next MoE2 with 0.40000, 1 "
                  "known before; held: multimodal MS, temporal NetVLAD-C128",
                  "best of 5 models: MS-NetVLAD-C128-MoE4 with 0.45000"));
  EXPECT_EQ(search->planned(), 5);
}

TEST(Greedy, TakesTheVaryingCriteriaInPipelineOrderWithoutAnOrder) {
  Search search(kGrid + "[search]\nstrategy = \"greedy\"\n");
  EXPECT_THAT(search.Run(Additive),
              ElementsAre(ElementsAre("MC-GRU-MoE2", "MS-GRU-MoE2"),
                          ElementsAre("MS-NetVLAD-C64-MoE2", "MS-NetVLAD-C128-MoE2"),
                          ElementsAre("MS-NetVLAD-C128-MoE4")));
}

TEST(Greedy, StartsFromTheBaseline) {
  Search search(kGrid +
                "[search]\nstrategy = \"greedy\"\norder = [\"multimodal\"]\n"
                "[search.baseline]\ntemporal = { use = \"blstm\" }\nclassifier = { use = \"moe\", "
                "experts = 8 }\nextras = { dropout = 0.2 }\ntrain = { batch = 64 }\n");
  EXPECT_THAT(search.Run(Additive), ElementsAre(ElementsAre("MC-BLSTM-Dropout0.2-MoE8-B64",
                                                            "MS-BLSTM-Dropout0.2-MoE8-B64")));
}

TEST(Greedy, AsksForTheBaselineAloneWhereNothingVaries) {
  Search search(
      "[search]\nstrategy = \"greedy\"\n[search.baseline]\nclassifier = { use = \"moe\" }\n");
  EXPECT_THAT(search.Run(Additive), ElementsAre(ElementsAre("MC-Mean-MoE2")));
  EXPECT_THAT(search->Decisions().back(), HasSubstr("best of 1 model: MC-Mean-MoE2 with"));
}

/// With sum NetVLAD is best, with concat GRU is; sum pays only with NetVLAD: a second pass is
/// needed, a third changes nothing.
std::optional<double> Interacting(const std::string& /*name*/, const ModelSpec& model) {
  const bool sum = model.parts.at("multimodal").component == "sum";
  const Variant& temporal = model.parts.at("temporal");
  const bool netvlad = temporal.component == "netvlad";
  double worth = netvlad == sum ? 0.5 : 0.3;
  if (sum) worth += 0.25;
  if (netvlad && temporal.options.at("clusters") == 128) worth += 0.01;
  if (model.parts.at("classifier").options.at("experts") == 4) worth += 0.05;
  return worth;
}

TEST(Greedy, FurtherPassesReuseFindingsAndStopWhereNothingChanges) {
  Search search(kGrid +
                "[search]\nstrategy = \"greedy\"\npasses = 5\n"
                "order = [\"temporal\", \"multimodal\", \"classifier\"]\n");
  EXPECT_THAT(
      search.Run(Interacting),
      ElementsAre(ElementsAre("MC-GRU-MoE2", "MC-NetVLAD-C64-MoE2", "MC-NetVLAD-C128-MoE2"),
                  ElementsAre("MS-GRU-MoE2"), ElementsAre("MS-GRU-MoE4"),
                  ElementsAre("MS-NetVLAD-C64-MoE4", "MS-NetVLAD-C128-MoE4"),
                  ElementsAre("MC-NetVLAD-C128-MoE4"), ElementsAre("MS-NetVLAD-C128-MoE2")));
  const std::vector<std::string> decisions = search->Decisions();
  EXPECT_EQ(decisions.size(), 11U);  // three passes of three stages and two words at the end
  EXPECT_EQ(decisions[9], "pass 3 changed nothing: no further pass");
  EXPECT_EQ(decisions[10], "best of 9 models: MS-NetVLAD-C128-MoE4 with 0.81000");
}

TEST(Greedy, IsBlindToTheOrderInWhichFindingsCome) {
  const std::string added = kGrid + "[search]\nstrategy = \"greedy\"\npasses = 3\n";
  Search first(added);
  const auto asked = first.Run(Interacting, 1);
  for (unsigned seed = 2; seed < 30; ++seed) {
    Search again(added);
    EXPECT_EQ(again.Run(Interacting, seed), asked);
    EXPECT_EQ(again->Decisions(), first->Decisions());
  }
}

TEST(Greedy, AsksNothingUntilTheStageIsTold) {
  Search search(kGrid +
                "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"multimodal\"]\n");
  const std::vector<Candidate> asked = search.AskAll();
  ASSERT_EQ(asked.size(), 3U);
  search.Tell(asked[2], 0.2);
  EXPECT_FALSE(search->Ask().has_value());
  search.Tell(asked[0], 0.3);
  EXPECT_FALSE(search->Ask().has_value());
  EXPECT_FALSE(search->finished());
  search.Tell(asked[1], 0.1);
  ASSERT_TRUE(search->Ask().has_value());
}

TEST(Greedy, FailedModelsNeverWin) {
  Search search(kGrid + "[search]\nstrategy = \"greedy\"\norder = [\"temporal\"]\n");
  const auto objective = [](const std::string& name, const ModelSpec&) {
    return name == "MC-GRU-MoE2" ? std::optional(0.01) : std::nullopt;
  };
  search.Run(objective);
  EXPECT_THAT(search->Decisions(),
              ElementsAre("temporal: GRU wins with 0.01000 over 3 candidates, 2 failed; held: "
                          "multimodal MC, classifier MoE2",
                          "best of 1 model: MC-GRU-MoE2 with 0.01000; 2 failed"));
}

TEST(Greedy, KeepsTheRunningValueWhereAWholeStageFails) {
  Search search(kGrid +
                "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"multimodal\"]\n"
                "[search.baseline]\ntemporal = { use = \"lstm\" }\n");
  const auto objective = [](const std::string&, const ModelSpec& model) {
    const bool held = model.parts.at("temporal").component == "lstm";
    return held ? std::optional(0.5) : std::nullopt;
  };
  EXPECT_THAT(search.Run(objective),
              ElementsAre(ElementsAre("MC-GRU-MoE2", "MC-NetVLAD-C64-MoE2", "MC-NetVLAD-C128-MoE2"),
                          ElementsAre("MC-LSTM-MoE2", "MS-LSTM-MoE2")));
  EXPECT_EQ(search->Decisions()[0], "temporal: all of 3 candidates failed; stays at LSTM");
}

TEST(Greedy, SaysSoWhereEverythingFails) {
  Search search(kGrid + "[search]\nstrategy = \"greedy\"\n");
  search.Run([](const std::string&, const ModelSpec&) { return std::nullopt; });
  EXPECT_EQ(search->Decisions().back(), "no model was trained to the end: 5 failed");
}

TEST(Greedy, EqualObjectivesGoToTheSmallerModelThenByName) {
  Search search(kGrid + "[search]\nstrategy = \"greedy\"\norder = [\"temporal\"]\n");
  const std::vector<Candidate> asked = search.AskAll();
  search.Tell(asked[0], 0.5, 300);
  search.Tell(asked[1], 0.5, 200);
  search.Tell(asked[2], 0.5, 200);
  EXPECT_THAT(search->Decisions()[0], HasSubstr("temporal: NetVLAD-C128 wins"));
}

TEST(Greedy, NeverAsksForExcludedModels) {
  Search search(kGrid +
                "[[exclude]]\nmultimodal = \"sum\"\n"
                "[search]\nstrategy = \"greedy\"\norder = [\"multimodal\", \"classifier\"]\n");
  EXPECT_THAT(search.Run(Additive),
              ElementsAre(ElementsAre("MC-GRU-MoE2"), ElementsAre("MC-GRU-MoE4")));
  EXPECT_THAT(search->Decisions()[0], HasSubstr("over 1 candidate, 1 excluded"));
}

TEST(Greedy, SkipsAStageWhoseCandidatesAreAllExcluded) {
  Search search(kGrid +
                "[[exclude]]\ntemporal = \"gru\"\n[[exclude]]\ntemporal = \"netvlad\"\n"
                "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"multimodal\"]\n"
                "[search.baseline]\ntemporal = { use = \"mean\" }\n");
  EXPECT_THAT(search.Run(Additive), ElementsAre(ElementsAre("MC-Mean-MoE2", "MS-Mean-MoE2")));
  EXPECT_EQ(search->Decisions()[0], "temporal: every candidate is excluded; stays at Mean");
}

TEST(Greedy, ExtrasAndTrainVaryOverAllTheirCombinations) {
  Search search(
      "[grid.extras]\nlayer_norm = [false, true]\ndropout = [0.0, 0.2]\ngradient_clip = 1.0\n"
      "[grid.train]\nlearning_rate = [0.001, 0.0006]\n"
      "[search]\nstrategy = \"greedy\"\norder = [\"extras\", \"train\"]\n");
  const auto objective = [](const std::string& /*name*/, const ModelSpec& model) {
    return std::optional(static_cast<double>(model.extras.size()) -
                         100 * model.train.at("learning_rate").as_double());
  };
  EXPECT_THAT(search.Run(objective),
              ElementsAre(ElementsAre("MC-Mean-clip1-Logistic", "MC-Mean-clip1-LN-Logistic",
                                      "MC-Mean-Dropout0.2-clip1-Logistic",
                                      "MC-Mean-Dropout0.2-clip1-LN-Logistic"),
                          ElementsAre("MC-Mean-Dropout0.2-clip1-LN-Logistic-lr0.0006")));
}

// Na et al. 2017, section 3.2: pooling was studied with MoE-2; classifier, label processing and
// loss all with Indirect Clustering, which was not the winner (here: GRU), the last two with
// MoE-16.
TEST(Greedy, FollowsTheStagesOfNaEtAl) {
  Search search(
      "[[grid.temporal]]\nuse = \"lstm\"\nhidden = [512, 1024]\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 16]\n"
      "[[grid.label_processing]]\nuse = \"none\"\n"
      "[[grid.label_processing]]\nuse = \"correlation\"\nbeta = [0.1, 0.3]\n"
      "[[grid.loss]]\nuse = \"cross_entropy\"\n"
      "[[grid.loss]]\nuse = \"huber\"\ndelta = [0.5, 1.0]\n"
      "[search]\nstrategy = \"greedy\"\n"
      "[[search.stage]]\nvary = \"temporal\"\n"
      "[[search.stage]]\nvary = \"classifier\"\nfix = { temporal = { use = \"gru\" } }\n"
      "[[search.stage]]\nvary = \"label_processing\"\n"
      "fix = { temporal = { use = \"gru\" }, classifier = { use = \"moe\", experts = 16 } }\n"
      "[[search.stage]]\nvary = \"loss\"\n"
      "fix = { temporal = { use = \"gru\" }, classifier = { use = \"moe\", experts = 16 } }\n");
  const auto objective = [](const std::string& /*name*/, const ModelSpec& model) {
    double worth = model.parts.at("temporal").component == "lstm" ? 0.82 : 0.80;
    if (model.parts.at("classifier").options.at("experts") == 16) worth -= 0.01;
    if (model.parts.at("label_processing").component != "none") worth -= 0.02;
    if (model.parts.at("loss").component == "huber") worth += 0.005;
    return std::optional(worth);
  };
  EXPECT_THAT(search.Run(objective),
              ElementsAre(ElementsAre("MC-LSTM-h512-MoE2", "MC-LSTM-MoE2"),
                          ElementsAre("MC-GRU-MoE2", "MC-GRU-MoE16"),
                          ElementsAre("MC-GRU-MoE16-corr-beta=0.1", "MC-GRU-MoE16-corr-beta=0.3"),
                          ElementsAre("MC-GRU-MoE16-Huber", "MC-GRU-MoE16-Huber-delta=1")));
  const std::vector<std::string> decisions = search->Decisions();
  EXPECT_THAT(decisions[2], HasSubstr("none wins with 0.79000 over 3 candidates"));
  EXPECT_THAT(decisions[3],
              HasSubstr("held: temporal GRU, classifier MoE16, label_processing none"));
  EXPECT_THAT(decisions[4], HasSubstr("best of 8 models: MC-LSTM-MoE2 with 0.82000"));
}

TEST(Greedy, PlannedNeverFallsBelowWhatIsAsked) {
  Search search(kGrid + "[search]\nstrategy = \"greedy\"\npasses = 2\n");
  EXPECT_EQ(search->planned(), 9);  // 2, 3 and 2, the held ones once; the second pass without them
  std::int64_t asked = 0;
  while (!search->finished()) {
    const std::int64_t planned = search->planned().value();
    for (const Candidate& candidate : search.AskAll()) {
      ++asked;
      search.Tell(candidate, Additive(candidate.name, candidate.model));
    }
    EXPECT_GE(planned, asked);
  }
  EXPECT_EQ(search->planned(), asked);
}

TEST(Greedy, RefusesToBeToldOfWhatItDidNotAskFor) {
  Search search(kGrid + "[search]\nstrategy = \"greedy\"\n");
  EXPECT_THROW(search->Tell({.name = "MS-GRU-MoE8"}), std::logic_error);
}

// Whatever the objective, the running best never gets worse from stage to stage without `fix`.
TEST(Greedy, FindsTheOptimumOfAnyAdditiveObjectiveInOnePass) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    std::map<std::string, double> worth;
    const auto value = [&](const std::string& part) {
      return worth.emplace(part, std::uniform_real_distribution<>(0, 1)(random)).first->second;
    };
    double best = 0;
    const auto objective = [&](const std::string& /*name*/, const ModelSpec& model) {
      double sum = 0;
      for (const auto& [criterion, variant] : model.parts) {
        boost::json::object options;
        for (const auto& [name, option] : variant.options) options[name] = option;
        sum += value(criterion + variant.component + CanonicalJson(options));
      }
      best = std::max(best, sum);
      return std::optional(sum);
    };
    Search greedy(kGrid + "[search]\nstrategy = \"greedy\"\n");
    greedy.Run(objective);
    const double found = best;
    Search grid(kGrid);
    grid.Run(objective);
    EXPECT_EQ(found, best) << "seed " << seed;
  }
}

TEST(Strategies, AnUnknownOneIsRefusedWithThoseThatThereAre) {
  const Catalogue catalogue = TestCatalogue();
  Recipe recipe = ParseRecipe(RecipeHead(), "r.toml", catalogue);
  const SearchSpace space(recipe, catalogue);
  recipe.search.strategy = "annealing";
  try {
    (void)MakeStrategyFor(space, recipe);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("unknown strategy 'annealing'; known: beam greedy grid halving"));
  }
}

}  // namespace
}  // namespace beamgrid
