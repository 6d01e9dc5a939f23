#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "search/recipe.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

std::string DigestOf(const std::string& text, const std::string& path = "r.toml") {
  return RecipeDigest(ParseRecipe(text, path, TestCatalogue()));
}

/// A section's header and its lines.
struct Block {
  std::string header;
  std::vector<std::string> lines;
};

/// A recipe in which everything is said; blocks of one header keep their order where it counts.
std::vector<Block> Blocks(const std::string& strategy) {
  return {
      {"[study]", {"name = \"s\"", "objective = \"map\"", "seeds = [1, 2, 3]"}},
      {"[data]",
       {"format = \"frame\"", "train = [\"a*\", \"b*\"]", "validate = \"c*\"", "classes = 20",
        "features = { rgb = 8, audio = 4 }", "max_frames = 30", "on_error = \"skip\"",
        "holdout = 0.4"}},
      {"[train]", {"learning_rate = 0.1", "batch = 16", "epochs = 2"}},
      {"[[grid.multimodal]]", {"use = \"attention\"", "window = [5, 9]", "guide = \"audio\""}},
      {"[[grid.temporal]]",
       {"use = \"blstm\"", "hidden = [512, 256]", "layers = [2, 1]",
        "zip = [\"hidden\", \"layers\"]", "residual = [true, false]"}},
      {"[grid.extras]", {"layer_norm = [false, true]", "dropout = [0.0, 0.2]", "zoneout = 0.1"}},
      {"[grid.train]", {"decay = [0.9, 0.8]", "epochs = [3, 4]"}},
      {"[[exclude]]", {"temporal.layers = 2", "extras.dropout = 0.2"}},
      {"[[exclude]]", {"train.decay = 0.9", "multimodal.window = 9"}},
      {"[search]", {"strategy = \"" + strategy + "\""}},
      {"[resources]", {"threads_per_worker = 2", "timeout = \"1h\"", "priority = 3"}},
      {"[ensemble]", {"members = 3"}},
      {"[[table]]", {"vary = \"temporal\"", "title = \"T\""}},
  };
}

std::string Text(const std::vector<Block>& blocks) {
  std::string text = "beamgrid = 1\n";
  for (const Block& block : blocks) {
    text += block.header + "\n";
    for (const std::string& line : block.lines) text += line + "\n";
  }
  return text;
}

class RecipeDigestOf : public testing::TestWithParam<const char*> {};

TEST_P(RecipeDigestOf, IsBlindToOrderCommentsAndTheFilesName) {
  const std::vector<Block> blocks = Blocks(GetParam());
  const std::string digest = DigestOf(Text(blocks));
  EXPECT_EQ(digest.size(), 32U);
  std::mt19937 random(5);
  for (int round = 0; round < 100; ++round) {
    std::vector<Block> shuffled = blocks;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    for (Block& block : shuffled) {
      std::shuffle(block.lines.begin(), block.lines.end(), random);
      for (std::string& line : block.lines) {
        if (random() % 3 == 0) line = "# why\n  " + line + "  # because";
      }
    }
    EXPECT_EQ(DigestOf(Text(shuffled), std::to_string(round) + ".toml"), digest);
  }
}

/// Replaces `from` with `to` in a text that has it once.
std::string Changed(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from << " is there twice";
  return std::string(text).replace(at, from.size(), to);
}

TEST_P(RecipeDigestOf, IsBlindToWhatCanBeMadeAgainFromTheSameTrials) {
  const std::string text = Text(Blocks(GetParam()));
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"name = \"s\"", "name = \"t\"\ndescription = \"d\""},
      {"holdout = 0.4", "holdout = 0.1"},
      {"threads_per_worker = 2", "threads_per_worker = 1\ndevices = [\"cpu\"]"},
      {"timeout = \"1h\"", "retries = 7"},
      {"members = 3", "members = 5"},
      {"[ensemble]\nmembers = 3\n", ""},
      {"title = \"T\"", "title = \"U\""},
      {"seeds = [1, 2, 3]", "seeds = [3, 1, 2]"},
      {"[\"a*\", \"b*\"]", "[\"b*\", \"a*\"]"},
      {"learning_rate = 0.1", "learning_rate = 1e-1\noptimizer = \"adam\""},
      {"guide = \"audio\"", "guide = [\"audio\"]\nmerge = \"add\""},
      {"zoneout = 0.1", "zoneout = { cell = 0.1, hidden = 0.05 }\ngradient_clip = false"},
      {"[\"hidden\", \"layers\"]", "[\"layers\", \"hidden\"]"},
      {"decay = [0.9, 0.8]", "decay = [0.8, 0.9]"},
      {"dropout = [0.0, 0.2]", "dropout = [0.2, false]"},
  };
  for (const auto& [from, to] : changes) {
    EXPECT_EQ(DigestOf(Changed(text, from, to)), DigestOf(text)) << from << " -> " << to;
  }
}

TEST_P(RecipeDigestOf, DiffersWhereAnythingElseDiffers) {
  const std::string text = Text(Blocks(GetParam()));
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"objective = \"map\"", ""},
      {"seeds = [1, 2, 3]", "seeds = [1, 2]"},
      {"format = \"frame\"", "format = \"segment\""},
      {"[\"a*\", \"b*\"]", "[\"a*\"]"},
      {"validate = \"c*\"", "validate = \"d*\""},
      {"classes = 20", "classes = 21"},
      {"rgb = 8, audio = 4", "audio = 4, rgb = 8"},
      {"rgb = 8, audio = 4", "rgb = 8"},
      {"max_frames = 30", "max_frames = 31"},
      {"on_error = \"skip\"", ""},
      {"learning_rate = 0.1", "learning_rate = 0.2"},
      {"batch = 16", ""},
      {"window = [5, 9]", "window = [5, 9, 13]"},
      {"guide = \"audio\"", ""},
      {"layers = [2, 1]", "layers = [1, 2]"},
      {"zip = [\"hidden\", \"layers\"]", ""},
      {"residual = [true, false]", "residual = false"},
      {"layer_norm = [false, true]", "layer_norm = true"},
      {"layer_norm = [false, true]", ""},
      {"dropout = [0.0, 0.2]", "dropout = [0.0, 0.3]"},
      {"zoneout = 0.1", "zoneout = { hidden = 0.1 }"},
      {"decay = [0.9, 0.8]", "decay = [0.9, 0.7]"},
      {"epochs = [3, 4]", "epochs = 3"},
      {"temporal.layers = 2", "temporal.layers = 1"},
      {"extras.dropout = 0.2", "extras.dropout = true"},
      {"[[exclude]]\ntrain.decay = 0.9\nmultimodal.window = 9\n", ""},
      {"strategy = \"" + std::string(GetParam()) + "\"",
       std::string("strategy = \"") + (std::string(GetParam()) == "grid" ? "greedy" : "grid") +
           "\""},
      {"[[table]]", "[[grid.loss]]\nuse = \"huber\"\n[[table]]"},
  };
  std::map<std::string, std::string> digests = {{DigestOf(text), "nothing"}};
  for (const auto& [from, to] : changes) {
    const std::string change = from + " -> " + to;
    const auto [known, added] = digests.emplace(DigestOf(Changed(text, from, to)), change);
    EXPECT_TRUE(added) << change << " has the digest of " << known->second;
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, RecipeDigestOf, testing::Values("grid", "greedy"),
                         [](const auto& info) { return std::string(info.param); });

const std::string kTwoEntries =
    "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"lstm\"\n[search]\nstrategy = ";
const std::string kTwoEntriesTurned =
    "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n[search]\nstrategy = ";

TEST(RecipeDigest, TheOrderOfEntriesCountsWhereASearchStartsFromTheFirst) {
  EXPECT_EQ(DigestOf(RecipeHead() + kTwoEntries + "\"grid\"\n"),
            DigestOf(RecipeHead() + kTwoEntriesTurned + "\"grid\"\n"));
  EXPECT_NE(DigestOf(RecipeHead() + kTwoEntries + "\"greedy\"\n"),
            DigestOf(RecipeHead() + kTwoEntriesTurned + "\"greedy\"\n"));
  const std::string baseline = "\"greedy\"\n[search.baseline]\ntemporal = { use = \"mean\" }\n";
  EXPECT_EQ(DigestOf(RecipeHead() + kTwoEntries + baseline),
            DigestOf(RecipeHead() + kTwoEntriesTurned + baseline));
}

TEST(RecipeDigest, WhatAStrategyDoesCountsForItAndNotForTheGrid) {
  const std::string head = RecipeHead() + "[search]\nstrategy = ";
  std::set<std::string> greedy, grid;
  for (const std::string rest : {"", "[search.baseline]\nextras = { layer_norm = true }\n",
                                 "[search.baseline]\ntrain = { epochs = 1 }\n"}) {
    greedy.insert(DigestOf(head + "\"greedy\"\n" + rest));
    grid.insert(DigestOf(head + "\"grid\"\n" + rest));
  }
  EXPECT_EQ(grid.size(), 1U);
  for (const std::string rest :
       {"passes = 2\n", "order = [\"temporal\"]\n", "order = [\"temporal\", \"loss\"]\n",
        "order = [\"loss\", \"temporal\"]\n", "[[search.stage]]\nvary = \"temporal\"\n",
        "[[search.stage]]\nvary = \"temporal\"\nfix = { loss = { use = \"huber\" } }\n"}) {
    greedy.insert(DigestOf(head + "\"greedy\"\n" + rest));
  }
  EXPECT_EQ(greedy.size(), 9U);
  EXPECT_NE(DigestOf(head + "\"beam\"\n"), DigestOf(head + "\"beam\"\nwidth = 4\n"));
}

TEST(RecipeDigest, TheSeedsThatAreRacedForCount) {
  const auto digest = [](const std::string& seeds) {
    std::string text = RecipeHead();
    const std::string name = "name = \"test\"\n";
    return DigestOf(text.insert(text.find(name), "seeds = " + seeds + "\n"));
  };
  EXPECT_EQ(digest("{ min = 1, max = 3 }"), digest("{ max = 3 }"));
  EXPECT_NE(digest("{ min = 1, max = 3 }"), digest("{ min = 2, max = 3 }"));
  EXPECT_NE(digest("{ min = 1, max = 3 }"), digest("[1, 2, 3]"));
}

}  // namespace
}  // namespace beamgrid
