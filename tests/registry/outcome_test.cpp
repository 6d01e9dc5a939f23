#include "registry/outcome.h"

#include <gmock/gmock.h>

#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

// The names are in people's databases.
TEST(Outcome, StateNamesAreFixed) {
  const std::pair<TrialState, const char*> names[] = {{TrialState::kWaiting, "waiting"},
                                                      {TrialState::kRunning, "running"},
                                                      {TrialState::kComplete, "complete"},
                                                      {TrialState::kPruned, "pruned"},
                                                      {TrialState::kFailed, "failed"}};
  for (const auto& [state, name] : names) {
    EXPECT_EQ(ToString(state), name);
    EXPECT_EQ(TrialStateFromString(name), state);
  }
}

TEST(Outcome, FailureNamesAreFixed) {
  const std::pair<FailureKind, const char*> names[] = {{FailureKind::kCrashed, "crashed"},
                                                       {FailureKind::kOutOfMemory, "out_of_memory"},
                                                       {FailureKind::kDiverged, "diverged"},
                                                       {FailureKind::kTimedOut, "timed_out"},
                                                       {FailureKind::kHung, "hung"},
                                                       {FailureKind::kBadSpec, "bad_spec"},
                                                       {FailureKind::kBadData, "bad_data"},
                                                       {FailureKind::kStartFailed, "start_failed"},
                                                       {FailureKind::kInterrupted, "interrupted"}};
  for (const auto& [kind, name] : names) {
    EXPECT_EQ(ToString(kind), name);
    EXPECT_EQ(FailureKindFromString(name), kind);
  }
}

TEST(Outcome, UnknownNamesAreRefusedWithTheKnownOnes) {
  EXPECT_THAT(ErrorText<std::invalid_argument>([] { (void)TrialStateFromString("done"); }),
              testing::AllOf(testing::HasSubstr("'done'"), testing::HasSubstr("complete, pruned")));
  EXPECT_THAT(ErrorText<std::invalid_argument>([] { (void)FailureKindFromString(""); }),
              testing::HasSubstr("crashed, out_of_memory"));
}

}  // namespace
}  // namespace beamgrid
