#include "registry/util/folded.h"

#include <gtest/gtest.h>

#include <sstream>

#include "registry/util/printable.h"

namespace beamgrid {
namespace folded_test {

TEST(Folded, BreaksAtSpacesAndGoesOnFartherIn) {
  EXPECT_EQ(Folded("it fits", 7), "it fits");
  EXPECT_EQ(Folded("one two three four", 9), "one two\n  three\n  four");
  EXPECT_EQ(Folded("  in by two and more", 12), "  in by two\n    and more");
  EXPECT_EQ(Folded("", 5), "");
}

TEST(Folded, ALongWordStaysWhole) {
  EXPECT_EQ(Folded("see /a/very/long/path now", 10), "see\n  /a/very/long/path\n  now");
  EXPECT_EQ(Folded("/a/very/long/path", 10), "/a/very/long/path");
  EXPECT_EQ(Folded("    /a/very/long/path", 10), "    /a/very/long/path");
  EXPECT_EQ(Folded("/a/very/long/path   ", 10), "/a/very/long/path   ");
}

TEST(Folded, LosesNoWordAtAnyWidth) {
  const std::string text = "  étude  名前 of a b  ccc dddd eeeeeeeeeeeeeeee f";
  const auto words = [](const std::string& of) {
    std::istringstream in(of);
    std::string joined;
    for (std::string word; in >> word;) joined += word + " ";
    return joined;
  };
  for (std::size_t width = 1; width < 60; ++width) {
    const std::string folded = Folded(text, width);
    EXPECT_EQ(words(folded), words(text)) << width;
    std::istringstream lines(folded);
    for (std::string line; std::getline(lines, line);) {
      const bool one_word = words(line).find(' ') + 1 == words(line).size();
      EXPECT_TRUE(ColumnsOf(line) <= width || one_word) << width << ": " << line;
    }
  }
}

TEST(Folded, EachLineOfATextByItself) {
  EXPECT_EQ(FoldedLines("one two\n\nthree four\n", 5), "one\n  two\n\nthree\n  four\n");
  EXPECT_EQ(FoldedLines("no end", 9), "no end");
  EXPECT_EQ(FoldedLines("one two three\n  SELECT a b\n         ^", 8),
            "one two\n  three\n  SELECT a b\n         ^");
}

}  // namespace folded_test
}  // namespace beamgrid
