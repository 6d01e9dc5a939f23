#include "search/search_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>

#include "search/strategy.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;

/// A recipe and its space.
class Space {
 public:
  explicit Space(const std::string& added, const std::string& format = "frame")
      : catalogue_(TestCatalogue()),
        recipe_(ParseRecipe(RecipeHead(format) + added, "r.toml", catalogue_)),
        space_(recipe_, catalogue_) {}

  const SearchSpace* operator->() const { return &space_; }
  const SearchSpace& operator*() const { return space_; }
  const Recipe& recipe() const { return recipe_; }

  /// Names of the points that no exclusion matches, in order.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < space_.size(); ++i) {
      if (const auto model = space_.At(i)) names.push_back(space_.Name(*model));
    }
    return names;
  }

 private:
  Catalogue catalogue_;
  Recipe recipe_;
  SearchSpace space_;
};

/// `count` integers from 1 on, as a TOML list.
std::string Numbers(int count) {
  std::string list = "[";
  for (int i = 1; i <= count; ++i) list += std::to_string(i) + ",";
  return list + "]";
}

TEST(SearchSpace, IsTheProductInPipelineOrderWithTheLastAxisFastest) {
  const Space space(
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n"
      "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"lstm\"\n"
      "[grid.extras]\nlayer_norm = [false, true]\n");
  EXPECT_EQ(space->size(), 8);
  EXPECT_THAT(space.Names(),
              ElementsAre("MC-GRU-MoE2", "MC-GRU-MoE4", "MC-GRU-LN-MoE2", "MC-GRU-LN-MoE4",
                          "MC-LSTM-MoE2", "MC-LSTM-MoE4", "MC-LSTM-LN-MoE2", "MC-LSTM-LN-MoE4"));
}

TEST(SearchSpace, HasTheDefaultsWhereTheGridSaysNothing) {
  const Space space("");
  EXPECT_EQ(space->size(), 1);
  const ModelSpec model = space->At(0).value();
  EXPECT_EQ(model.parts.at("multimodal").component, "concat");
  EXPECT_EQ(model.parts.at("temporal").component, "mean");
  EXPECT_EQ(model.parts.at("classifier").component, "logistic");
  EXPECT_EQ(model.parts.at("label_processing").component, "none");
  EXPECT_EQ(model.parts.at("loss").component, "cross_entropy");
  EXPECT_EQ(model.parts.size(), 5U);
  EXPECT_TRUE(model.extras.empty());
  EXPECT_EQ(model.train, space.recipe().train);
}

TEST(SearchSpace, AnExtraThatIsOffIsTheSameAsOneThatIsNotNamed) {
  const Space with("[grid.extras]\ndropout = [0, 0.2]\nlayer_norm = false\nzoneout = 0.0\n");
  const Space without("");
  EXPECT_EQ(with->At(0), without->At(0));
}

TEST(SearchSpace, ZippedOptionsVaryTogether) {
  const Space space(
      "[[grid.temporal]]\nuse = \"blstm\"\nhidden = [512, 256]\nresidual = [true, false]\n"
      "layers = [2, 1]\nzip = [\"hidden\", \"layers\"]\n");
  EXPECT_THAT(space.Names(),
              ElementsAre("MC-BLSTM-h512-L2-Logistic", "MC-BLSTM-h512-L2-residual=false-Logistic",
                          "MC-BLSTM-h256-Logistic", "MC-BLSTM-h256-residual=false-Logistic"));
}

TEST(SearchSpace, AListInsideAListIsOneValue) {
  const Space space("[[grid.temporal]]\nuse = \"lstm\"\nwidths = [[3, 4], [5]]\n");
  EXPECT_EQ(space->size(), 2);
  EXPECT_EQ(space->At(0)->parts.at("temporal").options.at("widths"), (boost::json::array{3, 4}));
  EXPECT_EQ(space->At(1)->parts.at("temporal").options.at("widths"), (boost::json::array{5}));
}

TEST(SearchSpace, ExtrasTakeTablesAndTheirFirstOption) {
  const Space space(
      "[grid.extras]\ngradient_clip = [1.0, { norm = 5, type = \"global\" }]\n"
      "zoneout = { cell = [0.1, 0.2] }\ncontext_gating = [false, true, \"probabilities\"]\n");
  EXPECT_EQ(space->size(), 12);
  const ModelSpec last = space->At(11).value();
  EXPECT_EQ(last.extras.at("gradient_clip").at("norm"), 5.0);
  EXPECT_EQ(last.extras.at("gradient_clip").at("type"), "global");
  EXPECT_EQ(last.extras.at("zoneout").at("cell"), 0.2);
  EXPECT_EQ(last.extras.at("zoneout").at("hidden"), 0.05);
  EXPECT_EQ(space->At(0)->extras.contains("context_gating"), false);
  EXPECT_EQ(space->At(11)->extras.at("context_gating").at("on"), "probabilities");
}

TEST(SearchSpace, TrainingKeysReplaceTheRecipesOwn) {
  const Space space(
      "[train]\nbatch = 64\nlearning_rate = 1\n"
      "[grid.train]\nlearning_rate = [0.1, 0.2]\nepochs = 3\n");
  EXPECT_EQ(space->size(), 2);
  const Options train = space->At(1)->train;
  EXPECT_EQ(train.at("learning_rate"), 0.2);
  EXPECT_EQ(train.at("epochs"), 3);
  EXPECT_EQ(train.at("batch"), 64);
}

TEST(SearchSpace, ExclusionsMatchWhereAllTheirConditionsHold) {
  const Space space(
      "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, "
      "128]\n"
      "[grid.extras]\nlayer_norm = [false, true]\ndropout = [0.0, 0.2]\n"
      "[[exclude]]\ntemporal = \"netvlad\"\nextras.layer_norm = true\n"
      "[[exclude]]\ntemporal.clusters = 128\nextras.dropout = 0.2\n"
      "[[exclude]]\ntemporal = { use = \"gru\" }\nextras = { dropout = false }\n");
  EXPECT_THAT(space.Names(),
              ElementsAre("MC-GRU-Dropout0.2-Logistic", "MC-GRU-Dropout0.2-LN-Logistic",
                          "MC-NetVLAD-C64-Logistic", "MC-NetVLAD-Dropout0.2-C64-Logistic",
                          "MC-NetVLAD-C128-Logistic"));
}

TEST(SearchSpace, ExclusionsReachTrainingKeysAndExtrasOptions) {
  const Space space(
      "[grid.extras]\nzoneout = [{ cell = 0.1 }, { cell = 0.2 }]\n"
      "[grid.train]\nbatch = [32, 64]\n"
      "[[exclude]]\ntrain.batch = 32\nextras.zoneout = { cell = 0.2 }\n");
  EXPECT_EQ(space.Names().size(), 3U);
}

TEST(SearchSpace, VariesOneCriterionOverABase) {
  const Space space(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3]\n"
      "[grid.extras]\nlayer_norm = [false, true]\ndropout = [0.0, 0.2]\n"
      "[grid.train]\nbatch = [1, 2]\nepochs = [1, 2, 3]\n");
  EXPECT_EQ(space->CandidateCount("temporal"), 3);
  EXPECT_EQ(space->CandidateCount("extras"), 4);
  EXPECT_EQ(space->CandidateCount("train"), 6);
  EXPECT_EQ(space->CandidateCount("classifier"), 1);
  const ModelSpec base = space->Baseline();
  const ModelSpec changed = space->Replace(base, "extras", 3);
  EXPECT_EQ(changed.extras.size(), 2U);
  EXPECT_EQ(changed.parts, base.parts);
  EXPECT_EQ(space->Replace(changed, "extras", 0), base);
  EXPECT_EQ(space->Replace(base, "train", 5).train.at("epochs"), 3);
  EXPECT_EQ(space->Replace(base, "temporal", 2).parts.at("temporal").options.at("hidden"), 3);
}

TEST(SearchSpace, TheBaselineTakesFirstVariantsExtrasOffAndTrainAsItIs) {
  const Space space(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [7, 8]\n[[grid.temporal]]\nuse = \"mean\"\n"
      "[grid.extras]\nlayer_norm = [true, false]\ndropout = [0.2, 0.3]\n"
      "[train]\nbatch = 64\n[grid.train]\nbatch = [32, 64]\nepochs = [2, 3]\n");
  const ModelSpec baseline = space->Baseline();
  EXPECT_EQ(baseline.parts.at("temporal").options.at("hidden"), 7);
  EXPECT_FALSE(baseline.extras.contains("layer_norm"));
  EXPECT_EQ(baseline.extras.at("dropout").at("rate"), 0.2) << "the grid never has it off";
  EXPECT_EQ(baseline.train.at("batch"), 64) << "as in [train], which the grid has too";
  EXPECT_EQ(baseline.train.at("epochs"), 2) << "the grid does not have 5";
}

TEST(SearchSpace, NextAllowedAgreesWithASlowWalk) {
  std::mt19937 random(7);
  const std::string grid =
      "[[grid.multimodal]]\nuse = \"concat\"\n[[grid.multimodal]]\nuse = \"sum\"\n"
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3]\n[[grid.temporal]]\nuse = \"mean\"\n"
      "[grid.extras]\nlayer_norm = [false, true]\ndropout = [0.0, 0.2]\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n[grid.train]\nbatch = [1, 2, 3]\n";
  const std::vector<std::string> conditions = {
      "multimodal = \"sum\"",   "multimodal = \"concat\"",  "temporal = \"gru\"",
      "temporal.hidden = 2",    "extras.layer_norm = true", "extras.dropout = 0",
      "classifier.experts = 4", "train.batch = 2",          "loss = \"cross_entropy\"",
      "train.decay = 0.95"};
  int empty = 0;
  for (int round = 0; round < 200; ++round) {
    std::string added = grid;
    const int exclusions = static_cast<int>(random() % 4);
    for (int i = 0; i < exclusions; ++i) {
      added += "[[exclude]]\n";
      std::set<std::size_t> chosen;
      for (std::size_t count = 1 + random() % 3; chosen.size() < count;) {
        const std::size_t pick = random() % conditions.size();
        // One of the first two, and "temporal" or one of its options, not both: TOML.
        if (pick == 1 && chosen.contains(0)) continue;
        if (pick == 0 && chosen.contains(1)) continue;
        if ((pick == 2 && chosen.contains(3)) || (pick == 3 && chosen.contains(2))) continue;
        chosen.insert(pick);
      }
      for (const std::size_t pick : chosen) added += conditions[pick] + "\n";
    }
    std::optional<Space> made;
    try {
      made.emplace(added);
    } catch (const RecipeError&) {
      ++empty;  // the exclusions leave nothing, which is a mistake
      continue;
    }
    const Space& space = *made;
    std::vector<std::int64_t> slow, fast;
    for (std::int64_t i = 0; i < space->size(); ++i) {
      if (space->At(i)) slow.push_back(i);
    }
    for (auto i = space->NextAllowed(0); i; i = space->NextAllowed(*i + 1)) fast.push_back(*i);
    EXPECT_EQ(fast, slow) << added;
    EXPECT_EQ(space->CountAllowed(), std::ssize(slow));
  }
  EXPECT_LT(empty, 100);
}

TEST(SearchSpace, ATrillionPointsCostNothingUntilAskedFor) {
  const std::string thousand = Numbers(1000);
  const Space space("[[grid.temporal]]\nuse = \"gru\"\nhidden = " + thousand +
                    "\n[grid.train]\nbatch = " + thousand + "\nepochs = " + thousand +
                    "\ndecay_examples = " + thousand + "\n");
  EXPECT_EQ(space->size(), 1'000'000'000'000);
  const ModelSpec model = space->At(123'456'789'012).value();
  EXPECT_EQ(model.parts.at("temporal").options.at("hidden"), 124);
  EXPECT_EQ(model.train.at("batch"), 457);
  EXPECT_EQ(model.train.at("epochs"), 790);
  EXPECT_EQ(model.train.at("decay_examples"), 13);
  const auto strategy = MakeStrategyFor(*space, space.recipe());
  EXPECT_EQ(strategy->planned(), 1'000'000'000'000);
  EXPECT_EQ(strategy->Ask()->model, space->At(0));
  EXPECT_EQ(strategy->Ask()->model, space->At(1));
}

TEST(SearchSpace, RunsOfExcludedPointsAreSteppedOver) {
  const std::string thousand = Numbers(1000);
  const Space space("[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2]\n[grid.train]\nbatch = " +
                    thousand + "\nepochs = " + thousand + "\ndecay_examples = " + thousand +
                    "\n[[exclude]]\ntemporal.hidden = 1\n");
  EXPECT_EQ(space->NextAllowed(0), 1'000'000'000);
}

TEST(SearchSpace, TheSizeSaturates) {
  std::string added = "[[grid.temporal]]\nuse = \"blstm\"\nhidden = " + Numbers(8000) +
                      "\n[[grid.multimodal]]\nuse = \"attention\"\nguide = [\"image\", "
                      "\"audio\"]\n[grid.train]\nbatch = " +
                      Numbers(60000) + "\nepochs = " + Numbers(60000) +
                      "\ndecay_examples = " + Numbers(60000) +
                      "\n[[grid.classifier]]\nuse = \"conditional_inference\"\n" +
                      "rank = " + Numbers(60000) + "\n";
  const Space space(added);
  EXPECT_EQ(space->size(), std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(space->At(space->size() - 1).has_value());
}

TEST(Grid, AsksForEveryAllowedPointOnceAndIsThenFinished) {
  const Space space(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3]\n[grid.train]\nbatch = [1, 2]\n"
      "[[exclude]]\ntemporal.hidden = 2\ntrain.batch = 1\n");
  const auto strategy = MakeStrategyFor(*space, space.recipe());
  EXPECT_EQ(strategy->planned(), 5);
  std::vector<std::string> names;
  while (auto candidate = strategy->Ask()) {
    EXPECT_EQ(candidate->name, space->Name(candidate->model));
    names.push_back(candidate->name);
  }
  EXPECT_EQ(names, space.Names());
  EXPECT_TRUE(strategy->finished());
  EXPECT_FALSE(strategy->Ask().has_value());
}

TEST(Grid, NoTwoPointsOfARandomSpaceAreEqual) {
  std::mt19937 random(11);
  for (int round = 0; round < 100; ++round) {
    std::string added;
    const auto list = [&random](int most) {
      return Numbers(1 + static_cast<int>(random() % static_cast<unsigned>(most)));
    };
    added +=
        "[[grid.temporal]]\nuse = \"gru\"\nhidden = " + list(3) + "\nlayers = " + list(3) + "\n";
    added += "[[grid.temporal]]\nuse = \"lstm\"\nhidden = " + list(3) + "\n";
    added += "[[grid.classifier]]\nuse = \"moe\"\nexperts = " + list(3) + "\n";
    added += "[grid.extras]\nlayer_norm = [true, false]\nzoneout = [false, 1, {hidden = [0, 1]}]\n";
    added += "[grid.train]\nepochs = " + list(2) + "\n";
    const Space space(added);
    std::set<std::string> models, names;
    for (std::int64_t i = 0; i < space->size(); ++i) {
      models.insert(CanonicalJson(ToJson(*space->At(i))));
      names.insert(space->Name(*space->At(i)));
    }
    EXPECT_EQ(models.size(), static_cast<std::size_t>(space->size())) << added;
    EXPECT_EQ(names.size(), models.size()) << added;
  }
}

// ---- Recorded models ---------------------------------------------------------------------------

TEST(SearchSpaceCounterpart, EveryPointIsItsOwn) {
  const Catalogue catalogue = TestCatalogue();
  const Recipe recipe = ParseRecipe(
      RecipeHead() +
          "[[grid.temporal]]\nuse = \"gru\"\nhidden = [8, 16]\nlayers = [1, 2]\nzip = [\"hidden\", "
          "\"layers\"]\n[[grid.temporal]]\nuse = \"lstm\"\n[grid.extras]\ndropout = [false, 0.2, "
          "0.3]\n[grid.train]\nbatch = [1, 2]\n[[exclude]]\ntemporal = \"lstm\"\ntrain.batch = 2\n",
      "r.toml", catalogue);
  const SearchSpace space(recipe, catalogue);
  int points = 0;
  for (auto index = space.NextAllowed(0); index; index = space.NextAllowed(*index + 1)) {
    ++points;
    const ModelSpec model = *space.At(*index);
    // As it comes from the record.
    EXPECT_EQ(space.Counterpart(ModelSpecFromJson(ParseJson(CanonicalJson(ToJson(model))))), model);
    ModelSpec other = model;
    other.train["epochs"] = 77;
    EXPECT_FALSE(space.Counterpart(other));
    other = model;
    other.train["batch"] = 3;
    EXPECT_FALSE(space.Counterpart(other));
    other = model;
    other.parts["temporal"] = {"gru", {{"hidden", 8}, {"layers", 2}}};
    EXPECT_FALSE(space.Counterpart(other)) << "no step of the zip";
    other = model;
    other.extras["layer_norm"] = {};
    EXPECT_FALSE(space.Counterpart(other));
    other = model;
    other.parts["temporal"].options["another"] = 1;
    EXPECT_FALSE(space.Counterpart(other));
    other = model;
    other.parts.erase("loss");
    EXPECT_FALSE(space.Counterpart(other));
    if (model.parts.at("temporal").component != "lstm") continue;
    other = model;
    other.train["batch"] = 2;
    EXPECT_FALSE(space.Counterpart(other)) << "excluded";
  }
  EXPECT_EQ(points, 3 * 3 * 2 - 3);
}

TEST(SearchSpaceCounterpart, WhatASearchHoldsBesideTheGridIsMeantToo) {
  const Catalogue catalogue = TestCatalogue();
  const std::string rest =
      "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"lstm\"\n[search]\nstrategy = "
      "\"STRATEGY\"\n[search.baseline]\nclassifier = { use = \"moe\", experts = 8 }\n"
      "extras = { dropout = 0.2 }\ntrain = { batch = 2 }\n";
  for (const std::string strategy : {"grid", "greedy"}) {
    std::string text = RecipeHead() + rest;
    text.replace(text.find("STRATEGY"), 8, strategy);
    const Recipe recipe = ParseRecipe(text, "r.toml", catalogue);
    const SearchSpace space(recipe, catalogue);
    EXPECT_EQ(space.Counterpart(space.Baseline()).has_value(), strategy == "greedy");
    EXPECT_EQ(space.Counterpart(*space.At(0)), *space.At(0));
  }
}

TEST(SearchSpaceCounterpart, AFileIsMeantByItsNameOrItsContent) {
  Catalogue catalogue = TestCatalogue();
  catalogue.components.push_back(
      Component("temporal", "script", "Script", {{.name = "file", .type = OptionType::kFile}}));
  const auto find = [](const std::string& name) {
    return NamedFile{.name = name, .path = "/now/" + name, .hash = "hash of now"};
  };
  const Recipe recipe =
      ParseRecipe(RecipeHead() + "[[grid.temporal]]\nuse = \"script\"\nfile = \"a.pt\"\n", "r.toml",
                  catalogue, find);
  const SearchSpace space(recipe, catalogue);
  const ModelSpec now = *space.At(0);
  const auto recorded = [&](const std::string& name, const std::string& hash) {
    ModelSpec model = now;
    model.parts["temporal"].options["file"] =
        ToJson(NamedFile{.name = name, .path = "/then/" + name, .hash = hash});
    return space.Counterpart(model);
  };
  EXPECT_EQ(recorded("a.pt", "hash of then"), now);
  EXPECT_EQ(recorded("b.pt", "hash of now"), now);
  EXPECT_FALSE(recorded("b.pt", "hash of then"));
}

}  // namespace
}  // namespace beamgrid
