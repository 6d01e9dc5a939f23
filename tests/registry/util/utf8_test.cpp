// Whatever text becomes part of JSON, JSON readers take it.

#include "registry/util/utf8.h"

#include <gtest/gtest.h>

#include "registry/util/json.h"

namespace beamgrid {
namespace {

TEST(WellFormedUtf8, KeepsCharacters) {
  for (const std::string text :
       {"", "plain\n", "\xc3\xa4", "\xe2\x82\xac", "\xef\xbf\xbf", "\xf0\x9f\x98\x80",
        "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"}) {
    EXPECT_EQ(WellFormedUtf8(text), text);
  }
  EXPECT_EQ(WellFormedUtf8(std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(WellFormedUtf8, ReplacesWhatIsNone) {
  EXPECT_EQ(WellFormedUtf8("a\xff"
                           "b"),
            "a?b");
  EXPECT_EQ(WellFormedUtf8("\xc3"), "?");                 // cut off
  EXPECT_EQ(WellFormedUtf8("\xe2\x82"), "??");            // cut off
  EXPECT_EQ(WellFormedUtf8("\xc3("), "?(");               // not continued
  EXPECT_EQ(WellFormedUtf8("\xc0\x80"), "??");            // overlong
  EXPECT_EQ(WellFormedUtf8("\xe0\x80\x80"), "???");       // overlong
  EXPECT_EQ(WellFormedUtf8("\xed\xa0\x80"), "???");       // surrogate
  EXPECT_EQ(WellFormedUtf8("\xf4\x90\x80\x80"), "????");  // beyond U+10FFFF
}

/// All texts of up to two bytes and all three-byte texts around the edges of the table.
TEST(WellFormedUtf8, IsWhatTheParserTakes) {
  const auto check = [](const std::string& text) {
    const boost::json::value value(WellFormedUtf8(text));
    EXPECT_EQ(ParseJson(CanonicalJson(value)), value);
  };
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string two = {static_cast<char>(first), static_cast<char>(second)};
      check(two);
      if (first < 0xc0) continue;
      for (const char* rest : {"\x80", "\xbf", "\x80\x80", "\xbf\xbf", "\xc0"}) check(two + rest);
    }
  }
}

}  // namespace
}  // namespace beamgrid
