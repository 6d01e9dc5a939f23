// plan: what a run would train and what it would cost.

#include <gmock/gmock.h>

#include <filesystem>

#include "orchestrator/inputs/data_files.h"
#include "orchestrator/inputs/recipe_files.h"
#include "orchestrator/run_study.h"
#include "tests/orchestrator/commands/search_commands_fixture.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

TEST_F(SearchCommandsTest, APlanFitsTheTerminal) {
  const std::string recipe = Recipe(
      "[[grid.multimodal]]\nuse = \"attention\"\n[[grid.multimodal]]\nuse = \"concat\"\n"
      "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = 77\nhidden = 257\nframe_projection = 9\n");
  const Called narrow = CallAtTerminal(64, {"plan", recipe});
  EXPECT_EQ(narrow.exit_code, 0) << narrow.err;
  EXPECT_LE(WidestLine(narrow.out), 64U) << narrow.out;
  EXPECT_THAT(narrow.out, HasSubstr("attention needs two features"));
  EXPECT_THAT(narrow.out, HasSubstr("…"));
  const Called piped = Call({"plan", recipe});
  EXPECT_EQ(piped.out.find("…"), std::string::npos);
  EXPECT_EQ(piped.out.find("for want of width"), std::string::npos);
  for (const std::size_t width : {30U, 40U, 50U, 80U}) {
    const Called fitted = CallAtTerminal(width, {"plan", recipe});
    EXPECT_LE(WidestLine(fitted.out), width) << fitted.out;
    EXPECT_EQ(fitted.out.find("for want of width") == std::string::npos, width == 80U)
        << fitted.out;
  }
}

TEST_F(SearchCommandsTest, APlanSaysWhatFollowsItsResults) {
  const std::string grid =
      "[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"gru\"\n[[grid.classifier]]\n"
      "use = \"moe\"\nexperts = [2, 4]\n";
  const auto plan = [&](const std::string& search, const std::string& seeds) {
    return Call({"plan", Recipe(grid + search), "--set", "study.seeds=" + seeds}).out;
  };
  const std::string greedy = "[search]\nstrategy = \"greedy\"\n", race = "{ min = 1, max = 3 }";
  EXPECT_THAT(plan("", "[1]"), ::testing::Not(HasSubstr("by these results")));
  EXPECT_THAT(plan("", race), HasSubstr("\nfurther seeds of those that may be the best, chosen by "
                                        "these results\n"));
  EXPECT_THAT(plan(greedy, "[1]"),
              HasSubstr("2 trials of 2 models, 0 complete already, 0 models refused\nup to 1 more "
                        "model, chosen by these results\nthis search (greedy): 3 trials"));
  EXPECT_THAT(plan(greedy, race), HasSubstr("up to 1 more model and further seeds of those that "
                                            "may be the best, chosen by these results\n"));
  EXPECT_THAT(
      plan("[search]\nstrategy = \"halving\"\n", "[1]"),
      HasSubstr("\nfurther epochs of the better ones (1 of them to the end), chosen by these "
                "results\n"));
}

TEST_F(SearchCommandsTest, WhatARecipeHardlyMeansIsSaidAndNoMistake) {
  const std::string recipe = Recipe(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [8, 16]\n[search]\nstrategy = \"greedy\"\n"
      "order = [\"temporal\", \"classifier\"]\n");
  for (const std::string command : {"plan", "check"}) {
    std::vector<std::string> arguments = {command, recipe, "--no-data"};
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 0) << called.err;
    EXPECT_THAT(called.err, HasSubstr("search.order[1]: classifier has one candidate: there is "
                                      "nothing to choose; "));
  }
}

TEST_F(SearchCommandsTest, PlanTakesOtherValues) {
  const std::string recipe =
      Recipe("[[grid.temporal]]\nuse = \"gru\"\nhidden = 16\n[train]\nepochs = 5\n");
  const auto plan = [&](const std::vector<std::string>& settings) {
    std::vector<std::string> arguments = {"plan", recipe, "--json"};
    for (const std::string& setting : settings) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    return Call(arguments);
  };
  const Called changed =
      plan({"study.seeds=[7]", "grid.temporal[0].hidden=[16, 32]", "train.epochs=2"});
  ASSERT_EQ(changed.exit_code, 0) << changed.err;
  const auto trials = changed.Json().at("trials");
  ASSERT_EQ(trials.as_array().size(), 2U);
  EXPECT_EQ(trials.at(0).at("seed"), 7);
  EXPECT_EQ(trials.at(0).at("spec").at("train").at("epochs"), 2);
  EXPECT_EQ(trials.at(1).at("spec").at("temporal").at("hidden"), 32);
  // What is written says the same, to the fingerprint.
  const std::string written =
      Recipe("[[grid.temporal]]\nuse = \"gru\"\nhidden = 16\n[train]\nepochs = 2\n");
  EXPECT_EQ(plan({}).out, plan({"train.epochs=2"}).out);
  EXPECT_EQ(Call({"plan", written, "--json"}).out, plan({"train.epochs=2"}).out);
}

TEST_F(SearchCommandsTest, PlanHasTheFixedShape) {
  const std::string recipe = Recipe(
      "[[grid.multimodal]]\nuse = \"concat\"\n[[grid.multimodal]]\nuse = \"attention\"\n"
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [16, 32]\n");
  const Called called = Call({"plan", recipe, "--db", Path("none.db"), "--json"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  const auto json = called.Json();
  const auto& trials = json.at("trials").as_array();
  ASSERT_EQ(trials.size(), 4U);  // 2 widths x 2 seeds
  for (const auto& trial : trials) {
    EXPECT_THAT(KeysOf(trial), IsSupersetOf({"name", "fingerprint", "seed", "spec", "parameters",
                                             "size_bytes", "state"}));
    EXPECT_EQ(trial.at("parameters"), 1000);
    EXPECT_EQ(trial.at("size_bytes"), 4000);
    EXPECT_EQ(trial.at("state"), "waiting");
    EXPECT_EQ(trial.at("fingerprint").as_string().size(), 32U);
    EXPECT_EQ(trial.at("spec").at("temporal").at("use"), "gru");
  }
  ASSERT_EQ(json.at("refused").as_array().size(), 2U);
  EXPECT_THAT(KeysOf(json.at("refused").at(0)), ElementsAre("name", "why"));
  EXPECT_THAT(std::string(json.at("refused").at(0).at("why").as_string()),
              HasSubstr("attention needs two features"));
  EXPECT_FALSE(std::filesystem::exists(Path("none.db")));
}

TEST_F(SearchCommandsTest, PlanAsTextEndsInTotals) {
  const Called called =
      Call({"plan", Recipe("[[grid.temporal]]\nuse = \"gru\"\nhidden = [16, 32]\n"), "--db",
            Path("none.db")});
  EXPECT_THAT(called.out, HasSubstr("4 trials of 2 models, 0 complete already, 0 models refused"));
  // Of what a limit leaves out the record is not asked, so the cost is that of a beginning.
  EXPECT_THAT(Call({"plan", Recipe("[[grid.temporal]]\nuse = \"gru\"\nhidden = [16, 32]\n"), "--db",
                    Path("none.db"), "--limit", "2"})
                  .out,
              HasSubstr("count as if none had begun\nthis search (grid): 4 trials"));
}

TEST_F(SearchCommandsTest, PlanOfAHalvingThatHasBegunCostsWhatIsLeftOfIt) {
  const std::string recipe = Recipe(
      "[train]\nepochs = 4\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4]\n"
      "[search]\nstrategy = \"halving\"\n"
      "[resources]\ndevices = [\"cpu\"]\nslots_per_device = 1\n");
  const auto plan = [&] {
    return Call({"plan", recipe, "--db", Path("halved.db"), "--set", "study.seeds=[1]", "--json"})
        .Json();
  };
  const auto planned = plan().at("trials").as_array();
  ASSERT_EQ(planned.size(), 4U);
  {
    Store store(Path("halved.db"), OpenMode::kReadWrite);
    const auto parsed = LoadRecipe(ReadRecipe(recipe), TestCatalogue());
    const DataSpec data =
        CheckedData(parsed, {.warn = [](const std::string&) {}, .show_progress = false});
    const StudyId study = store.OpenStudy({.name = "another", .recipe_digest = "d"});
    const auto add = [&](const boost::json::value& trial, std::int64_t seed) {
      const TrialSpec spec{
          .model = ModelSpecFromJson(trial.at("spec")), .data = data, .seed = seed};
      return store
          .AddTrials(study, {{.name = std::string(trial.at("name").as_string()),
                              .fingerprint = Fingerprint(spec),
                              .spec = spec,
                              .parameters = 1000,
                              .size_bytes = 4000}})
          .front();
    };
    // The better two of four were trained on from epoch 1 to 2; one goes on from there.
    for (std::size_t i = 0; i < planned.size(); ++i) {
      const TrialId id = add(planned[i], 1);
      const std::int64_t attempt = store.BeginAttempt(id, "", "cpu", 1);
      for (std::int64_t epoch = 1; epoch <= (i < 2 ? 1 : 2); ++epoch) {
        store.RecordEpoch(id,
                          {.epoch = epoch, .metrics = {.gap = 0.1 * static_cast<double>(i + 1)}},
                          /*just_ended=*/true);
      }
      store.FinishAttempt(id, attempt,
                          {AttemptFailure{.kind = FailureKind::kInterrupted, .message = "paused"}},
                          TrialState::kWaiting);
      // What a whole training takes is known of each model.
      const TrialId whole = add(planned[i], 9);
      const TrialResult result{.parameters = 1000,
                               .size_bytes = 4000,
                               .examples = 4000,
                               .examples_per_second = 40,
                               .wall_seconds = 100,
                               .device = "cpu"};
      store.FinishAttempt(whole, store.BeginAttempt(whole, "", "cpu", 1), {result},
                          TrialState::kComplete);
    }
  }
  const auto json = plan();
  const double left = json.at("cost").at("device_hours").at("cpu").at("about").as_double();
  for (const auto& other : json.at("other_strategies").as_array()) {
    if (other.at("strategy") != "grid") continue;
    // Half of a training, of four.
    EXPECT_NEAR(left / other.at("device_hours").at("cpu").at("about").as_double(), 0.5 / 4, 1e-9);
  }
}

TEST_F(SearchCommandsTest, PlanSaysWhatTheSearchAndOthersCost) {
  const std::string recipe = Recipe(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [16, 32]\n[[grid.classifier]]\n"
      "use = \"moe\"\nexperts = [1, 2]\n[resources]\ndevices = [\"cpu\"]\n"
      "slots_per_device = 2\n");
  const std::vector<std::string> plan = {"plan", recipe, "--db", Path("cost.db")};
  const std::string empty = Call(plan).out;
  EXPECT_THAT(empty, HasSubstr("this search (grid): 8 trials, 0 complete already\n"));
  EXPECT_THAT(empty, HasSubstr("nothing was measured on a CPU yet: only sizes are known"));
  EXPECT_THAT(empty,
              HasSubstr("what other strategies would cost on this grid, from the beginning"));
  EXPECT_THAT(empty, HasSubstr("\n  greedy   6 trials\n"));
  EXPECT_THAT(empty, Not(HasSubstr("hours")));

  // One trial of the plan is complete: 100 s.
  auto as_json = plan;
  as_json.emplace_back("--json");
  auto json = Call(as_json).Json();
  EXPECT_TRUE(json.at("cost").at("device_hours").is_null());
  EXPECT_TRUE(json.at("cost").at("wall_seconds").is_null());
  EXPECT_EQ(json.at("cost").at("slots"), boost::json::parse(R"({"cpu": 2})"));
  const auto& first = json.at("trials").at(0);
  {
    Store store(Path("cost.db"), OpenMode::kReadWrite);
    const auto parsed = LoadRecipe(ReadRecipe(recipe), TestCatalogue());
    const TrialSpec spec{
        .model = ModelSpecFromJson(first.at("spec")),
        .data = CheckedData(parsed, {.warn = [](const std::string&) {}, .show_progress = false}),
        .seed = first.at("seed").as_int64()};
    const StudyId study = store.OpenStudy({.name = "planned",
                                           .objective = "gap",
                                           .recipe_text = parsed.text,
                                           .recipe_digest = RecipeDigest(parsed)});
    const TrialId id = store
                           .AddTrials(study, {{.name = std::string(first.at("name").as_string()),
                                               .fingerprint = Fingerprint(spec),
                                               .spec = spec,
                                               .parameters = 1000,
                                               .size_bytes = 4000}})
                           .front();
    TrialResult result{.parameters = 1000,
                       .size_bytes = 4000,
                       .examples = 5000,
                       .examples_per_second = 50,
                       .wall_seconds = 100,
                       .device = "cpu"};
    store.FinishAttempt(id, store.BeginAttempt(id, "", "cpu", 1), {result}, TrialState::kComplete);
  }
  const std::string measured = Call(plan).out;
  EXPECT_THAT(measured, HasSubstr("this search (grid): 8 trials, 1 complete already\n"));
  EXPECT_THAT(measured, HasSubstr(" CPU-hours ("));
  EXPECT_THAT(measured, HasSubstr(" on 2 slots of cpu\n"));
  EXPECT_THAT(measured, HasSubstr("times are forecast from 1 trial measured on a CPU"));
  EXPECT_THAT(measured, HasSubstr("assumed, for fewer than 5 trials tell of it"));
  json = Call(as_json).Json();
  EXPECT_THAT(KeysOf(json.at("cost").at("device_hours").at("cpu")),
              ElementsAre("about", "high", "low"));
  EXPECT_EQ(json.at("cost").at("trials").at("complete"), 1);
  EXPECT_EQ(json.at("cost").at("trials").at("least"), 8);
  for (const auto& other : json.at("other_strategies").as_array()) {
    EXPECT_NE(other.at("strategy"), "grid");
    if (!other.at("problem").is_null()) continue;
    EXPECT_GT(other.at("device_hours").at("cpu").at("about").as_double(), 0) << other;
  }
  EXPECT_THAT(KeysOf(json.at("cost").at("disk_bytes").at("end")),
              ElementsAre("about", "high", "low"));
  // Four models of 4000 bytes, each with one seed to three.
  EXPECT_THAT(Call({"plan", recipe, "--no-data", "--set", "study.seeds={ min = 1, max = 3 }"}).out,
              HasSubstr("(15.6 KiB to 46.9 KiB) more at the end and the predictions, at most "));
  // Without the data there are sizes and trials.
  EXPECT_THAT(
      Call({"plan", recipe, "--no-data"}).out,
      AllOf(HasSubstr("no times: the data were not looked at"), HasSubstr("and the predictions")));
}

TEST_F(SearchCommandsTest, PlanNeedsNoData) {
  std::filesystem::remove_all(Path("data"));
  const std::string recipe = Recipe("");
  for (const std::vector<std::string>& more : {std::vector<std::string>(), {"--no-data"}}) {
    std::vector<std::string> arguments = {"plan", recipe, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Called called = Call(arguments);
    ASSERT_EQ(called.exit_code, 0) << called.err;
    const auto json = called.Json();
    ASSERT_EQ(json.at("trials").as_array().size(), 2U);
    EXPECT_EQ(json.at("trials").at(0).at("fingerprint"), "");
    EXPECT_EQ(json.at("trials").at(0).at("parameters"), 1000);
  }
  const Called called = Call({"plan", recipe});
  EXPECT_THAT(called.err, HasSubstr(recipe + ":7:"));
  EXPECT_THAT(called.err, HasSubstr("\"data/train*.tfrecord\" matches no file"));
  EXPECT_THAT(called.err, HasSubstr("which trials are complete already cannot be told"));
  EXPECT_EQ(Call({"plan", recipe, "--no-data"}).err, "");
  const Called check = Call({"check", recipe});
  EXPECT_EQ(check.exit_code, 2) << "a run would miss them";
  EXPECT_EQ(Call({"check", recipe, "--no-data"}).exit_code, 0);
}

TEST_F(SearchCommandsTest, PlanOfNothingIsStillJson) {
  const Called called =
      Call({"plan", Recipe("[[grid.multimodal]]\nuse = \"attention\"\n"), "--json"});
  EXPECT_TRUE(called.Json().at("trials").as_array().empty());
}

}  // namespace
}  // namespace beamgrid
