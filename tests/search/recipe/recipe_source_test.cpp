// Values of the command line in a recipe's text.
#include "search/recipe_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <filesystem>
#include <string>
#include <vector>

#include "registry/util/files.h"
#include "search/recipe.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Settings = std::vector<std::string>;

/// The text with the settings in it, without the comments at its end.
std::string With(const std::string& text, const Settings& settings) {
  std::string with = RecipeSource(text, "r.toml", settings).text();
  for (auto last = settings.rbegin(); last != settings.rend(); ++last) {
    const std::string comment = "# --set " + *last + "\n";
    EXPECT_THAT(with, EndsWith(comment));
    with.erase(with.size() - comment.size());
  }
  return with;
}

std::string Refusal(const std::string& text, const Settings& settings) {
  return ErrorText<RecipeError>([&] { (void)RecipeSource(text, "r.toml", settings); });
}

Recipe Parse(const std::string& text, const Settings& settings) {
  return ParseRecipe(RecipeSource(text, "r.toml", settings), TestCatalogue());
}

std::string Mistakes(const std::string& text, const Settings& settings) {
  return ErrorText<RecipeError>([&] { (void)Parse(text, settings); });
}

TEST(RecipeSource, WithoutSettingsIsTheTextAsItIs) {
  EXPECT_EQ(RecipeSource("not [ toml", "r.toml").text(), "not [ toml");
}

TEST(RecipeSource, ReplacesAValueAndNothingElse) {
  EXPECT_EQ(With("[a]\nb = 1  # one\nc = 2\n", {"a.b=3"}), "[a]\nb = 3  # one\nc = 2\n");
  EXPECT_EQ(With("a = [1,\n  2]  # two\nb = \"é\" # x\n", {"a=7", "b=5"}),
            "a = 7  # two\nb = 5 # x\n");
  EXPECT_EQ(With("a = '''\nlong'''\n", {"a=1"}), "a = 1\n");
  EXPECT_EQ(With("a = [1, 2, 3]\n", {"a[1]=5"}), "a = [1, 5, 3]\n");
  EXPECT_EQ(With("\"é\" = { x = 1, y = 2 }\n", {"\"é\".y=3"}), "\"é\" = { x = 1, y = 3 }\n");
}

TEST(RecipeSource, PutsAKeyIntoASectionThatIsThere) {
  EXPECT_EQ(With("[a]  # first\nb = 1\n", {"a.c=2"}), "[a]  # first\nc = 2\nb = 1\n");
  EXPECT_EQ(With("[a]", {"a.c=2"}), "[a]\nc = 2\n");
  EXPECT_EQ(With("x = { }\n", {"x.a=1", "x.b=2"}), "x = { a = 1, b = 2 }\n");
  EXPECT_EQ(With("x = { a = 1 }\n", {"x.b.c=2"}), "x = { a = 1, b.c = 2 }\n");
  EXPECT_EQ(With("[a]\nb.c = 1\n", {"a.b.d=2"}), "[a]\nb.d = 2\nb.c = 1\n");
  EXPECT_EQ(With("b.c = 1\n", {"b.d=2"}), "b.d = 2\nb.c = 1\n");
  EXPECT_EQ(With("[[t]]\na = 1\n[[t]]\na = 2\n", {"t[1].b=3", "t[0].a=4"}),
            "[[t]]\na = 4\n[[t]]\nb = 3\na = 2\n");
}

TEST(RecipeSource, MakesASectionThatIsMissing) {
  EXPECT_EQ(With("[a]\nb = 1\n", {"c.d=2"}), "[a]\nb = 1\n[c]\nd = 2\n");
  EXPECT_EQ(With("[[g.t]]\na = 1\n", {"g.train.lr=0.1"}), "[[g.t]]\na = 1\n[g.train]\nlr = 0.1\n");
  EXPECT_EQ(With("[[g.t]]\na = 1\n", {"g.x=1"}), "[[g.t]]\na = 1\n[g]\nx = 1\n");
  EXPECT_EQ(With("[g.t]\na = 1", {"g.t.u.v=1"}), "[g.t]\nu.v = 1\na = 1\n");
  EXPECT_EQ(With("[a]\n", {"x=1"}), "x = 1\n[a]\n");
  EXPECT_EQ(With("", {"x=1"}), "x = 1\n");
  EXPECT_EQ(With("\xEF\xBB\xBF[a]\n", {"x=1"}), "\xEF\xBB\xBFx = 1\n[a]\n");
}

TEST(RecipeSource, TakesABareWordAsText) {
  for (const auto& [value, written] : std::vector<std::pair<std::string, std::string>>{
           {"5", "5"},
           {"1e-3", "1e-3"},
           {"true", "true"},
           {"[1, 2]", "[1, 2]"},
           {"{ a = 1 }", "{ a = 1 }"},
           {"'x'", "'x'"},
           {"\"x\"", "\"x\""},
           {" skip ", "\"skip\""},
           {"6h", "\"6h\""},
           {"1GiB", "\"1GiB\""},
           {"../d/t*.tfrecord", "\"../d/t*.tfrecord\""},
           {"a\\b\"c", "\"a\\\\b\\\"c\""},
           {"5 # five", "\"5 # five\""},
           {"1, 2", "\"1, 2\""},
           {"x=1", "\"x=1\""}}) {
    EXPECT_EQ(With("a = 0\n", {"a=" + value}), "a = " + written + "\n");
  }
}

TEST(RecipeSource, TheLaterSettingCounts) {
  EXPECT_EQ(With("a = 0\n", {"a=1", "a=2"}), "a = 2\n");
  EXPECT_EQ(With("", {"t.a=1", "t.b=2"}), "[t]\nb = 2\na = 1\n");
}

TEST(RecipeSource, RefusesWhatIsNoSetting) {
  for (const char* setting : {"", "a", "=1", ".a=1", "a.=1", "a..b=1", "a[x]=1", "a[-1]=1", "a[0=1",
                              "a b=1", "[0]=1", "\"a=1"}) {
    EXPECT_THAT(Refusal("a = 1\n", {setting}),
                AllOf(StartsWith("--set " + std::string(setting)), HasSubstr("must be KEY=VALUE")));
  }
  EXPECT_THAT(Refusal("a = 1\n", {"a="}), HasSubstr("has no value"));
  EXPECT_THAT(Refusal("a = 1\n", {"a=1\n[b]"}), HasSubstr("on one line"));
  EXPECT_THAT(Refusal("a = 1\n", {"a=[1"}), HasSubstr("the value [1 is not valid TOML"));
  EXPECT_THAT(Refusal("a = 1\n", {"a=\"x"}), HasSubstr("not valid TOML"));
  EXPECT_THAT(Refusal("a = 1\n", {"a=\xFF"}), HasSubstr("UTF-8"));
}

TEST(RecipeSource, RefusesPlacesThatAreNotOne) {
  const std::string text = "a = 1\nl = [1, 2]\n[s]\nx = 1\n[[g.t]]\nb = 1\n[[g.t]]\nb = 2\n";
  EXPECT_EQ(Refusal(text, {"g.t.b=1"}),
            "--set g.t.b=1: g.t.b: there are 2 sections [[g.t]]; say which one, from 0: g.t[0].b");
  EXPECT_THAT(Refusal(text, {"g.t.1.b=1"}), HasSubstr("say which one, from 0: g.t[1].b"));
  EXPECT_EQ(Refusal(text, {"g.t[2].b=1"}),
            "--set g.t[2].b=1: g.t[2].b: g.t has 2 elements; the first one is g.t[0]");
  EXPECT_THAT(Refusal(text, {"l[2]=1"}), HasSubstr("l has 2 elements"));
  EXPECT_THAT(Refusal(text, {"a[0]=1"}), HasSubstr("a is an integer, not a list"));
  EXPECT_THAT(Refusal(text, {"a.b=1"}), HasSubstr("a is an integer, not a table"));
  EXPECT_THAT(Refusal(text, {"s=1"}), HasSubstr("is a section; set its keys one by one"));
  EXPECT_THAT(Refusal(text, {"g.t=1"}), HasSubstr("is a list of sections"));
  EXPECT_THAT(Refusal(text, {"g.u[0].b=1"}), HasSubstr("the recipe has no g.u"));
  EXPECT_THAT(Refusal("a = [\n", {"a=1"}), StartsWith("r.toml:"));
}

TEST(RecipeSource, CountsInTheRecipeAsIfItWereWritten) {
  const Recipe recipe =
      Parse(RecipeHead() + "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 128]\n",
            {"study.name=other", "study.seeds=[4, 5]", "train.batch=16", "data.classes=7",
             "grid.temporal[0].clusters=32", "grid.train.learning_rate=[0.1, 0.2]",
             "ensemble.size_limit=1G", "data.on_error=skip"});
  EXPECT_EQ(recipe.name, "other");
  EXPECT_THAT(recipe.seeds, ElementsAre(4, 5));
  EXPECT_EQ(recipe.train.at("batch"), 16);
  EXPECT_EQ(recipe.data.classes, 7);
  EXPECT_EQ(recipe.grid.at("temporal").at(0).size(), 1);
  EXPECT_EQ(recipe.train_grid.at(0).steps.size(), 2U);
  EXPECT_EQ(recipe.ensemble->size_limit, 1'000'000'000);
  EXPECT_EQ(recipe.data.on_error, "skip");
  // The text of the record is a recipe, and the same one.
  EXPECT_THAT(recipe.text, HasSubstr("# --set train.batch=16\n"));
  EXPECT_EQ(RecipeDigest(ParseRecipe(recipe.text, "r.toml", TestCatalogue())),
            RecipeDigest(recipe));
}

TEST(RecipeSource, ChangesTheDigestAsTheWrittenValueDoes) {
  const std::string digest = RecipeDigest(Parse(RecipeHead(), {}));
  EXPECT_NE(RecipeDigest(Parse(RecipeHead(), {"train.batch=16"})), digest);
  EXPECT_EQ(RecipeDigest(Parse(RecipeHead(), {"train.batch=16"})),
            RecipeDigest(Parse(RecipeHead() + "[train]\nbatch = 16\n", {})));
  EXPECT_EQ(RecipeDigest(Parse(RecipeHead(), {"train.batch=128"})), digest) << "the default";
}

TEST(RecipeSource, MistakesStandWhereTheyWereMade) {
  const std::string text = RecipeHead() + "[train]\nbatch = 0\nepochs = 5\n";
  EXPECT_THAT(Mistakes(text, {"train.epochs=many"}),
              AllOf(HasSubstr("--set train.epochs=many: train.epochs: is \"many\", must be "),
                    HasSubstr("r.toml:10:9: train.batch: is 0, must be")));
  EXPECT_THAT(Mistakes(RecipeHead(), {"trian.epochs=5"}),
              HasSubstr("--set trian.epochs=5: trian: unknown key 'trian'; did you mean 'train'?"));
  EXPECT_THAT(Mistakes(RecipeHead(), {"train.epoch=5"}),
              HasSubstr("--set train.epoch=5: train.epoch: 'train' has no option 'epoch'; did you "
                        "mean 'epochs'?"));
  EXPECT_THAT(Mistakes(RecipeHead(), {"study.seeds=[1, -2]"}),
              HasSubstr("--set study.seeds=[1, -2]: study.seeds[1]: is -2"));
  // Lines below what was put in are those of the file.
  EXPECT_THAT(Mistakes(RecipeHead() + "[train]\n[ensemble]\nmembers = 0\n",
                       {"train.epochs=5", "train.batch=7"}),
              StartsWith("r.toml:11:11: ensemble.members: is 0"));
  EXPECT_THAT(Mistakes(RecipeHead() + "[ensemble]\nq = { a = 1, b = 2 }\n", {"ensemble.q.a=12345"}),
              StartsWith("r.toml:10:1: ensemble.q: unknown key"));
}

/// Adds the path of every value and table, as a setting names it.
void Collect(const toml::node& node, const std::string& path, std::vector<std::string>* paths) {
  if (!path.empty()) paths->push_back(path);
  if (const toml::table* table = node.as_table()) {
    for (const auto& [key, value] : *table) {
      const std::string name = "\"" + std::string(key.str()) + "\"";
      Collect(value, path.empty() ? name : path + "." + name, paths);
    }
  }
  if (const toml::array* array = node.as_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      Collect((*array)[i], path + "[" + std::to_string(i) + "]", paths);
    }
  }
}

TEST(RecipeSource, IsASettingOrARefusalAnywhereInAnyRecipe) {
  const std::filesystem::path tree = BEAMGRID_SOURCE_DIR;
  std::vector<std::filesystem::path> files = {tree / "recipes/demo.toml"};
  for (const auto& entry : std::filesystem::directory_iterator(tree / "tests/fuzz/corpus/recipe")) {
    files.push_back(entry.path());
  }
  int put = 0;
  for (const std::filesystem::path& file : files) {
    const std::string text = ReadFile(file);
    std::vector<std::string> paths;
    Collect(toml::parse(text), "", &paths);
    for (const std::string& path : paths) {
      for (const char* more : {"=7", ".new=7", ".new.newer=[7]", "[0]=7", "[0].new=7"}) {
        try {
          const RecipeSource source(text, "r.toml", {path + more});
          EXPECT_NO_THROW((void)toml::parse(source.text())) << file << path << more;
          ++put;
        } catch (const RecipeError& refusal) {
          EXPECT_THAT(refusal.what(), StartsWith("--set ")) << file;
        }
      }
    }
  }
  EXPECT_GT(put, 200);
}

TEST(RecipeSource, PluginsAreThoseThatAreSet) {
  const RecipeSource source(RecipeHead(), "r.toml", {"plugins=[\"a.so\"]"});
  const auto plugins = PluginsOfRecipe(source);
  ASSERT_EQ(plugins.size(), 1U);
  EXPECT_EQ(plugins[0].text, "a.so");
  EXPECT_EQ(plugins[0].place.file, "--set plugins=[\"a.so\"]");
  EXPECT_EQ(plugins[0].place.line, 0);
}

}  // namespace
}  // namespace beamgrid
