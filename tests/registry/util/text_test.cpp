#include "registry/util/text.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace beamgrid {
namespace {

using namespace std::chrono_literals;

TEST(FixedText, HasTheDecimalsAskedFor) {
  EXPECT_EQ(FixedText(0.842129, 5), "0.84213");
  EXPECT_EQ(FixedText(-1.5, 0), "-2");
}

TEST(CountText, KnowsThePlural) {
  EXPECT_EQ(CountText(0, "trial"), "0 trials");
  EXPECT_EQ(CountText(1, "trial"), "1 trial");
  EXPECT_EQ(CountText(3, "trial"), "3 trials");
  EXPECT_EQ(CountText(1, "study"), "1 study");
  EXPECT_EQ(CountText(2, "study"), "2 studies");
  EXPECT_EQ(CountText(2, "day"), "2 days");
  EXPECT_EQ(CountText(2, "class"), "2 classes");
}

TEST(SizeText, ChoosesTheUnit) {
  EXPECT_EQ(SizeText(1023), "1023 B");
  EXPECT_EQ(SizeText(3482), "3.4 KiB");
  EXPECT_EQ(SizeText(1 << 30), "1.0 GiB");
  EXPECT_EQ(SizeText(std::int64_t{5000} << 40), "5000.0 TiB");
}

TEST(DurationText, IsShort) {
  EXPECT_EQ(DurationText(0s), "0s");
  EXPECT_EQ(DurationText(59s), "59s");
  EXPECT_EQ(DurationText(185s), "3m05s");
  EXPECT_EQ(DurationText(3'725s), "1h02m");
  EXPECT_EQ(DurationText(1'000'000s), "277h46m");
}

TEST(SecondsText, IsCut) {
  EXPECT_EQ(SecondsText(59'990ms), "59.9 s");
  EXPECT_EQ(SecondsText(60s), "60.0 s");
}

TEST(HexText, HasTwoDigitsForAByte) {
  EXPECT_EQ(HexText(std::vector<unsigned char>{0x00, 0x0a, 0xf0, 0xff}), "000af0ff");
}

TEST(UtcText, IsIso8601) {
  EXPECT_EQ(UtcText(std::chrono::system_clock::time_point(1'000'000'000s)), "2001-09-09T01:46:40Z");
}

TEST(Join, PutsASeparatorBetween) {
  EXPECT_EQ(Join(std::vector<std::string>()), "");
  EXPECT_EQ(Join(std::vector<std::string>{"", "b"}), ", b");
  EXPECT_EQ(Join(std::map<std::string, int>{{"a", 1}, {"b", 2}}, " or ",
                 [](const auto& item) { return item.first + "=" + std::to_string(item.second); }),
            "a=1 or b=2");
}

TEST(JoinFirst, CountsTheRest) {
  EXPECT_EQ(JoinFirst(std::set<std::string>{"a", "b"}, 2), "a, b");
  EXPECT_EQ(JoinFirst(std::set<std::string>{"a", "b", "c", "d"}, 2), "a, b and 2 more");
}

TEST(ParseNumber, TakesTheWholeText) {
  EXPECT_EQ(ParseNumber<std::int64_t>("-12"), -12);
  EXPECT_EQ(ParseNumber<double>("1e3"), 1000);
  EXPECT_EQ(ParseNumber<std::size_t>("-1"), std::nullopt);
  for (const char* text : {"", " 1", "1 ", "1.5", "+1", "99999999999999999999"}) {
    EXPECT_EQ(ParseNumber<std::int64_t>(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace beamgrid
