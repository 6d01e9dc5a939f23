// What strategies say that they will ask for, held to what they ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/search/strategy_test_support.h"

namespace beamgrid {
namespace effort_test {

const std::string kGrid =
    "[[grid.multimodal]]\nuse = \"concat\"\n[[grid.multimodal]]\nuse = \"sum\"\n"
    "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"lstm\"\n"
    "[[grid.temporal]]\nuse = \"mean\"\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 3, 4, 8]\n";

std::optional<double> Scored(const Candidate& candidate, std::size_t /*seed*/) {
  return static_cast<double>(std::hash<std::string>()(candidate.name) % 1000) / 1000;
}

/// Runs the search; at every point what was asked and what is to come must be within the effort.
/// Returns the number of candidates, one that is asked for again not counted.
std::int64_t AskedInAll(PlantedSearch& search, const Effort& at_first) {
  std::set<std::string> asked;
  std::vector<Effort> efforts = {at_first};
  while (!search->finished()) {
    const std::vector<Candidate> batch = search.AskAll();
    if (batch.empty()) break;
    for (const Candidate& candidate : batch) asked.insert(candidate.name);
    efforts.push_back(search->effort());
    for (const Candidate& candidate : batch) search.Tell(candidate, Scored);
    efforts.push_back(search->effort());
  }
  const std::int64_t count = std::ssize(asked);
  for (const Effort& effort : efforts) {
    EXPECT_LE(effort.least, count);
    EXPECT_GE(effort.most.value_or(count), count);
  }
  return count;
}

Effort Expect(const std::string& recipe, std::int64_t least, std::int64_t most) {
  SCOPED_TRACE(recipe);
  PlantedSearch search(recipe);
  const Effort effort = search->effort();
  EXPECT_EQ(effort.least, least);
  EXPECT_EQ(effort.most, most);
  const std::int64_t asked = AskedInAll(search, effort);
  EXPECT_GE(asked, least);
  EXPECT_LE(asked, most);
  return effort;
}

TEST(EffortTest, OfAGridIsTheGrid) { Expect(kGrid, 24, 24); }

TEST(EffortTest, OfGreedyCountsTheModelThatAStageHoldsOnce) {
  const std::string greedy = kGrid + "[search]\nstrategy = \"greedy\"\n";
  Expect(greedy, 2 + 2 + 3, 2 + 2 + 3);
  Expect(greedy + "passes = 3\n", 7, 7 + 2 * (1 + 2 + 3));
  // The first stage is known, whatever is excluded.
  Expect(kGrid + "[[exclude]]\ntemporal = \"lstm\"\n[search]\nstrategy = \"greedy\"\n", 2, 7);
  // A criterion that comes again, and a stage that holds something else than the best.
  const auto stage = [](const std::string& rest) { return "[[search.stage]]\nvary = " + rest; };
  Expect(greedy + stage("\"temporal\"\n") + stage("\"classifier\"\n") + stage("\"temporal\"\n"),
         3 + 3, 3 + 3 + 3);
  Expect(greedy + stage("\"temporal\"\n") +
             stage("\"classifier\"\nfix = { temporal = { use = \"mean\" } }\n"),
         3, 3 + 4);
}

TEST(EffortTest, OfABeamIsExactWhereNothingIsExcluded) {
  const std::string beam = kGrid + "[search]\nstrategy = \"beam\"\n";
  // 2 models; around each of 2 the 2 other temporals; around each of 3 the 3 other classifiers.
  Expect(beam, 2 + 2 * 2 + 3 * 3, 2 + 2 * 2 + 3 * 3);
  Expect(beam + "width = 1\n", 7, 7);
  Expect(kGrid + "[[exclude]]\ntemporal = \"lstm\"\n[search]\nstrategy = \"beam\"\n", 2, 15);
}

TEST(EffortTest, OfABeamLeavesOutTheSuccessorsOfWhatIsRefused) {
  PlantedSearch search(kGrid + "[search]\nstrategy = \"beam\"\n");
  const std::vector<Candidate> asked = search.AskAll();
  ASSERT_EQ(asked.size(), 2U);
  search->Tell({.name = asked[0].name, .model = asked[0].model, .is_refused = true});
  // The 2 other temporals around the one that is left; around each of 3 the 3 other classifiers.
  EXPECT_EQ(search->effort().least, 2 + 2 + 3 * 3);
  EXPECT_EQ(search->effort().most, 2 + 2 + 3 * 3);
  search.Tell(asked[1], Scored);
  EXPECT_EQ(search->effort().most, 2 + 2 + 3 * 3);
}

TEST(EffortTest, OfHalvingCountsItsEpochs) {
  const Effort effort = Expect(
      "[train]\nepochs = 12\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
      "[search]\nstrategy = \"halving\"\neta = 3\n",
      9, 9);
  // Nine for 1 epoch, three for 3 more, one for 8 more, of 9 x 12.
  EXPECT_DOUBLE_EQ(effort.epoch_share, (9.0 * 1 + 3 * 3 + 1 * 8) / (9 * 12));
  EXPECT_EQ(effort.to_the_end, 1);
}

TEST(EffortTest, OfHalvingHasTheRungsOfThoseThatAreNotRefused) {
  PlantedSearch search(
      "[train]\nepochs = 12\n"
      "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
      "[search]\nstrategy = \"halving\"\neta = 3\n");
  const std::vector<Candidate> asked = search.AskAll();
  ASSERT_EQ(asked.size(), 9U);
  for (std::size_t i = 0; i < 4; ++i) {
    search->Tell({.name = asked[i].name, .model = asked[i].model, .is_refused = true});
  }
  const Effort effort = search->effort();
  // Five for 1 epoch, two for 3 more, one for 8 more, of 5 x 12.
  EXPECT_DOUBLE_EQ(effort.epoch_share, (5.0 * 1 + 2 * 3 + 1 * 8) / (5 * 12));
  EXPECT_EQ(effort.to_the_end, 1);
  EXPECT_EQ(effort.most, 9) << "those that were refused are asked for, too";
}

TEST(EffortTest, OfARandomSearchIsItsBudget) {
  const std::string random = "[search]\nstrategy = \"random\"\n";
  Expect(kGrid + random, 24, 24);
  Expect(kGrid + random + "budget = 7\n", 7, 7);
}

TEST(EffortTest, OfASearchThatDrawsLeavesOutWhatIsExcluded) {
  const std::string grid = kGrid + "[[exclude]]\ntemporal = \"lstm\"\n[search]\nstrategy = ";
  Expect(grid + "\"grid\"\n", 16, 16);
  Expect(grid + "\"random\"\n", 16, 16);
  Expect(grid + "\"random\"\nbudget = 7\n", 7, 7);
  Expect(grid + "\"random\"\nbudget = 20\n", 16, 16);
  Expect(grid + "\"model\"\nbudget = 20\n", 8, 16);
  Expect(kGrid +
             "[[exclude]]\nmultimodal = \"sum\"\n[[exclude]]\nclassifier = { use = \"moe\", "
             "experts = 8 }\n[[exclude]]\ntemporal = \"gru\"\n[search]\nstrategy = \"model\"\n"
             "budget = 20\n",
         6, 6);
}

/// No recipe is so: its reader refuses it.
TEST(EffortTest, IsNothingWhereEverythingIsExcluded) {
  const Catalogue catalogue = TestCatalogue();
  for (const StrategyInfo& info : Strategies()) {
    Recipe recipe = ParseRecipe(
        RecipeHead() + kGrid + "[search]\nstrategy = \"" + info.name + "\"\n", "r.toml", catalogue);
    recipe.exclusions = {{{"loss", "", "", OptionValue("cross_entropy")}}};
    const SearchSpace space(recipe, catalogue);
    const auto strategy = MakeStrategyFor(space, recipe);
    EXPECT_FALSE(strategy->Ask().has_value()) << info.name;
    EXPECT_TRUE(strategy->finished()) << info.name;
    EXPECT_FALSE(strategy->Choice().has_value()) << info.name;
    EXPECT_EQ(strategy->effort().least, 0) << info.name;
    EXPECT_EQ(strategy->planned(), 0) << info.name;
  }
}

TEST(EffortTest, OfAStageIsWhatNoStageBeforeHad) {
  for (const char* strategy : {"greedy", "beam"}) {
    for (const char* seeds : {"[1]", "{ min = 1, max = 2 }"}) {
      PlantedSearch search(kGrid + "[search]\nstrategy = \"" + strategy +
                               "\"\norder = [\"temporal\", \"multimodal\"]\n",
                           seeds);
      std::set<std::string> asked;
      while (!search->finished()) {
        const std::vector<Candidate> batch = search.AskAll();
        if (batch.empty()) break;
        for (const Candidate& candidate : batch) {
          asked.insert(candidate.name);
          search.Tell(candidate, Scored);
        }
      }
      // One of the second stage's around each was tried by the first.
      EXPECT_EQ(std::ssize(asked), std::string(strategy) == "greedy" ? 3 + 1 : 3 + 3);
      EXPECT_EQ(search->effort().most, std::ssize(asked)) << strategy << " " << seeds;
    }
  }
}

TEST(EffortTest, OfASearchThatLearnsIsAtLeastItsFirstDesign) {
  const std::string model = kGrid + "[search]\nstrategy = \"model\"\n";
  Expect(model + "budget = 12\n", 8, 12);
  PlantedSearch search(model + "gpu_hours = 2.5\n");
  EXPECT_EQ(search->effort().most, std::nullopt);
  EXPECT_EQ(search->effort().least, 0) << "the hours may end before the design";
  EXPECT_DOUBLE_EQ(search->effort().most_hours, 2.5);
  PlantedSearch unbounded(model);
  EXPECT_EQ(unbounded->effort().least, 8);
  AskedInAll(unbounded, unbounded->effort());
}

/// Tells of a candidate that it was trained, or that it was refused.
void TellOne(PlantedSearch& search, const Candidate& candidate, bool is_refused) {
  Finding finding{.name = candidate.name, .model = candidate.model, .size_bytes = 1};
  finding.is_refused = is_refused;
  if (!is_refused) {
    finding.objective = Scored(candidate, 0);
    finding.scores = {*finding.objective};
  }
  search->Tell(finding);
}

TEST(EffortTest, OfABudgetHasRoomForWhatWasRefused) {
  PlantedSearch random(kGrid + "[search]\nstrategy = \"random\"\nbudget = 7\n");
  const std::vector<Candidate> drawn = random.AskAll();
  ASSERT_EQ(drawn.size(), 7U);
  for (std::size_t i = 0; i < 3; ++i) TellOne(random, drawn[i], /*is_refused=*/true);
  EXPECT_EQ(random->effort().least, 7 + 3);
  EXPECT_EQ(random->effort().most, 7 + 3);
  for (std::size_t i = 3; i < 7; ++i) TellOne(random, drawn[i], /*is_refused=*/false);
  EXPECT_EQ(random.AskAll().size(), 3U);

  for (const auto& [budget, most] : {std::pair{12, 12 + 2}, std::pair{23, 24}}) {
    PlantedSearch model(
        kGrid + "[search]\nstrategy = \"model\"\nbudget = " + std::to_string(budget) + "\n");
    const std::vector<Candidate> asked = model.AskAll();
    ASSERT_EQ(asked.size(), 8U);
    // Not the first one: what lies behind an open question counts too.
    TellOne(model, asked[1], /*is_refused=*/true);
    TellOne(model, asked[5], /*is_refused=*/true);
    EXPECT_EQ(model->effort().least, 8);
    EXPECT_EQ(model->effort().most, most) << "of a grid of 24";
    for (std::size_t i = 0; i < 8; ++i) {
      if (i != 1 && i != 5) TellOne(model, asked[i], /*is_refused=*/false);
    }
    EXPECT_EQ(model->effort().most, most);
  }
}

TEST(EffortTest, OfABudgetThatIsRacedForHasRoomForWhatWasRefusedAtOnce) {
  PlantedSearch random(kGrid + "[search]\nstrategy = \"random\"\nbudget = 7\n",
                       "{ min = 1, max = 2 }");
  const std::vector<Candidate> drawn = random.AskAll();
  ASSERT_EQ(drawn.size(), 7U);
  for (std::size_t i = 0; i < 3; ++i) TellOne(random, drawn[i], /*is_refused=*/true);
  EXPECT_EQ(random->effort().least, 7 + 3);
  EXPECT_EQ(random->effort().most, 7 + 3);
  std::vector<Candidate> asked = random.AskAll();
  EXPECT_EQ(asked.size(), 3U);
  for (std::size_t i = 3; i < 7; ++i) TellOne(random, drawn[i], /*is_refused=*/false);
  // All seven race, and each is told of once: a second time nobody waits for it.
  while (!asked.empty()) {
    for (const Candidate& candidate : asked) TellOne(random, candidate, /*is_refused=*/false);
    asked = random.AskAll();
  }
  EXPECT_TRUE(random->finished());
  EXPECT_EQ(random->effort().most, 7 + 3);
}

TEST(EffortTest, OfARaceIsThatOfItsStrategy) {
  PlantedSearch search(kGrid + "[search]\nstrategy = \"greedy\"\n", "{ min = 1, max = 5 }");
  EXPECT_EQ(search->effort().least, 7);
  EXPECT_EQ(search->effort().most, 7);
}

TEST(EffortTest, OfAnEndedSearchIsWhatItAsked) {
  for (const char* strategy : {"grid", "greedy", "beam"}) {
    PlantedSearch search(kGrid + "[search]\nstrategy = \"" + strategy + "\"\n");
    const std::int64_t asked = AskedInAll(search, search->effort());
    EXPECT_EQ(search->effort().least, asked) << strategy;
    EXPECT_EQ(search->effort().most, asked) << strategy;
  }
}

}  // namespace effort_test
}  // namespace beamgrid
