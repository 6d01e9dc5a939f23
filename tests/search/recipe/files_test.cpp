// Plugins, and options that name a file.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "registry/util/error.h"
#include "search/recipe.h"
#include "search/search_space.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace files_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const NamedFile kPlugin{.name = "./peak.so", .path = "/p/peak.so", .hash = "1"};

/// The test catalogue, with a component of a plugin and one that needs a file.
Catalogue WithUserComponents() {
  Catalogue catalogue = TestCatalogue();
  const OptionInfo file =
      AlwaysNamed({.name = "file", .type = OptionType::kFile, .help = "module"});
  catalogue.components.push_back(Component("temporal", "script", "Script_", {file}));
  catalogue.components.push_back(Component("temporal", "peak", "Peak"));
  catalogue.components.back().plugin = kPlugin;
  catalogue.components.push_back(Component("extras", "tape", "", {file}));
  return catalogue;
}

/// Every file is there but missing.pt.
NamedFile Find(const std::string& name) {
  if (name == "missing.pt") throw Error("/r/missing.pt: there is no such file");
  return {.name = name, .path = "/r/" + name, .hash = "hash of " + name};
}

Recipe Parse(const std::string& added, const FindFile& find_file = Find) {
  return ParseRecipe(RecipeHead() + added, "r.toml", WithUserComponents(), find_file);
}

std::string MistakesOf(const std::string& added) {
  return ErrorText<RecipeError>([&] { (void)Parse(added); });
}

std::string Script(const std::string& file) {
  return "[[grid.temporal]]\nuse = \"script\"\nfile = " + file + "\n";
}

std::vector<std::string> NamesOf(const std::string& added) {
  const Catalogue catalogue = WithUserComponents();
  const Recipe recipe = Parse(added);
  const SearchSpace space(recipe, catalogue);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < space.size(); ++i) names.push_back(space.Name(*space.At(i)));
  return names;
}

TEST(RecipePlugins, AreKnownBeforeTheCatalogue) {
  const std::string text = "plugins = [\"./peak.so\", \"more/noise.so\"]\n" + RecipeHead() +
                           "[[grid.temporal]]\nuse = \"unheard_of\"\n";
  const auto plugins = PluginsOfRecipe(text, "r.toml");
  ASSERT_EQ(plugins.size(), 2U);
  EXPECT_EQ(plugins[0].text, "./peak.so");
  EXPECT_EQ(plugins[1].text, "more/noise.so");
  EXPECT_EQ(plugins[1].key, "plugins[1]");
  EXPECT_EQ(plugins[1].place.line, 1);
  EXPECT_EQ(plugins[1].place.column, 25);
  EXPECT_THAT(PluginsOfRecipe(RecipeHead(), "r.toml"), IsEmpty());
}

TEST(RecipePlugins, MayBeOneText) {
  EXPECT_EQ(PluginsOfRecipe("plugins = \"peak.so\"", "r.toml").at(0).text, "peak.so");
}

TEST(RecipePlugins, TextThatIsNotTomlIsRefusedAtOnce) {
  EXPECT_THAT(ErrorText<RecipeError>([] { (void)PluginsOfRecipe("plugins = [", "r.toml"); }),
              HasSubstr("r.toml:1:"));
}

TEST(RecipePlugins, MistakesAreToldWithTheOthers) {
  const auto mistakes = [](const std::string& plugins) {
    EXPECT_NO_THROW((void)PluginsOfRecipe(plugins + "\n" + RecipeHead(), "r.toml"));
    return ErrorText<RecipeError>(
        [&] { (void)ParseRecipe(plugins + "\n" + RecipeHead(), "r.toml", WithUserComponents()); });
  };
  EXPECT_EQ(mistakes("plugins = [3]"),
            "r.toml:1:12: plugins[0]: is an integer, must be text that is not empty");
  EXPECT_EQ(mistakes("plugins = []"),
            "r.toml:1:11: plugins: the list is empty; give at least one value");
  EXPECT_EQ(mistakes("plugins = [\"a.so\", \"a.so\"]"),
            "r.toml:1:20: plugins[1]: 'a.so' is in the list already");
}

TEST(RecipePlugins, AModelNamesThePluginsThatItUses) {
  const Catalogue catalogue = WithUserComponents();
  const Recipe recipe =
      Parse("[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"peak\"\n");
  const SearchSpace space(recipe, catalogue);
  EXPECT_THAT(space.At(0)->plugins, IsEmpty());
  EXPECT_THAT(space.At(1)->plugins, ElementsAre(kPlugin));
  EXPECT_THAT(space.Replace(*space.At(0), "temporal", 1).plugins, ElementsAre(kPlugin));
  EXPECT_THAT(space.Replace(*space.At(1), "temporal", 0).plugins, IsEmpty());
  EXPECT_THAT(space.Baseline().plugins, IsEmpty());
}

TEST(RecipeFiles, AreLookedAt) {
  const Recipe recipe = Parse(Script("\"pool.pt\""));
  EXPECT_EQ(recipe.grid.at("temporal").at(0).fixed.at("file"), ToJson(Find("pool.pt")));
}

TEST(RecipeFiles, WithoutAWayToLookTheyStayAsTheyAreWritten) {
  const Recipe recipe = Parse(Script("\"missing.pt\""), {});
  EXPECT_EQ(recipe.grid.at("temporal").at(0).fixed.at("file"),
            ToJson(NamedFile{.name = "missing.pt"}));
}

TEST(RecipeFiles, MistakesHaveTheirPlaces) {
  EXPECT_EQ(MistakesOf(Script("[\"pool.pt\", \"missing.pt\"]")),
            "r.toml:11:20: grid.temporal[0].file[1]: /r/missing.pt: there is no such file");
  EXPECT_EQ(
      MistakesOf(Script("3")),
      "r.toml:11:8: grid.temporal[0].file: is 3, must be a file's path, relative to the recipe");
  EXPECT_EQ(MistakesOf("[[grid.temporal]]\nuse = \"script\"\n"),
            "r.toml:9:1: grid.temporal[0].file: is missing: module");
  EXPECT_EQ(MistakesOf("[grid.extras]\ntape = true\n"),
            "r.toml:10:8: grid.extras.tape.file: is missing: module");
  EXPECT_EQ(
      MistakesOf("[search.baseline]\ntemporal = { use = \"script\", file = \"missing.pt\" }\n"),
      "r.toml:10:37: search.baseline.temporal.file: /r/missing.pt: there is no such file");
  EXPECT_EQ(MistakesOf("[[exclude]]\ntemporal = { file = \"missing.pt\" }\n"),
            "r.toml:10:21: exclude[0].temporal.file: /r/missing.pt: there is no such file");
}

/// Adds the training setting `teacher`, a file that may be left out.
Catalogue WithTeacher() {
  Catalogue catalogue = TestCatalogue();
  for (ComponentInfo& component : catalogue.components) {
    if (component.criterion != "train") continue;
    component.options.push_back(
        {.name = "teacher", .type = OptionType::kFile, .default_value = "", .help = "predictions"});
    component.options.push_back(Real("teacher_weight", 0.5, 0, 1, "tw"));
  }
  return catalogue;
}

Recipe ParseWithTeacher(const std::string& added) {
  return ParseRecipe(RecipeHead() + added, "r.toml", WithTeacher(), Find);
}

TEST(RecipeFiles, OfATeacherMayBeLeftOut) {
  EXPECT_EQ(ParseWithTeacher("").train.at("teacher"), "");
  EXPECT_EQ(ParseWithTeacher("[train]\nteacher = \"\"\n").train.at("teacher"), "");
  EXPECT_EQ(ParseWithTeacher("[train]\nteacher = \"t.csv\"\n").train.at("teacher"),
            ToJson(Find("t.csv")));
  const auto mistake = [](const std::string& value) {
    return ErrorText<RecipeError>(
        [&] { (void)ParseWithTeacher("[train]\nteacher = " + value + "\n"); });
  };
  EXPECT_EQ(mistake("3"),
            "r.toml:10:11: train.teacher: is 3, must be a file's path, relative to the recipe, or "
            "\"\"");
  EXPECT_EQ(mistake("\"missing.pt\""),
            "r.toml:10:11: train.teacher: /r/missing.pt: there is no such file");
}

TEST(RecipeFiles, OfATeacherVaryInAGrid) {
  const Catalogue catalogue = WithTeacher();
  const Recipe recipe = ParseWithTeacher(
      "[grid.train]\nteacher = [\"\", \"runs/t.csv\"]\nteacher_weight = [0.5, 0.7]\n");
  const SearchSpace space(recipe, catalogue);
  ASSERT_EQ(space.size(), 4);
  EXPECT_EQ(space.At(0)->train.at("teacher"), "");
  EXPECT_EQ(space.At(2)->train.at("teacher"), ToJson(Find("runs/t.csv")));
  std::set<std::string> names;
  for (std::int64_t i = 0; i < 4; ++i) names.insert(space.Name(*space.At(i)));
  EXPECT_EQ(names.size(), 3U) << "without a teacher its weight says nothing";
  EXPECT_THAT(space.Name(*space.At(3)), HasSubstr("teacher=t-tw0.7"));
}

std::vector<std::string> TeachersOf(const Recipe& recipe) {
  std::vector<std::string> lines;
  for (const TeacherReference& teacher : recipe.teachers) {
    lines.push_back(ToString(Diagnostic{teacher.place, teacher.key, teacher.text}));
  }
  return lines;
}

TEST(RecipeFiles, OfTeachersAreKnownWithTheirPlacesEachOnce) {
  const std::string added =
      "[train]\nteacher = \"a.csv\"\n[grid.train]\nteacher = [\"\", \"a.csv\", \"b.csv\"]\n"
      "[search]\nstrategy = \"greedy\"\n"
      "[search.baseline]\ntrain = { teacher = \"c.csv\" }\n"
      "[[search.stage]]\nvary = \"temporal\"\nfix = { train = { teacher = \"d.csv\" } }\n";
  const std::vector<std::string> expected = {
      "r.toml:10:11: train.teacher: a.csv", "r.toml:12:25: grid.train.teacher[2]: b.csv",
      "r.toml:16:21: search.baseline.train.teacher: c.csv",
      "r.toml:19:29: search.stage[0].fix.train.teacher: d.csv"};
  EXPECT_EQ(TeachersOf(ParseWithTeacher(added)), expected);
  EXPECT_EQ(TeachersOf(DataOfRecipe(RecipeSource(RecipeHead() + added, "r.toml"))), expected)
      << "without a trainer";
  EXPECT_THAT(TeachersOf(ParseWithTeacher("")), IsEmpty());
}

TEST(RecipeFiles, CanBeExcluded) {
  EXPECT_EQ(Parse(Script("[\"a.pt\", \"b.pt\"]") +
                  "[[exclude]]\ntemporal = { use = \"script\", file = \"a.pt\" }\n")
                .exclusions.size(),
            1U);
  const Catalogue catalogue = WithUserComponents();
  const Recipe recipe = Parse(Script("[\"a.pt\", \"b.pt\"]") +
                              "[[exclude]]\ntemporal = { use = \"script\", file = \"a.pt\" }\n");
  const SearchSpace space(recipe, catalogue);
  EXPECT_FALSE(space.At(0).has_value());
  EXPECT_TRUE(space.At(1).has_value());
}

TEST(RecipeFiles, NameTheirModels) {
  EXPECT_THAT(NamesOf(Script("[\"pool.pt\", \"parts/max.pt\"]")),
              ElementsAre("MC-Script_pool-Logistic", "MC-Script_max-Logistic"));
}

TEST(RecipeFiles, OfOneNameInTwoFoldersHaveTwoNames) {
  const auto names = NamesOf(Script("[\"a/pool.pt\", \"b/pool.pt\"]"));
  EXPECT_NE(names.at(0), names.at(1));
  EXPECT_THAT(names.at(0), HasSubstr("temporal.script.file=a_pool_pt+"));
}

TEST(RecipeFiles, CountInTheDigestByName) {
  const std::string digest = RecipeDigest(Parse(Script("\"pool.pt\"")));
  const auto elsewhere = [](const std::string& name) {
    return NamedFile{.name = name, .path = "/elsewhere/" + name, .hash = "other"};
  };
  EXPECT_EQ(RecipeDigest(Parse(Script("\"pool.pt\""), elsewhere)), digest);
  EXPECT_NE(RecipeDigest(Parse(Script("\"max.pt\""))), digest);
}

TEST(RecipePlugins, CountInTheDigestByName) {
  const auto digest = [](const std::string& plugins) {
    return RecipeDigest(ParseRecipe(plugins + RecipeHead(), "r.toml", WithUserComponents()));
  };
  EXPECT_NE(digest("plugins = \"a.so\"\n"), digest(""));
  EXPECT_EQ(digest("plugins = [\"a.so\", \"b.so\"]\n"), digest("plugins = [\"b.so\", \"a.so\"]\n"));
}

}  // namespace files_test
}  // namespace beamgrid
