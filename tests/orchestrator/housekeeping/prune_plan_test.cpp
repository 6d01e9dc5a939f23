// Which files may go, and what becomes of them.

#include "tests/orchestrator/housekeeping/housekeeping_fixture.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class PrunePlanTest : public HousekeepingTest {
 protected:
  static std::vector<TrialId> TrialsOf(const PrunePlan& plan) {
    std::vector<TrialId> ids;
    for (const GivenUpFile& file : plan.files) ids.push_back(file.trial.id);
    return ids;
  }
  static std::string WhyKept(const PrunePlan& plan, TrialId trial) {
    for (const KeptTrial& kept : plan.kept) {
      if (kept.trial.id == trial) return kept.why;
    }
    return "";
  }

  StudyId study_ = record_.Study("a");
};

TEST_F(PrunePlanTest, TheBestModelsAreThoseOfTheHighestMeanOverTheirSeeds) {
  // One lucky seed does not make a model the best.
  const TrialId lucky = record_.Complete(study_, 1, 0.9, 1),
                unlucky = record_.Complete(study_, 1, 0.1, 2);
  record_.Complete(study_, 2, 0.6, 1);
  record_.Complete(study_, 2, 0.6, 2);
  const TrialId third = record_.Complete(study_, 3, 0.4);
  EXPECT_THAT(TrialsOf(Plan({study_}, 1)), UnorderedElementsAre(lucky, unlucky, third));
  EXPECT_THAT(TrialsOf(Plan({study_}, 2)), UnorderedElementsAre(third));
  EXPECT_THAT(TrialsOf(Plan({study_}, 3)), IsEmpty());
  EXPECT_THAT(TrialsOf(Plan({study_}, 0)), SizeIs(5));
}

TEST_F(PrunePlanTest, WhatDoesNotCountIsNoneOfTheBest) {
  const TrialId older = record_.Complete(study_, 1, 0.9);
  record_.Complete(study_, 2, 0.6);
  record_.store.StopCounting(study_, {older}, "it was trained on other data");
  EXPECT_THAT(TrialsOf(Plan({study_}, 1)), UnorderedElementsAre(older));
}

TEST_F(PrunePlanTest, AFormInAnotherPrecisionIsNoneOfTheBestAndHoldsNothingBack) {
  const TrialId best = record_.Complete(study_, 1, 0.9), loser = record_.Complete(study_, 2, 0.1);
  const TrialId of_best = record_.CompleteForm(study_, best, 0.95);
  const TrialId of_loser = record_.CompleteForm(study_, loser, 0.2);
  EXPECT_THAT(TrialsOf(Plan({study_}, 1)), UnorderedElementsAre(loser, of_best, of_loser))
      << "a form is whole without the weights that it was made of";
  EXPECT_THAT(TrialsOf(Plan({study_}, 2)), UnorderedElementsAre(of_best, of_loser));
  const std::string fingerprint = record_.store.Trial(of_loser).fingerprint;
  record_.store.AddEnsemble(
      study_, {.json = R"({"members":[{"name":"x","fingerprint":")" + fingerprint + "\"}]}"});
  EXPECT_THAT(TrialsOf(Plan({study_}, 1)), UnorderedElementsAre(loser, of_best));
}

TEST_F(PrunePlanTest, PredictionsStayUnlessTheyAreNamed) {
  record_.Complete(study_, 1, 0.9);
  const TrialId loser = record_.Complete(study_, 2, 0.1);
  EXPECT_THAT(Plan({study_}, 1).Paths(), ElementsAre(record_.FileOf(loser, kModelFile)));
  EXPECT_THAT(Plan({study_}, 1, {"model", "predictions"}).Paths(),
              UnorderedElementsAre(record_.FileOf(loser, kModelFile),
                                   record_.FileOf(loser, kPredictionsFile)));
}

TEST_F(PrunePlanTest, MembersOfAnyRecordedEnsembleStay) {
  const TrialId best = record_.Complete(study_, 1, 0.9), member = record_.Complete(study_, 2, 0.1);
  record_.Ensemble(study_, {best, member});
  record_.Ensemble(study_, {best});
  const PrunePlan plan = Plan({study_}, 1);
  EXPECT_THAT(plan.files, IsEmpty());
  EXPECT_EQ(WhyKept(plan, member), "a member of an ensemble of study a");
}

TEST_F(PrunePlanTest, TrialsThatOthersStartFromStay) {
  record_.Complete(study_, 1, 0.9);
  const TrialId first = record_.Complete(study_, 2, 0.1);
  record_.Wait(record_.Study("second"), 3, 1, record_.store.Trial(first).fingerprint);
  EXPECT_THAT(WhyKept(Plan({study_}, 1), first), "second/MC-BLSTM3#1 starts from it");
}

TEST_F(PrunePlanTest, WhatARunningStudyMayStartFromStays) {
  record_.Complete(study_, 1, 0.9);
  const TrialId first = record_.Complete(study_, 2, 0.1);
  StudyRecord second = ExampleStudy("second");
  second.recipe_text = "beamgrid = 1\n[grid.train]\nfrom = [\"a/*\", \"\"]\n";
  record_.store.OpenStudy(second);
  EXPECT_THAT(WhyKept(Plan({study_}, 1, {"model"}, {"second"}), first),
              HasSubstr("study second, which is being run"));
  EXPECT_THAT(Plan({study_}, 1).kept, IsEmpty()) << "it is not being run";
}

TEST_F(PrunePlanTest, ATrialOfAnotherStudyStaysUnlessBothAreNamed) {
  const StudyId other = record_.Study("b");
  record_.Complete(study_, 1, 0.9);
  const TrialId shared = record_.Complete(study_, 2, 0.1);
  record_.Wait(other, 2);  // the same trial
  EXPECT_THAT(WhyKept(Plan({study_}, 1), shared), HasSubstr("study b has it too"));
  EXPECT_THAT(TrialsOf(Plan({study_, other}, 1)), IsEmpty()) << "the best of b";
  record_.Complete(other, 3, 0.5);
  EXPECT_THAT(TrialsOf(Plan({study_, other}, 1)), ElementsAre(shared));
}

TEST_F(PrunePlanTest, WhatCountsNoMoreIsNoneOfTheBest) {
  const TrialId old = record_.Complete(study_, 1, 0.9), now = record_.Complete(study_, 2, 0.1);
  record_.store.StopCounting(study_, {old}, "it was trained on other data");
  const PrunePlan plan = Plan({study_}, 1);
  EXPECT_THAT(TrialsOf(plan), ElementsAre(old));
  EXPECT_THAT(plan.kept, IsEmpty());
  EXPECT_EQ(plan.files[0].best_not_counted, "it was trained on other data");
  (void)now;
}

TEST_F(PrunePlanTest, OnlyTheBestOfWhatDoesNotCountIsSaidToBeThat) {
  const TrialId best = record_.Complete(study_, 1, 0.9), other = record_.Complete(study_, 2, 0.5);
  record_.Complete(study_, 3, 0.1);
  record_.store.StopCounting(study_, {best, other}, "it was trained on other data");
  for (const GivenUpFile& file : Plan({study_}, 1).files) {
    EXPECT_EQ(file.best_not_counted.empty(), file.trial.id == other);
  }
}

TEST_F(PrunePlanTest, WhereNothingThatCountsIsCompleteTheBestOfTheOthersStay) {
  // As after a run that was interrupted just after the data had changed.
  const TrialId best = record_.Complete(study_, 1, 0.9), other = record_.Complete(study_, 2, 0.5);
  record_.store.StopCounting(study_, {best, other}, "it was trained on other data");
  NewTrial now = ExampleNewTrial(1);
  now.spec.data.digest = "of other data";
  now.fingerprint = Fingerprint(now.spec);
  record_.store.AddTrials(study_, {now});
  const PrunePlan plan = Plan({study_}, 1);
  EXPECT_THAT(TrialsOf(plan), ElementsAre(other));
  EXPECT_EQ(WhyKept(plan, best),
            "one of the best that do not count now, and nothing that counts is complete yet");
  EXPECT_THAT(TrialsOf(Plan({study_}, 0)), SizeIs(2));
}

TEST_F(PrunePlanTest, OnlyCompleteTrialsGiveUpFiles) {
  record_.Complete(study_, 1, 0.9);
  const TrialId running = record_.Wait(study_, 2);
  const auto directory = record_.Begin(running);
  WriteFileAtomically(directory / kLastCheckpoint, "weights");
  EXPECT_THAT(Plan({study_}, 1).Paths(), IsEmpty());
}

TEST_F(PrunePlanTest, CheckpointsOfCompleteTrialsGoTheBestOnesToo) {
  const TrialId best = record_.Wait(study_, 1);
  const auto first = record_.Begin(best);
  WriteFileAtomically(first / kLastCheckpoint, "weights");
  record_.store.FinishAttempt(best, 1, ExampleFailure(FailureKind::kInterrupted),
                              TrialState::kWaiting);
  const auto second = record_.Begin(best);
  WriteFileAtomically(second / kBestCheckpoint, "weights");
  WriteFileAtomically(second / "last.checkpoint.part.17", "half");
  record_.Finish(best, second, 0.9);
  EXPECT_THAT(Plan({study_}, 1).checkpoints,
              UnorderedElementsAre(first / kLastCheckpoint, second / kBestCheckpoint,
                                   second / "last.checkpoint.part.17"));
}

TEST_F(PrunePlanTest, WhatLiesBehindALinkStays) {
  record_.Complete(study_, 1, 0.9);
  const TrialId loser = record_.Complete(study_, 2, 0.1);
  const auto trial = record_.FileOf(loser, "").parent_path().parent_path();
  std::filesystem::rename(trial, folder_ / "moved");
  std::filesystem::create_directory_symlink(folder_ / "moved", trial);
  const PrunePlan plan = Plan({study_}, 1);
  EXPECT_THAT(plan.Paths(), IsEmpty());
  EXPECT_THAT(WhyKept(plan, loser), HasSubstr("is reached by the link"));
}

TEST_F(PrunePlanTest, ThePrunedFilesAreGoneTheRecordKnowsAndNothingElseChanged) {
  const TrialId best = record_.Complete(study_, 1, 0.9), loser = record_.Complete(study_, 2, 0.1);
  CarryOut(record_.store, Plan({study_}, 1));
  EXPECT_TRUE(record_.Has(loser, kModelFile)) << "first the record, then the file";
  const Freed freed = record_.EmptyTrash();
  EXPECT_EQ(freed.bytes, 1000);
  EXPECT_EQ(freed.files, 1);
  EXPECT_THAT(freed.problems, IsEmpty());
  EXPECT_FALSE(record_.Has(loser, kModelFile));
  EXPECT_TRUE(record_.Has(loser, kPredictionsFile));
  EXPECT_TRUE(record_.Has(best, kModelFile));
  const TrialRecord now = record_.store.Trial(loser);
  EXPECT_EQ(now.state, TrialState::kComplete);
  EXPECT_EQ(now.result->metrics.gap, 0.1);
  EXPECT_NE(now.result->artifacts.at(0).pruned_at, "");
  EXPECT_EQ(now.result->artifacts.at(1).pruned_at, "");
  EXPECT_THAT(record_.store.Trash(), IsEmpty());
  EXPECT_THAT(Plan({study_}, 1).Paths(), IsEmpty()) << "a second time there is nothing to do";
}

}  // namespace
}  // namespace beamgrid
