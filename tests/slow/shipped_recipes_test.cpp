// Every recipe that ships runs to its tables. The data are synthetic, tiny and as narrow as the
// components allow; components and their options, searches, ensembles and tables are the recipe's
// own, except where kReductions says otherwise.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Replaced where a recipe has it: what costs time and says nothing about the recipe.
const std::vector<std::pair<std::string, std::string>> kEverywhere = {
    {R"(\nclasses = \d+)", "\nclasses = 40"},
    {R"(rgb = 1024, audio = 128)", "rgb = 24, audio = 8"},
    {R"(mean_rgb = 1024, mean_audio = 128)", "mean_rgb = 24, mean_audio = 8"},
    {R"(audio_embedding = 128)", "audio_embedding = 16"},
    {R"(\nmax_frames = \d+)", "\nmax_frames = 12"},
    {R"(\nbatch = \d+)", "\nbatch = 32"},
    {R"(\nepochs = \d+)", "\nepochs = 1"},
};

/// The grid of figure 4 is 1,536 models; without three of the four switches it is 192. The names of
/// shards that a recipe picks are not those of synthetic ones.
const std::map<std::string, std::vector<std::pair<std::string, std::string>>> kReductions = {
    {"kim2018_grid.toml",
     {{R"(layer_norm = \[false, true\])", "layer_norm = true"},
      {R"(skip_connection = \[false, true\])", "skip_connection = true"},
      {R"(dropout = \[0.0, 0.2\])", "dropout = 0.2"}}},
    {"audioset_grid.toml",
     {{R"(bal_train-0\[0-7\])", "train*"}, {R"(eval-0\[0-2\])", "validate*"}}},
    {"yt8m2018_ensemble.toml", {{R"(validate00\{[\d,]+\})", "validate*"}}},
};

std::string Reduced(const std::string& recipe, std::string text) {
  for (const auto& [pattern, replacement] : kEverywhere) {
    text = std::regex_replace(text, std::regex(pattern), replacement);
  }
  const auto more = kReductions.find(recipe);
  if (more == kReductions.end()) return text;
  for (const auto& [pattern, replacement] : more->second) {
    const std::string reduced = std::regex_replace(text, std::regex(pattern), replacement);
    EXPECT_NE(reduced, text) << recipe << " no longer has " << pattern;
    text = reduced;
  }
  return text;
}

std::string Match(const std::string& text, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : "";
}

/// Makes the files that the recipe's globs name.
void MakeData(const fs::path& folder, const std::string& text) {
  const std::string format = Match(text, R"(\nformat = "(\w+)\")");
  std::string features = Match(text, R"(\nfeatures = \{ (.*) \})");
  features = std::regex_replace(features, std::regex("[ ]*=[ ]*"), "=");
  features = std::regex_replace(features, std::regex(", "), ",");
  const Ended synth =
      Beamgrid(folder, {"data", "synth", "--out", "made", "--videos", "150", "--classes", "40",
                        "--seed", "1", "--format", format, "--features", features, "--max-frames",
                        format == "video" ? "1" : "12"});
  ASSERT_EQ(synth.exit_code, 0) << synth.err;
  for (const std::string split : {"train", "validate"}) {
    const fs::path glob = Match(text, "\\n" + split + " = \"([^\"]+)\"");
    const fs::path target = (folder / "recipes" / glob).lexically_normal().parent_path();
    fs::create_directories(target);
    for (const auto& entry : fs::directory_iterator(folder / "made")) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(split)) fs::copy_file(entry.path(), target / name);
    }
  }
  fs::remove_all(folder / "made");
}

std::vector<std::string> TableTitles(const std::string& text) {
  std::vector<std::string> titles;
  const std::regex title(R"(\[\[table\]\]\ntitle = "([^"]+)\")");
  for (std::sregex_iterator match(text.begin(), text.end(), title), end; match != end; ++match) {
    titles.push_back((*match)[1]);
  }
  return titles;
}

/// Copies the recipe, makes its data and runs it.
void RunReduced(const fs::path& folder, const std::string& recipe) {
  const std::string text =
      Reduced(recipe, ReadText(fs::path(BEAMGRID_SOURCE_DIR) / "recipes" / recipe));
  fs::create_directories(folder / "recipes");
  WriteText(folder / "recipes" / recipe, text);
  ASSERT_NO_FATAL_FAILURE(MakeData(folder, text));
  const Ended run = Beamgrid(folder, {"run", "recipes/" + recipe});
  ASSERT_EQ(run.exit_code, 0) << run.err << run.out;
  for (const std::string& title : TableTitles(text)) {
    EXPECT_THAT(run.out, testing::HasSubstr("**" + title + "**")) << recipe;
  }
  // Each row of a paper's table is one model of its recipe; the greedy one leaves rows out.
  if (recipe != "na2017_greedy.toml") {
    EXPECT_THAT(run.out, testing::Not(testing::HasSubstr("the study has no such model"))) << recipe;
  }
  EXPECT_THAT(run.out, testing::Not(testing::HasSubstr(" models are it: "))) << recipe;
  const auto trials =
      ParseJson(Beamgrid(folder, {"trials", Match(text, R"(\nname = "([^"]+)\")"), "--json"}).out);
  EXPECT_GE(trials.as_array().size(), 4U) << recipe;
  for (const auto& trial : trials.as_array())
    EXPECT_EQ(trial.at("state").as_string(), "complete") << trial;
}

class RecipeRuns : public testing::TestWithParam<std::string> {};

TEST_P(RecipeRuns, ToItsTables) {
  const TemporaryFolder folder;
  // The second phase starts from what the first one trained.
  if (GetParam() == "locust2019_phase2.toml") RunReduced(folder.path(), "locust2019_phase1.toml");
  RunReduced(folder.path(), GetParam());
}

std::set<std::string> ShippedRecipes() {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(BEAMGRID_SOURCE_DIR) / "recipes")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".toml" && name != "paper_tables.toml") names.insert(name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Shipped, RecipeRuns, testing::ValuesIn(ShippedRecipes()),
                         [](const auto& info) {
                           return std::regex_replace(info.param, std::regex("\\.toml"), "");
                         });

}  // namespace
}  // namespace beamgrid
