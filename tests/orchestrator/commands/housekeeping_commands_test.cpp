// du, prune, rm, rename, merge on a record with files.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "orchestrator/commands/confirm.h"
#include "orchestrator/slurm/pilot_folder.h"
#include "registry/store/database.h"
#include "registry/store/study_lock.h"
#include "registry/store/upkeep.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/orchestrator/housekeeping/housekeeping_fixture.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// Returns the id of a process that is no more.
pid_t DeadProcess() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

class HousekeepingCommandsTest : public CommandTest {
 protected:
  HousekeepingCommandsTest() {
    best_ = record_.Complete(study_, 1, 0.9);
    loser_ = record_.Complete(study_, 2, 0.1);
  }
  [[nodiscard]] Called OnRecord(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--db", record_.path.string()});
    return Call(arguments);
  }
  std::string IdOf(TrialId trial) const { return std::to_string(static_cast<std::int64_t>(trial)); }

  FiledRecord record_{Path("ours")};
  StudyId study_ = record_.Study("a");
  TrialId best_{}, loser_{};
};

TEST_F(HousekeepingCommandsTest, PruneKeepsANumberOfModels) {
  for (const char* keep : {"-1", "1x", "99999999999999999999", ""}) {
    EXPECT_EQ(Call({"prune", "a", "--keep", keep, "--dry-run", "--db", "r.db"}).exit_code, 2)
        << keep;
  }
}

TEST_F(HousekeepingCommandsTest, WithoutATerminalNothingIsDoneUnlessToldSo) {
  FiledRecord theirs(Path("theirs"));
  theirs.Complete(theirs.Study("b"), 3, 0.5);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"prune", "a", "--keep", "1"},
        {"rm", "a"},
        {"rename", "a", "c"},
        {"merge", theirs.path.string()}}) {
    const Called called = OnRecord(arguments);
    EXPECT_EQ(called.exit_code, 2) << arguments[0];
    EXPECT_THAT(called.err, HasSubstr("nothing was changed; --yes does it")) << arguments[0];
  }
  EXPECT_TRUE(record_.Has(loser_, kModelFile));
  EXPECT_THAT(record_.store.Studies(), SizeIs(1));
  EXPECT_THAT(record_.store.Trash(), IsEmpty());
}

TEST_F(HousekeepingCommandsTest, ARecordOfAnEarlierSchemaIsAskedForBeforeItIsBroughtUpToDate) {
  FiledRecord theirs(Path("theirs"));
  theirs.Complete(theirs.Study("b"), 3, 0.5);
  const std::filesystem::path path = Path("old.db");
  {
    std::vector<std::string> steps = Migrations();
    steps.pop_back();
    Database old(path, OpenMode::kReadWrite, steps);
    for (const char* name : {"a", "d", "e"}) {
      old.connection().exec(
          std::string("INSERT INTO study (name, description, objective, recipe_text, "
                      "recipe_digest, created_at) VALUES ('") +
          name + "', '', 'gap', '', '', '2026-01-01T00:00:00Z')");
    }
  }
  const std::string before = ReadFile(path);
  for (std::vector<std::string> arguments : {std::vector<std::string>{"rename", "a", "c"},
                                             {"rename", "nosuch", "c"},
                                             {"prune", "c", "--keep", "1"},
                                             {"rm", "d"},
                                             {"rm", "--unknown"},
                                             {"merge", theirs.path.string()}}) {
    arguments.insert(arguments.end(), {"--db", path.string()});
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 2) << arguments[0];
    EXPECT_THAT(called.err, AllOf(HasSubstr("old.db was written by an earlier beamgrid"),
                                  HasSubstr("nothing was changed; --yes does it")))
        << arguments[0];
    EXPECT_TRUE(ReadFile(path) == before) << arguments[0];
  }
  const Called renamed = Call({"rename", "a", "c", "--yes", "--db", path.string()});
  EXPECT_EQ(renamed.exit_code, 0) << renamed.err;
  EXPECT_FALSE(Store(path, OpenMode::kReadOnly).is_of_earlier_schema());
  EXPECT_THAT(Call({"rm", "c", "--db", path.string()}).err,
              AllOf(HasSubstr("remove c"), Not(HasSubstr("earlier beamgrid"))));
}

TEST(AskYesNo, OnlyAYesIsOne) {
  for (const auto& [answer, yes] : std::vector<std::pair<std::string, bool>>{{"y\n", true},
                                                                             {"yes\n", true},
                                                                             {"Y\n", true},
                                                                             {"n\n", false},
                                                                             {"\n", false},
                                                                             {"", false},
                                                                             {"yeah\n", false}}) {
    std::istringstream in(answer);
    std::ostringstream out;
    EXPECT_EQ(AskYesNo(in, out, "delete it?"), yes) << answer;
    EXPECT_EQ(out.str(), "delete it? [y/N] ");
  }
}

TEST_F(HousekeepingCommandsTest, PruneDeletesTheLosersWeightsAndSaysWhatItFreed) {
  const Called dry = OnRecord({"prune", "a", "--keep", "1", "--dry-run"});
  EXPECT_EQ(dry.exit_code, 0);
  EXPECT_THAT(dry.out, AllOf(HasSubstr("MC-BLSTM2 seed 1  model.pt"), HasSubstr("in all 1000 B")));
  EXPECT_TRUE(record_.Has(loser_, kModelFile));
  const Called called = OnRecord({"prune", "a", "--keep", "1", "--yes"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("freed 1000 B (1 file)"));
  EXPECT_FALSE(record_.Has(loser_, kModelFile));
  EXPECT_TRUE(record_.Has(best_, kModelFile));
  EXPECT_THAT(OnRecord({"prune", "a", "--keep", "1", "--yes"}).err, HasSubstr("nothing to delete"));
  const Called verify = OnRecord({"verify", "a", "--files"});
  EXPECT_EQ(verify.exit_code, 0);
  EXPECT_THAT(verify.out, AllOf(HasSubstr("given up  MC-BLSTM2 seed 1: "),
                                HasSubstr("model.pt (by `prune`, 20"), Not(HasSubstr("damaged"))));
  EXPECT_THAT(verify.err, Not(HasSubstr("trained again")));
  EXPECT_THAT(verify.err, HasSubstr("2 complete trials, damaged files: 0, files given up: 1"));
  EXPECT_THAT(OnRecord({"verify", "a", "MC-BLSTM1", "--files"}).out, Not(HasSubstr("given up")));
  EXPECT_THAT(OnRecord({"verify", "a", "MC-BLSTM1", "--files"}).err,
              HasSubstr("1 complete trial, damaged files: 0"));
  // The word pruned is that of a state alone.
  for (const std::vector<std::string>& told : {std::vector<std::string>{"verify", "a", "--files"},
                                               {"show", IdOf(loser_)},
                                               {"trials", "a"}}) {
    const Called called = OnRecord(told);
    EXPECT_THAT(called.out + called.err, Not(HasSubstr("pruned"))) << told[0];
  }
  EXPECT_THAT(OnRecord({"show", IdOf(loser_)}).out,
              AllOf(HasSubstr("given up by `prune`, 20"), HasSubstr("there")));
  EXPECT_FALSE(OnRecord({"show", IdOf(loser_), "--json"})
                   .Json()
                   .at("artifacts")
                   .at(0)
                   .at("pruned_at")
                   .is_null());
}

TEST_F(HousekeepingCommandsTest, AFileThatIsGoneIsShownAsGone) {
  std::filesystem::remove(record_.FileOf(best_, kModelFile));
  EXPECT_THAT(OnRecord({"show", IdOf(best_)}).out, HasSubstr("  gone"));
  const auto artifacts = OnRecord({"show", IdOf(best_), "--json"}).Json().at("artifacts");
  EXPECT_EQ(artifacts.at(0).at("present"), false);
  EXPECT_EQ(artifacts.at(1).at("present"), true);
}

TEST_F(HousekeepingCommandsTest, APredictionsFileThatWasGivenUpIsSaidToBeThat) {
  ASSERT_EQ(OnRecord({"prune", "a", "--keep", "0", "--predictions", "--yes"}).exit_code, 0);
  const Called called = OnRecord({"ensemble", "a"});
  EXPECT_THAT(called.err, AllOf(HasSubstr("`prune` gave the predictions file of MC-BLSTM1 seed 1 "
                                          "up, 20"),
                                HasSubstr("`beamgrid verify a NAME --repair` makes it again")));
}

TEST_F(HousekeepingCommandsTest, PruneAsJsonHasWhatIsPlannedAndWhatWasFreed) {
  const auto planned = OnRecord({"prune", "a", "--keep", "1", "--dry-run", "--json"}).Json();
  EXPECT_EQ(planned.at("bytes"), 1000);
  EXPECT_TRUE(planned.at("freed").is_null());
  const auto& file = planned.at("files").at(0);
  EXPECT_EQ(file.at("study"), "a");
  EXPECT_EQ(file.at("name"), "MC-BLSTM2");
  EXPECT_EQ(file.at("seed"), 1);
  EXPECT_EQ(file.at("artifact"), "model");
  EXPECT_EQ(file.at("path").as_string(), record_.FileOf(loser_, kModelFile).string());
  EXPECT_EQ(file.at("bytes"), 1000);
  const auto done = OnRecord({"prune", "a", "--keep", "1", "--yes", "--json"}).Json();
  EXPECT_EQ(done.at("freed").at("bytes"), 1000);
  EXPECT_EQ(done.at("freed").at("files"), 1);
  EXPECT_EQ(
      OnRecord({"prune", "a", "--keep", "1", "--yes", "--json"}).Json().at("freed").at("bytes"), 0);
}

TEST_F(HousekeepingCommandsTest, TheBestOfWhatDoesNotCountIsNamedWhenItGoes) {
  record_.Complete(study_, 3, 0.95);
  const TrialId older = record_.Complete(study_, 4, 0.99);
  record_.store.StopCounting(study_, {older}, "it was trained on other data");
  const Called called = OnRecord({"prune", "a", "--keep", "1", "--dry-run"});
  EXPECT_THAT(called.out,
              HasSubstr("note  MC-BLSTM4 seed 1 is one of the best of those that do not "
                        "count now, and goes too: it was trained on other data\n"));
  EXPECT_THAT(called.out, Not(HasSubstr("note  MC-BLSTM2")));
}

TEST_F(HousekeepingCommandsTest, OfSeveralStudiesTheListsNameTheStudy) {
  const StudyId other = record_.Study("b");
  record_.Complete(other, 2, 0.7, 2);
  const TrialId loser = record_.Complete(other, 3, 0.2, 2);
  const Called called = OnRecord({"prune", "a", "b", "--keep", "1", "--dry-run"});
  EXPECT_THAT(called.out, AllOf(HasSubstr("a/MC-BLSTM2#1"), HasSubstr("b/MC-BLSTM3#2")));
  record_.Wait(study_, 3, 2);  // the trial is of both now
  EXPECT_THAT(OnRecord({"prune", "b", "--keep", "1", "--dry-run"}).out,
              HasSubstr("kept  b/MC-BLSTM3#2: study a has it too"));
  EXPECT_THAT(OnRecord({"rm", "b/MC-BLSTM3#2", "--yes"}).out,
              HasSubstr("stays  b/MC-BLSTM3#2: another study has it too"));
  EXPECT_THAT(OnRecord({"rm", "a", "--yes"}).out, HasSubstr("  a/MC-BLSTM3#2 (complete)"));
  EXPECT_FALSE(std::filesystem::exists(record_.path.string() + ".a.lock"));
  (void)loser;
}

TEST_F(HousekeepingCommandsTest, RmLeavesNoLockFilesBehind) {
  // What killed processes left: of a study that is gone, and of one that is there.
  const std::string gone = record_.path.string() + ".gone.lock",
                    kept = record_.path.string() + ".b.lock",
                    foreign = record_.path.string() + ".not ours.lock";
  record_.Study("b");
  for (const std::string& note : {gone, kept, foreign}) WriteFileAtomically(note, "pid 1");
  const StudyLock beginning(record_.path, "new");  // not yet in the record
  ASSERT_EQ(OnRecord({"rm", "a", "--yes"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(gone));
  EXPECT_FALSE(std::filesystem::exists(record_.path.string() + ".a.lock"));
  EXPECT_FALSE(std::filesystem::exists(record_.path.string() + ".tidying.up.lock"));
  EXPECT_TRUE(std::filesystem::exists(kept));
  EXPECT_TRUE(std::filesystem::exists(foreign));
  EXPECT_TRUE(std::filesystem::exists(record_.path.string() + ".new.lock"));
}

TEST_F(HousekeepingCommandsTest, RmNamesTheJobsThatMayStayInTheQueue) {
  const std::filesystem::path pilots =
      PilotsOf(Store(record_.path, OpenMode::kReadOnly).runs() / "a");
  for (int job = 10; job < 22; ++job) {
    const std::filesystem::path folder = pilots / ("beamgrid-a-" + std::to_string(job));
    std::filesystem::create_directories(folder);
    WritePilotSettings(folder, {.folder = folder.string()});
  }
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", pilots.c_str(), 1);  // where there is no squeue
  const std::string told = OnRecord({"rm", "a", "--yes"}).err;
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(told, HasSubstr("12 Slurm jobs of study a may be in the queue still (no squeue"));
  EXPECT_THAT(told, HasSubstr("before that: scancel --name=beamgrid-a-10; scancel --name=beamgr"));
  EXPECT_THAT(told, HasSubstr("beamgrid-a-19; and 2 more (`squeue --me --format=%j` lists names)"));
  EXPECT_FALSE(std::filesystem::exists(pilots));
}

TEST_F(HousekeepingCommandsTest, RmAsJsonHasWhatGoes) {
  const auto json = OnRecord({"rm", "a/MC-BLSTM2/1", "--yes", "--json"}).Json();
  EXPECT_EQ(json.at("trials").at(0).at("name"), "MC-BLSTM2");
  EXPECT_EQ(json.at("trials").at(0).at("study"), "a");
  EXPECT_GT(json.at("bytes").as_int64(), 1000);
  EXPECT_EQ(json.at("freed").at("bytes"), json.at("bytes"));
  EXPECT_TRUE(json.at("studies").as_array().empty());
  EXPECT_EQ(OnRecord({"rm", "a", "--yes", "--json"}).Json().at("studies").at(0), "a");
}

TEST_F(HousekeepingCommandsTest, RmSaysWhatToWrite) {
  EXPECT_THAT(OnRecord({"rm"}).err,
              HasSubstr("rm: say what is to go: studies or trials by name (`beamgrid rm STUDY`"));
  EXPECT_THAT(OnRecord({"rm", "a", "--unknown"}).err, HasSubstr("rm: one thing at a time: "));
  EXPECT_THAT(OnRecord({"rm", "a", "--ensemble", "1"}).err, HasSubstr("rm: one thing at a time: "));
}

TEST_F(HousekeepingCommandsTest, EnsemblesAreListedAndRemovedById) {
  EXPECT_THAT(OnRecord({"ensembles"}).err, HasSubstr("no ensemble is recorded"));
  const auto add = [&](double gap, const std::vector<TrialId>& members) {
    boost::json::array list;
    for (const TrialId id : members) {
      const TrialRecord trial = record_.store.Trial(id);
      list.push_back({{"name", trial.name + "/s1"}, {"fingerprint", trial.fingerprint}});
    }
    record_.store.AddEnsemble(study_, {.created_at = "2026-01-01T00:00:00Z",
                                       .json = CanonicalJson({{"members", list},
                                                              {"size_bytes", 2000},
                                                              {"selection", {{"gap", gap}}},
                                                              {"holdout", nullptr}})});
  };
  add(0.75, {best_, loser_});
  add(0.5, {best_});
  const auto json = OnRecord({"ensembles", "--json"}).Json();
  ASSERT_EQ(json.as_array().size(), 2U);
  EXPECT_EQ(json.at(0).at("gap"), 0.75);
  EXPECT_EQ(json.at(0).at("gap_of"), "selection");
  EXPECT_EQ(json.at(0).at("latest"), false);
  EXPECT_EQ(json.at(1).at("latest"), true);
  EXPECT_THAT(OnRecord({"ensembles", "a"}).out,
              AllOf(HasSubstr("0.75000"), HasSubstr("2.0 KiB"), HasSubstr("2026-01-01")));
  EXPECT_EQ(OnRecord({"ensembles", "x"}).exit_code, 2);
  EXPECT_THAT(OnRecord({"prune", "a", "--keep", "1", "--dry-run"}).out,
              HasSubstr("kept  MC-BLSTM2 seed 1: a member of an ensemble"));
  EXPECT_EQ(OnRecord({"rm", "--ensemble", "77", "--yes"}).exit_code, 2);
  EXPECT_THAT(OnRecord({"rm", "--ensemble", "x"}).err,
              HasSubstr("--ensemble: 'x' is no ensemble; each has a number, which `beamgrid "
                        "ensembles` lists"));
  EXPECT_EQ(OnRecord({"rm", "--ensemble", "1x", "--yes"}).exit_code, 2);
  EXPECT_THAT(OnRecord({"rm", "--ensemble", "99999999999999999999"}).err,
              HasSubstr("no ensemble 99999999999999999999 in "));
  EXPECT_THAT(OnRecord({"rm", "--ensemble", "1"}).err,
              HasSubstr("remove 1 ensemble from the record"));
  const auto removed = OnRecord({"rm", "--ensemble", "1", "1", "--yes", "--json"}).Json();
  EXPECT_EQ(removed.at("ensembles").as_array().size(), 1U);
  EXPECT_EQ(removed.at("ensembles").at(0).at("id"), 1);
  EXPECT_EQ(OnRecord({"ensembles", "--json"}).Json().as_array().size(), 1U);
  EXPECT_THAT(OnRecord({"prune", "a", "--keep", "1", "--dry-run"}).out,
              HasSubstr("MC-BLSTM2 seed 1  model.pt"));
  EXPECT_TRUE(record_.Has(loser_, kModelFile));
}

TEST_F(HousekeepingCommandsTest, AnEnsembleThatNobodyCanReadIsNamedAndCanBeRemoved) {
  for (const char* json : {"[]", R"({"members":{}})", R"({"members":[{"name":1}]})"}) {
    record_.store.AddEnsemble(study_, {.created_at = "", .json = json});
    const std::string id = std::to_string(record_.store.Ensembles(study_).back().id);
    for (const std::vector<std::string>& command : {std::vector<std::string>{"ensembles"},
                                                    {"prune", "a", "--keep", "1", "--dry-run"},
                                                    {"dump", "a", "--canonical"}}) {
      const Called called = OnRecord(command);
      EXPECT_EQ(called.exit_code, 1) << command[0];
      EXPECT_THAT(called.err, HasSubstr("`beamgrid rm --ensemble " + id + "` removes it")) << json;
    }
    EXPECT_EQ(OnRecord({"rm", "--ensemble", id, "--yes"}).exit_code, 0);
    EXPECT_EQ(OnRecord({"prune", "a", "--keep", "1", "--dry-run"}).exit_code, 0);
  }
  // Nor does one end a listing that says nothing of its score.
  record_.store.AddEnsemble(study_, {.created_at = "", .json = R"({"members":[]})"});
  EXPECT_EQ(OnRecord({"ensembles"}).exit_code, 0);
  EXPECT_TRUE(OnRecord({"ensembles", "--json"}).Json().at(0).at("gap").is_null());
}

TEST_F(HousekeepingCommandsTest, AnEnsembleOfTrialsThatCountNoMoreIsNoAnswer) {
  const auto member = [&](TrialId id) {
    return boost::json::object{{"name", record_.store.Trial(id).name + "/s1"},
                               {"fingerprint", record_.store.Trial(id).fingerprint}};
  };
  const auto add = [&](double gap, const boost::json::array& members) {
    record_.store.AddEnsemble(study_, {.created_at = "",
                                       .json = CanonicalJson({{"members", members},
                                                              {"size_bytes", 1},
                                                              {"selection", {{"gap", gap}}},
                                                              {"holdout", nullptr}})});
  };
  add(0.25, {member(best_)});
  add(0.75, {member(best_), member(loser_)});
  // The data change, a run is interrupted: one model has another trial, which has its name.
  record_.store.StopCounting(study_, {loser_}, "it was trained on other data");
  NewTrial now = ExampleNewTrial(2);
  now.spec.data.digest = "of other data";
  now.fingerprint = Fingerprint(now.spec);
  record_.store.AddTrials(study_, {now});
  const auto json = OnRecord({"ensembles", "--json"}).Json();
  EXPECT_EQ(json.at(0).at("latest"), true);
  EXPECT_EQ(json.at(1).at("counts"), false);
  EXPECT_EQ(json.at(1).at("not_counted"), (boost::json::array{"MC-BLSTM2/s1"}));
  EXPECT_THAT(OnRecord({"ensembles"}).out,
              HasSubstr("no: MC-BLSTM2/s1 is no trial that the study counts now"));
  EXPECT_THAT(OnRecord({"dump", "a", "--canonical"}).out,
              AllOf(HasSubstr("0.25"), Not(HasSubstr("0.75"))));
  EXPECT_THAT(OnRecord({"dump", "a"}).out, HasSubstr("0.75"));
}

TEST_F(HousekeepingCommandsTest, WhatAKilledBackupLeftIsSaidAndDeletedOnRequest) {
  const std::string dead = std::to_string(DeadProcess());
  const auto folder = record_.path.parent_path();
  const auto copy = folder / ("copy.db.part." + dead),
             runs = folder / ("copy.db.runs.part." + dead);
  WriteFileAtomically(copy, std::string("SQLite format 3\0 and pages", 27));
  WriteFileAtomically(runs / "s/t/1/model.pt", "weights");
  const auto mine = folder / ("archive.part." + dead);
  WriteFileAtomically(mine, "a part of an archive");
  EXPECT_THAT(OnRecord({"du"}).out, HasSubstr("left by backups that were killed"));
  EXPECT_EQ(OnRecord({"du", "--json"}).Json().at("half_backups").as_array().size(), 2U);
  EXPECT_THAT(OnRecord({"rm", "--unknown"}).err, HasSubstr("delete what is left of backups"));
  const Called called = OnRecord({"rm", "--unknown", "--yes"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("freed 34 B (2 files)"));
  EXPECT_FALSE(std::filesystem::exists(copy) || std::filesystem::exists(runs));
  EXPECT_TRUE(std::filesystem::exists(mine));
}

TEST_F(HousekeepingCommandsTest, TheNextBackupDeletesWhatAKilledOneLeft) {
  const std::string dead = std::to_string(DeadProcess());
  const std::string to = Path("copy.db");
  for (const std::string& left :
       {to + ".part." + dead, to + ".part." + dead + "-journal",
        to + ".runs.part." + dead + "/s/1/model.pt", Path("other.db.part." + dead)}) {
    WriteFileAtomically(left, "half");
  }
  const std::string others = to + ".part.1";  // of a process that lives
  WriteFileAtomically(others, "half");
  const Called called = OnRecord({"backup", to});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, AllOf(HasSubstr(to + ".part." + dead + ": deleted, left by a backup"),
                                HasSubstr(others + " stays: process 1 may be at work on it")));
  for (const std::string& left :
       {to + ".part." + dead, to + ".part." + dead + "-journal", to + ".runs.part." + dead}) {
    EXPECT_FALSE(std::filesystem::exists(left)) << left;
  }
  EXPECT_TRUE(std::filesystem::exists(others));
  EXPECT_TRUE(std::filesystem::exists(Path("other.db.part." + dead))) << "it is another's";
}

TEST_F(HousekeepingCommandsTest, ARunningStudyIsNotTouched) {
  const StudyLock run(record_.path, "a");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"prune", "a", "--keep", "0"},
        {"rm", "a"},
        {"rm", IdOf(loser_)},
        {"rename", "a", "c"}}) {
    std::vector<std::string> yes = arguments;
    yes.emplace_back("--yes");
    const Called called = OnRecord(yes);
    EXPECT_EQ(called.exit_code, 2) << arguments[0];
    EXPECT_THAT(called.err, HasSubstr("is being run by pid")) << arguments[0];
  }
  EXPECT_TRUE(record_.Has(loser_, kModelFile));
  // Reading is free.
  EXPECT_EQ(OnRecord({"prune", "a", "--keep", "0", "--dry-run"}).exit_code, 0);
  EXPECT_EQ(OnRecord({"du"}).exit_code, 0);
}

TEST_F(HousekeepingCommandsTest, RmTakesATrialByEachOfItsNames) {
  const auto folder = record_.FileOf(loser_, "").parent_path();
  const Called called = OnRecord({"rm", "a/MC-BLSTM2/1", "--yes"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, AllOf(HasSubstr("removed 1 trial"), HasSubstr("freed")));
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_EQ(OnRecord({"rm", IdOf(best_), "--yes"}).exit_code, 0);
  EXPECT_THAT(record_.store.Trials(study_), IsEmpty());
  EXPECT_EQ(OnRecord({"rm", "a", "--yes"}).exit_code, 0);
  EXPECT_THAT(record_.store.Studies(), IsEmpty());
  EXPECT_THAT(OnRecord({"rm", "a", "--yes"}).err, HasSubstr("nor is it a study"));
}

TEST_F(HousekeepingCommandsTest, ATrialOfAnotherStudyOnlyLeavesTheOneThatIsNamed) {
  record_.Wait(record_.Study("b"), 2);
  const Called called = OnRecord({"rm", "b/MC-BLSTM2/1", "--yes"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, AllOf(HasSubstr("took 1 trial out that another study has too"),
                                HasSubstr("removed 0 trials")));
  EXPECT_TRUE(record_.Has(loser_, kModelFile));
  EXPECT_THAT(record_.store.Trials(study_), SizeIs(2));
}

TEST_F(HousekeepingCommandsTest, RmRefusesWhatOthersStartFromUnlessForced) {
  record_.Complete(record_.Study("second"), 3, 0.5, 1, record_.store.Trial(best_).fingerprint);
  const Called called = OnRecord({"rm", "a", "--yes"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("second/MC-BLSTM3#1 starts from a/MC-BLSTM1#1"));
  EXPECT_THAT(record_.store.Studies(), SizeIs(2));
  EXPECT_EQ(OnRecord({"rm", "a", "--yes", "--force"}).exit_code, 0);
  EXPECT_THAT(record_.store.Studies(), SizeIs(1));
}

TEST_F(HousekeepingCommandsTest, RmSaysWhichRecipesNameWhatGoesAndWhatTheyCanNameInstead) {
  record_.Wait(record_.Study("b"), 1);  // the best trial is of both now
  StudyRecord second = ExampleStudy("second");
  second.recipe_text =
      "beamgrid = 1\n[train]\nfrom = \"a/MC-BLSTM1\"\n"
      "[grid.train]\nfrom = [\"a/MC-BLSTM1/1\", \"a/MC-BLSTM2/1\", \"a/*\", \"b/MC-BLSTM1\"]\n";
  record_.store.OpenStudy(second);
  const Called one = OnRecord({"rm", "a/MC-BLSTM1/1"});
  EXPECT_EQ(one.exit_code, 2) << "nobody can be asked";
  EXPECT_THAT(one.out,
              AllOf(HasSubstr("warning  the recipe of study second names a/MC-BLSTM1 (`from`), "
                              "which means nothing then: write b/MC-BLSTM1 there before it is run "
                              "again"),
                    HasSubstr("names a/MC-BLSTM1/1 (`from`), which means nothing then: write "
                              "b/MC-BLSTM1/1 there"),
                    HasSubstr("names a/* (`from`), which means nothing then: write b/* there"),
                    Not(HasSubstr("MC-BLSTM2")), Not(HasSubstr("names b/"))));
  const Called all = OnRecord({"rm", "a", "--yes", "--json"});
  EXPECT_EQ(all.exit_code, 0) << all.err;
  const auto lost = all.Json().at("lost_names").as_array();
  ASSERT_THAT(lost, SizeIs(4));
  for (const auto& [name, still] :
       std::map<std::string, boost::json::value>{{"a/MC-BLSTM1", "b/MC-BLSTM1"},
                                                 {"a/MC-BLSTM1/1", "b/MC-BLSTM1/1"},
                                                 {"a/MC-BLSTM2/1", nullptr},
                                                 {"a/*", nullptr}}) {
    EXPECT_THAT(lost, testing::Contains(boost::json::value(
                          {{"study", "second"}, {"name", name}, {"still", still}})));
  }
}

TEST_F(HousekeepingCommandsTest, RmTellsNobodyOfRecipesThatNameWhatStays) {
  StudyRecord second = ExampleStudy("second");
  second.recipe_text = "beamgrid = 1\n[train]\nfrom = \"a/MC-BLSTM1\"\n";
  record_.store.OpenStudy(second);
  EXPECT_THAT(OnRecord({"rm", "a/MC-BLSTM2/1", "--yes"}).out, Not(HasSubstr("warning")));
  EXPECT_THAT(OnRecord({"rm", "second", "--yes"}).out, Not(HasSubstr("warning")));
}

TEST_F(HousekeepingCommandsTest, RmDeletesNothingBeyondTheRunsFolder) {
  const Called called = OnRecord({"rm", "a", "--yes", "--runs", Path("elsewhere")});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(record_.store.Studies(), SizeIs(1));
  EXPECT_TRUE(record_.Has(best_, kModelFile));
}

TEST_F(HousekeepingCommandsTest, ANameOfAStudyAndATrialIsNotGuessed) {
  record_.Study(IdOf(best_));
  const Called called = OnRecord({"rm", IdOf(best_), "--yes"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("is a study and names a trial as well"));
}

TEST_F(HousekeepingCommandsTest, UnknownFoldersAreListedAndDeletedOnlyOnRequest) {
  WriteFileAtomically(record_.store.runs() / "old/t/1" / kTrialFile, "{}");
  WriteFileAtomically(record_.store.runs() / "notes.txt", "mine");
  const Called asked = OnRecord({"rm", "--unknown"});
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_THAT(asked.err, HasSubstr("Another database that shares the runs folder may"));
  EXPECT_EQ(OnRecord({"rm", "--unknown", "--yes"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(record_.store.runs() / "old"));
  EXPECT_TRUE(std::filesystem::exists(record_.store.runs() / "notes.txt"));
  EXPECT_TRUE(record_.Has(best_, kModelFile));
  EXPECT_THAT(OnRecord({"rm", "--unknown", "--yes"}).err, HasSubstr("nothing in"));
  EXPECT_EQ(OnRecord({"rm", "--yes"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"rm", "a", "--unknown", "--yes"}).exit_code, 2);
}

TEST_F(HousekeepingCommandsTest, WhatAKilledCommandLeftIsFinishedByTheNext) {
  RecordUpkeep(record_.store)
      .GiveUpFile(record_.store.Trial(loser_), record_.store.Artifacts(loser_).at(0));
  EXPECT_EQ(OnRecord({"du", "--json"}).Json().at("trash"), 1000);
  const Called called = OnRecord({"rename", "a", "b", "--yes"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err,
              HasSubstr("finished what an earlier command was stopped at: freed 1000 B"));
  EXPECT_FALSE(record_.Has(loser_, kModelFile));
}

TEST_F(HousekeepingCommandsTest, RenameChangesTheNameAndSaysWhatElseNamesIt) {
  StudyRecord second = ExampleStudy("second");
  second.recipe_text = "beamgrid = 1\n[train]\nfrom = \"a/MC-BLSTM1\"\n";
  record_.store.OpenStudy(second);
  for (const char* wrong : {"", "a b", "../x", "second"}) {
    EXPECT_EQ(OnRecord({"rename", "a", wrong, "--yes"}).exit_code, 2) << wrong;
  }
  const Called called = OnRecord({"rename", "a", "b", "--yes"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, AllOf(HasSubstr("write study.name = \"b\" in its recipe too"),
                                HasSubstr("the recipe of study second starts from trials of a")));
  EXPECT_FALSE(record_.store.FindStudy("a"));
  EXPECT_EQ(record_.store.FindStudy("b")->id, study_);
  EXPECT_TRUE(record_.Has(best_, kModelFile));
}

TEST_F(HousekeepingCommandsTest, AStudyWithAnOpenAttemptKeepsItsName) {
  (void)record_.Begin(record_.Wait(study_, 3));
  const Called called = OnRecord({"rename", "a", "b", "--yes"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("is open"));
}

TEST_F(HousekeepingCommandsTest, MergeTakesAnotherDatabaseInAndIsDoneOnce) {
  FiledRecord theirs(Path("theirs"));
  theirs.Complete(theirs.Study("b"), 3, 0.5);
  theirs.Complete(theirs.Study("a"), 2, 0.1);
  const Called called = OnRecord({"merge", theirs.path.string(), "--yes", "--json"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_EQ(called.Json().at("studies"), 1);
  EXPECT_EQ(called.Json().at("trials"), 1);
  EXPECT_EQ(OnRecord({"verify", "b", "--files"}).exit_code, 0);
  EXPECT_THAT(OnRecord({"merge", theirs.path.string(), "--yes"}).out, HasSubstr("nothing to take"));
}

TEST_F(HousekeepingCommandsTest, MergeNamesWhatItTookAndNothingElse) {
  FiledRecord theirs(Path("theirs"));
  theirs.Complete(theirs.Study("b"), 2, 0.1);  // ours has it in another study
  theirs.Complete(theirs.Study("b"), 3, 0.5);
  theirs.Complete(theirs.Study("b"), 4, 0.6);
  const Called called = OnRecord({"merge", theirs.path.string(), "--yes"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, ::testing::StartsWith("took 1 new study, 2 new trials, 1 trial that was "
                                                "here and is of its study now, too, "));
  EXPECT_THAT(called.out, Not(HasSubstr(" 0 ")));
}

TEST_F(HousekeepingCommandsTest, MergeOfResultsThatDifferSaysSoAndFails) {
  FiledRecord theirs(Path("theirs"));
  theirs.Complete(theirs.Study("a"), 2, 0.2);
  const Called called = OnRecord({"merge", theirs.path.string(), "--yes"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.out, HasSubstr("conflict  MC-BLSTM2 seed 1: both are complete and differ"));
}

TEST_F(HousekeepingCommandsTest, MergeOfSeveralStudiesNamesTheStudy) {
  FiledRecord theirs(Path("theirs"));
  theirs.Complete(theirs.Study("a"), 2, 0.2);
  std::filesystem::remove(
      theirs.FileOf(theirs.Complete(theirs.Study("b"), 3, 0.5), kPredictionsFile));
  const Called called = OnRecord({"merge", theirs.path.string(), "--yes"});
  EXPECT_THAT(called.out, AllOf(HasSubstr("conflict  a/MC-BLSTM2#1: both are complete and differ"),
                                HasSubstr("note: b/MC-BLSTM3#1: predictions.bin is gone")));
}

TEST_F(HousekeepingCommandsTest, MergeSaysWhichGivenUpFilesAreThereAgain) {
  FiledRecord theirs(Path("theirs"));
  theirs.Complete(theirs.Study("a"), 2, 0.1);
  ASSERT_EQ(OnRecord({"prune", "a", "--keep", "1", "--yes"}).exit_code, 0);
  const Called called = OnRecord({"merge", theirs.path.string(), "--yes"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out,
              HasSubstr("1 file (1000 B); 1 file that `prune` had given up here is there "
                        "again"));
  EXPECT_TRUE(record_.Has(loser_, kModelFile));
  EXPECT_THAT(OnRecord({"merge", theirs.path.string(), "--yes"}).out, HasSubstr("nothing to take"));
}

TEST_F(HousekeepingCommandsTest, DuTellsKindsApartAndWhatPruneWouldFree) {
  const Called text = OnRecord({"du"});
  EXPECT_THAT(text.out, AllOf(HasSubstr("models"), HasSubstr("database and its log")));
  const auto json = OnRecord({"du", "--json"}).Json();
  EXPECT_EQ(json.at("studies").at(0).at("bytes").at("models"), 2000);
  EXPECT_EQ(json.at("studies").at(0).at("prunable"), 1000);
  EXPECT_EQ(OnRecord({"du", "--json", "--keep", "2"}).Json().at("studies").at(0).at("prunable"), 0);
  EXPECT_THAT(OnRecord({"du", "a"}).out,
              AllOf(HasSubstr("MC-BLSTM2 seed 1"), HasSubstr("prune --keep 1 would free 1000 B")));
  EXPECT_EQ(OnRecord({"du", "x"}).exit_code, 2);
}

}  // namespace
}  // namespace beamgrid
