#include "registry/util/printable.h"

#include <gtest/gtest.h>

#include <sstream>

#include "registry/util/json.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace {

TEST(Printable, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(Printable("\033[31mred\033[0m\a\b\r\x7f"), "\\x1b[31mred\\x1b[0m\\x07\\x08\\x0d\\x7f");
  EXPECT_EQ(Printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(Printable("\u009b31m"), "\\u009b31m") << "CSI as one character";
  EXPECT_EQ(Printable("\u202eevil\u2066\u200b\ufeff\u2028"),
            "\\u202eevil\\u2066\\u200b\\ufeff\\u2028");
  EXPECT_EQ(Printable("\U000e0041"), "\\U000e0041");
}

TEST(Printable, ShowsBytesThatAreNoCharacters) {
  EXPECT_EQ(Printable("caf\xe9 \xff\xc3"), "caf\\xe9 \\xff\\xc3");
  EXPECT_EQ(Printable("\xc0\xaf \xed\xa0\x80"), "\\xc0\\xaf \\xed\\xa0\\x80");
}

TEST(Printable, LeavesTextAsItIs) {
  for (const char* text : {"", "plain\ttext\n", "caf\u00e9 \u65e5\u672c \U0001f600", "a\\x1b",
                           "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"}) {
    EXPECT_EQ(Printable(text), text);
  }
}

TEST(Printable, ALineStaysOne) { EXPECT_EQ(PrintableLine("a\nb\tc\033"), "a\\nb\\tc\\x1b"); }

TEST(PrintableJson, IsReadAsItWas) {
  const boost::json::value value = {{"name\033", "a\x7f\u009b\u202e\U000e0041\u00e9"}};
  const std::string text = CanonicalJson(value);
  EXPECT_EQ(text, R"({"name\u001b":"a\u007f\u009b\u202e\udb40\udc41é"})");
  EXPECT_EQ(ParseJson(text), value);
  EXPECT_EQ(CanonicalJson("caf\xe9"), R"("caf\ufffd")");
}

TEST(Columns, AreThoseOfATerminal) {
  EXPECT_EQ(ColumnsOf("abc"), 3U);
  EXPECT_EQ(ColumnsOf("caf\u00e9"), 4U);
  EXPECT_EQ(ColumnsOf("e\u0301"), 1U) << "a letter and a mark on it";
  EXPECT_EQ(ColumnsOf("\u0e01\u0e34\u0915\u0941"), 2U) << "Thai and Devanagari vowels";
  EXPECT_EQ(ColumnsOf("\u1112\u1161\u11ab"), 2U) << "a Hangul syllable in its parts";
  EXPECT_EQ(ColumnsOf("\u2705\U0001F980"), 4U) << "emoji";
  EXPECT_EQ(ColumnsOf("\u2192\u03b1\u00b1"), 3U);
  EXPECT_EQ(ColumnsOf("\u65e5\u672c"), 4U);
  EXPECT_EQ(FirstColumns("\u65e5\u672c", 3), "\u65e5");
  EXPECT_EQ(FirstColumns("caf\u00e9s", 4), "caf\u00e9");
  EXPECT_EQ(FirstColumns("e\u0301x", 1), "e\u0301");
  EXPECT_EQ(FirstColumns("abc", 0), "");
}

TEST(PrintableOutput, PassesOnWhatIsShownHoweverItIsWritten) {
  const std::string text = "caf\u00e9 \033[2J \xff \u202e \U0001f600\n";
  std::ostringstream whole, pieces;
  PrintableOutput(whole) << text;
  EXPECT_EQ(whole.str(), Printable(text));
  PrintableOutput out(pieces);
  for (const char byte : text) out << byte;
  out << "\xc3";  // cut off
  out.flush();
  EXPECT_EQ(pieces.str(), Printable(text) + "\\xc3");
}

TEST(PrintableOutput, IsBadWhereTheOtherCannotBeWritten) {
  std::ostringstream target;
  PrintableOutput out(target);
  out << "a" << std::flush;
  EXPECT_TRUE(out.good());
  target.setstate(std::ios::badbit);
  out << "b" << std::flush;
  EXPECT_FALSE(out.good());
}

TEST(Utf8, KnowsWholeCharactersAndCutOffOnes) {
  EXPECT_TRUE(IsWellFormedUtf8("caf\u00e9"));
  EXPECT_FALSE(IsWellFormedUtf8("caf\xe9"));
  EXPECT_EQ(CharacterBytes("\u65e5x"), 3U);
  EXPECT_EQ(CharacterBytes("\xe6\x97"), 0U);
  EXPECT_EQ(CutOffBytes("ab\xe6\x97"), 2U);
  EXPECT_EQ(CutOffBytes("ab\xf0"), 1U);
  EXPECT_EQ(CutOffBytes("ab\xf0\x9f\x98"), 3U);
  EXPECT_EQ(CutOffBytes("ab\u65e5"), 0U);
  EXPECT_EQ(CutOffBytes("ab\xff"), 0U);
  EXPECT_EQ(CutOffBytes("ab\x80\x80\x80"), 0U);
}

}  // namespace
}  // namespace beamgrid
