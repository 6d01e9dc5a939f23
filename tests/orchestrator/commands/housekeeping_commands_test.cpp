// du, prune, rm, rename, merge on a record with files.

#include <sstream>

#include "orchestrator/commands/confirm.h"
#include "registry/store/study_lock.h"
#include "registry/store/upkeep.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/orchestrator/housekeeping/housekeeping_fixture.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

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
  EXPECT_THAT(verify.out, AllOf(HasSubstr("pruned  MC-BLSTM2 seed 1"), Not(HasSubstr("damaged"))));
  EXPECT_THAT(OnRecord({"verify", "a", "MC-BLSTM1", "--files"}).out, Not(HasSubstr("pruned")));
  EXPECT_FALSE(OnRecord({"show", IdOf(loser_), "--json"})
                   .Json()
                   .at("artifacts")
                   .at(0)
                   .at("pruned_at")
                   .is_null());
}

TEST_F(HousekeepingCommandsTest, APrunedPredictionsFileIsSaidToBePruned) {
  ASSERT_EQ(OnRecord({"prune", "a", "--keep", "0", "--predictions", "--yes"}).exit_code, 0);
  const Called called = OnRecord({"ensemble", "a"});
  EXPECT_THAT(called.err, AllOf(HasSubstr("was pruned"), HasSubstr("--repair")));
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
  EXPECT_THAT(called.err, AllOf(HasSubstr("took 1 trial out that other studies have too"),
                                HasSubstr("removed 0 trials")));
  EXPECT_TRUE(record_.Has(loser_, kModelFile));
  EXPECT_THAT(record_.store.Trials(study_), SizeIs(2));
}

TEST_F(HousekeepingCommandsTest, RmRefusesWhatOthersStartFromUnlessForced) {
  record_.Complete(record_.Study("second"), 3, 0.5, 1, record_.store.Trial(best_).fingerprint);
  const Called called = OnRecord({"rm", "a", "--yes"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("MC-BLSTM3 seed 1 starts from MC-BLSTM1 seed 1"));
  EXPECT_THAT(record_.store.Studies(), SizeIs(2));
  EXPECT_EQ(OnRecord({"rm", "a", "--yes", "--force"}).exit_code, 0);
  EXPECT_THAT(record_.store.Studies(), SizeIs(1));
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

TEST_F(HousekeepingCommandsTest, MergeOfResultsThatDifferSaysSoAndFails) {
  FiledRecord theirs(Path("theirs"));
  theirs.Complete(theirs.Study("a"), 2, 0.2);
  const Called called = OnRecord({"merge", theirs.path.string(), "--yes"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.out, HasSubstr("conflict  MC-BLSTM2 seed 1: both are complete and differ"));
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
