// components, check, plan and table with a trainer that is a script; doctor.

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/inputs/recipe_files.h"
#include "orchestrator/run_study.h"
#include "registry/util/files.h"
#include "search/recipe.h"
#include "search/strategy.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

class SearchCommandsTest : public CommandTest {
 protected:
  SearchCommandsTest() {
    UseFakeTrainer();
    EXPECT_EQ(Call({"data", "synth", "--out", Path("data"), "--videos", "10", "--classes", "6",
                    "--seed", "1", "--features", "rgb=8,audio=4", "--max-frames", "4", "--quiet"})
                  .exit_code,
              0);
  }
  /// A recipe on the synthetic data.
  [[nodiscard]] std::string Recipe(const std::string& rest, const std::string& data = "") const {
    return Write("recipe.toml",
                 "beamgrid = 1\n[study]\nname = \"planned\"\nseeds = [1, 2]\n[data]\n"
                 "format = \"frame\"\ntrain = [\"data/train*.tfrecord\"]\n"
                 "validate = [\"data/validate*.tfrecord\"]\n" +
                     (data.empty() ? "classes = 6\nfeatures = { rgb = 8, audio = 4 }\n" : data) +
                     rest);
  }
};

TEST_F(SearchCommandsTest, ComponentsHasTheFixedShape) {
  const auto json = Call({"components", "--json"}).Json();
  for (const auto& component : json.as_array()) {
    EXPECT_THAT(KeysOf(component),
                IsSupersetOf({"criterion", "name", "options", "source", "help"}));
    for (const auto& option : component.at("options").as_array()) {
      EXPECT_THAT(KeysOf(option), IsSupersetOf({"name", "type", "default", "allowed", "help"}));
    }
  }
}

TEST_F(SearchCommandsTest, ComponentsTakesAComponentOrACriterion) {
  EXPECT_EQ(Call({"components", "netvlad", "--json"}).Json().as_array().size(), 1U);
  EXPECT_GT(Call({"components", "temporal", "--json"}).Json().as_array().size(), 3U);
  EXPECT_THAT(Call({"components", "netvlad"}).out, HasSubstr("1..4096"));
  const Called unknown = Call({"components", "netvald"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'netvlad'?"));
}

TEST_F(SearchCommandsTest, StrategiesAreListedWithTheirKeys) {
  const Called all = Call({"strategies"});
  EXPECT_EQ(all.exit_code, 0);
  const auto json = Call({"strategies", "--json"}).Json();
  ASSERT_EQ(json.as_array().size(), Strategies().size());
  for (const StrategyInfo& strategy : Strategies()) {
    EXPECT_THAT(all.out, HasSubstr(strategy.name + "\n  " + strategy.help + "\n"));
    const Called one = Call({"strategies", strategy.name});
    EXPECT_EQ(one.exit_code, 0) << one.err;
    EXPECT_THAT(one.out, HasSubstr("strategy = \"" + strategy.name + "\"\n"));
    for (const OptionInfo& option : strategy.options) {
      EXPECT_THAT(one.out, HasSubstr(option.name + " = "));
      EXPECT_THAT(one.out, HasSubstr(AllowedText(option)));
    }
  }
  const auto greedy = Call({"strategies", "greedy", "--json"}).Json();
  ASSERT_EQ(greedy.as_array().size(), 1U);
  EXPECT_THAT(KeysOf(greedy.at(0)), ::testing::ElementsAre("help", "name", "options"));
  const Called text = Call({"strategies", "greedy"});
  EXPECT_THAT(text.out, HasSubstr("order"));
  EXPECT_THAT(text.out, HasSubstr("1..100"));
  EXPECT_THAT(text.out, HasSubstr("[[search.stage]]"));
  EXPECT_EQ(text.out.find("greedy: "), std::string::npos) << "it stands above";
  EXPECT_EQ(Call({"strategies", "grid"}).out.find("passes"), std::string::npos);
  const Called unknown = Call({"strategies", "gredy"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("no strategy 'gredy'; did you mean 'greedy'?"));
  EXPECT_THAT(Call({"completion", "bash"}).out, HasSubstr("' strategies') words='"));
}

TEST_F(SearchCommandsTest, ADeviceThatIsNotThereLeavesNoDatabase) {
  const std::string recipe = Recipe("[resources]\ndevices = [\"cuda:0\"]\n");
  const Called ran =
      Call({"run", recipe, "--db", Path("new.db"), "--runs", Path("runs"), "--no-wait"});
  EXPECT_NE(ran.exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(Path("new.db"))) << ran.err;
}

TEST_F(SearchCommandsTest, ARunsFolderWhoseNameIsNotUtf8IsRefusedFirst) {
  const Called ran = Call({"run", Recipe(""), "--db", Path("new.db"), "--runs", Path("caf\xe9")});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("caf\\xe9: the name is not UTF-8"));
  EXPECT_FALSE(std::filesystem::exists(Path("new.db")));
}

TEST_F(SearchCommandsTest, WhatOthersWroteIsShownAndNotObeyed) {
  const Called checked = Call({"check", Recipe("[resources]\n\"\\u001b[2Jx\\u202e\" = 1\n")});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.err, HasSubstr("\\x1b[2Jx\\u202e"));
  EXPECT_EQ(checked.err.find('\033'), std::string::npos);
  const Called asked = Call({"components", "\033]0;x\a"});
  EXPECT_THAT(asked.err, HasSubstr("\\x1b]0;x\\x07"));
}

TEST_F(SearchCommandsTest, RunNeedNotWaitForOthers) {
  EXPECT_THAT(Call({"run", "--help"}).out, HasSubstr("--no-wait"));
  EXPECT_THAT(Call({"run", Recipe("[grid]\nx = 1\n"), "--no-wait"}).err, HasSubstr("grid.x"));
}

TEST_F(SearchCommandsTest, VerboseNamesTheTrainer) {
  EXPECT_THAT(Call({"components", "--verbose"}).err, HasSubstr("trainer: " + Path("trainer")));
  EXPECT_EQ(Call({"components"}).err, "");
}

TEST_F(SearchCommandsTest, CheckSaysNothingOfAGoodRecipe) {
  const Called called = Call({"check", Recipe("")});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_EQ(called.out, "");
}

TEST_F(SearchCommandsTest, MissingFilesAreToldWithTheRecipesOtherMistakes) {
  const std::string recipe = Recipe(
      "[[grid.temporal]]\nuse = \"netvald\"\n[[table]]\nvary = \"temporal\"\n"
      "reference = \"kim18/99\"\n",
      "classes = 0\nweighted_classes = \"gone.csv\"\nclass_weight = 2\n");
  std::filesystem::remove(Path("data/train0000.tfrecord"));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"check", recipe}, {"run", recipe, "--db", Path("x.db")}}) {
    const Called called = Call(command);
    EXPECT_EQ(called.exit_code, 2);
    EXPECT_THAT(called.err, ::testing::ContainsRegex("recipe.toml:7:[0-9]+: data.train: .*\n"
                                                     ".*recipe.toml:9:[0-9]+: data.classes: .*\n"
                                                     ".*recipe.toml:13:[0-9]+: grid.temporal.*\n"
                                                     ".*recipe.toml:16:[0-9]+: table.0..reference: "
                                                     "reference = 'kim18/99'"));
    EXPECT_EQ(called.err.find("gone.csv"), std::string::npos) << "of how many classes?";
  }
  EXPECT_THAT(Call({"check", recipe, "--no-data"}).err,
              ::testing::Not(HasSubstr("matches no file")));
  const auto json = Call({"check", recipe, "--json"}).Json();
  EXPECT_EQ(json.at("mistakes").as_array().size(), 4U);
  EXPECT_EQ(json.at("mistakes").at(0).at("line"), 7);
  // Nor does a plugin that is not there hide them.
  const Called plugin = Call({"check", recipe, "--set", "plugins=gone.so"});
  EXPECT_THAT(plugin.err, HasSubstr("gone.so"));
  EXPECT_THAT(plugin.err, HasSubstr("data.train"));
}

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
  EXPECT_THAT(plan("[search]\nstrategy = \"halving\"\n", "[1]"),
              HasSubstr("\nthe training of the better ones, of 1 to the end, chosen by these "
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

TEST_F(SearchCommandsTest, ABraceWithoutItsFileIsAMistakeWithAPlace) {
  const std::string recipe = Recipe("", "classes = 6\nfeatures = { rgb = 8, audio = 4 }\n");
  const Called called =
      Call({"check", recipe, "--set", "data.train=data/{train0000,gone}.tfrecord"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("data.train: no file matches"));
}

TEST_F(SearchCommandsTest, CheckSaysAllMistakesAtOnce) {
  const std::string recipe = Recipe(
      "[[grid.temporal]]\nuse = \"netvald\"\n[[grid.classifier]]\nuse = \"moe\"\n"
      "experts = 0\n[serach]\nstrategy = \"grid\"\n");
  const Called called = Call({"check", recipe});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr(recipe + ":12:"));
  EXPECT_THAT(called.err, HasSubstr("netvlad"));
  EXPECT_THAT(called.err, HasSubstr(recipe + ":15:"));
  EXPECT_THAT(called.err, HasSubstr("1..64"));
  EXPECT_THAT(called.err, HasSubstr("serach"));
}

TEST_F(SearchCommandsTest, CheckLooksAtGlobsAndRecords) {
  const Called no_files =
      Call({"check", Write("globs.toml",
                           "beamgrid = 1\n[study]\nname = \"x\"\n[data]\nformat = \"frame\"\n"
                           "train = [\"nowhere/*.tfrecord\"]\nvalidate = [\"data/*.tfrecord\"]\n"
                           "classes = 6\nfeatures = { rgb = 8, audio = 4 }\n")});
  EXPECT_EQ(no_files.exit_code, 2);
  EXPECT_THAT(no_files.err, HasSubstr("globs.toml:6:"));
  EXPECT_THAT(no_files.err, HasSubstr("nowhere/*.tfrecord"));

  const Called wrong_width =
      Call({"check", Recipe("", "classes = 6\nfeatures = { rgb = 16, audio = 4 }\n")});
  EXPECT_EQ(wrong_width.exit_code, 2);
  EXPECT_THAT(wrong_width.err, HasSubstr("rgb"));
  EXPECT_THAT(wrong_width.err, HasSubstr("train"));
}

TEST_F(SearchCommandsTest, CheckAsJsonSaysMistakesAndErrors) {
  const std::string recipe = Recipe("[serach]\nx = 1\n");
  const Called wrong = Call({"check", recipe, "--json", "--set", "train.epochs=0"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr(recipe + ":11:2: serach"));
  const auto json = wrong.Json();
  EXPECT_THAT(KeysOf(json), ElementsAre("error", "exit_code", "mistakes"));
  EXPECT_EQ(json.at("exit_code"), 2);
  ASSERT_EQ(json.at("mistakes").as_array().size(), 2U);
  const auto& set = json.at("mistakes").at(0);
  EXPECT_THAT(KeysOf(set), ElementsAre("column", "file", "key", "line", "message"));
  EXPECT_THAT(Call({"check", "--help"}).out,
              AllOf(HasSubstr("--json: study, study_changes: {"),
                    HasSubstr("exit_code, error, mistakes: [{file, line, column, key, message}]")));
  EXPECT_EQ(set.at("file"), "--set train.epochs=0");
  EXPECT_TRUE(set.at("line").is_null());
  EXPECT_EQ(set.at("key"), "train.epochs");
  const auto& written = json.at("mistakes").at(1);
  EXPECT_EQ(written.at("file").as_string(), recipe);
  EXPECT_EQ(written.at("line"), 11);
  EXPECT_EQ(written.at("column"), 2);
  EXPECT_EQ(written.at("key"), "serach");
  EXPECT_THAT(std::string(written.at("message").as_string()), HasSubstr("did you mean 'search'?"));

  const Called fine = Call({"check", Recipe(""), "--json"});
  EXPECT_EQ(fine.exit_code, 0);
  EXPECT_EQ(fine.Json(),
            boost::json::parse(
                R"({"study": "planned", "study_changes": null, "mistakes": [], "error": null,
                                                "exit_code": 0})"));
  const auto missing = Call({"check", Path("none.toml"), "--json"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(std::string(missing.Json().at("error").as_string()), HasSubstr("none.toml"));
}

TEST_F(SearchCommandsTest, RunAsJsonSaysMistakesAndErrors) {
  const Called wrong = Call({"run", Recipe("[serach]\nx = 1\n"), "--json"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(wrong.Json().at("mistakes").at(0).at("key"), "serach");
  setenv("BEAMGRID_TRAINER", Path("no-trainer").c_str(), 1);
  const Called broken = Call({"run", Recipe(""), "--json", "--db", Path("b.db")});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_EQ(broken.Json().at("exit_code"), 1);
  EXPECT_THAT(std::string(broken.Json().at("error").as_string()), HasSubstr("no-trainer"));
}

TEST_F(SearchCommandsTest, VerifyingDataTakesOtherValues) {
  const std::string recipe = Recipe("");
  EXPECT_EQ(Call({"data", "verify", recipe, "--quiet"}).exit_code, 0);
  const Called none = Call({"data", "verify", recipe, "--set", "data.train=nowhere/*"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("--set data.train=nowhere/*: data.train: \"nowhere/*\" matches"));
  EXPECT_EQ(Call({"data", "verify", Path("data"), "--set", "data.classes=1"}).exit_code, 2);
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

TEST_F(SearchCommandsTest, AWrongSettingIsAnsweredBesideTheOtherMistakes) {
  const std::string recipe = Recipe("[serach]\nx = 1\n");
  for (const char* command : {"check", "plan", "run"}) {
    const Called called = Call({command, recipe, "--set", "train.epohcs=2"});
    EXPECT_EQ(called.exit_code, 2);
    EXPECT_THAT(called.err, HasSubstr("--set train.epohcs=2: train.epohcs: 'train' has no option "
                                      "'epohcs'; did you mean 'epochs'?"));
    EXPECT_THAT(called.err, HasSubstr(recipe + ":11:2: serach"));
    EXPECT_THAT(Call({command, recipe, "--set", "nonsense"}).err, HasSubstr("must be KEY=VALUE"));
  }
  EXPECT_FALSE(std::filesystem::exists("beamgrid.db"));
}

TEST_F(SearchCommandsTest, ARecipeThatIsNotThereIsAUsageError) {
  for (const char* command : {"check", "plan", "run"}) {
    const Called called = Call({command, Path("no.toml")});
    EXPECT_EQ(called.exit_code, 2) << command;
    EXPECT_THAT(called.err, HasSubstr(Path("no.toml")));
  }
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

TEST_F(SearchCommandsTest, EveryCommandSaysTheSameOfDataThatStopAStudy) {
  // Two records of one id in validate: the second a copy of the first, in a file of its own with
  // one record more, so that the files differ.
  const std::string validate = Path("data/validate0000.tfrecord");
  const std::string bytes = ReadFile(validate);
  WriteFileAtomically(Path("data/validate0001.tfrecord"),
                      bytes + ReadFile(Path("data/train0000.tfrecord")));
  const std::string recipe = Recipe("",
                                    "classes = 6\nfeatures = { rgb = 8, audio = 4 }\n"
                                    "on_error = \"skip\"\n");
  const std::string problem = "is there twice: " + validate + ": byte 0 and ";
  const std::string warning = "8 validation videos are in the training data too";
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"check", recipe}, {"run", recipe, "--db", Path("x.db")}}) {
    const Called called = Call(command);
    EXPECT_EQ(called.exit_code, 2) << command[0];
    EXPECT_THAT(called.err, HasSubstr(recipe + ":8:")) << "the place of data.validate";
    EXPECT_THAT(called.err, HasSubstr(problem));
  }
  EXPECT_THAT(Call({"check", recipe}).err, HasSubstr("warning: " + warning));
  EXPECT_FALSE(std::filesystem::exists(Path("x.db")));
  const Called plan = Call({"plan", recipe, "--db", Path("x.db")});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.err, HasSubstr(problem));
  EXPECT_THAT(plan.err, HasSubstr("`beamgrid run` will not begin on these data"));
  const Called verify = Call({"data", "verify", recipe});
  EXPECT_EQ(verify.exit_code, 2) << "as check and run";
  EXPECT_THAT(verify.out, HasSubstr(problem));
  EXPECT_THAT(verify.out, HasSubstr("warning: " + warning));
  const Called as_json = Call({"data", "verify", recipe, "--json"});
  EXPECT_EQ(as_json.exit_code, 2);
  const auto json = as_json.Json();
  EXPECT_EQ(json.at("sound"), false);
  EXPECT_EQ(json.at("train").at("examples"), 8);
  EXPECT_EQ(json.at("validate").at("repeated"), 2);
  EXPECT_EQ(json.at("problems").as_array().size(), 2U);
  EXPECT_EQ(json.at("shared_videos"), 8);
}

TEST_F(SearchCommandsTest, WhatIsSkippedIsSaid) {
  const std::string train = Path("data/train0000.tfrecord");
  std::string bytes = ReadFile(train);
  bytes[20] = static_cast<char>(~bytes[20]);
  WriteFileAtomically(train, bytes);
  const Called stop = Call({"check", Recipe("")});
  EXPECT_EQ(stop.exit_code, 2);
  EXPECT_THAT(stop.err, HasSubstr(train + ": byte 0: "));
  EXPECT_THAT(stop.err, HasSubstr("would pass over 1 of 8 training records"));
  const std::string recipe = Recipe("",
                                    "classes = 6\nfeatures = { rgb = 8, audio = 4 }\n"
                                    "on_error = \"skip\"\n");
  for (const char* command : {"check", "plan"}) {
    const Called skip = Call({command, recipe});
    EXPECT_EQ(skip.exit_code, 0) << skip.err;
    EXPECT_THAT(skip.err, HasSubstr("warning: 1 of 8 training records is skipped: " + train));
  }
  const Called verify = Call({"data", "verify", recipe});
  EXPECT_EQ(verify.exit_code, 0) << verify.err;
  EXPECT_THAT(verify.out, HasSubstr("data.train: 7 of 8 examples in 1 file can be used"));
}

TEST_F(SearchCommandsTest, WhatCannotBeUsedCountsAmongWhatWasRead) {
  const std::string recipe =
      Recipe("", "classes = 1\nfeatures = { rgb = 8, audio = 4 }\non_error = \"skip\"\n");
  const Called verify = Call({"data", "verify", recipe});
  EXPECT_EQ(verify.exit_code, 2);
  EXPECT_THAT(verify.out, HasSubstr(" of 8 examples in 1 file can be used"));
  const auto train = Call({"data", "verify", recipe, "--json"}).Json().at("train");
  EXPECT_GT(train.at("contradicting").as_int64(), 0);
  EXPECT_EQ(train.at("read"), 8);
  EXPECT_EQ(train.at("examples").as_int64() + train.at("contradicting").as_int64(), 8);
}

TEST_F(SearchCommandsTest, DataVerifyTakesOneRecipeOrFiles) {
  EXPECT_EQ(Call({"data", "verify", Recipe(""), Path("data")}).exit_code, 2);
  EXPECT_EQ(Call({"data", "verify", Path("none.toml")}).exit_code, 2);
  const Called wrong = Call({"data", "verify", Recipe("", "classes = 0\n")});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("classes"));
  setenv("BEAMGRID_TRAINER", Path("no-trainer").c_str(), 1);
  const Called sound = Call({"data", "verify", Recipe("")});
  EXPECT_EQ(sound.exit_code, 0) << "no trainer is needed: " << sound.err;
}

TEST_F(SearchCommandsTest, PlanOfNothingIsStillJson) {
  const Called called =
      Call({"plan", Recipe("[[grid.multimodal]]\nuse = \"attention\"\n"), "--json"});
  EXPECT_TRUE(called.Json().at("trials").as_array().empty());
}

TEST_F(SearchCommandsTest, TableAnswersInThreeFormats) {
  const std::string database = Path("filled.db");
  FillStore(database);
  const Called json = Call({"table", "small", "--db", database, "--format", "json"});
  ASSERT_EQ(json.exit_code, 0) << json.err;
  const auto table = json.Json();
  EXPECT_THAT(KeysOf(table), IsSupersetOf({"title", "columns", "rows"}));
  ASSERT_FALSE(table.at("rows").as_array().empty());
  for (const auto& row : table.at("rows").as_array()) {
    EXPECT_THAT(KeysOf(row), IsSupersetOf({"label", "gap", "size_bytes", "parameters", "delta",
                                           "p_value", "reference"}));
  }
  EXPECT_EQ(Call({"table", "small", "--db", database, "--json"}).out, json.out);
  EXPECT_THAT(Call({"table", "small", "--db", database}).out, HasSubstr("| "));
  EXPECT_THAT(Call({"table", "small", "--db", database, "--format", "csv"}).out, HasSubstr(","));
  EXPECT_EQ(Call({"table", "small", "--db", database, "--format", "docx"}).exit_code, 2);
  EXPECT_EQ(Call({"table", "small", "--db", database, "--fix", "temporal"}).exit_code, 2);
  const Called reference = Call({"table", "small", "--db", database, "--reference", "kim18/99"});
  EXPECT_EQ(reference.exit_code, 2);
  EXPECT_THAT(reference.err, HasSubstr("kim18/2"));
}

TEST(PaperTablesTest, AreBuiltIn) {
  EXPECT_TRUE(PaperRows("").empty());
  EXPECT_FALSE(PaperRows("kim18/2").empty());
}

TEST_F(SearchCommandsTest, DoctorReportsTheMachine) {
  const Called called =
      Call({"doctor", "--json", "--db", Path("b.db"), "--runs", Path("deep/runs")});
  const auto json = called.Json();
  EXPECT_THAT(KeysOf(json), IsSupersetOf({"beamgrid", "cpu", "database", "problems", "runs",
                                          "sqlite", "trainer"}));
  EXPECT_GE(json.at("cpu").at("cores").as_int64(), 1);
  EXPECT_EQ(json.at("trainer").at("report").at("libtorch"), "none, a script");
  EXPECT_EQ(json.at("runs").at("path").as_string(), Path("deep/runs"));
  EXPECT_FALSE(std::filesystem::exists(Path("deep")));
  EXPECT_EQ(called.exit_code, json.at("problems").as_array().empty() ? 0 : 1);
}

TEST_F(SearchCommandsTest, DoctorSaysHowToMendAMissingTrainer) {
  setenv("BEAMGRID_TRAINER", Path("no-trainer").c_str(), 1);
  const Called called = Call({"doctor"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.out, HasSubstr(Path("no-trainer")));
  EXPECT_THAT(called.out, HasSubstr("mend: "));
}

TEST_F(SearchCommandsTest, DoctorSeesACoreTypeThatIsTooOld) {
  setenv("OPENBLAS_CORETYPE", "Prescott", 1);
  const Called called = Call({"doctor", "--json"});
  unsetenv("OPENBLAS_CORETYPE");
  EXPECT_EQ(called.Json().at("cpu").at("openblas_coretype"), "Prescott");
}

TEST_F(SearchCommandsTest, WithoutATrainerTheMessageSaysWhereItWasLookedFor) {
  setenv("BEAMGRID_TRAINER", Path("no-trainer").c_str(), 1);
  const Called called = Call({"components"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr(Path("no-trainer")));
}

}  // namespace
}  // namespace beamgrid
