#include "orchestrator/study/pace.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace pace_test {

TEST(Pace, IsOneBeforeThreeHaveEnded) {
  Pace pace;
  EXPECT_EQ(pace.factor(), 1);
  pace.Note(30, 10);
  pace.Note(30, 10);
  EXPECT_EQ(pace.factor(), 1);
  pace.Note(0, 10);   // nothing was measured
  pace.Note(100, 0);  // nothing was forecast
  EXPECT_EQ(pace.factor(), 1);
  pace.Note(30, 10);
  EXPECT_EQ(pace.factor(), 3);
}

TEST(Pace, IsTheMedianByTime) {
  Pace pace;
  pace.Note(20, 10);
  pace.Note(500, 10);  // one that something held up
  pace.Note(25, 10);
  EXPECT_DOUBLE_EQ(pace.factor(), 2.5);
  // A long one says more of what is left than short ones, half of which is their start.
  pace.Note(120, 100);
  EXPECT_DOUBLE_EQ(pace.factor(), 1.2);
}

TEST(Pace, ForgetsWhatWasLongAgo) {
  Pace pace;
  for (int i = 0; i < 20; ++i) pace.Note(40, 10);
  EXPECT_DOUBLE_EQ(pace.factor(), 4);
  for (int i = 0; i < 4; ++i) pace.Note(10, 10);
  EXPECT_DOUBLE_EQ(pace.factor(), 4);
  pace.Note(10, 10);
  EXPECT_DOUBLE_EQ(pace.factor(), 1);
}

}  // namespace pace_test
}  // namespace beamgrid
