#include "orchestrator/inputs/recipe_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/unique_fd.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/error_text.h"
#include "tests/support/specs.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RecipeFilesTest : public ::testing::Test {
 protected:
  RecipeFilesTest() { ::setenv("BEAMGRID_CACHE_DIR", (folder_ / "cache").c_str(), 1); }

  std::filesystem::path Recipe(const std::string& first_line) const {
    WriteFileAtomically(folder_ / "recipes/r.toml", first_line + "\n" + RecipeHead());
    return folder_ / "recipes/r.toml";
  }
  /// Describes the test catalogue, or refuses the plugin whose path ends in `refused`.
  std::filesystem::path Trainer(const std::string& refused = "none") const {
    WriteFileAtomically(folder_ / "catalogue.json", CanonicalJson(ToJson(TestCatalogue())));
    const auto path = folder_ / "beamgrid-trainer";
    WriteFileAtomically(path, "#!/bin/sh\nfor word; do case $word in *" + refused +
                                  ") echo \"beamgrid-trainer: plugin $word: is broken\" >&2; exit "
                                  "2;; esac; done\ncat " +
                                  (folder_ / "catalogue.json").string() + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  std::string Mistake(const std::filesystem::path& trainer, const std::string& first_line) const {
    return ErrorText<RecipeError>(
        [&] { (void)CatalogueFor(trainer, ReadRecipe(Recipe(first_line))); });
  }

  TemporaryFolder folder_;
};

TEST_F(RecipeFilesTest, FilesLieBesideTheRecipe) {
  WriteFileAtomically(folder_ / "recipes/pool.pt", "content");
  const FindFile find = FilesBeside(Recipe(""));
  EXPECT_EQ(find("pool.pt").path, (folder_ / "recipes/pool.pt").string());
  EXPECT_EQ(find("pool.pt").hash, HashBytes("content"));
  EXPECT_THAT(ErrorText<Error>([&] { (void)find("none.pt"); }), HasSubstr("no such file"));
}

TEST_F(RecipeFilesTest, NamesMayHoldVariables) {
  WriteFileAtomically(folder_ / "shared/pool.pt", "content");
  setenv("BEAMGRID_TEST_SHARED", (folder_ / "shared").c_str(), 1);
  const NamedFile found = FilesBeside(Recipe(""))("$BEAMGRID_TEST_SHARED/pool.pt");
  EXPECT_EQ(found.path, (folder_ / "shared/pool.pt").string());
  EXPECT_EQ(found.name, "$BEAMGRID_TEST_SHARED/pool.pt");
  CheckUnchanged(found);
  unsetenv("BEAMGRID_TEST_SHARED");
  CheckUnchanged(found);
  EXPECT_THAT(
      Mistake(Trainer(), "plugins = [\"$BEAMGRID_TEST_SHARED/a.so\"]"),
      AllOf(HasSubstr("r.toml:1:12: plugins[0]: "), HasSubstr("BEAMGRID_TEST_SHARED is not set")));
}

TEST_F(RecipeFilesTest, WhatTheMachineCannotReadIsNoMistakeInTheRecipe) {
  const std::filesystem::path recipe = Recipe("");
  rlimit former{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &former), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = former.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::string message = ErrorText<Error>([&] { (void)RecipeText(recipe); });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &former), 0);
  EXPECT_THAT(message, AllOf(HasSubstr(recipe.string()), HasSubstr("ulimit -n")));
  EXPECT_THROW((void)RecipeText(folder_ / "none.toml"), UsageError);
}

TEST_F(RecipeFilesTest, WithoutPluginsTheCatalogueIsTheTrainers) {
  EXPECT_NE(CatalogueFor(Trainer(), ReadRecipe(Recipe(""))).Find("temporal", "netvlad"), nullptr);
}

TEST_F(RecipeFilesTest, EveryPluginThatIsNotThereIsNamedWithItsPlace) {
  WriteFileAtomically(folder_ / "recipes/b.so", "b");
  EXPECT_THAT(Mistake(Trainer(), "plugins = [\"a.so\", \"b.so\", \"c.so\"]"),
              AllOf(HasSubstr("r.toml:1:12: plugins[0]: " + (folder_ / "recipes/a.so").string() +
                              ": there is no such file"),
                    HasSubstr("r.toml:1:28: plugins[2]: ")));
}

TEST_F(RecipeFilesTest, APluginThatTheTrainerRefusesIsNamedWithItsPlace) {
  WriteFileAtomically(folder_ / "recipes/a.so", "a");
  WriteFileAtomically(folder_ / "recipes/b.so", "b");
  EXPECT_EQ(Mistake(Trainer("b.so"), "plugins = [\"a.so\", \"./b.so\"]"),
            Recipe("").string() + ":1:20: plugins[1]: plugin " +
                (folder_ / "recipes/b.so").string() + ": is broken");
}

TEST_F(RecipeFilesTest, ARecipeThatCannotBeReadIsTheUsersMistake) {
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)ReadRecipe(folder_ / "none.toml"); }),
              HasSubstr("none.toml"));
}

TEST_F(RecipeFilesTest, PluginsAtHandAreThoseThatAreStillTheSame) {
  WriteFileAtomically(folder_ / "a.so", "a");
  WriteFileAtomically(folder_ / "b.so", "b");
  const NamedFile same = LookAtFile("a.so", folder_.path());
  NamedFile changed = LookAtFile("b.so", folder_.path());
  changed.hash = "another";
  ModelSpec plain = ExampleModel(), two = ExampleModel(), one = ExampleModel();
  two.plugins = {same, changed, {"c.so", "/nowhere/c.so", "1"}};
  one.plugins = {same};
  EXPECT_THAT(PluginsAtHand({CanonicalJson(ToJson(plain)), CanonicalJson(ToJson(two)),
                             CanonicalJson(ToJson(one))}),
              ElementsAre(same));
}

// What a study watches while it runs.
TEST_F(RecipeFilesTest, TeachersAreFilesThatARecipeNames) {
  const auto file = [](const std::string& name) {
    return NamedFile{.name = name, .path = "/r/" + name, .hash = name};
  };
  beamgrid::Recipe recipe;
  recipe.train["teacher"] = ToJson(file("a.csv"));
  recipe.train_grid = {{.names = {"teacher"}, .steps = {{""}, {ToJson(file("b.csv"))}}}};
  recipe.search.baseline.train["teacher"] = ToJson(file("a.csv"));
  recipe.search.stages.push_back({.vary = "temporal", .fix = {}});
  recipe.search.stages.back().fix.train["teacher"] = ToJson(file("c.csv"));
  EXPECT_THAT(NamedFilesOf(recipe, {}), ElementsAre(file("a.csv"), file("b.csv"), file("c.csv")));
}

TEST_F(RecipeFilesTest, TheFilesOfAPipeAreLookedForHereAndThoseOfADescriptorBesideItsFile) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const UniqueFd read(ends[0]), write(ends[1]);
  EXPECT_EQ(FolderOf("/dev/fd/" + std::to_string(read.get())), std::filesystem::current_path());
  const std::filesystem::path recipe = Recipe("");
  const UniqueFd file(::open(recipe.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(FolderOf("/dev/fd/" + std::to_string(file.get())),
            std::filesystem::canonical(recipe).parent_path());
  EXPECT_EQ(FolderOf(recipe), recipe.parent_path());
  EXPECT_EQ(FolderOf("none.toml"), std::filesystem::current_path());
}

}  // namespace
}  // namespace beamgrid
