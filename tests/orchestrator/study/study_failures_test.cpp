// Attempts that fail: what is tried again and how, what is final, and what stops the study.

#include "tests/orchestrator/study/study_runner_fixture.h"

#include <map>
#include <utility>

#include "orchestrator/study/counted_model.h"
#include "registry/util/error.h"
#include "registry/util/files.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using StudyFailuresTest = StudyRunnerTest;

TEST_F(StudyFailuresTest, AFailureIsRetriedAndThenForGood) {
  outcome_of_ = [](const TrialFile& trial) -> AttemptOutcome {
    if (ComponentOf(trial, "temporal") == "gru" && trial.spec.seed == 2) {
      return {AttemptFailure{
          .kind = FailureKind::kCrashed, .message = "boom", .log_tail = "last words"}};
    }
    return Complete(0.5);
  };
  const StudyResult result = Run(RecipeText("s", kFourModels));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.failed, 2);
  EXPECT_EQ(result.complete, 6);
  EXPECT_EQ(result.attempts, 10);
  EXPECT_THAT(result.failures, ElementsAre(HasSubstr("seed 2: crashed: boom"), HasSubstr("boom")));
  for (const TrialRecord& trial : Trials("s")) {
    if (trial.state == TrialState::kComplete) continue;
    EXPECT_EQ(trial.state, TrialState::kFailed);
    EXPECT_EQ(trial.attempts, 2);
    EXPECT_EQ(trial.failure_log, "last words");
    EXPECT_THAT(Notes("s", trial.name, 2), ElementsAre(HasSubstr("tried again")));
  }
}

TEST_F(StudyFailuresTest, TheNextRunTriesFailedTrialsAfreshExceptDivergedOnes) {
  outcome_of_ = [](const TrialFile& trial) -> AttemptOutcome {
    const bool lstm = ComponentOf(trial, "temporal") == "lstm";
    return {AttemptFailure{.kind = lstm ? FailureKind::kDiverged : FailureKind::kOutOfMemory}};
  };
  EXPECT_EQ(Run(RecipeText("s", kFourModels, "[1]")).attempts, 2 + 2 * 2);
  outcome_of_ = [](const TrialFile&) { return Complete(0.5); };
  const StudyResult again = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(again.complete, 2);
  EXPECT_EQ(again.failed, 2);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.failures, Each(HasSubstr("diverged")));
}

TEST_F(StudyFailuresTest, AFlakyWorkerSucceedsOnItsRetryFromItsCheckpoint) {
  outcome_of_ = [this](const TrialFile& trial) -> AttemptOutcome {
    if (trial.attempt == 1) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "runs")) {
        if (entry.path().filename() == kTrialFile) {
          WriteFileAtomically(entry.path().parent_path() / kLastCheckpoint, "weights");
        }
      }
      return {AttemptFailure{.kind = FailureKind::kHung}};
    }
    return Complete(trial.resume_from.ends_with("/1/last.checkpoint") ? 0.9 : 0.1);
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.attempts, 8);
  for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.result->metrics.gap, 0.9);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "runs")) {
    EXPECT_NE(entry.path().filename(), kLastCheckpoint) << "nothing goes on from " << entry.path();
  }
}

TEST_F(StudyFailuresTest, OutOfMemoryIsTriedAgainAlone) {
  std::map<std::string, int> tries;
  outcome_of_ = [&tries](const TrialFile& trial) -> AttemptOutcome {
    const bool large = ComponentOf(trial, "temporal") == "lstm";
    if (!large || ++tries[trial.fingerprint] > 1) return Complete(0.5);
    return {AttemptFailure{.kind = FailureKind::kOutOfMemory, .message = "no memory left"}};
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.attempts, 6);
  ExpectAllComplete("s", 4);
  EXPECT_THAT(world_.alone, SizeIs(2));
  const std::string name = Trials("s")[0].name;
  EXPECT_THAT(Notes("s", name, 1),
              Contains(AllOf(HasSubstr("no memory left"), HasSubstr("alone on its device"))));
}

TEST_F(StudyFailuresTest, OutOfMemoryAloneIsFinalWhateverTheRetries) {
  outcome_of_ = [](const TrialFile&) -> AttemptOutcome {
    return {AttemptFailure{.kind = FailureKind::kOutOfMemory, .message = "no memory left"}};
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.failed, 4);
  EXPECT_EQ(result.attempts, 8);
}

TEST_F(StudyFailuresTest, DamagedDataStopTheStudy) {
  outcome_of_ = [](const TrialFile&) -> AttemptOutcome {
    return {AttemptFailure{.kind = FailureKind::kBadData,
                           .message = "train0.tfrecord: byte 17: bad CRC"}};
  };
  FakeExecutor executor(world_, outcome_of_);
  const StudyResult result = Run(RecipeText("s", kFourModels), executor);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.stopped_because, "train0.tfrecord: byte 17: bad CRC");
  EXPECT_EQ(result.attempts, 2);  // those that ran already
  EXPECT_EQ(executor.cancelled().size(), 1U);
  EXPECT_FALSE(result.interrupted);
}

TEST_F(StudyFailuresTest, DataErrorsThatAreToBeSkippedDoNotStopIt) {
  outcome_of_ = [](const TrialFile&) -> AttemptOutcome {
    return {AttemptFailure{.kind = FailureKind::kBadData, .message = "contradiction"}};
  };
  std::string recipe = RecipeText("s", kFourModels);
  recipe.replace(recipe.find("classes = 10\n"), 13, "classes = 10\non_error = \"skip\"\n");
  const StudyResult result = Run(recipe);
  EXPECT_EQ(result.failed, 8);
  EXPECT_EQ(result.stopped_because, "");
}

TEST_F(StudyFailuresTest, AMachinesFaultStopsTheStudyAndCostsNothing) {
  const std::pair<FailureKind, std::string> kFaults[] = {{FailureKind::kStartFailed, "[1]"},
                                                         {FailureKind::kEnvironment, "[2]"}};
  for (const auto& [fault, seeds] : kFaults) {
    const FailureKind kind = fault;
    outcome_of_ = [kind](const TrialFile&) -> AttemptOutcome {
      return {AttemptFailure{.kind = kind, .message = "/runs: disk full; make room"}};
    };
    const StudyResult result = Run(RecipeText(ToString(kind), kFourModels, seeds));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.failed, 0);
    EXPECT_LE(result.attempts, 2);
    EXPECT_THAT(result.stopped_because, HasSubstr("make room"));
    for (const TrialRecord& trial : Trials(ToString(kind))) {
      EXPECT_EQ(trial.state, TrialState::kWaiting);
      EXPECT_EQ(trial.failed_attempts, 0);
    }
    outcome_of_ = [](const TrialFile&) { return Complete(0.5); };
    EXPECT_EQ(Run(RecipeText(ToString(kind), kFourModels, seeds)).exit_code, 0);
  }
}

TEST_F(StudyFailuresTest, AResultOfAnotherSizeThanCountedIsNoResult) {
  outcome_of_ = [](const TrialFile& trial) {
    AttemptOutcome outcome = Complete(0.5);
    if (ComponentOf(trial, "temporal") == "gru") outcome.result().size_bytes = 40;
    return outcome;
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.complete, 2);
  EXPECT_THAT(result.failures,
              ElementsAre(HasSubstr("bad_spec: the worker's model has 1 parameters in 40 bytes, "
                                    "counted before were 1 parameters in 4 bytes"),
                          HasSubstr("bad_spec")));
}

TEST_F(StudyFailuresTest, AWorkerThatBeginsWithAnotherModelThanCountedIsStopped) {
  FakeExecutor executor(world_, outcome_of_);
  executor.says = [](const TrialFile&) {
    return std::vector<Message>{Started{.pid = 4'000'000, .parameters = 2, .size_bytes = 4}};
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"), executor);
  EXPECT_EQ(result.failed, 4);
  EXPECT_EQ(result.complete, 0);
  EXPECT_THAT(result.failures, Each(HasSubstr("bad_spec: the worker's model has 2 parameters")));
  EXPECT_EQ(executor.cancelled().size(), 4U);
}

TEST_F(StudyFailuresTest, AnAbandonedResultOfAnotherSizeThanCountedIsNoResult) {
  EXPECT_TRUE(AsCounted(Complete(0.5), {1, 4}).complete());
  EXPECT_EQ(AsCounted(Complete(0.5), {1, 5}).failure().kind, FailureKind::kBadSpec);
  EXPECT_EQ(AsCounted(Complete(0.5), {2, 4}).failure().kind, FailureKind::kBadSpec);
  const AttemptFailure crash{.kind = FailureKind::kCrashed};
  EXPECT_EQ(AsCounted({crash}, {2, 4}).failure().kind, FailureKind::kCrashed);
}

TEST_F(StudyFailuresTest, WorkersThatAllEndAlikeBeforeTheyTrainAreTheMachinesFault) {
  outcome_of_ = [](const TrialFile&) -> AttemptOutcome {
    return {AttemptFailure{.kind = FailureKind::kCrashed, .message = "killed by signal 11"}};
  };
  FakeExecutor executor(world_, outcome_of_);
  executor.says = [](const TrialFile&) { return std::vector<Message>(); };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"), executor);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.failed, 0);
  EXPECT_THAT(result.stopped_because, HasSubstr("all ended so before their first batch"));
  for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.state, TrialState::kWaiting);
  outcome_of_ = [](const TrialFile&) { return Complete(0.5); };
  EXPECT_EQ(Run(RecipeText("s", kFourModels, "[1]")).exit_code, 0);
}

TEST_F(StudyFailuresTest, AnUnwritableRunsFolderIsAnError) {
  WriteFileAtomically(folder_ / "runs", "a file where the folder should be");
  try {
    (void)Run(RecipeText("s", kFourModels));
    FAIL() << "ran without a folder";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("cannot create the folder"), HasSubstr("--runs")));
  }
  std::filesystem::remove(folder_ / "runs");
  EXPECT_EQ(Run(RecipeText("s", kFourModels)).complete, 8);
}

}  // namespace
}  // namespace beamgrid
