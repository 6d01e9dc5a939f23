// Axes with round values.

#include "reports/page/axis.h"

#include <gmock/gmock.h>

namespace beamgrid {
namespace axis_test {

using ::testing::ElementsAre;

std::vector<std::string> LabelsOf(const Axis& axis) {
  std::vector<std::string> labels;
  for (const Axis::Tick& tick : axis.ticks) labels.push_back(tick.label);
  return labels;
}

TEST(Axis, HasRoundValuesAroundWhatItHolds) {
  const Axis axis = LinearAxis("GAP", 0.637, 0.839);
  EXPECT_THAT(LabelsOf(axis), ElementsAre("0.60", "0.65", "0.70", "0.75", "0.80", "0.85"));
  EXPECT_DOUBLE_EQ(axis.Place(axis.low), 0);
  EXPECT_DOUBLE_EQ(axis.Place(axis.high), 1);
  EXPECT_NEAR(axis.Place(0.725), 0.5, 1e-9);
}

TEST(Axis, TakesEqualEndsApart) {
  const Axis axis = LinearAxis("GAP", 0.5, 0.5);
  EXPECT_LT(axis.low, 0.5);
  EXPECT_GT(axis.high, 0.5);
  EXPECT_GE(axis.ticks.size(), 2U);
  const Axis zero = LinearAxis("effect", 0, 0);
  EXPECT_LT(zero.low, 0);
  EXPECT_GT(zero.high, 0);
}

TEST(Axis, WritesNoMinusZero) {
  for (const std::string& label : LabelsOf(LinearAxis("effect", -0.04, 0.03))) {
    EXPECT_NE(label, "-0.00");
  }
}

TEST(Axis, OfACountHasWholeNumbersOnly) {
  EXPECT_THAT(LabelsOf(CountAxis("epoch", 1, 3)), ElementsAre("1", "2", "3"));
  EXPECT_THAT(LabelsOf(CountAxis("epoch", 1, 1)), ElementsAre("1", "2"));
}

TEST(Axis, OfBytesIsOfPowersOfTwoWhereTheyDifferMuch) {
  const Axis much = BytesAxis("size", 30 * 1024, 200 * 1024);
  EXPECT_TRUE(much.logarithmic);
  EXPECT_THAT(LabelsOf(much), ElementsAre("16 KiB", "32 KiB", "64 KiB", "128 KiB", "256 KiB"));
  EXPECT_NEAR(much.Place(64 * 1024), 0.5, 1e-12);
  const Axis little = BytesAxis("size", 38.0 * 1048576, 42.0 * 1048576);
  EXPECT_FALSE(little.logarithmic);
  EXPECT_EQ(little.title, "size (MiB)");
  EXPECT_THAT(LabelsOf(little), ElementsAre("38", "39", "40", "41", "42"));
  EXPECT_GT(BytesAxis("size", 0, 0).high, 0) << "a model that takes nothing";
}

TEST(Axis, OfATimeTakesTheUnitThatSuitsIt) {
  EXPECT_EQ(SecondsAxis("time", 15).title, "time (seconds)");
  EXPECT_EQ(SecondsAxis("time", 600).title, "time (minutes)");
  const Axis hours = SecondsAxis("time", 5 * 3600);
  EXPECT_EQ(hours.title, "time (hours)");
  EXPECT_THAT(LabelsOf(hours), ElementsAre("0", "1", "2", "3", "4", "5"));
  EXPECT_DOUBLE_EQ(hours.Place(9000), 0.5);
  EXPECT_DOUBLE_EQ(SecondsAxis("time", 0).low, 0);
}

}  // namespace axis_test
}  // namespace beamgrid
