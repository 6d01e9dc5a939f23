#include "orchestrator/study/early_deaths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const AttemptFailure kCrash{.kind = FailureKind::kCrashed, .message = "killed by signal 11"};

TEST(EarlyDeaths, ThreeModelsAlikeAreTheMachine) {
  EarlyDeaths deaths;
  EXPECT_EQ(deaths.Judged("a", kCrash).kind, FailureKind::kCrashed);
  EXPECT_EQ(deaths.Judged("b", kCrash).kind, FailureKind::kCrashed);
  EXPECT_EQ(deaths.Judged("a", kCrash).kind, FailureKind::kCrashed) << "a model twice is one";
  const AttemptFailure third = deaths.Judged("c", kCrash);
  EXPECT_EQ(third.kind, FailureKind::kEnvironment);
  EXPECT_THAT(third.message, AllOf(StartsWith("killed by signal 11; "), HasSubstr("run again")));
}

TEST(EarlyDeaths, KillsFromOutsideAreTheMachineOnlyWhereTheyDoNotEnd) {
  EarlyDeaths deaths;
  const AttemptFailure kill{.kind = FailureKind::kInterrupted, .message = "killed by signal 9"};
  for (const char* model : {"a", "b", "c", "d", "e", "f", "g"}) {
    EXPECT_EQ(deaths.Judged(model, kill).kind, FailureKind::kInterrupted) << model;
  }
  const AttemptFailure eighth = deaths.Judged("h", kill);
  EXPECT_EQ(eighth.kind, FailureKind::kEnvironment);
  EXPECT_THAT(eighth.message, HasSubstr("the first 8 models"));
}

TEST(EarlyDeaths, AnotherEndBeginsTheRowAnew) {
  EarlyDeaths deaths;
  (void)deaths.Judged("a", kCrash);
  (void)deaths.Judged("b", kCrash);
  const AttemptFailure other{.kind = FailureKind::kCrashed, .message = "LibTorch: mat1 and mat2"};
  EXPECT_EQ(deaths.Judged("c", other).kind, FailureKind::kCrashed);
  EXPECT_EQ(deaths.Judged("d", kCrash).kind, FailureKind::kCrashed);
}

TEST(EarlyDeaths, WhereOneHasTrainedTheMachineCan) {
  EarlyDeaths deaths;
  deaths.OnStarted();
  for (const char* model : {"a", "b", "c", "d"}) {
    EXPECT_EQ(deaths.Judged(model, kCrash).kind, FailureKind::kCrashed);
  }
}

TEST(EarlyDeaths, AFailureThatSaysItsCauseIsNone) {
  EarlyDeaths deaths;
  for (const FailureKind kind : {FailureKind::kOutOfMemory, FailureKind::kBadSpec,
                                 FailureKind::kBadData, FailureKind::kTimedOut}) {
    for (const char* model : {"a", "b", "c", "d"}) {
      EXPECT_EQ(deaths.Judged(model, {.kind = kind, .message = "x"}).kind, kind);
    }
  }
}

}  // namespace
}  // namespace beamgrid
