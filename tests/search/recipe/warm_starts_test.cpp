// Trials that others start from, as a recipe names them.

#include <gmock/gmock.h>

#include "search/recipe.h"
#include "search/recipe/warm_start_name.h"
#include "search/search_space.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;

class RecipeWarmStarts : public testing::Test {
 protected:
  Recipe Parse(const std::string& rest) const {
    return ParseRecipe(RecipeHead() + rest, "r.toml", catalogue_);
  }
  std::vector<std::string> Starts(const std::string& rest) const {
    std::vector<std::string> lines;
    for (const WarmStartReference& start : Parse(rest).warm_starts) {
      lines.push_back(ToString(Diagnostic{start.place, start.key, start.text}));
    }
    return lines;
  }

  const Catalogue catalogue_ = CatalogueWithFrom();
};

TEST_F(RecipeWarmStarts, AreCollectedWithTheirPlacesEachOnce) {
  EXPECT_THAT(
      Starts("[train]\nfrom = \"p/A\"\n[grid.train]\nfrom = [\"p/A\", \"p/B/2\", \"\"]\n"
             "[search]\nstrategy = \"greedy\"\n"
             "[search.baseline]\ntrain = { from = \"0123456789abcdef\" }\n"
             "[[search.stage]]\nvary = \"temporal\"\nfix = { train = { from = \"p/C\" } }\n"),
      ElementsAre("r.toml:10:8: train.from: p/A", "r.toml:12:16: grid.train.from[1]: p/B/2",
                  "r.toml:16:18: search.baseline.train.from: 0123456789abcdef",
                  "r.toml:19:26: search.stage[0].fix.train.from: p/C"));
  EXPECT_THAT(Starts("[train]\nepochs = 2\n"), ElementsAre());
}

TEST_F(RecipeWarmStarts, ATextThatNamesNoTrialIsAMistake) {
  try {
    (void)Parse("[train]\nfrom = \"phase1\"\n");
    FAIL() << "nothing was thrown";
  } catch (const RecipeError& error) {
    ASSERT_EQ(error.diagnostics().size(), 1U);
    EXPECT_EQ(ToString(error.diagnostics()[0]),
              "r.toml:10:8: train.from: is \"phase1\", must name a finished trial as STUDY/NAME "
              "(each seed starts from the same seed), STUDY/NAME/SEED, STUDY/* (each model's "
              "twin) or 8 to 32 digits of a fingerprint");
  }
}

TEST_F(RecipeWarmStarts, AreASettingOfTheModelAndItsName) {
  const Recipe recipe = Parse("[grid.train]\nfrom = [\"\", \"p/A\"]\n");
  const SearchSpace space(recipe, catalogue_);
  ASSERT_EQ(space.size(), 2);
  EXPECT_EQ(space.At(0)->train.at("from"), "");
  EXPECT_EQ(space.At(1)->train.at("from"), "p/A");
  EXPECT_NE(space.Name(*space.At(0)), space.Name(*space.At(1)));
  EXPECT_NE(RecipeDigest(recipe), RecipeDigest(Parse("[grid.train]\nfrom = [\"\", \"p/B\"]\n")));
}

TEST(WarmStartName, IsAFingerprintOrATrialOfAStudy) {
  EXPECT_EQ(ParseWarmStartName("0123abcd")->fingerprint, "0123abcd");
  const auto named = ParseWarmStartName("p/MC-LSTM-h8");
  EXPECT_EQ(named->study + " " + named->name, "p MC-LSTM-h8");
  EXPECT_FALSE(named->seed);
  EXPECT_EQ(ParseWarmStartName("p/MC/12")->seed, 12);
  for (const char* text : {"", "/", "p/", "/A", "p//1", "p/A/x", "p/A/-1", "p/A/1/2", "0123abc",
                           "0123ABCD", "0123456789abcdef0123456789abcdef0"}) {
    EXPECT_FALSE(ParseWarmStartName(text)) << text;
  }
}

}  // namespace
}  // namespace beamgrid
