// run on a study whose trials are all complete in the record: what follows from it is made, and
// what cannot be made costs neither the rest nor the recipe's good name.

#include <gmock/gmock.h>

#include <fstream>
#include <functional>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/orchestrator/commands/finished_study_fixture.h"
#include "tests/support/own_mounts.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(FinishedStudyTest, RunTrainsNothingAndPrintsEverything) {
  const Called called = Run();
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("nothing to do: all 2 trials are complete"));
  EXPECT_THAT(called.out, AllOf(HasSubstr("2/2"), HasSubstr("Ensemble")));
}

TEST_F(FinishedStudyTest, ShownClassesHaveTheNamesThatLieBesideTheRecords) {
  EXPECT_THAT(Call({"show", "1", "--db", database_}).out, Not(HasSubstr("\nclasses: ")));
  Write("data/manifest.json", R"({"beamgrid_import":1,"classes":6,"vocabulary":"vocabulary.csv"})");
  Write("data/vocabulary.csv", "Index,Name\n0,cat\n2,\x1b[31mred\n");
  EXPECT_THAT(Call({"show", "1", "--db", database_}).out,
              HasSubstr("\nclasses: 0 cat, 2 \\x1b[31mred\n"));
  EXPECT_EQ(
      Call({"show", "1", "--json", "--db", database_}).Json().at("class_names").at(0).as_string(),
      "cat");
  Write("data/vocabulary.csv", "Index,Name\n0,n0\n1,n1\n2,n2\n3,n3\n4,n4\n5,n5\n");
  const std::string file = Path("data/train0000.tfrecord");
  const std::int64_t highest =
      Call({"data", "inspect", file, "--json"}).Json().at(0).at("max_class").as_int64();
  EXPECT_THAT(Call({"data", "inspect", file}).out,
              HasSubstr(" " + std::to_string(highest) + " n" + std::to_string(highest) + " "));
  // A damaged vocabulary costs the names alone.
  Write("data/vocabulary.csv", "Index,Name\n9,cat\n");
  const Called damaged = Call({"show", "1", "--db", database_});
  EXPECT_EQ(damaged.exit_code, 0);
  EXPECT_THAT(damaged.err, HasSubstr("the class 9, must be 0..5"));
  EXPECT_THAT(damaged.out, Not(HasSubstr("\nclasses: ")));
}

TEST_F(FinishedStudyTest, NoTrainerIsStartedForWhatIsKnown) {
  // By the plan of Fill, the first to ask.
  EXPECT_EQ(ReadFile(Path("trainer-calls")), "describe\ncount\n");
  EXPECT_EQ(Run().exit_code, 0);
  EXPECT_EQ(Call({"check", recipe_, "--db", database_}).exit_code, 0);
  EXPECT_EQ(Call({"plan", recipe_, "--db", database_}).exit_code, 0);
  EXPECT_EQ(Call({"plan", recipe_, "--db", Path("none.db")}).exit_code, 0);
  EXPECT_EQ(ReadFile(Path("trainer-calls")), "describe\ncount\n");
  // Another model is another question.
  EXPECT_EQ(Call({"plan", recipe_, "--db", database_, "--set", "train.epochs=9"}).exit_code, 0);
  EXPECT_EQ(ReadFile(Path("trainer-calls")), "describe\ncount\ncount\n");
}

TEST_F(FinishedStudyTest, AnEnsembleThatCannotBeWrittenIsNotStored) {
  const std::string disk = Path("disk"), out = disk + "/own.csv";
  std::filesystem::create_directories(disk);
  const auto ensembles = [this] {
    return Call({"ensembles", "--db", database_, "--json"}).Json().as_array().size();
  };
  /// Returns what is wrong with the answer on the disk that `mount` makes.
  const auto problem = [&](const std::function<bool()>& mount, const std::string& reason,
                           const std::string& fix) {
    return InOwnMounts(mount, [&]() -> std::string {
      const Called called = Call({"ensemble", "s", "--db", database_, "--out", out});
      const std::string expected = "error: --out: " + out + ": " + reason + "; " + fix;
      if (called.exit_code != 1 || called.err.find(expected) == std::string::npos)
        return called.err;
      if (called.err.find("stored with") != std::string::npos) return "stored: " + called.err;
      return ensembles() == 0 ? "" : "the record has it";
    });
  };
  EXPECT_THAT(problem([&] { return MountReadOnly(disk); }, "cannot create: Read-only file system",
                      "make the file system writable or name another place with --out"),
              AnyOf("", "skipped"));
  const auto full = [&] {
    if (::mount("none", disk.c_str(), "tmpfs", 0, "size=4k") != 0) return false;
    std::ofstream(disk + "/filler") << std::string(4096, 'x');
    return true;
  };
  EXPECT_THAT(problem(full, "cannot write: No space left on device",
                      "make room on the disk or name another place with --out, then run again\n"),
              AnyOf("", "skipped"));
  const Called written = Call({"ensemble", "s", "--db", database_, "--out", out});
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(ensembles(), 1U);
  EXPECT_TRUE(std::filesystem::exists(out));
  EXPECT_EQ(Call({"ensemble", "s", "--db", database_, "--out", out}).exit_code, 0);
  EXPECT_EQ(ensembles(), 1U) << "the same answer is the same ensemble";
}

TEST_F(FinishedStudyTest, TheRecordedEnsembleIsATable) {
  ASSERT_EQ(Run().exit_code, 0);
  const auto table = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"table", "s", "--db", database_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  };
  const Called latest = table({"--ensemble"});
  EXPECT_EQ(latest.exit_code, 0) << latest.err;
  EXPECT_THAT(latest.out,
              AllOf(HasSubstr("**s: ensemble 1**"), HasSubstr("| weight | holdout GAP |"),
                    HasSubstr("| ensemble | "), HasSubstr(" of 1.0 GiB |")));
  EXPECT_EQ(table({"--ensemble", "1"}).out, latest.out);
  const auto json = table({"--ensemble", "--json"}).Json();
  EXPECT_EQ(json.at("size_limit").as_int64(), std::int64_t{1} << 30);
  const auto& member = json.at("members").at(0);
  EXPECT_EQ(member.at("size_bytes"), 4000);
  EXPECT_EQ(member.at("fingerprint").as_string().size(), 32U);
  // On the ensemble's own videos, as the best single model's was when it was chosen.
  ASSERT_TRUE(member.at("gap").is_double()) << latest.out;
  const auto answer = Call({"ensemble", "s", "--db", database_, "--json"}).Json();
  const auto& best = answer.at("best_single");
  for (const auto& one : json.at("members").as_array()) {
    if (one.at("name") != best.at("name")) continue;
    EXPECT_NEAR(one.at("gap").as_double(), best.at("gap").as_double(), 1e-12);
  }
  EXPECT_THAT(table({"--ensemble", "--reference", "kim18/ensemble"}).out,
              HasSubstr("none of the members is MC-BLSTM-MoE2"));
  const Called other = table({"--ensemble", "7"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("study 's' has no ensemble '7'; it has 1"));
  EXPECT_EQ(table({"--ensemble", "--macros"}).exit_code, 2);
}

TEST_F(FinishedStudyTest, RunAsJsonIsOneObject) {
  const Called called = Run({"--json"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  const auto json = called.Json();
  EXPECT_EQ(json.at("study"), "s");
  EXPECT_EQ(json.at("exit_code"), 0);
  EXPECT_EQ(json.at("trained"), 0);
  EXPECT_EQ(json.at("reused"), 2);
  EXPECT_EQ(json.at("leaderboard").at(0).at("seeds"), 2);
  EXPECT_GE(json.at("ensemble").at("members").as_array().size(), 1U);
  EXPECT_TRUE(json.at("error").is_null());
  EXPECT_TRUE(json.at("unfinished").as_array().empty());
  const std::string help = Call({"run", "--help"}).out;
  for (const std::string& key : KeysOf(json)) {
    EXPECT_THAT(help.substr(help.find("--json: ")), HasSubstr(key));
  }
  std::filesystem::remove_all(Path("runs"));
  const Called unfinished = Run({"--json"});
  EXPECT_EQ(unfinished.exit_code, 3);
  EXPECT_EQ(unfinished.Json().at("unfinished").as_array().size(), 1U);
  EXPECT_TRUE(unfinished.Json().at("ensemble").is_null());
}

TEST_F(FinishedStudyTest, ASettingCountsAsIfItWereWritten) {
  const Called other = Run({"--set", "train.epochs=77"});
  EXPECT_EQ(other.exit_code, 2) << "two finished trials would leave";
  EXPECT_THAT(other.err, HasSubstr("  train.epochs: 5 -> 77\n"));
  const Called described = Run({"--set", "study.description=two seeds"});
  EXPECT_EQ(described.exit_code, 0) << described.err;
  const auto text =
      Call({"query", "SELECT recipe_text AS text FROM study", "--db", database_, "--json"}).Json();
  EXPECT_THAT(std::string(text.at(0).at("text").as_string()),
              AllOf(HasSubstr("description = \"two seeds\"\n"),
                    HasSubstr("# --set study.description=two seeds\n")));
}

TEST_F(FinishedStudyTest, AChangeThatTakesFinishedTrialsAwayIsToldByAllThatReadARecipe) {
  const std::string words =
      "the recipe has changed since the study was run last:\n  seeds: 2 is gone\n"
      "1 trial stays, 0 are new, 1 is no longer asked for (1 of them complete)\n";
  const std::string leaves = "1 finished trial of study 's' would no longer count";
  const std::string asks = leaves + ": `beamgrid run` asks for --accept-changes\n";
  const std::vector<std::string> change = {"--db", database_, "--set", "study.seeds=[1]"};
  const auto with = [&](std::vector<std::string> command, const std::string& more = "") {
    command.push_back(recipe_);
    command.insert(command.end(), change.begin(), change.end());
    if (!more.empty()) command.push_back(more);
    return Call(command);
  };
  const std::string before = Call({"dump", "s", "--db", database_}).out;
  EXPECT_EQ(with({"check"}).exit_code, 0);
  EXPECT_THAT(with({"check"}).err, HasSubstr(words + asks));
  EXPECT_THAT(
      with({"check"}, "--no-data").err,
      HasSubstr("  seeds: 2 is gone\nhow many trials stay cannot be told without the data\n"));
  EXPECT_EQ(with({"plan"}).exit_code, 0);
  EXPECT_THAT(with({"plan"}).out, HasSubstr(words + asks));
  const Called refused = Run({"--set", "study.seeds=[1]"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("error: " + leaves + "\n" + words),
                                 HasSubstr("--accept-changes"), HasSubstr("study.name=NAME")));
  for (const auto& json : {with({"check"}, "--json").Json(), with({"plan"}, "--json").Json(),
                           Run({"--set", "study.seeds=[1]", "--json"}).Json()}) {
    const auto& told = json.at("study_changes");
    EXPECT_EQ(told.at("recipe").at(0).at("change"), "seeds: 2 is gone");
    EXPECT_EQ(told.at("recipe").at(0).at("effect"), "takes away");
    EXPECT_EQ(told.at("stay"), 1);
    EXPECT_EQ(told.at("added"), 0);
    EXPECT_EQ(told.at("finished_leaving"), 1);
    EXPECT_EQ(told.at("needs_accept_changes"), true);
  }
  EXPECT_EQ(Call({"dump", "s", "--db", database_}).out, before) << "nothing of this is recorded";

  const Called accepted = Run({"--set", "study.seeds=[1]", "--accept-changes"});
  EXPECT_EQ(accepted.exit_code, 0) << accepted.err;
  EXPECT_THAT(accepted.out, HasSubstr("1/1"));
  const Called back = Run({"--json"});
  EXPECT_EQ(back.exit_code, 0) << "only adds";
  EXPECT_EQ(back.Json().at("trained"), 0);
  EXPECT_EQ(back.Json().at("study_changes").at("count_again"), 1);
  EXPECT_TRUE(Run({"--json"}).Json().at("study_changes").is_null());
}

TEST_F(FinishedStudyTest, TheHistoryOfTheRecipeIsShown) {
  EXPECT_EQ(Run().exit_code, 0);
  EXPECT_EQ(Run({"--set", "study.seeds=[1]", "--accept-changes"}).exit_code, 0);
  EXPECT_EQ(Run({"--set", "study.seeds=[1]", "--set", "ensemble.members=2"}).exit_code, 0);
  const auto show = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = {"show", "s", "--recipe-history", "--db", database_};
    command.insert(command.end(), more.begin(), more.end());
    return Call(command);
  };
  const std::string time = "....-..-..T..:..:..\\....Z  beamgrid " BEAMGRID_VERSION "\n";
  EXPECT_THAT(show({}).out, testing::MatchesRegex("1  " + time + "   the study began\n2  " + time +
                                                  "   seeds: 2 is gone\n3  " + time +
                                                  "   ensemble.members: 6 -> 2\n"));
  EXPECT_EQ(show({"1"}).out, ReadFile(recipe_));
  EXPECT_THAT(show({"2"}).out, HasSubstr("# --set study.seeds=[1]\n"));
  const auto json = show({"--json"}).Json();
  EXPECT_EQ(json.as_array().size(), 3U);
  EXPECT_EQ(json.at(1).at("changes").at(0), "seeds: 2 is gone");
  EXPECT_EQ(show({"4"}).exit_code, 2);
  EXPECT_THAT(show({"4"}).err, HasSubstr("has had no recipe 4"));
  EXPECT_EQ(Call({"show", "s", "2", "--db", database_}).exit_code, 2);
  EXPECT_EQ(Call({"show", "t", "--recipe-history", "--db", database_}).exit_code, 2);

  EXPECT_EQ(Call({"rename", "s", "u", "--db", database_, "--yes"}).exit_code, 0);
  EXPECT_EQ(Run({"--set", "study.name=u", "--set", "study.seeds=[1]", "--set", "ensemble.members=2",
                 "--json"})
                .Json()
                .at("study_changes"),
            nullptr);
  EXPECT_EQ(Call({"rm", "u", "--db", database_, "--yes"}).exit_code, 0);
  EXPECT_EQ(
      Call({"query", "SELECT count(*) AS n FROM recipe_history", "--db", database_, "--csv"}).out,
      "n\n0\n");
}

TEST_F(FinishedStudyTest, AMissingFileCostsTheEnsembleOneMember) {
  std::filesystem::remove(File(2));
  const Called called = Run();
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, HasSubstr("/s1"));
  EXPECT_THAT(called.err, AllOf(HasSubstr("/s2 is left out of the ensemble: " + File(2)),
                                HasSubstr("`beamgrid verify s --repair`")));
}

TEST_F(FinishedStudyTest, AnEnsembleThatCannotBeMadeIsNoMistakeOfTheRecipe) {
  std::filesystem::remove_all(Path("runs"));
  const Called called = Run();
  EXPECT_EQ(called.exit_code, 3);
  EXPECT_THAT(called.out, HasSubstr("2/2"));
  EXPECT_THAT(called.err,
              AllOf(HasSubstr("what was trained is recorded, but the ensemble could not "
                              "be made: no complete trial of study 's'"),
                    HasSubstr("`beamgrid ensemble s` makes it without a run")));
}

TEST_F(FinishedStudyTest, OfATableThatCannotBeMadeTheCommandIsTold) {
  WriteRecipe("size_limit = \"1GB\"\n[[table]]\nvary = \"temporal\"\nbaseline = \"nobody\"\n");
  const Called called = Run();
  EXPECT_EQ(called.exit_code, 3);
  EXPECT_THAT(called.err,
              AllOf(HasSubstr("the table 'temporal' could not be made: baseline = 'nobody'"),
                    HasSubstr("`beamgrid table s --vary temporal --baseline nobody --columns size` "
                              "makes it without a run")));
}

TEST_F(FinishedStudyTest, ATableOfNoPaperIsFoundBeforeAnythingIsTrained) {
  WriteRecipe("size_limit = \"1GB\"\n[[table]]\nvary = \"temporal\"\nreference = \"kim18/99\"\n");
  const std::vector<std::vector<std::string>> commands = {{"check", recipe_},
                                                          {"run", recipe_, "--db", Path("new.db")}};
  for (const std::vector<std::string>& command : commands) {
    const Called called = Call(command);
    EXPECT_EQ(called.exit_code, 2) << command[0];
    EXPECT_THAT(called.err, HasSubstr("kim18/99"));
    EXPECT_FALSE(std::filesystem::exists(Path("new.db")));
  }
}

TEST_F(FinishedStudyTest, AStudyOfRefusedModelsIsNotDone) {
  WriteRecipe("size_limit = \"1KB\"\n");
  EXPECT_EQ(Run().exit_code, 2) << "two finished trials would leave";
  const Called called = Run({"--accept-changes"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr("no trial was made: all models are refused"));
  EXPECT_THAT(called.err, Not(HasSubstr("nothing to do")));
}

TEST_F(FinishedStudyTest, PlanSaysWhichTrialsARunWouldNotCount) {
  std::filesystem::rename(Path("data/train0001.tfrecord"), Path("away"));
  const std::vector<std::string> plan = {"plan", recipe_, "--db", database_};
  EXPECT_THAT(Call(plan).out,
              AllOf(HasSubstr("data: train lacks train0001.tfrecord (1 file, were 2); "
                              "2 trials that were trained on other data no longer count"),
                    HasSubstr("0 complete already")));
  std::vector<std::string> as_json = plan;
  as_json.emplace_back("--json");
  const auto json = Call(as_json).Json();
  EXPECT_EQ(json.at("study_changes").at("content").at(0).at("trials"), 2);
  EXPECT_EQ(json.at("study_changes").at("needs_accept_changes"), true);
  EXPECT_THAT(Call(plan).out, HasSubstr("2 finished trials of study 's' would no longer count: "
                                        "`beamgrid run` asks for --accept-changes\n"));
  std::filesystem::rename(Path("away"), Path("data/train0001.tfrecord"));
  EXPECT_TRUE(Call(as_json).Json().at("study_changes").is_null());
}

TEST_F(FinishedStudyTest, RetryTakesKindsAndTrials) {
  EXPECT_EQ(Run({"--retry", "failed,diverged", "--retry", "crashed"}).exit_code, 0);
  const Called unknown = Run({"--retry", "divergd"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("'divergd' must be one of failed, crashed"),
                                 HasSubstr("did you mean 'diverged'?")));
}

}  // namespace
}  // namespace beamgrid
