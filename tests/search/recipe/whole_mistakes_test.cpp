// Mistakes of a recipe's head, and those that are told of a recipe as a whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "search/recipe.h"
#include "tests/search/recipe/mistakes_of.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace whole_mistakes_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RecipeMistakesOfTheHead, AnEmptyRecipeLacksItsVersionAndSections) {
  EXPECT_THAT(MistakesOf(""),
              ElementsAre("r.toml:1:1: beamgrid: is missing: write `beamgrid = 1`, the version of "
                          "the recipe format, as the first line",
                          "r.toml:1:1: study: the section is missing: it gives the name",
                          "r.toml:1:1: data: the section is missing: it gives format, train, "
                          "validate and classes"));
}

TEST(RecipeMistakesOfTheHead, AreNamedAtTheirSectionWhereKeysAreMissing) {
  EXPECT_THAT(MistakesOf("beamgrid = 1\n[study]\n[data]\n"),
              ElementsAre("r.toml:2:1: study.name: is missing: the study's name, letters, digits, "
                          "- and _",
                          "r.toml:3:1: data.format: is missing: what the records hold, one of "
                          "video, frame, segment",
                          "r.toml:3:1: data.train: is missing: the training files, globs relative "
                          "to the recipe",
                          "r.toml:3:1: data.validate: is missing: the validation files, globs "
                          "relative to the recipe",
                          "r.toml:3:1: data.classes: is missing: the number of classes "
                          "(YouTube-8M of 2018: 3862)"));
}

TEST(RecipeMistakesOfTheHead, AreAllShownAtOnce) {
  const std::string text =
      "beamgrid = 2\n"
      "[study]\n"
      "name = \"a study\"\n"
      "objective = \"gapp\"\n"
      "seeds = [1, 2, 1, -3, \"x\"]\n"
      "[data]\n"
      "format = \"frames\"\n"
      "train = [\"a*\", \"\", \"a*\", 3]\n"
      "validate = []\n"
      "classes = 0\n";
  EXPECT_THAT(
      MistakesOf(text),
      ElementsAre(
          "r.toml:1:12: beamgrid: is 2, must be 1: the only recipe format that this program reads",
          "r.toml:3:8: study.name: is \"a study\", must be 1..100 letters, digits, - and _",
          "r.toml:4:13: study.objective: is \"gapp\", must be one of accuracy, gap, hit_at_1, "
          "map, perr, segment_map, top_5; did you mean 'gap'?",
          "r.toml:5:16: study.seeds[2]: the seed 1 is named twice",
          "r.toml:5:19: study.seeds[3]: is -3, must be an integer from 0 on",
          "r.toml:5:23: study.seeds[4]: is text, must be an integer from 0 on",
          "r.toml:7:10: data.format: is \"frames\", must be one of video, frame, segment; did you "
          "mean 'frame'?",
          "r.toml:8:16: data.train[1]: is empty, must be text that is not empty",
          "r.toml:8:20: data.train[2]: 'a*' is in the list already",
          "r.toml:8:26: data.train[3]: is an integer, must be text that is not empty",
          "r.toml:9:12: data.validate: the list is empty; give at least one value",
          "r.toml:10:11: data.classes: is 0, must be 1..1048576"));
}

TEST(RecipeMistakesOfTheHead, ABudgetHoldsOneModel) {
  EXPECT_THAT(
      MistakesOf("beamgrid = 1\n[data]\nformat = \"frame\"\ntrain = \"a\"\nvalidate = \"b\"\n"
                 "classes = 2\n[study]\nname = \"s\"\nseeds = [1, 2, 3]\n[search]\nstrategy = "
                 "\"random\"\nbudget = 2\n"),
      ElementsAre("r.toml:12:10: search.budget: is 2 trials, but one model has 3 seeds: write "
                  "budget = 3 or more"));
}

TEST(RecipeMistakesOfTheHead, SeedsMustBeAList) {
  const std::string head =
      "beamgrid = 1\n[data]\nformat = \"frame\"\ntrain = \"a\"\n"
      "validate = \"b\"\nclasses = 2\n[study]\nname = \"s\"\n";
  EXPECT_THAT(MistakesOf(head), IsEmpty());
  EXPECT_THAT(MistakesOf(head + "seeds = 3\n"),
              ElementsAre("r.toml:9:9: study.seeds: is an integer, must be a list of one or more "
                          "integers: seeds = [1, 2, 3], or how many of them are raced for: seeds = "
                          "{ min = 1, max = 5 }"));
  EXPECT_THAT(MistakesOf(head + "seeds = []\n"),
              ElementsAre("r.toml:9:9: study.seeds: is an empty list, must be a list of one or "
                          "more integers: seeds = [1, 2, 3], or how many of them are raced for: "
                          "seeds = { min = 1, max = 5 }"));
  EXPECT_THAT(MistakesOf(head + "seeds = { min = 2, max = 2 }\n"),
              ElementsAre("r.toml:9:26: study.seeds.max: is 2, must be more than min (2), else "
                          "there are no seeds to race for; for 2 of every model write seeds = "
                          "[1, 2]"));
  EXPECT_THAT(MistakesOf(head + "seeds = { min = 0, max = 5, least = 1 }\n"),
              ElementsAre("r.toml:9:17: study.seeds.min: is 0, must be 1..1000",
                          "r.toml:9:29: study.seeds.least: unknown key 'least'; known here: min, "
                          "max"));
  EXPECT_THAT(MistakesOf(head + "seeds = {}\n"),
              ElementsAre("r.toml:9:9: study.seeds.max: is missing: the most seeds that a model "
                          "gets"));
}

TEST(RecipeMistakesOfTheHead, SectionsOfAnotherKindAreNamed) {
  EXPECT_THAT(MistakesOf("study = 3\n[[data]]\nformat = \"frame\"\n"),
              ElementsAre(HasSubstr("r.toml:1:1: beamgrid: is missing"),
                          "r.toml:1:9: study: is an integer, must be a table: [study]",
                          "r.toml:2:1: data: write [data] with single brackets, once"));
}

TEST(RecipeSyntax, IsOneMistakeWithItsPlace) {
  const std::vector<std::string> mistakes = MistakesOf(RecipeHead() + "holdout = = 3\n");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_THAT(mistakes[0], testing::StartsWith("r.toml:9:11: not valid TOML: "));
}

TEST(RecipeSyntax, ARepeatedKeyIsAMistake) {
  const std::vector<std::string> mistakes = MistakesOf(RecipeHead() + "classes = 11\n");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_THAT(mistakes[0], testing::StartsWith("r.toml:9:"));
  EXPECT_THAT(mistakes[0], HasSubstr("not valid TOML"));
  EXPECT_THAT(mistakes[0], HasSubstr("classes"));
}

TEST(RecipeError, ShowsEveryMistakeOnItsLine) {
  try {
    (void)ParseRecipe(RecipeHead() + "clases = 3\non_eror = 4\n", "r.toml", TestCatalogue());
    FAIL() << "no mistake was found";
  } catch (const RecipeError& error) {
    const std::string text = error.what();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    EXPECT_THAT(text, testing::StartsWith("r.toml:9:1: data.clases: "));
    EXPECT_THAT(text, HasSubstr("\nr.toml:10:1: data.on_eror: "));
  }
}

TEST(RecipeGrid, SaysWhereTheTrainerLacksADefault) {
  Catalogue catalogue = TestCatalogue();
  std::erase_if(catalogue.components, [](const ComponentInfo& c) { return c.name == "mean"; });
  try {
    (void)ParseRecipe(RecipeHead(), "r.toml", catalogue);
    FAIL() << "no mistake was found";
  } catch (const RecipeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("grid: temporal is left out, and this trainer lacks its "
                                        "default, 'mean'"));
  }
}

}  // namespace whole_mistakes_test
}  // namespace beamgrid
