// Text never becomes an element.

#include "reports/page/markup.h"

#include <gmock/gmock.h>

#include "reports/page/base64.h"
#include "reports/page/drawing.h"
#include "reports/page/page_table.h"

namespace beamgrid {
namespace markup_test {

TEST(Markup, EscapesTextAndAttributes) {
  EXPECT_EQ(Markup("<b>\"a\" & b</b>").text(), "&lt;b&gt;&quot;a&quot; &amp; b&lt;/b&gt;");
  EXPECT_EQ(Element("p", {{"title", "\"><script>"}}, "x").text(),
            "<p title=\"&quot;&gt;&lt;script&gt;\">x</p>");
  EXPECT_EQ(EmptyElement("path", {{"d", "M0 0\"/>"}}).text(), "<path d=\"M0 0&quot;/&gt;\"/>");
}

TEST(Markup, ShowsWhatATerminalWouldObeyAndWhatIsNoUtf8) {
  EXPECT_EQ(Markup("a\x1b[31mb").text(), "a\\x1b[31mb");
  EXPECT_EQ(Markup("a\xff").text(), "a\\xff");
  EXPECT_EQ(Markup("\u202eevil").text(), "\\u202eevil");
  EXPECT_EQ(Markup("Gerät 日本").text(), "Gerät 日本");
}

TEST(Markup, ListsAreNothingWithoutItems) {
  EXPECT_TRUE(BulletList({}).empty());
  EXPECT_EQ(BulletList({"a<"}, "note").text(), "<ul class=\"note\">\n<li>a&lt;</li>\n</ul>\n");
}

TEST(PageTable, HasACaptionScopesAndValuesToSortBy) {
  PageTable table{.caption = "c", .columns = {">rank", "model", ">size"}, .row_names = 1};
  table.rows.push_back({CountCell(1), {"<m>"}, SizeCell(2048)});
  const std::string text = TableMarkup(table).text();
  EXPECT_NE(text.find("<caption>c</caption>"), std::string::npos);
  EXPECT_NE(text.find("<th scope=\"col\" class=\"n\">rank</th><th scope=\"col\">model</th>"),
            std::string::npos);
  EXPECT_NE(text.find("<tr><td class=\"n\">1</td><th scope=\"row\">&lt;m&gt;</th>"
                      "<td class=\"n\" data-v=\"2048\">2.0 KiB</td></tr>"),
            std::string::npos)
      << text;
}

TEST(PageTable, IsSortedByAddressesWhereThereAreSuch) {
  PageTable table{.caption = "c", .columns = {"name", ">size"}};
  table.sort_links = {"", "/a?b=c&d=\"e"};
  table.sorted[1] = "descending";
  EXPECT_THAT(TableMarkup(table).text(),
              testing::HasSubstr("<tr><th scope=\"col\">name</th><th scope=\"col\" class=\"n\" "
                                 "aria-sort=\"descending\"><a href=\"/a?b=c&amp;d=&quot;e\" "
                                 "title=\"Sort by this column\">size</a></th></tr>"));
}

TEST(PageTable, AValueThatIsNoNumberIsAnEmptyCell) {
  EXPECT_EQ(FixedCell(std::numeric_limits<double>::quiet_NaN(), 5).text, "");
  EXPECT_EQ(FixedCell(0.83882, 5).text, "0.83882");
}

TEST(Drawing, CoordinatesAreShort) {
  EXPECT_EQ(Pixels(12.04), "12");
  EXPECT_EQ(Pixels(12.06), "12.1");
  EXPECT_EQ(Pixels(-0.01), "0");
}

TEST(Drawing, CutsTextWhereItHasNoRoomAndKeepsTheWholeOne) {
  EXPECT_EQ(Clipped("abcdef", 6), "abcdef");
  EXPECT_EQ(Clipped("abcdefg", 6), "abcde…");
  EXPECT_EQ(ClippedTextAt(0, 0, "abcdefg", 6).text(),
            "<g><text x=\"0\" y=\"0\">abcde…</text><title>abcdefg</title></g>");
}

TEST(Base64, IsThatOfTheBytes) {
  EXPECT_EQ(Base64OfHex(""), "");
  EXPECT_EQ(Base64OfHex("4d616e"), "TWFu");
  EXPECT_EQ(Base64OfHex("4D61"), "TWE=");
  EXPECT_EQ(Base64OfHex("4d"), "TQ==");
}

}  // namespace markup_test
}  // namespace beamgrid
