#include "registry/store/transitions.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

constexpr TrialState kAll[] = {TrialState::kWaiting, TrialState::kRunning, TrialState::kComplete,
                               TrialState::kPruned, TrialState::kFailed};

TEST(Transitions, AreExactlyThese) {
  const std::set<std::pair<TrialState, TrialState>> allowed = {
      {TrialState::kWaiting, TrialState::kRunning},  {TrialState::kWaiting, TrialState::kPruned},
      {TrialState::kWaiting, TrialState::kFailed},   {TrialState::kRunning, TrialState::kWaiting},
      {TrialState::kRunning, TrialState::kComplete}, {TrialState::kRunning, TrialState::kPruned},
      {TrialState::kRunning, TrialState::kFailed},   {TrialState::kPruned, TrialState::kWaiting},
      {TrialState::kFailed, TrialState::kWaiting}};
  for (const TrialState from : kAll) {
    for (const TrialState to : kAll) {
      EXPECT_EQ(MayFollow(from, to), allowed.contains({from, to}))
          << ToString(from) << " -> " << ToString(to);
    }
  }
}

TEST(Transitions, ARefusalNamesTheTrialAndBothStates) {
  EXPECT_NO_THROW(CheckTransition(7, TrialState::kWaiting, TrialState::kRunning));
  EXPECT_EQ(ErrorText<std::logic_error>(
                [] { CheckTransition(7, TrialState::kComplete, TrialState::kWaiting); }),
            "trial 7 is complete and cannot become waiting");
}

}  // namespace
}  // namespace beamgrid
