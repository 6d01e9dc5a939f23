// No text of a name is taken for markup, in any format.

#include "reports/sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beamgrid {
namespace sheet_test {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kNasty[] = R"(a_b *c* _d_ $e$ |f| <g> &amp; `h` [i](j) ~k~ \l #m "n", {o}^%)";

Sheet SheetOfNames() {
  return {.title = kNasty,
          .headings = {"model", kNasty},
          .rows = {{{kNasty}, {kNasty, true}}},
          .notes = {kNasty, "# no heading", "1. no list", "- none either"}};
}

// The expected text was read by cmark-gfm, which gives the name back.
TEST(Sheet, MarkdownReadsAsItIs) {
  const std::string nasty =
      R"(a_b \*c\* \_d\_ \$e\$ \|f\| \<g> \&amp; \`h\` [i\](j) \~k\~ \\l #m "n", {o}^%)";
  EXPECT_EQ(MarkdownText(kNasty), nasty);
  EXPECT_EQ(MarkdownOf(SheetOfNames()),
            "**" + nasty + "**\n\n| model | " + nasty + " |\n|---|---:|\n| " + nasty + " | **" +
                nasty + "** |\n\n" + nasty +
                "\n\n\\# no heading\n\n1\\. no list\n\n\\- none either\n");
}

TEST(Sheet, MarkdownEscapesNoMoreThanItMust) {
  for (const char* plain :
       {"netvlad clusters=64 frame_projection=0", "Classifier & co", "p <0.001",
        "+0.125 [-0.062, 0.250]", "0.5 \xC2\xB1 0.1 (3 seeds)", "a #1", "1 > 0", "5 % of 2.5"}) {
    EXPECT_EQ(MarkdownText(plain), plain);
  }
  EXPECT_EQ(MarkdownText("two\nlines"), "two lines");
  EXPECT_EQ(MarkdownText("![x](y) [z][w]"), R"(!\[x\](y) [z\][w])");
  EXPECT_EQ(MarkdownText("_a"), "\\_a");
  EXPECT_EQ(MarkdownText("a_"), "a\\_");
  EXPECT_EQ(MarkdownText("</b> <!-- x"), "\\</b> \\<!-- x");
  EXPECT_THAT(MarkdownOf({.title = " spaced ", .headings = {}, .rows = {}}),
              HasSubstr("**spaced**"));
}

TEST(Sheet, HtmlReadsAsItIs) {
  const std::string nasty =
      R"(a_b *c* _d_ $e$ |f| &lt;g&gt; &amp;amp; `h` [i](j) ~k~ \l #m &quot;n&quot;, {o}^%)";
  EXPECT_EQ(HtmlOf(SheetOfNames()),
            "<table>\n<caption>" + nasty + "</caption>\n<thead>\n<tr><th>model</th><th>" + nasty +
                "</th></tr>\n</thead>\n<tbody>\n<tr><td>" + nasty + "</td><td><strong>" + nasty +
                "</strong></td></tr>\n</tbody>\n</table>\n<p>" + nasty +
                "</p>\n<p># no heading</p>\n<p>1. no list</p>\n<p>- none either</p>\n");
}

TEST(Sheet, LatexReadsAsItIs) {
  const std::string nasty =
      R"(a\_\allowbreak{}b *c* \_\allowbreak{}d\_\allowbreak{} \char36{}e\char36{} )"
      R"(\textbar{}f\textbar{} \textless{}g\textgreater{} \&amp; `h` [i](j) \~{}k\~{} )"
      R"(\textbackslash{}l \#m ''n'', \{o\}\^{}\%)";
  EXPECT_EQ(LatexText(kNasty), nasty);
  const std::string latex = LatexOf(SheetOfNames());
  EXPECT_THAT(latex, HasSubstr("\\caption{" + nasty + ".}"));
  EXPECT_THAT(latex, HasSubstr("model & " + nasty + " \\\\\n\\midrule\n"));
  EXPECT_THAT(latex, HasSubstr("\n" + nasty + " & " + nasty + " \\\\\n\\bottomrule"));
}

Sheet WideSheet(std::size_t columns) {
  Sheet sheet{.title = "wide", .headings = {"classifier"}, .rows = {{{"moe"}}, {{"logistic"}}}};
  for (std::size_t i = 0; i < columns; ++i) {
    sheet.headings.emplace_back("netvlad clusters=16 frame_projection=32 hidden=64");
    for (auto& row : sheet.rows) {
      row.push_back({.text = "0.8374 \xC2\xB1 0.0013", .latex = "\\num{0.8374 +- 0.0013}"});
    }
  }
  return sheet;
}

TEST(Sheet, LatexBreaksHeadingsThatAreWiderThanTheirNumbers) {
  const std::string latex = LatexOf(WideSheet(4));
  EXPECT_THAT(latex, HasSubstr("classifier & \\shortstack[r]{netvlad\\\\{}clusters=16\\\\{}"
                               "frame\\_\\allowbreak{}\\\\{}projection=32\\\\{}hidden=64} & "));
  EXPECT_LE(LeastLatexWidth(WideSheet(4)), kArticleWidth);
  EXPECT_THAT(LatexOf({.title = "", .headings = {"a", "GAP"}, .rows = {{{"x"}, {"0.81"}}}}),
              HasSubstr("a & GAP \\\\"));
}

TEST(Sheet, LatexGivesAColumnOfWordsWhatItNeeds) {
  const int least = LeastLatexWidth(WideSheet(9));
  EXPECT_GT(least, kArticleWidth);
  EXPECT_THAT(LatexOf(WideSheet(9)),
              HasSubstr("\\begin{tabularx}{\\ifdim\\linewidth<" + std::to_string(least) + "pt " +
                        std::to_string(least) + "pt\\else\\linewidth\\fi}"));
}

TEST(Sheet, LatexMakesATableThatIsTooWideSmallerAsAWhole) {
  const std::string latex = LatexOf(WideSheet(9));
  EXPECT_THAT(latex, StartsWith("% needs \\usepackage{booktabs,siunitx,tabularx,graphicx}\n"));
  EXPECT_THAT(latex, HasSubstr("\\resizebox{\\linewidth}{!}{%\n\\begin{tabularx}"));
  EXPECT_THAT(latex, HasSubstr("\\end{tabularx}}\n"));
  EXPECT_THAT(LatexOf(WideSheet(4)), Not(HasSubstr("resizebox")));
  EXPECT_DOUBLE_EQ(ScaledLetters(690, 345), 3.5);
  EXPECT_DOUBLE_EQ(ScaledLetters(400, 506), 7);
}

TEST(Sheet, LatexMakesNoDashOfHyphens) {
  EXPECT_EQ(LatexText("--fix a-b ---"), "-{}-fix a-b -{}-{}-");
}

TEST(Sheet, LatexHasNumbersForLettersThatADocumentMayLack) {
  EXPECT_EQ(LatexText("\xC3\xA9 \xE2\x80\x93"), "\xC3\xA9 \xE2\x80\x93");
  EXPECT_EQ(LatexText("\xCE\xB1"),
            "\\ifdefined\\Umathchar \xCE\xB1\\else\\ifcsname u8:\\detokenize{\xCE\xB1}"
            "\\endcsname \xCE\xB1\\else U+03B1\\fi\\fi{}");
  EXPECT_THAT(LatexText("\xF0\x9F\x98\x80"), HasSubstr("\\else U+1F600\\fi"));
}

TEST(Sheet, LatexPutsIntervalsOnLinesOfTheirOwnWhereTheTableIsTooWide) {
  Sheet sheet = WideSheet(1);
  for (auto& row : sheet.rows) {
    row[1].latex_below = "[\\num{-0.0123}, \\num{0.0456}]";
  }
  EXPECT_THAT(LatexOf(sheet),
              HasSubstr("& \\num{0.8374 +- 0.0013} [\\num{-0.0123}, \\num{0.0456}] "));
  for (int i = 0; i < 3; ++i) {
    sheet.headings.push_back(sheet.headings[1]);
    for (auto& row : sheet.rows) row.push_back(row[1]);
  }
  EXPECT_THAT(
      LatexOf(sheet),
      HasSubstr("\\begin{tabular}[t]{@{}r@{}}\\num{0.8374 +- 0.0013}\\\\{}[\\num{-0.0123}"));
}

TEST(Sheet, ShowsItsCaptionInEveryFormatOfDocuments) {
  const Sheet sheet{.title = "t", .headings = {"a"}, .rows = {{{"x"}}}, .caption = "Of 3 seeds."};
  EXPECT_THAT(MarkdownOf(sheet), HasSubstr("**t**\n\nOf 3 seeds.\n\n| a |"));
  EXPECT_THAT(HtmlOf(sheet), HasSubstr("<caption>t. Of 3 seeds.</caption>"));
  EXPECT_THAT(LatexOf(sheet), HasSubstr("\\caption{t. Of 3 seeds.}"));
}

// Two hyphens would end a comment, and an empty line of LaTeX a paragraph.
TEST(Sheet, NamesWhatARowComesFromInComments) {
  const Sheet sheet{.title = "t",
                    .headings = {"a"},
                    .rows = {{{"x"}}, {{"y"}}},
                    .comments = {"", "trials ab-->cd\ntrials ef"}};
  EXPECT_THAT(MarkdownOf(sheet),
              HasSubstr("| y |\n\n<!--\nrow 2: trials ab- ->cd; trials ef\n-->\n"));
  EXPECT_THAT(HtmlOf(sheet), HasSubstr("<!-- trials ab- ->cd; trials ef -->\n<tr><td>y</td></tr>"));
  EXPECT_THAT(LatexOf(sheet), HasSubstr("x \\\\\n% trials ab-->cd\n% trials ef\ny \\\\\n"));
}

TEST(Sheet, CsvReadsAsItIs) {
  const std::string nasty = std::string("\"") +
                            R"(a_b *c* _d_ $e$ |f| <g> &amp; `h` [i](j) ~k~ \l #m ""n"", {o}^%)" +
                            "\"";
  EXPECT_EQ(CsvOf(SheetOfNames()), "model," + nasty + "\n" + nasty + "," + nasty + "\n");
}

}  // namespace sheet_test
}  // namespace beamgrid
