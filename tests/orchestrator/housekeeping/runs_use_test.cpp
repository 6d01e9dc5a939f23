#include "orchestrator/housekeeping/runs_use.h"

#include "registry/store/upkeep.h"
#include "tests/orchestrator/housekeeping/housekeeping_fixture.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class RunsUseTest : public HousekeepingTest {
 protected:
  RunsUse Look() { return LookAtRuns(record_.store, LookAtRecord(record_.store), record_.path); }
  static std::int64_t Of(const UseByKind& use, UseKind kind) {
    return use.bytes.at(static_cast<std::size_t>(kind));
  }

  StudyId study_ = record_.Study("a");
};

TEST_F(RunsUseTest, EveryKindIsToldApart) {
  const TrialId trial = record_.Wait(study_, 1);
  const auto first = record_.Begin(trial);
  WriteFileAtomically(first / kLastCheckpoint, std::string(50, 'c'));
  WriteFileAtomically(first / "core", std::string(7, 'x'));
  record_.store.FinishAttempt(trial, 1, ExampleFailure(FailureKind::kInterrupted),
                              TrialState::kWaiting);
  record_.Finish(trial, record_.Begin(trial), 0.5);
  const RunsUse runs = Look();
  const UseByKind& use = runs.studies.at(0).use;
  EXPECT_EQ(Of(use, UseKind::kModels), 1000);
  EXPECT_EQ(Of(use, UseKind::kPredictions), 10);
  EXPECT_EQ(Of(use, UseKind::kCheckpoints), 50);
  EXPECT_EQ(Of(use, UseKind::kLogs), 3 + 2 + 2);        // log, trial.json, result.json
  EXPECT_EQ(Of(use, UseKind::kUnfinished), 3 + 2 + 7);  // of the first attempt
  EXPECT_EQ(use.total(), 1079);
  EXPECT_EQ(runs.other, 0);
  EXPECT_GT(runs.database, 0);
}

TEST_F(RunsUseTest, ASharedTrialCountsWithTheFirstStudyThatHasIt) {
  record_.Complete(study_, 1, 0.5);
  record_.Wait(record_.Study("b"), 1);
  const RunsUse runs = Look();
  EXPECT_EQ(runs.studies.at(0).trials.at(0).also_of, std::vector<std::string>{"b"});
  EXPECT_EQ(runs.studies.at(1).use.total(), 0);
  EXPECT_EQ(runs.studies.at(1).shared_trials, 1);
}

TEST_F(RunsUseTest, TheCheckpointThatTwoAttemptsShareCountsOnce) {
  const TrialId trial = record_.Wait(study_, 1);
  const auto first = record_.Begin(trial);
  WriteFileAtomically(first / kLastCheckpoint, std::string(50, 'c'));
  record_.store.FinishAttempt(trial, 1, ExampleFailure(FailureKind::kInterrupted),
                              TrialState::kWaiting);
  const auto second = record_.Begin(trial);
  std::filesystem::create_hard_link(first / kLastCheckpoint, second / kLastCheckpoint);
  EXPECT_EQ(Of(Look().studies.at(0).use, UseKind::kCheckpoints), 50);
}

TEST_F(RunsUseTest, FoldersThatTheRecordDoesNotKnowAreNamed) {
  const TrialId trial = record_.Complete(study_, 1, 0.5);
  const auto runs = record_.store.runs();
  WriteFileAtomically(runs / "old/t/1" / kTrialFile, "{}");
  WriteFileAtomically(runs / "old/t/1" / kModelFile, std::string(30, 'm'));
  WriteFileAtomically(runs / "a/.verify/t" / kTrialFile, "{}");
  WriteFileAtomically(runs / "notes.txt", "mine");
  WriteFileAtomically(runs / "far/too/deep/1" / kTrialFile, "{}");  // nothing that we make
  EXPECT_THAT(UnknownFolders(record_.store), ElementsAre(runs / "a/.verify/t", runs / "old/t/1"));
  const RunsUse use = Look();
  ASSERT_THAT(use.unknown, SizeIs(2));
  EXPECT_EQ(use.unknown[1].bytes, 32);
  EXPECT_EQ(use.other, 4 + 2);
  RecordUpkeep(record_.store).AddTrash(runs / "old/t/1");
  EXPECT_THAT(UnknownFolders(record_.store), SizeIs(1));
  EXPECT_EQ(Look().trash, 32);
  (void)trial;
}

TEST_F(RunsUseTest, WhatADatabaseBesideItKnowsIsNotUnknown) {
  record_.Complete(study_, 1, 0.5);
  Store other(folder_ / "ours/other.db", OpenMode::kReadWrite);
  WriteFileAtomically(folder_ / "ours/strange.db", "not a database");
  EXPECT_THAT(UnknownFolders(other), testing::IsEmpty());
}

}  // namespace
}  // namespace beamgrid
