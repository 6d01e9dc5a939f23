#include "orchestrator/study/pace.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace pace_test {

/// Of parts that were measured before the run.
TrialNeeds Before(double seconds_before, double seconds = 0) {
  return {.seconds = seconds, .measured = true, .seconds_before = seconds_before};
}
/// Of parts that were measured in the run alone.
TrialNeeds Learnt(double seconds) { return {.seconds = seconds, .measured = true}; }

TEST(Pace, IsTheForecastsBeforeThreeHaveEnded) {
  Pace pace;
  EXPECT_EQ(pace.SecondsOf(Before(10, 15)), 15);
  pace.Note(Before(10), 1, 30);
  pace.Note(Before(10), 1, 30);
  EXPECT_EQ(pace.SecondsOf(Before(10, 15)), 15);
  pace.Note(Before(10), 1, 0);         // nothing was measured
  pace.Note(Before(10), 0, 100);       // nothing was left of it
  pace.Note({.seconds = 10}, 1, 100);  // it had no forecast
  EXPECT_EQ(pace.SecondsOf(Before(10, 15)), 15);
  pace.Note(Before(100), 0.1, 30);
  EXPECT_EQ(pace.SecondsOf(Before(10, 15)), 30) << "whatever was learnt meanwhile";
}

TEST(Pace, IsTheMedianByTime) {
  Pace pace;
  pace.Note(Before(10), 1, 20);
  pace.Note(Before(10), 1, 500);  // something held it up
  pace.Note(Before(10), 1, 25);
  EXPECT_DOUBLE_EQ(pace.SecondsOf(Before(10)), 25);
  // A long one says more of what is left than short ones, half of which is their start.
  pace.Note(Before(100), 1, 120);
  EXPECT_DOUBLE_EQ(pace.SecondsOf(Before(10)), 12);
}

TEST(Pace, OfWhatWasLearntInTheRunIsByItself) {
  Pace pace;
  for (int i = 0; i < 3; ++i) pace.Note(Before(10), 1, 40);
  EXPECT_EQ(pace.SecondsOf(Learnt(40)), 40) << "it was learnt at this pace";
  for (int i = 0; i < 3; ++i) pace.Note(Learnt(40), 1, 50);
  EXPECT_EQ(pace.SecondsOf(Learnt(40)), 50);
  EXPECT_EQ(pace.SecondsOf(Before(10)), 40);
}

TEST(Pace, ForgetsWhatWasLongAgo) {
  Pace pace;
  for (int i = 0; i < 20; ++i) pace.Note(Before(10), 1, 40);
  EXPECT_DOUBLE_EQ(pace.SecondsOf(Before(10)), 40);
  for (int i = 0; i < 4; ++i) pace.Note(Before(10), 1, 10);
  EXPECT_DOUBLE_EQ(pace.SecondsOf(Before(10)), 40);
  pace.Note(Before(10), 1, 10);
  EXPECT_DOUBLE_EQ(pace.SecondsOf(Before(10)), 10);
}

}  // namespace pace_test
}  // namespace beamgrid
