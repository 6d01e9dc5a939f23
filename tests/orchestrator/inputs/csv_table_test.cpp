#include "orchestrator/inputs/csv_table.h"

#include <gmock/gmock.h>

#include "registry/util/input_error.h"
#include "tests/orchestrator/importing/arrays.h"
#include "tests/support/error_text.h"

namespace beamgrid::importing_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CsvTableTest : public ArraysTest {
 protected:
  /// Returns all cells below the heading, row by row.
  std::vector<std::vector<std::string>> Rows(const std::string& text,
                                             const std::string& name = "t.csv") {
    CsvTable table(Write(name, text));
    std::vector<std::vector<std::string>> rows;
    while (table.Next()) {
      rows.emplace_back();
      for (std::size_t i = 0; i < table.columns().size(); ++i) {
        rows.back().emplace_back(table.Cell(i));
      }
    }
    return rows;
  }
  std::string Refusal(const std::string& text, const std::string& name = "t.csv") {
    return ErrorText<InputError>([&] { (void)Rows(text, name); });
  }
};

TEST_F(CsvTableTest, ReadsQuotesLineBreaksAndBlanks) {
  EXPECT_THAT(Rows("id,labels\r\na, cat ;dog\r\n\r\n\"b, \"\"c\"\"\",\"two\nlines\"\nlast,x"),
              ElementsAre(ElementsAre("a", "cat ;dog"), ElementsAre("b, \"c\"", "two\nlines"),
                          ElementsAre("last", "x")));
  EXPECT_THAT(Rows("\xEF\xBB\xBFid,n\n5\" disk,\n"), ElementsAre(ElementsAre("5\" disk", "")));
  EXPECT_THAT(Rows("id\tn\na,b\tc\n"), ElementsAre(ElementsAre("a,b", "c")));
  EXPECT_THAT(Rows("a,b\n1,2\n", "t.tsv"), ElementsAre(ElementsAre("1,2")));
  EXPECT_THAT(Rows("id,n\n\"\",\"\"\n"), ElementsAre(ElementsAre("", "")));
}

TEST_F(CsvTableTest, RowsLongerThanAPieceAreWhole) {
  const std::string long_cell(3 << 20, 'x');
  const auto rows = Rows("id,n\na,\"" + long_cell + "\n" + long_cell + "\"\nb,2\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0][1], long_cell + "\n" + long_cell);
  EXPECT_EQ(rows[1][0], "b");
}

TEST_F(CsvTableTest, KnowsWhereARowStands) {
  const std::string text = "id,n\n\n\"a\nb\",1\nc,2\n";
  CsvTable table(Write("t.csv", text));
  ASSERT_TRUE(table.Next());
  EXPECT_EQ(table.Place(), Path("t.csv") + ":3");
  EXPECT_EQ(text.substr(table.offset(), table.bytes()), "\"a\nb\",1");
  ASSERT_TRUE(table.Next());
  EXPECT_EQ(table.line(), 5U);
  EXPECT_EQ(text.substr(table.offset(), table.bytes()), "c,2");
}

TEST_F(CsvTableTest, RefusesWithTheLine) {
  EXPECT_THAT(Refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(Refusal("id,n\na\n"), HasSubstr("t.csv:2: 1 cell, the heading has 2"));
  EXPECT_THAT(Refusal("id,n\na,1\nb,1,2\n"), HasSubstr("t.csv:3: 3 cells"));
  EXPECT_THAT(Refusal("id,n\n\na,\"x\n1\n2"), HasSubstr("t.csv:3: a quote that does not end"));
  EXPECT_THAT(Refusal("id,n\na,\"x\"y\n"), HasSubstr("t.csv:2: a quoted cell goes on"));
  EXPECT_THAT(Refusal("id,id\n"), HasSubstr("two columns are called 'id'"));
  EXPECT_THAT(Refusal("\xFF\xFEi\0d\0"), HasSubstr("UTF-16"));
  EXPECT_THAT(Refusal("\x1F\x8B\x08"), HasSubstr("t.csv: is compressed by gzip: unpack it"));
  EXPECT_THAT(Refusal("id,\xFF\n"), HasSubstr("no UTF-8"));
}

TEST_F(CsvTableTest, LinesAndColumnsOfOtherProgramsAreTold) {
  EXPECT_THAT(Refusal("id,n\ra,1\rb,2\r"), HasSubstr("t.csv: its lines end with CR alone"));
  EXPECT_THAT(Rows("id,n\r"), ElementsAre());
  EXPECT_THAT(Rows("id,n"), ElementsAre());
  const CsvTable table(Write("t.csv", "id;n\na;1\n"));
  EXPECT_THAT(ErrorText<InputError>([&] { (void)table.RequireId(""); }),
              HasSubstr("the columns: id;n; are they parted by ';'? Save the file with commas"));
}

TEST_F(CsvTableTest, FindsColumns) {
  const CsvTable table(Write("t.csv", "VideoId,n\n"));
  EXPECT_EQ(table.RequireId(""), 0U);
  EXPECT_EQ(table.RequireId("n"), 1U);
  EXPECT_EQ(table.Find({"labels"}), std::nullopt);
  EXPECT_THAT(ErrorText<InputError>([&] { (void)table.Require("VideoID", "--id-column"); }),
              HasSubstr("has no column 'VideoID' (--id-column); its columns: VideoId, n; did you "
                        "mean 'VideoId'?"));
  const CsvTable other(Write("u.csv", "clip,n\n"));
  EXPECT_THAT(ErrorText<InputError>([&] { (void)other.RequireId(""); }),
              HasSubstr("name it with --id-column; the columns: clip, n"));
  EXPECT_THAT(ErrorText<InputError>([&] { (void)other.RequireId("", /*option=*/""); }),
              HasSubstr("video_id; call the one of the videos so; the columns: clip, n"));
}

}  // namespace
}  // namespace beamgrid::importing_test
