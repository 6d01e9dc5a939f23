#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "registry/util/error.h"
#include "reports/table.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

const char kText[] = R"toml(
[[table]]
id = "kim18/2"
title = "Classification modules"
metric = "GAP@20"
split = "validate"
rows = [
  { row = "Logistic model", spec = "classifier=logistic", value = 0.7942, text = "0.7942" },
  { row = "CNN-1024", spec = "temporal=cnn(filters=1024)", text = "-" },
  { row = "CNN2", spec = "", value = 0.755, text = "0.755", note = "nobody says what it is" },
]
[[table]]
id = "snuvl17/1"
rows = []
)toml";

std::string Refusal(const std::string& text, const std::string& reference) {
  try {
    (void)ReadPaperTable(text, reference);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(PaperTable, ReadsTheRowsOfOneTable) {
  const std::vector<PaperRow> rows = ReadPaperTable(kText, "kim18/2").rows;
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].row, "Logistic model");
  EXPECT_EQ(rows[0].spec, "classifier=logistic");
  EXPECT_EQ(rows[0].value, 0.7942);
  EXPECT_EQ(rows[0].text, "0.7942");
  EXPECT_FALSE(rows[1].value);
  EXPECT_EQ(rows[1].text, "-");
  EXPECT_EQ(rows[1].note, "");
  EXPECT_EQ(rows[2].note, "nobody says what it is");
  EXPECT_TRUE(ReadPaperTable(kText, "").rows.empty());
  EXPECT_TRUE(ReadPaperTable(kText, "snuvl17/1").rows.empty());
}

TEST(PaperTable, RefusesUnknownReferencesAndDamagedText) {
  EXPECT_EQ(
      Refusal(kText, "kim18/9"),
      "reference = 'kim18/9' is not a table of paper_tables.toml; they are kim18/2, snuvl17/1");
  EXPECT_EQ(Refusal("", "a"), "reference = 'a' is not a table of paper_tables.toml; they are none");
  EXPECT_EQ(Refusal("[[table]]\nid = ", "a").substr(0, 20), "paper_tables.toml:2:");
  EXPECT_EQ(Refusal("[[table]]\nid = 'a'", "a"), "paper_tables.toml: table 'a' has no rows");
  EXPECT_EQ(Refusal("[[table]]\nid = 'a'\nrows = [1]", "a"),
            "paper_tables.toml: a row of 'a' is not a table");
  EXPECT_EQ(Refusal("[[table]]\nid = 'a'\nrows = [{row = 'x'}]", "a"),
            "paper_tables.toml: a row of table 'a' has no spec");
}

TEST(PaperTable, ReadsHeadingsAndCellsThatFitThem) {
  const std::string text =
      "[[table]]\nid = 'a'\ncolumns = ['Method', 'Window', 'GAP']\nrows = [\n"
      "  { row = 'x, w=5', cells = ['x', '5'], spec = 'temporal=x', text = '0.5' },\n]\n";
  const PaperTable table = ReadPaperTable(text, "a");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"Method", "Window", "GAP"}));
  EXPECT_EQ(table.rows.at(0).cells, (std::vector<std::string>{"x", "5"}));
  std::string wrong = text;
  wrong.replace(wrong.find(", '5'"), 5, "");
  EXPECT_EQ(Refusal(wrong, "a"),
            "paper_tables.toml: row 'x, w=5' of table 'a' has 1 cell before the number, and the "
            "table 3 columns");
}

TEST(PaperTable, EveryShippedTableParsesDownToItsConditions) {
  std::ifstream file(BEAMGRID_SOURCE_DIR "/recipes/paper_tables.toml");
  std::stringstream text;
  text << file.rdbuf();
  const std::string unknown = Refusal(text.str(), "no such table");
  std::istringstream ids(unknown.substr(unknown.rfind("are ") + 4));
  int tables = 0;
  for (std::string id; std::getline(ids >> std::ws, id, ',');) {
    ++tables;
    for (const PaperRow& row : ReadPaperTable(text.str(), id).rows) {
      EXPECT_EQ(ParseConditions(row.spec).empty(), !row.note.empty()) << id << ": " << row.row;
      // Of a figure that lists methods there are no numbers.
      EXPECT_EQ(row.text.empty(), id == "kim18/4") << id << ": " << row.row;
    }
  }
  EXPECT_GE(tables, 2);
}

}  // namespace
}  // namespace beamgrid
