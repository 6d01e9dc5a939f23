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
#include "tests/orchestrator/commands/search_commands_fixture.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

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

TEST_F(SearchCommandsTest, TableTakesItsBaselineTestColumnsAndResamples) {
  const std::string database = Path("filled.db");
  FillStore(database);
  const auto table = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"table", "small", "--db", database});
    return Call(more);
  };
  const std::string wide = table({"--columns", "parameters,epochs,speed,time"}).out;
  EXPECT_THAT(wide, HasSubstr("| parameters | examples/s | time (s) | epochs |"));
  EXPECT_THAT(wide, Not(HasSubstr("size")));
  const Called column = table({"--columns", "sise"});
  EXPECT_EQ(column.exit_code, 2);
  EXPECT_THAT(
      column.err,
      HasSubstr("must be one of size, parameters, speed, time, epochs, probability; did you "
                "mean 'size'?"));
  const Called few = table({"--resamples", "100"});
  EXPECT_EQ(few.exit_code, 2);
  EXPECT_THAT(few.err, HasSubstr("100 are fewer than the 200 that a 95 % interval needs"));
  EXPECT_EQ(table({"--resamples", "0"}).exit_code, 0);
  EXPECT_EQ(table({"--test", "u"}).exit_code, 2);
  EXPECT_EQ(table({"--test", "two-level", "--json"}).Json().at("test"), "two-level");
  const Called baseline = table({"--baseline", "nobody"});
  EXPECT_EQ(baseline.exit_code, 2);
  EXPECT_THAT(baseline.err, HasSubstr("baseline = 'nobody' is none of the table's rows"));
  EXPECT_THAT(table({"--macros"}).out, HasSubstr("\\csname beamgrid@"));
  EXPECT_EQ(table({"--macros", "--json"}).exit_code, 2);
  EXPECT_EQ(table({"--by", "temporal"}).exit_code, 2) << "columns without rows";
  EXPECT_THAT(table({"--vary", "temporal", "--by", "classifier"}).out,
              HasSubstr("| temporal / classifier |"));
}

TEST_F(SearchCommandsTest, TableSaysWhatItsRowsAre) {
  const std::string database = Path("filled.db");
  FillStore(database);
  const auto table = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"table", "small", "--db", database});
    return Call(more);
  };
  const auto refusal = [&](const std::vector<std::string>& more) {
    const Called called = table(more);
    EXPECT_EQ(called.exit_code, 2) << called.out;
    return called.err;
  };
  EXPECT_THAT(table({"--vary", "temporal.hidden"}).out,
              AllOf(HasSubstr("| temporal.hidden |"), HasSubstr("| hidden=512 |")));
  EXPECT_THAT(refusal({"--vary", "temporal.hiden"}), HasSubstr("did you mean 'hidden'?"));
  EXPECT_THAT(table({"--criteria"}).out, HasSubstr("| criterion | methods |"));
  EXPECT_THAT(refusal({"--average"}), HasSubstr("average: name what the rows differ in"));
  EXPECT_THAT(refusal({"--average", "--vary", "temporal"}), HasSubstr("no average: "));
  EXPECT_THAT(refusal({"--swap-one"}), HasSubstr("no baseline: no model has all its seeds"));
  EXPECT_THAT(refusal({"--leave-one-out"}), HasSubstr("no baseline: no model has all its seeds"));
  EXPECT_THAT(refusal({"--average", "--swap-one"}), HasSubstr("--average"));
  EXPECT_THAT(refusal({"--criteria", "--leave-one-out"}), HasSubstr("--criteria"));
  EXPECT_THAT(refusal({"--layout", "paper"}), HasSubstr("--reference must say which table"));
  EXPECT_THAT(table({"--vary", "multimodal", "--reference", "kim18/1", "--layout", "paper"}).out,
              HasSubstr("| Attention Method | Window Size w | Accuracy (GAP) | kim18/1 |"));
  EXPECT_THAT(refusal({"--ensemble"}), HasSubstr("study 'small' has no ensemble; `beamgrid "
                                                 "ensemble small` makes one"));
  EXPECT_THAT(refusal({"--ensemble", "--swap-one"}), HasSubstr("--ensemble"));
  EXPECT_THAT(refusal({"--ensemble", "--columns", "parameters"}),
              AllOf(HasSubstr("--ensemble"), HasSubstr("--columns")));
  EXPECT_THAT(refusal({"--vary", "temporal", "--by", "classifier", "--columns", "size"}),
              HasSubstr("--columns has no place beside --by; --format csv and --json have every "
                        "number"));
  EXPECT_THAT(refusal({"--vary", "temporal", "--by", "classifer"}),
              HasSubstr("by = 'classifer' is not a criterion; did you mean 'classifier'?"));
  for (const char* option : {"--vary", "--by", "--fix", "--baseline", "--reference"}) {
    EXPECT_THAT(refusal({option, ""}), HasSubstr("must not be empty")) << option;
  }
}

TEST_F(SearchCommandsTest, TableTakesSeveralStudies) {
  const std::string database = Path("filled.db");
  FillStore(database);
  const auto table = [&](const std::vector<std::string>& studies) {
    std::vector<std::string> arguments = {"table", "--db", database, "--vary", "temporal"};
    arguments.insert(arguments.begin() + 1, studies.begin(), studies.end());
    return Call(arguments);
  };
  const Called called = table({"small", "other"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, AllOf(HasSubstr("**small, other: temporal**"),
                                HasSubstr("| temporal (GAP) | small | other |"),
                                HasSubstr("- (not in the study)"),
                                HasSubstr("No difference for 1 cell: small has the same trials")));
  const Called twice = table({"small", "small"});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("study 'small' is named twice"));
}

TEST(PaperTablesTest, AreBuiltIn) {
  EXPECT_TRUE(FindPaperTable("").rows.empty());
  EXPECT_FALSE(FindPaperTable("kim18/2").rows.empty());
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

TEST_F(SearchCommandsTest, DoctorSeesWhatCannotBeWrittenBeforeRunDoes) {
  WriteFileAtomically(Path("file"), "");
  std::filesystem::create_directory(Path("folder"));
  const auto told = [&](const std::string& use, const std::string& database,
                        const std::string& runs) {
    const Called called = Call({"doctor", "--json", "--db", Path(database), "--runs", Path(runs)});
    const auto json = called.Json();
    EXPECT_FALSE(json.at(use).at("writable").as_bool());
    EXPECT_EQ(called.exit_code, 1);
    std::string text;
    for (const auto& problem : json.at("problems").as_array()) {
      text += std::string(problem.at("what").as_string()) +
              "; mend: " + std::string(problem.at("fix").as_string()) + "\n";
    }
    return text;
  };
  const std::string none = Path("no/such");
  EXPECT_THAT(told("database", "no/such/b.db", "runs"),
              HasSubstr(none + ", the folder of the database, is not there; mend: mkdir -p " +
                        none + ", or name another file with --db"));
  EXPECT_THAT(told("database", "file/b.db", "runs"),
              HasSubstr(Path("file") + " is no folder; mend: name another file with --db"));
  EXPECT_THAT(told("database", "file/no/b.db", "runs"),
              AllOf(HasSubstr("is not there, and " + Path("file") + " is no folder"),
                    Not(HasSubstr("mkdir"))));
  EXPECT_THAT(told("database", "folder", "runs"),
              HasSubstr(Path("folder") + " is a folder; mend: name a file with --db"));
  for (const char* runs : {"file", "file/runs"}) {
    EXPECT_THAT(told("runs", "b.db", runs),
                HasSubstr(Path("file") + " is no folder; mend: name another folder with --runs"));
  }
  ::setenv("BEAMGRID_SHARE_DIR", Path("file").c_str(), 1);
  EXPECT_THAT(
      told("share", "b.db", "runs"),
      HasSubstr("do not know of each other; mend: name another folder with BEAMGRID_SHARE"));
  ::unsetenv("BEAMGRID_SHARE_DIR");
  EXPECT_FALSE(std::filesystem::exists(Path("no")));
  EXPECT_FALSE(std::filesystem::exists(Path("runs")));
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
