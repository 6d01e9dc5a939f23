#include "registry/util/small_numbers.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace {

TEST(SmallNumbers, ADifferenceThatIsNotNothingDoesNotLookLikeIt) {
  EXPECT_EQ(VisibleText(0.00123, 4), "0.0012");
  EXPECT_EQ(VisibleText(0, 4), "0.0000");
  EXPECT_EQ(VisibleText(0.00004, 4), "0.00004");
  EXPECT_EQ(VisibleText(-0.00004, 4), "-0.00004");
  EXPECT_EQ(VisibleText(0.00005001, 4), "0.0001");
  EXPECT_EQ(VisibleText(2e-9, 4), "2e-09");
  EXPECT_EQ(SignedText(0.5, 2), "+0.50");
  EXPECT_EQ(SignedText(-0.5, 2), "-0.50");
  EXPECT_EQ(SignedText(0, 2), "0.00");
  EXPECT_EQ(SignedText(1e-6, 2), "+0.000001");
}

TEST(SmallNumbers, ATimeBelowASecondIsNoZero) {
  EXPECT_EQ(ShortTimeText(0), "0s");
  EXPECT_EQ(ShortTimeText(0.04), "less than 0.1s");
  EXPECT_EQ(ShortTimeText(0.05), "0.1s");
  EXPECT_EQ(ShortTimeText(0.34), "0.3s");
  EXPECT_EQ(ShortTimeText(0.94), "0.9s");
  EXPECT_EQ(ShortTimeText(0.96), "1s");
  EXPECT_EQ(ShortTimeText(1.4), "1s");
  EXPECT_EQ(ShortTimeText(59.5), "1m00s");
  EXPECT_EQ(ShortTimeText(1e300), ShortTimeText(1e15));
}

}  // namespace
}  // namespace beamgrid
