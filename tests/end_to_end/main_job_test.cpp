// The main job with real processes: synthetic data, a recipe, trained models, a table, an ensemble.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(MainJob, OneCommandLeadsFromRecipeToModelsTableAndEnsemble) {
  const StudyFolder folder;
  EXPECT_EQ(folder.Run({"check", "recipe.toml"}).exit_code, 0);

  const Ended plan = folder.Run({"plan", "recipe.toml", "--json"});
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  const auto planned = ParseJson(plan.out);
  ASSERT_EQ(planned.at("trials").as_array().size(), 8U);  // 2 temporals x 2 classifiers x 2 seeds
  EXPECT_TRUE(planned.at("refused").as_array().empty());

  const Ended run = folder.Run({"run", "recipe.toml"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("Temporal"));
  EXPECT_THAT(run.out, HasSubstr("| "));
  EXPECT_THAT(run.out, HasSubstr("Ensemble"));

  const auto trials = ParseJson(folder.Run({"trials", "small", "--json"}).out);
  ASSERT_EQ(trials.as_array().size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto& trial = trials.at(i);
    EXPECT_EQ(trial.at("state"), "complete");
    EXPECT_EQ(trial.at("fingerprint"), planned.at("trials").at(i).at("fingerprint"));
    EXPECT_EQ(trial.at("parameters"), planned.at("trials").at(i).at("parameters"));
    EXPECT_EQ(trial.at("size_bytes"), planned.at("trials").at(i).at("size_bytes"));
    EXPECT_GT(trial.at("gap").as_double(), 0.0);
    EXPECT_LE(trial.at("gap").as_double(), 1.0);
  }
  EXPECT_THAT(folder.HalfWritten(), IsEmpty());

  const Ended again = folder.Run({"run", "recipe.toml"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.out, run.out);
  EXPECT_THAT(again.err, HasSubstr("nothing to do"));

  const auto table =
      ParseJson(folder.Run({"table", "small", "--vary", "temporal", "--format", "json"}).out);
  ASSERT_EQ(table.at("rows").as_array().size(), 2U);
  for (const auto& row : table.at("rows").as_array()) EXPECT_EQ(row.at("gap").at("seeds"), 2);

  const auto ensemble = ParseJson(folder.Run({"ensemble", "small", "--json"}).out);
  EXPECT_GE(ensemble.at("members").as_array().size(), 1U);
  EXPECT_LE(ensemble.at("members").as_array().size(), 3U);
  EXPECT_FALSE(ensemble.at("holdout").is_null());

  const auto plan_after = ParseJson(folder.Run({"plan", "recipe.toml", "--json"}).out);
  EXPECT_EQ(plan_after.at("trials").at(0).at("state"), "complete");
}

TEST(MainJob, AnotherStudyReusesWhatTheDatabaseHolds) {
  const StudyFolder folder;
  RecipeText recipe;
  recipe.grid = "[[grid.classifier]]\nuse = \"logistic\"\n";
  recipe.rest = "";
  folder.WriteRecipe(recipe);
  ASSERT_EQ(folder.Run({"run", "recipe.toml"}).exit_code, 0);

  recipe.study = "name = \"second\"\nseeds = [2, 3]";
  folder.WriteRecipe(recipe, "second.toml");
  ASSERT_EQ(folder.Run({"run", "second.toml"}).exit_code, 0);
  const auto trials = ParseJson(folder.Run({"trials", "second", "--json"}).out);
  ASSERT_EQ(trials.as_array().size(), 2U);
  for (const auto& trial : trials.as_array()) EXPECT_EQ(trial.at("attempts"), 1);
  const auto attempts =
      ParseJson(folder.Run({"query", "SELECT count(*) AS n FROM attempt", "--json"}).out);
  EXPECT_EQ(attempts.at(0).at("n"), 3);  // seeds 1, 2 and 3, each once
}

TEST(MainJob, OneMoreWorkerChangesNoResult) {
  const StudyFolder folder;
  RecipeText recipe;
  recipe.resources = "devices = [\"cpu\"]\nslots_per_device = 1";
  folder.WriteRecipe(recipe);
  const Ended one = folder.Run({"run", "recipe.toml", "--db", "one.db", "--runs", "one"});
  recipe.resources = "devices = [\"cpu\"]\nslots_per_device = 2";
  folder.WriteRecipe(recipe);
  const Ended two = folder.Run({"run", "recipe.toml", "--db", "two.db", "--runs", "two"});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out, two.out);
}

TEST(MainJob, AnotherValueOfTheCommandLineIsPartOfTheStudy) {
  const StudyFolder folder;
  RecipeText recipe;
  recipe.grid = "";
  folder.WriteRecipe(recipe);
  const std::vector<std::string> run = {
      "run", "recipe.toml", "--json", "--set", "train.epochs=1", "--set", "study.seeds=[3]"};
  const Ended first = folder.Run(run);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto json = ParseJson(first.out);
  EXPECT_EQ(json.at("study"), "small");
  const std::string help = folder.Run({"run", "--help"}).out;
  for (const auto& [key, value] : json.as_object()) {
    EXPECT_THAT(help.substr(help.find("--json: ")), HasSubstr(std::string(key))) << key;
  }
  EXPECT_EQ(json.at("exit_code"), 0);
  EXPECT_EQ(json.at("trained"), 1);
  EXPECT_TRUE(json.at("error").is_null());
  EXPECT_TRUE(json.at("stopped_because").is_null());
  EXPECT_EQ(json.at("leaderboard").as_array().size(), 1U);
  EXPECT_EQ(json.at("tables").as_array().size(), 1U);
  EXPECT_EQ(json.at("ensemble").at("members").as_array().size(), 1U);
  EXPECT_THAT(first.err, HasSubstr("seed 3"));

  const auto again = ParseJson(folder.Run(run).out);
  EXPECT_EQ(again.at("trained"), 0);
  EXPECT_EQ(again.at("reused"), 1);
  EXPECT_EQ(again.at("leaderboard"), json.at("leaderboard"));

  // The record has what was trained, not what the file says.
  const auto text = ParseJson(folder.Run({"query", "SELECT recipe_text FROM study", "--json"}).out);
  EXPECT_THAT(std::string(text.at(0).at("recipe_text").as_string()),
              AllOf(HasSubstr("epochs = 1\n"), HasSubstr("# --set study.seeds=[3]\n")));
}

TEST(MainJob, QuietSaysNothingButTheResults) {
  const StudyFolder folder;
  RecipeText recipe;
  recipe.grid = "";
  folder.WriteRecipe(recipe);
  const Ended run = folder.Run({"run", "recipe.toml", "--quiet"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_THAT(run.out, Not(IsEmpty()));
}

TEST(MainJob, TheDoctorKnowsTheTrainer) {
  const TemporaryFolder folder;
  const auto report = ParseJson(Beamgrid(folder.path(), {"doctor", "--json"}).out);
  EXPECT_FALSE(report.at("trainer").at("report").is_null());
}

}  // namespace
}  // namespace beamgrid
