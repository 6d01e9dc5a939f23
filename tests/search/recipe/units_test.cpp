#include <gtest/gtest.h>

#include "search/recipe.h"

namespace beamgrid {
namespace {

TEST(ParseSize, ReadsBytesAndUnits) {
  EXPECT_EQ(ParseSize("1GiB"), 1'073'741'824);
  EXPECT_EQ(ParseSize("500MB"), 500'000'000);
  EXPECT_EQ(ParseSize("1073741824"), 1'073'741'824);
  EXPECT_EQ(ParseSize("1.5 KiB"), 1536);
  EXPECT_EQ(ParseSize("3kB"), 3000);
  EXPECT_EQ(ParseSize("2TiB"), 2LL << 40);
  EXPECT_EQ(ParseSize("7 B"), 7);
  EXPECT_EQ(ParseSize("0"), 0);
  EXPECT_EQ(ParseSize("9223372036854775807"), 9'223'372'036'854'775'807);
}

TEST(ParseSize, TakesUnitsAsPeopleWriteThem) {
  for (const char* text : {"1GiB", "1gib", "1GIB", "1 GiB", "1Gi", "1gi"}) {
    EXPECT_EQ(ParseSize(text), 1 << 30) << text;
  }
  // Decimal, like GB: the smaller meaning.
  for (const char* text : {"1G", "1g", "1GB", "1gb", "1 gb", "1e9", "1E9", "1e9B", "1e3M"}) {
    EXPECT_EQ(ParseSize(text), 1'000'000'000) << text;
  }
  EXPECT_EQ(ParseSize("500 MB"), 500'000'000);
  EXPECT_EQ(ParseSize("1.5k"), 1500);
  EXPECT_EQ(ParseSize("2t"), 2'000'000'000'000);
  EXPECT_EQ(ParseSize("0.5mib"), 1 << 19);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text : {"",
                           "GiB",
                           "1 GiBB",
                           "-1",
                           "-1GiB",
                           "nan",
                           "inf",
                           "0x10",
                           "1e",
                           "1E",
                           "1EB",
                           "1e400",
                           "1,5G",
                           "1G2",
                           "1gbit",
                           "1 G B",
                           "9223372036854775808",
                           "9000000TiB",
                           "1GiB ",
                           " 1GiB"}) {
    EXPECT_EQ(ParseSize(text), std::nullopt) << text;
  }
}

TEST(ParseDuration, ReadsUnits) {
  EXPECT_EQ(ParseDuration("6h"), 21600);
  EXPECT_EQ(ParseDuration("90s"), 90);
  EXPECT_EQ(ParseDuration("1.5m"), 90);
  EXPECT_EQ(ParseDuration("10 min"), 600);
  EXPECT_EQ(ParseDuration("2d"), 172800);
  EXPECT_EQ(ParseDuration("250ms"), 0.25);
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text :
       {"", "6", "h", "-6h", "0s", "6 hours", "1h30m", "nan s", "infs", "1e3s", "11575d"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseDuration(std::string(305, '9') + "d"), std::nullopt) << "not even a number";
}

}  // namespace
}  // namespace beamgrid
