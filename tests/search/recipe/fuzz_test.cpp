// No bytes make the reader crash or answer anything but a recipe or mistakes.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "search/search_space.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

const std::string kSeedText =
    RecipeHead() +
    "features = { rgb = 16, audio = 8 }\nmax_frames = 30\n"
    "[train]\nbatch = 16\n"
    "[[grid.temporal]]\nuse = \"blstm\"\nhidden = [512, 256]\nlayers = [2, 1]\n"
    "zip = [\"hidden\", \"layers\"]\n"
    "[[grid.temporal]]\nuse = \"lstm\"\nwidths = [[1, 2], [3]]\n"
    "[[grid.multimodal]]\nuse = \"attention\"\nwindow = [5, \"all\"]\n"
    "[grid.extras]\nlayer_norm = [false, true]\nzoneout = { cell = [0.1, 0.2] }\n"
    "[grid.train]\nlearning_rate = [0.1, 1e-3]\n"
    "[[exclude]]\ntemporal = \"lstm\"\nextras.zoneout = true\n"
    "[search]\nstrategy = \"greedy\"\norder = [\"temporal\"]\n"
    "[search.baseline]\nclassifier = { use = \"moe\", experts = 2 }\n"
    "[[search.stage]]\nvary = \"temporal\"\nfix = { extras = { dropout = 0.5 } }\n"
    "[resources]\ndevices = [\"cpu\"]\ntimeout = \"1h\"\n"
    "[ensemble]\nsize_limit = \"1GiB\"\n"
    "[[table]]\nvary = \"temporal\"\nreference = \"kim18/2\"\n";

/// Pieces that mean something in a recipe, to be put where they do not belong.
const std::vector<std::string> kPieces = {"[",
                                          "]",
                                          "[[",
                                          "]]",
                                          "{",
                                          "}",
                                          "=",
                                          "\"",
                                          "'",
                                          "\n",
                                          ",",
                                          ".",
                                          "#",
                                          "0",
                                          "-1",
                                          "1e400",
                                          "nan",
                                          "inf",
                                          "true",
                                          "2020-01-01",
                                          "use = 3\n",
                                          "[grid]\n",
                                          "grid = 1\n",
                                          "[]",
                                          "{}",
                                          "[[]]",
                                          "\\u0000",
                                          "\xff",
                                          std::string(1, '\0'),
                                          "\xef\xbb\xbf",
                                          "zip = []\n",
                                          "[[exclude]]\n",
                                          "9223372036854775808",
                                          "\"\"\"",
                                          "[search]\n",
                                          "[[search]]\n",
                                          "extras = [1]\n",
                                          "\r",
                                          "\t"};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string Mutated(std::string text) {
    for (std::size_t count = 1 + random_() % 6; count > 0 && !text.empty(); --count) Mutate(text);
    return text;
  }

 private:
  void Mutate(std::string& text) {
    const std::size_t at = random_() % text.size();
    const std::size_t length = random_() % 20;
    switch (random_() % 6) {
      case 0:
        text[at] = static_cast<char>(random_() % 256);
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, kPieces[random_() % kPieces.size()]);
        break;
      case 3:
        text.insert(at, text.substr(random_() % text.size(), length));
        break;
      case 4:
        text.resize(at);
        break;
      default:
        text.replace(at, std::min(length, text.size() - at), kPieces[random_() % kPieces.size()]);
    }
  }

  std::mt19937 random_;
};

/// True where the text was a recipe; everything that hangs on it is used once.
bool Read(const std::string& text, const Catalogue& catalogue) {
  try {
    const Recipe recipe = ParseRecipe(text, "fuzz.toml", catalogue);
    const SearchSpace space(recipe, catalogue);
    EXPECT_FALSE(space.Name(space.Baseline()).empty());
    EXPECT_FALSE(RecipeDigest(recipe).empty());
    return true;
  } catch (const RecipeError& error) {
    EXPECT_FALSE(error.diagnostics().empty());
    for (const Diagnostic& diagnostic : error.diagnostics()) {
      EXPECT_EQ(diagnostic.place.file, "fuzz.toml");
      EXPECT_GT(diagnostic.place.line, 0) << ToString(diagnostic) << " in\n" << text;
      EXPECT_GT(diagnostic.place.column, 0) << ToString(diagnostic);
      EXPECT_FALSE(diagnostic.message.empty());
    }
    return false;
  }
}

TEST(RecipeFuzz, MutationsOfARecipeAreARecipeOrMistakesWithPlaces) {
  const Catalogue catalogue = TestCatalogue();
  ASSERT_TRUE(Read(kSeedText, catalogue));
  Mutator mutator(2018);
  int recipes = 0;
  for (int round = 0; round < 20'000; ++round) {
    recipes += Read(mutator.Mutated(kSeedText), catalogue) ? 1 : 0;
  }
  EXPECT_GT(recipes, 100) << "the mutations are too wild to reach the checks";
  EXPECT_LT(recipes, 19'000);
}

TEST(RecipeFuzz, RandomBytesAreNoRecipe) {
  const Catalogue catalogue = TestCatalogue();
  std::mt19937 random(1);
  for (int round = 0; round < 2'000; ++round) {
    std::string text(random() % 200, ' ');
    for (char& c : text) c = static_cast<char>(random() % 256);
    EXPECT_FALSE(Read(text, catalogue));
  }
}

std::string Dotted(const std::string& part, int parts) {
  std::string key = part;
  for (int i = 1; i < parts; ++i) key += "." + part;
  return key;
}

TEST(RecipeFuzz, LongKeysAreRefusedBeforeTheyAreNested) {
  for (const std::string part : {"a", "\"=\"", "'#'", "1", "\"\\\"\"", "a ", "\"\"", "\".\""}) {
    const std::string key = Dotted(part, 200'000);
    for (const std::string& text :
         {key + " = 1\n", "[" + key + "]\n", "[[" + key + "]]\n", "a = { " + key + " = 1 }\n",
          "# a.b\nx = \"\"\"\n\"\"\"\n" + key + " = 1\n", key}) {
      EXPECT_FALSE(Read(text, TestCatalogue())) << part;
    }
  }
  // Keys of the greatest length that is let through, inside each other as deep as toml++ goes.
  std::string nested = Dotted("a", 16) + " = ";
  for (int i = 0; i < 250; ++i) nested += "{ " + Dotted("a", 16) + " = ";
  EXPECT_FALSE(Read(nested + "1" + std::string(250, '}') + "\n", TestCatalogue()));
}

/// "line:column" of a key that is too long, else nothing.
std::string LongKey(const std::string& text) {
  try {
    (void)PluginsOfRecipe(text, "fuzz.toml");
  } catch (const RecipeError& error) {
    const Place& place = error.diagnostics()[0].place;
    return std::to_string(place.line) + ":" + std::to_string(place.column);
  }
  return "";
}

TEST(RecipeFuzz, OnlyThePartsOfAKeyCount) {
  const std::string fits = Dotted("a", 16), long_key = Dotted("a", 17);
  EXPECT_EQ(LongKey(fits + " = 1.5\n[" + Dotted("x", 16) + "]\n"), "");
  EXPECT_EQ(LongKey("a = 1\n" + long_key + " = 1\n"), "2:32");
  EXPECT_EQ(LongKey("# " + long_key + "\nx = \"" + long_key + "\"\ny = '" + long_key + "'\n"), "");
  EXPECT_EQ(LongKey("x = [" + Dotted("1, 0", 18) + "]\n"), "");
  EXPECT_EQ(LongKey("x = \"\"\"\n" + long_key + "\n\"\"\"\ny = '''a.b'" + long_key + "'''\n"), "");
  EXPECT_EQ(LongKey("\"" + long_key + "\".\"\\\"." + long_key + ".\" = 1\n"), "");
  EXPECT_EQ(LongKey(Dotted("\"a\"", 9) + "." + Dotted("'b'", 8) + " = 1\n"), "1:64");
}

TEST(RecipeFuzz, DeepNestingIsRefused) {
  for (const std::string opening : {"[", "{a="}) {
    std::string deep = "a = ";
    for (int i = 0; i < 100'000; ++i) deep += opening;
    EXPECT_FALSE(Read(deep, TestCatalogue()));
  }
}

}  // namespace
}  // namespace beamgrid
