// Charts as PDF files: sound, with the letters and colours of the chart, the same each time.

#include "reports/page/pdf.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "registry/util/files.h"
#include "reports/page/assets.h"
#include "reports/page/chart_look.h"
#include "reports/page/drawing.h"
#include "tests/reports/page/page_support.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace pdf_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Figure SmallFigure() {
  return {.name = "small",
          .title = "Small (one)",
          .finding = "It says 5.",
          .width = 200,
          .height = 100,
          .drawing = TextAt(10, 20, "a <b> \xC2\xB1 (1)", Anchor::kStart, "strong") +
                     TextAt(190, 40, "0.25", Anchor::kEnd) + Mark(0, 50, 60, "a title") +
                     StraightLine(0, 80, 200, 80, "l s1"),
          .data = {}};
}

bool HasTool(const std::string& tool) {
  return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}

TEST(PdfFile, HasTheOperationsOfTheChart) {
  const std::string pdf = PdfFile(SmallFigure());
  EXPECT_THAT(pdf, AllOf(testing::StartsWith("%PDF-1.4\n"), testing::EndsWith("%%EOF\n"),
                         HasSubstr("/MediaBox [0 0 150 75]"), HasSubstr("/Title (Small \\(one\\))"),
                         HasSubstr("1 0 0 -1 10 20 Tm\n(a <b> \xB1 \\(1\\)) Tj\n"),
                         HasSubstr("/Bold 13 Tf"), HasSubstr("0 80 m\n200 80 l\nS\n")));
  // "0.25" is 3 digits and a point wide: (3 * 556 + 278) * 13 / 1000 = 25.298.
  EXPECT_THAT(pdf, HasSubstr("1 0 0 -1 164.702 40 Tm\n(0.25) Tj\n"));
  // The second series: #b3440a, 2 wide, 7 on and 3 off.
  EXPECT_THAT(pdf, HasSubstr("0.702 0.267 0.039 RG\n2 w\n0 J\n[7 3 ] 0 d\n0 80 m"));
  // The circle of the mark is four quarters from its left, filled and with a line around.
  EXPECT_THAT(pdf, HasSubstr("46 60 m\n46 62.209 47.791 64 50 64 c\n"
                             "52.209 64 54 62.209 54 60 c\n"
                             "54 57.791 52.209 56 50 56 c\n47.791 56 46 57.791 46 60 c\nh\nB\n"));
  EXPECT_EQ(PdfFile(SmallFigure()), pdf);
}

TEST(PdfFile, PlacesOfObjectsAreRight) {
  const std::string pdf = PdfFile(SmallFigure());
  const std::size_t table = std::stoul(pdf.substr(pdf.rfind("startxref\n") + 10));
  ASSERT_EQ(pdf.substr(table, 9), "xref\n0 8\n");
  for (std::size_t object = 1; object < 8; ++object) {
    const std::size_t begin = std::stoul(pdf.substr(table + 9 + 20 * object, 10));
    EXPECT_EQ(pdf.substr(begin, 7), std::to_string(object) + " 0 obj");
  }
  const std::size_t begin = pdf.find("stream\n") + 7;
  EXPECT_THAT(pdf, HasSubstr("/Length " + std::to_string(pdf.find("endstream") - begin) + " "));
}

TEST(PdfFile, RefusesWhatNoChartHas) {
  Figure figure = SmallFigure();
  figure.drawing = EmptyElement("ellipse", {{"rx", "3"}});
  EXPECT_THROW(static_cast<void>(PdfFile(figure)), std::invalid_argument);
  figure.drawing = EmptyElement("path", {{"class", "l s0"}, {"d", "M0 0Q1 1 2 2"}});
  EXPECT_THROW(static_cast<void>(PdfFile(figure)), std::invalid_argument);
}

TEST(PdfFile, EveryChartOfAPageBecomesOneThatToolsRead) {
  Store store(":memory:", OpenMode::kReadWrite);
  FillPageStudy(store, "s");
  const TemporaryFolder folder;
  for (const FigureFile& file : FigureFiles({FactsOf(store, "s")})) {
    const std::string path = folder / (file.name + ".pdf");
    WriteFileAtomically(path, file.pdf);
    if (!HasTool("pdftotext") || !HasTool("pdfinfo")) continue;
    const std::string text = folder / "text.txt", told = folder / "told.txt";
    ASSERT_EQ(std::system(("pdftotext " + path + " " + text + " 2>" + told).c_str()), 0);
    EXPECT_EQ(ReadFile(told), "") << file.name;
    ASSERT_EQ(std::system(("pdfinfo " + path + " >" + told).c_str()), 0);
    EXPECT_THAT(ReadFile(told), HasSubstr("Pages:           1"));
    if (file.name == "effects") {
      EXPECT_THAT(ReadFile(text), AllOf(HasSubstr("netvlad clusters=64"),
                                        HasSubstr("effect on GAP, with its 95 % interval")));
    }
  }
}

TEST(LookOfElement, IsThatOfTheStyleInTheLight) {
  const auto look = [](std::string_view tag, std::string_view classes) {
    return LookOfElement(ChartStyle(), tag, classes);
  };
  EXPECT_FALSE(look("path", "grid").fill.there);
  EXPECT_NEAR(look("path", "grid").stroke.colour.red, 0xd5 / 255.0, 1e-9);
  EXPECT_NEAR(look("path", "m s3").fill.colour.red, 0x8a / 255.0, 1e-9);
  EXPECT_NEAR(look("path", "m s3 hollow").fill.colour.red, 1, 1e-9);
  EXPECT_EQ(look("path", "m s3 hollow").stroke_width, 1.5);
  EXPECT_THAT(look("path", "l s3").dashes, ElementsAre(9, 3, 2, 3));
  EXPECT_THAT(look("path", "l s0").dashes, testing::IsEmpty());
  EXPECT_EQ(look("text", "").stroke_width, 3);
  EXPECT_TRUE(look("text", "strong").bold);
  EXPECT_NEAR(look("text", "title").fill.colour.red, 0x5a / 255.0, 1e-9);
  EXPECT_TRUE(look("path", "cloud").round_caps);
  EXPECT_THROW(static_cast<void>(LookOfElement(".chart .a { fill: red; }", "path", "a")),
               std::invalid_argument);
}

}  // namespace pdf_test
}  // namespace beamgrid
