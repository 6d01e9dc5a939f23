#include "orchestrator/housekeeping/merge.h"

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/verify_study.h"
#include "registry/util/error.h"
#include "tests/orchestrator/housekeeping/housekeeping_fixture.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MergeTest : public HousekeepingTest {
 protected:
  MergeReport Merge() {
    Tidying ours(record_.path, "");
    OtherRecord theirs(theirs_.path, "", ours.database());
    (void)ours.EmptyTrash();
    return Merger(theirs, ours).Run();
  }
  [[nodiscard]] std::vector<TrialRecord> TrialsOf(const std::string& study) const {
    return record_.store.Trials(record_.store.FindStudy(study)->id);
  }
  /// Every complete trial of ours has its files.
  void ExpectSound(const std::string& study) const {
    EXPECT_THAT(DamagedFiles(CompleteTrials(record_.store, *record_.store.FindStudy(study))),
                IsEmpty());
    EXPECT_THAT(record_.store.Trash(), IsEmpty());
  }
  void ExpectNothingMoreToTake() {
    const MergeReport again = Merge();
    EXPECT_TRUE(again.nothing());
  }

  FiledRecord theirs_{folder_ / "theirs"};
};

TEST_F(MergeTest, AStudyComesWithAllThatIsRecordedAndItsFiles) {
  record_.Complete(record_.Study("mine"), 7, 0.3);  // so that ids differ
  const StudyId study = theirs_.Study("a");
  const TrialId trial = theirs_.Wait(study, 1);
  const auto first = theirs_.Begin(trial);
  WriteFileAtomically(first / kLastCheckpoint, "weights");
  theirs_.store.FinishAttempt(trial, 1, ExampleFailure(FailureKind::kInterrupted),
                              TrialState::kWaiting);
  theirs_.Finish(trial, theirs_.Begin(trial), 0.5);
  theirs_.Wait(study, 2);
  theirs_.Ensemble(study, {trial});
  theirs_.store.AddNote(study, "MC-BLSTM1", 1, "why");
  const MergeReport report = Merge();
  EXPECT_EQ(report.studies, 1);
  EXPECT_EQ(report.trials, 2);
  EXPECT_THAT(report.conflicts, IsEmpty());
  EXPECT_THAT(report.remarks, IsEmpty());
  const std::vector<TrialRecord> trials = TrialsOf("a");
  ASSERT_THAT(trials, SizeIs(2));
  EXPECT_EQ(trials[0].result->metrics.gap, 0.5);
  EXPECT_EQ(trials[0].attempts, 2);
  EXPECT_THAT(record_.store.Epochs(trials[0].id), SizeIs(3));
  EXPECT_EQ(trials[1].state, TrialState::kWaiting);
  EXPECT_TRUE(trials[0].directory.starts_with(record_.store.runs().string()));
  const StudyId here = record_.store.FindStudy("a")->id;
  EXPECT_THAT(record_.store.Ensembles(here), SizeIs(1));
  EXPECT_THAT(record_.store.Notes(here, "MC-BLSTM1", 1), ElementsAre("why"));
  for (const auto& attempt : record_.store.Attempts(trials[0].id)) {
    EXPECT_FALSE(
        std::filesystem::exists(std::filesystem::path(attempt.directory) / kLastCheckpoint))
        << "nothing goes on from it";
  }
  ExpectSound("a");
  ExpectNothingMoreToTake();
  EXPECT_THAT(record_.store.Ensembles(here), SizeIs(1));
  EXPECT_THAT(record_.store.Notes(here, "MC-BLSTM1", 1), SizeIs(1));
}

TEST_F(MergeTest, OneStudyOfBothHasTheTrialsOfBoth) {
  record_.Complete(record_.Study("a"), 1, 0.5);
  record_.Complete(record_.Study("a"), 2, 0.6);
  theirs_.Complete(theirs_.Study("a"), 2, 0.6);
  theirs_.Complete(theirs_.Study("a"), 3, 0.7);
  const MergeReport report = Merge();
  EXPECT_EQ(report.studies, 0);
  EXPECT_EQ(report.trials, 1);
  EXPECT_THAT(TrialsOf("a"), SizeIs(3));
  ExpectSound("a");
  ExpectNothingMoreToTake();
}

/// A trial of the model and seed, on other data than those of the others.
NewTrial OnOtherData(std::int64_t hidden, std::int64_t seed = 1) {
  NewTrial trial = ExampleNewTrial(hidden, seed);
  trial.spec.data.digest = "of other data";
  trial.fingerprint = Fingerprint(trial.spec);
  return trial;
}

TEST_F(MergeTest, WhatIsOfOtherDataComesAlongAndDoesNotCount) {
  record_.Complete(record_.Study("a"), 1, 0.5);
  const StudyId there = theirs_.Study("a");
  // Of the same model and seed, of another seed of it, and of another model.
  for (const NewTrial& trial : {OnOtherData(1), OnOtherData(1, 2), OnOtherData(2)}) {
    const TrialId id = theirs_.store.AddTrials(there, {trial}).at(0);
    theirs_.Finish(id, theirs_.Begin(id), 0.25);
  }
  EXPECT_EQ(Merge().trials, 3);
  ASSERT_THAT(TrialsOf("a"), SizeIs(1));
  EXPECT_EQ(TrialsOf("a")[0].result->metrics.gap, 0.5);
  const std::vector<TrialRecord> all =
      record_.store.Trials(record_.store.FindStudy("a")->id, Counting::kAll);
  ASSERT_THAT(all, SizeIs(4));
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_EQ(all[i].not_counted, "it was trained on other data than those that count here");
  }
  ExpectNothingMoreToTake();
}

TEST_F(MergeTest, WhatDoesNotCountThereDoesNotHere) {
  const StudyId there = theirs_.Study("a");
  const TrialId older = theirs_.Complete(there, 1, 0.5);
  const TrialId id = theirs_.store.AddTrials(there, {OnOtherData(1)}).at(0);
  theirs_.Finish(id, theirs_.Begin(id), 0.25);
  EXPECT_EQ(Merge().trials, 2);
  ASSERT_THAT(TrialsOf("a"), SizeIs(1));
  EXPECT_EQ(TrialsOf("a")[0].result->metrics.gap, 0.25);
  EXPECT_NE(older, id);
  EXPECT_THAT(record_.store.Trials(record_.store.FindStudy("a")->id, Counting::kAll), SizeIs(2));
}

TEST_F(MergeTest, ACompleteResultWinsOverAWaitingOrFailedTrial) {
  const StudyId here = record_.Study("a"), there = theirs_.Study("a");
  record_.Wait(here, 1);
  const TrialId failed = record_.Wait(here, 2);
  (void)record_.Begin(failed);
  record_.store.FinishAttempt(failed, 1, ExampleFailure(FailureKind::kDiverged),
                              TrialState::kFailed);
  theirs_.Complete(there, 1, 0.5);
  theirs_.Complete(there, 2, 0.6);
  EXPECT_EQ(Merge().results, 2);
  const std::vector<TrialRecord> trials = TrialsOf("a");
  ASSERT_THAT(trials, SizeIs(2));
  EXPECT_EQ(trials[0].result->metrics.gap, 0.5);
  EXPECT_EQ(trials[1].id, failed);
  EXPECT_EQ(trials[1].result->metrics.gap, 0.6);
  EXPECT_EQ(trials[1].attempts, 2) << "what was tried here stays told";
  ExpectSound("a");
  ExpectNothingMoreToTake();
}

TEST_F(MergeTest, WhatIsCompleteHereStaysWhateverTheyHave) {
  const TrialId trial = record_.Complete(record_.Study("a"), 1, 0.5);
  theirs_.Wait(theirs_.Study("a"), 1);
  ExpectNothingMoreToTake();
  EXPECT_EQ(record_.store.Trial(trial).result->metrics.gap, 0.5);
}

TEST_F(MergeTest, TwoResultsThatDifferAreAConflictAndOursStays) {
  const TrialId trial = record_.Complete(record_.Study("a"), 1, 0.5);
  theirs_.Complete(theirs_.Study("a"), 1, 0.6);
  const MergeReport report = Merge();
  ASSERT_THAT(report.conflicts, SizeIs(1));
  EXPECT_EQ(report.conflicts[0].ours.id, trial);
  EXPECT_THAT(report.conflicts[0].differences, Contains("metrics.gap: ours 0.5, theirs 0.6"));
  EXPECT_EQ(record_.store.Trial(trial).result->metrics.gap, 0.5);
  ExpectSound("a");
}

TEST_F(MergeTest, AFileThatIsGoneOrGivenUpHereComesBack) {
  const TrialId trial = record_.Complete(record_.Study("a"), 1, 0.5);
  theirs_.Complete(theirs_.Study("a"), 1, 0.5);
  std::filesystem::remove(record_.FileOf(trial, kPredictionsFile));
  const TrialRecord before = record_.store.Trial(trial);
  CarryOut(record_.store, PrunePlan{.files = {{before, before.result->artifacts.at(0), ""}}});
  (void)record_.EmptyTrash();
  ASSERT_FALSE(record_.Has(trial, kModelFile));
  const MergeReport report = Merge();
  EXPECT_EQ(report.files, 2);
  EXPECT_EQ(report.brought_back, 1);
  EXPECT_TRUE(record_.Has(trial, kPredictionsFile));
  EXPECT_TRUE(record_.Has(trial, kModelFile));
  EXPECT_EQ(record_.store.Artifacts(trial).at(0).pruned_at, "");
  ExpectSound("a");
  ExpectNothingMoreToTake();
}

TEST_F(MergeTest, AFileThatWasGivenUpOnBothSidesStaysSo) {
  const TrialId trial = record_.Complete(record_.Study("a"), 1, 0.5);
  const TrialId there = theirs_.Complete(theirs_.Study("a"), 1, 0.5);
  for (auto* record : {&record_, &theirs_}) {
    const TrialRecord before = record->store.Trial(record == &record_ ? trial : there);
    CarryOut(record->store, PrunePlan{.files = {{before, before.result->artifacts.at(0), ""}}});
    (void)record->EmptyTrash();
  }
  ExpectNothingMoreToTake();
  EXPECT_NE(record_.store.Artifacts(trial).at(0).pruned_at, "");
}

TEST_F(MergeTest, AMergeThatStopsHalfWayLeavesStudiesThatSayWhatTheyLack) {
  theirs_.Complete(theirs_.Study("a"), 1, 0.5);
  const TrialId broken = theirs_.Complete(theirs_.Study("a"), 2, 0.6);
  theirs_.Complete(theirs_.Study("b"), 3, 0.7);
  // A file in the place of a folder: nothing can be copied there.
  const auto folder = record_.store.runs() / "folder" / "MC-BLSTM2-1";
  WriteFileAtomically(folder, "in the way");
  EXPECT_THROW((void)Merge(), Error);
  ASSERT_THAT(TrialsOf("a"), SizeIs(2));
  ASSERT_THAT(TrialsOf("b"), SizeIs(1));
  EXPECT_EQ(TrialsOf("a")[0].state, TrialState::kComplete);
  EXPECT_EQ(TrialsOf("a")[1].state, TrialState::kWaiting);
  EXPECT_EQ(TrialsOf("b")[0].state, TrialState::kWaiting);
  std::filesystem::remove(folder);
  const MergeReport report = Merge();
  EXPECT_EQ(report.trials, 0);
  EXPECT_EQ(report.results, 2);
  EXPECT_EQ(TrialsOf("a")[1].result->metrics.gap, 0.6);
  EXPECT_EQ(TrialsOf("b")[0].result->metrics.gap, 0.7);
  ExpectSound("a");
  ExpectSound("b");
  ExpectNothingMoreToTake();
  (void)broken;
}

TEST_F(MergeTest, ATrialThatWasGivenUpBeforeItBeganComesAsThat) {
  const TrialId trial = theirs_.Wait(theirs_.Study("a"), 1);
  theirs_.store.SetState(trial, TrialState::kPruned);
  (void)Merge();
  EXPECT_EQ(TrialsOf("a").at(0).state, TrialState::kPruned);
  ExpectNothingMoreToTake();
}

TEST_F(MergeTest, WhatIsGoneThereIsSaidAndTheRestTaken) {
  const TrialId trial = theirs_.Complete(theirs_.Study("a"), 1, 0.5);
  std::filesystem::remove(theirs_.FileOf(trial, kModelFile));
  const MergeReport report = Merge();
  EXPECT_THAT(report.remarks, ElementsAre(HasSubstr("model.pt is gone, there as well")));
  EXPECT_EQ(TrialsOf("a").at(0).result->metrics.gap, 0.5);
}

TEST_F(MergeTest, AnAttemptThatWasLeftOpenThereIsAnInterruptedOneHere) {
  const TrialId trial = theirs_.Wait(theirs_.Study("a"), 1);
  WriteFileAtomically(theirs_.Begin(trial) / kLastCheckpoint, "weights");
  (void)Merge();
  const TrialRecord here = TrialsOf("a").at(0);
  EXPECT_EQ(here.state, TrialState::kWaiting);
  EXPECT_EQ(record_.store.Attempts(here.id).at(0).outcome, "interrupted");
  EXPECT_TRUE(record_.Has(here.id, kLastCheckpoint)) << "it goes on from there";
  ExpectNothingMoreToTake();
}

TEST_F(MergeTest, AFolderThatIsTakenHereGetsANameBesideIt) {
  const TrialId trial = theirs_.Complete(theirs_.Study("a"), 1, 0.5);
  const auto relative = theirs_.FileOf(trial, "").lexically_relative(theirs_.store.runs());
  WriteFileAtomically(record_.store.runs() / relative / kModelFile, "another database's");
  (void)Merge();
  EXPECT_TRUE(TrialsOf("a").at(0).directory.ends_with("/1.2"));
  EXPECT_EQ(ReadFile(record_.store.runs() / relative / kModelFile), "another database's");
  ExpectSound("a");
}

TEST_F(MergeTest, OfOneModelAndSeedOneTrialCounts) {
  const TrialId ours = record_.Complete(record_.Study("a"), 1, 0.5);
  NewTrial other = ExampleNewTrial(1);
  other.spec.data.digest = "of other data";
  other.fingerprint = Fingerprint(other.spec);
  const StudyId there = theirs_.Study("a");
  const TrialId theirs = theirs_.store.AddTrials(there, {other}).at(0);
  theirs_.Finish(theirs, theirs_.Begin(theirs), 0.6);
  const MergeReport report = Merge();
  EXPECT_EQ(report.trials, 1);
  EXPECT_THAT(report.remarks, Contains(HasSubstr("does not count here")));
  ASSERT_THAT(TrialsOf("a"), SizeIs(1));
  EXPECT_EQ(TrialsOf("a").at(0).id, ours);
  EXPECT_THAT(record_.store.Trials(record_.store.FindStudy("a")->id, Counting::kAll), SizeIs(2));
  ExpectNothingMoreToTake();
}

TEST_F(MergeTest, AStudyOfOneNameThatAsksForSomethingElseIsRefused) {
  record_.Complete(record_.Study("a"), 1, 0.5);
  StudyRecord other = ExampleStudy("a");
  other.recipe_digest = "another";
  other.recipe_text = "beamgrid = 1\n[train]\nepochs = 7\n";
  theirs_.store.OpenStudy(other);
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)Merge(); }),
              AllOf(HasSubstr("(from here to there: train.epochs: none -> 7)"),
                    HasSubstr("`beamgrid rename a NEW --db FILE`")));
}

TEST_F(MergeTest, AStudyComesWithTheHistoryOfItsRecipe) {
  StudyRecord study = ExampleStudy("a");
  theirs_.store.OpenStudy(study);
  study.recipe_text = "beamgrid = 1 # another";
  theirs_.store.OpenStudy(study, {"seeds: 2 is new"});
  (void)Merge();
  const auto history = [&] {
    return record_.store.RecipeHistory(record_.store.FindStudy("a")->id);
  };
  ASSERT_THAT(history(), SizeIs(2));
  EXPECT_EQ(history()[1].recipe_text, study.recipe_text);
  EXPECT_THAT(history()[1].changes, testing::ElementsAre("seeds: 2 is new"));
  // Where both have the study, each keeps its own history.
  theirs_.store.OpenStudy(study, {"seeds: 3 is new"});
  (void)Merge();
  EXPECT_THAT(history(), SizeIs(2));
}

TEST_F(MergeTest, AStudyComesWithTheGroupsOfItsVideos) {
  const VideoGroups groups("subject", {{"v1", "s1"}}, 1);
  theirs_.store.SetVideoGroups(theirs_.store.OpenStudy(ExampleStudy("a")), &groups);
  (void)Merge();
  const auto here = record_.store.VideoGroupsOf(record_.store.FindStudy("a")->id);
  ASSERT_TRUE(here);
  EXPECT_EQ(here->groups(), groups.groups());
  EXPECT_EQ(here->in_training(), 1);
}

TEST_F(MergeTest, AStudyComesWithTheNamesOfItsClasses) {
  const StudyId theirs = theirs_.store.OpenStudy(ExampleStudy("a"));
  theirs_.store.SetClassNames(theirs, "d1", {"cat", "dog"});
  (void)Merge();
  const StudyId ours = record_.store.FindStudy("a")->id;
  EXPECT_EQ(record_.store.NotedClassNames(ours), theirs_.store.NotedClassNames(theirs));
  // Where both have the study, what is new comes too, and what is another is no mixture.
  theirs_.store.SetClassNames(theirs, "d2", {"emu"});
  (void)Merge();
  EXPECT_EQ(record_.store.NotedClassNames(ours).size(), 2U);
  theirs_.store.SetClassNames(theirs, "d1", {"ant", "dog"});
  EXPECT_THAT(
      ErrorText<UsageError>([&] { (void)Merge(); }),
      HasSubstr("study 'a', data d1: class 0 is 'cat' in this record and 'ant' in the other "
                "record"));
}

TEST_F(MergeTest, AStudyThatRunsOnEitherSideIsRefused) {
  theirs_.Study("a");
  {
    const StudyLock run(theirs_.path, "a");
    EXPECT_THAT(ErrorText<UsageError>([&] { (void)Merge(); }), HasSubstr("is being run by"));
  }
  record_.Study("a");
  const StudyLock run(record_.path, "a");
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)Merge(); }), HasSubstr("is being run by"));
}

/// The JSON of an ensemble of these trials.
std::string EnsembleOf(const FiledRecord& record, const std::vector<TrialId>& members) {
  boost::json::array list;
  for (const TrialId id : members) {
    list.emplace_back(boost::json::object{{"name", MemberName(record.store.Trial(id))},
                                          {"fingerprint", record.store.Trial(id).fingerprint}});
  }
  return CanonicalJson({{"members", list}});
}

TEST_F(MergeTest, AnEnsembleThatIsOlderThanOursDoesNotTakeItsPlace) {
  const TrialId trial = record_.Complete(record_.Study("a"), 1, 0.5);
  const TrialId other = theirs_.Complete(theirs_.Study("a"), 1, 0.5);
  const TrialId more = theirs_.Complete(theirs_.Study("a"), 2, 0.5);
  const StudyId ours = record_.Study("a"), there = theirs_.Study("a");
  record_.store.AddEnsemble(
      ours, {.created_at = "2026-01-02T00:00:00Z", .json = EnsembleOf(record_, {trial})});
  (void)Merge();  // the trials
  theirs_.store.AddEnsemble(
      there, {.created_at = "2026-01-01T00:00:00Z", .json = EnsembleOf(theirs_, {other, more})});
  MergeReport report = Merge();
  EXPECT_EQ(report.ensembles, 1);
  EXPECT_FALSE(report.nothing());
  EXPECT_THAT(report.remarks, IsEmpty());
  ASSERT_THAT(record_.store.Ensembles(ours), SizeIs(2));
  EXPECT_EQ(record_.store.Ensembles(ours).back().created_at, "2026-01-02T00:00:00Z");
  // A later one does, and it is said.
  theirs_.store.AddEnsemble(
      there, {.created_at = "2026-01-03T00:00:00Z", .json = EnsembleOf(theirs_, {more})});
  report = Merge();
  EXPECT_EQ(record_.store.Ensembles(ours).back().created_at, "2026-01-03T00:00:00Z");
  EXPECT_THAT(report.remarks, ElementsAre("the latest ensemble of a is 3 now, which was made there "
                                          "2026-01-03T00:00:00Z; the one of this record is a:1"));
  ExpectNothingMoreToTake();
}

TEST_F(MergeTest, AnEnsembleOfATrialThatMeasuredSomethingElseHereStaysThere) {
  const StudyId ours = record_.Study("b"), there = theirs_.Study("a"), later = theirs_.Study("b");
  record_.Complete(ours, 1, 0.5);
  const TrialId other = theirs_.Complete(later, 1, 0.6);
  // Of a study that comes before that of its member.
  theirs_.store.AddEnsemble(
      there, {.created_at = "2026-01-01T00:00:00Z", .json = EnsembleOf(theirs_, {other})});
  theirs_.Ensemble(later, {other});  // by names alone
  const MergeReport report = Merge();
  EXPECT_EQ(report.ensembles, 0);
  EXPECT_THAT(record_.store.Ensembles(record_.store.FindStudy("a")->id), IsEmpty());
  EXPECT_THAT(record_.store.Ensembles(ours), IsEmpty());
  EXPECT_THAT(report.remarks,
              testing::Each(AllOf(HasSubstr("made there 2026-01-01T00:00:00Z is left out"),
                                  HasSubstr("measured something else here"))));
  EXPECT_THAT(report.remarks, SizeIs(2));
}

TEST_F(MergeTest, ARecordIsNotMergedWithItself) {
  std::filesystem::create_symlink(record_.path, folder_ / "link.db");
  EXPECT_THAT(ErrorText<UsageError>([&] { OtherRecord(folder_ / "link.db", "", record_.path); }),
              HasSubstr("are the same database"));
}

TEST_F(MergeTest, ARecordThatIsNotThereOrBeingTidiedUpIsRefused) {
  EXPECT_THROW(OtherRecord(folder_ / "missing.db", "", record_.path), UsageError);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "missing.db"));
  const Tidying busy(theirs_.path, "");
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)Merge(); }), HasSubstr("is being tidied up by"));
}

}  // namespace
}  // namespace beamgrid
