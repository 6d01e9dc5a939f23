// Every recipe that ships is read and planned. The catalogue is the test's own, which has the
// components of the trainer; the end-to-end tests plan the same recipes against the trainer itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "search/strategy.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> ShippedRecipes() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(BEAMGRID_SOURCE_DIR "/recipes")) {
    const bool recipe =
        entry.path().extension() == ".toml" && entry.path().filename() != "paper_tables.toml";
    if (recipe) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Recipe ParseShipped(const std::string& name, const Catalogue& catalogue) {
  const std::filesystem::path path = std::filesystem::path(BEAMGRID_SOURCE_DIR) / "recipes" / name;
  return ParseRecipe(ReadText(path), path.string(), catalogue);
}

/// Names in the order asked, with the objective made of the name's length.
std::vector<std::string> Planned(const Recipe& recipe, const Catalogue& catalogue) {
  const SearchSpace space(recipe, catalogue);
  const auto strategy = MakeStrategyFor(space, recipe);
  std::vector<std::string> names;
  while (!strategy->finished()) {
    std::vector<Candidate> asked;
    while (auto candidate = strategy->Ask()) asked.push_back(std::move(*candidate));
    for (const Candidate& candidate : asked) {
      names.push_back(candidate.name);
      strategy->Tell({.name = candidate.name,
                      .model = candidate.model,
                      .objective = static_cast<double>(candidate.name.size())});
    }
  }
  return names;
}

TEST(ShippedRecipes, AreReadAndPlanned) {
  const Catalogue catalogue = TestCatalogue();
  const std::vector<std::filesystem::path> paths = ShippedRecipes();
  EXPECT_GE(paths.size(), 4U);
  std::set<std::string> studies;
  for (const std::filesystem::path& path : paths) {
    SCOPED_TRACE(path.filename());
    try {
      const Recipe recipe = ParseShipped(path.filename(), catalogue);
      EXPECT_TRUE(studies.insert(recipe.name).second) << "two recipes of one study's name";
      EXPECT_FALSE(recipe.tables.empty());
      const std::vector<std::string> names = Planned(recipe, catalogue);
      EXPECT_GE(names.size(), 4U);
      EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
    } catch (const RecipeError& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(ShippedRecipes, HoldNoPathOfAMachine) {
  for (const std::filesystem::path& path : ShippedRecipes()) {
    const Recipe recipe = ParseShipped(path.filename(), TestCatalogue());
    for (const auto& globs : {recipe.data.train, recipe.data.validate}) {
      for (const std::string& glob : globs) {
        EXPECT_TRUE(glob.starts_with("data/") || glob.starts_with("../data/")) << glob;
      }
    }
  }
}

TEST(ShippedRecipes, Kim2018Table2HasThePapersTenRows) {
  const Catalogue catalogue = TestCatalogue();
  const Recipe recipe = ParseShipped("kim2018_table2.toml", catalogue);
  EXPECT_THAT(Planned(recipe, catalogue),
              testing::ElementsAre("MC-Logistic", "MC-MoE2", "MC-MoE3", "MC-MoE4", "MC-MoE6",
                                   "MC-CI1", "MC-CI2", "MC-CI3", "MC-CI4", "MC-CI5"));
  EXPECT_EQ(recipe.tables.at(0).reference, "kim18/2");
}

TEST(ShippedRecipes, NameTablesThatThereAre) {
  const std::string papers = ReadText(BEAMGRID_SOURCE_DIR "/recipes/paper_tables.toml");
  for (const std::filesystem::path& path : ShippedRecipes()) {
    for (const TableSettings& table : ParseShipped(path.filename(), TestCatalogue()).tables) {
      if (table.reference.empty()) continue;
      EXPECT_THAT(papers, testing::HasSubstr("id = \"" + table.reference + "\"")) << path;
    }
  }
}

}  // namespace
}  // namespace beamgrid
