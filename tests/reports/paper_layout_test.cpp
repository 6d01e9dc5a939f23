// Each table of the papers comes out in its own rows and columns from a study that has its models.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "registry/criteria.h"
#include "registry/util/text.h"
#include "reports/table.h"
#include "search/condition.h"
#include "tests/reports/table_support.h"

namespace beamgrid {
namespace paper_layout_test {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string ShippedTables() {
  std::ostringstream text;
  text << std::ifstream(BEAMGRID_SOURCE_DIR "/recipes/paper_tables.toml").rdbuf();
  return text.str();
}

/// Returns a model that meets the conditions and is the default in all else.
ModelSpec ModelOf(const std::string& spec) {
  ModelSpec model = SmallModel(MeanPool(), Logistic());
  for (const Condition& condition : ParseConditions(spec)) {
    if (condition.criterion == "extras") {
      Options& options = model.extras[condition.component];
      if (!condition.option.empty()) options[condition.option] = condition.value;
    } else if (condition.option.empty()) {
      model.parts[condition.criterion] = {std::string(condition.value.as_string()), {}};
    } else {
      model.parts[condition.criterion].options[condition.option] = condition.value;
    }
  }
  return model;
}

/// What the tests of a layout need to know of a table that the file does not say.
struct Layout {
  const char* id;
  const char* vary;      ///< empty: whole models
  const char* headings;  ///< as printed
  std::size_t rows;
};

void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.id; }

class PaperLayout : public testing::TestWithParam<Layout> {
 protected:
  const PaperTable paper_ = ReadPaperTable(ShippedTables(), GetParam().id);

  /// A trial of each row that a model of ours can be, which measured what the paper did; in another
  /// order than the paper's.
  [[nodiscard]] std::vector<TrialRecord> Trials() const {
    std::vector<TrialRecord> trials;
    for (const PaperRow& row : paper_.rows) {
      if (row.spec.empty() || !row.value) continue;
      trials.push_back(
          SmallTrial("m" + std::to_string(trials.size()), ModelOf(row.spec), 1, *row.value));
    }
    return {trials.rbegin(), trials.rend()};
  }
  [[nodiscard]] AblationTable Table() const {
    return MakeTable(Trials(), SmallCatalogue(),
                     {.study = "s",
                      .title = "T",
                      .vary = GetParam().vary,
                      .reference = GetParam().id,
                      .layout = TableLayout::kPaper,
                      .columns = {}},
                     paper_);
  }
  /// Returns the row's cells before the number, with what stands between them.
  [[nodiscard]] static std::string Cells(const PaperRow& row, const std::string& between) {
    return row.cells.empty() ? row.row : Join(row.cells, between);
  }
};

TEST_P(PaperLayout, HasThePapersRowsAndColumnsInItsOrder) {
  const AblationTable table = Table();
  ASSERT_EQ(table.rows.size(), GetParam().rows);
  const std::string text = Render(table, "md");
  EXPECT_THAT(text, HasSubstr("\n| " + std::string(GetParam().headings) + " | " + GetParam().id +
                              " | ours - theirs |\n"));
  double best = 0;
  std::size_t measured = 0;
  for (const PaperRow& row : paper_.rows) {
    if (row.spec.empty() || !row.value) continue;
    best = std::max(best, *row.value);
    ++measured;
  }
  std::string expected;
  for (const PaperRow& row : paper_.rows) {
    expected += "| " + Cells(row, " | ") + " | ";
    if (row.spec.empty() || !row.value) {
      const std::string why = row.note.empty() ? "the study has no such model" : row.note;
      std::string escaped;
      for (const char c : why) escaped += c == '`' ? std::string("\\`") : std::string(1, c);
      expected += "- (" + escaped + ") | " + row.text + " |  |\n";
      continue;
    }
    const std::string ours = FixedText(*row.value, 4);
    const bool bold = *row.value == best && measured > 1;
    expected += (bold ? "**" + ours + "**" : ours) + " | " + row.text + " | 0.0000 |\n";
  }
  EXPECT_THAT(text, HasSubstr(":|\n" + expected));
  EXPECT_THAT(text, Not(HasSubstr("difference"))) << "a note on a column that is not there";
}

TEST_P(PaperLayout, ComesOutInLatexToo) {
  const std::string latex = Render(Table(), "latex");
  std::size_t at = latex.find("\\midrule");
  ASSERT_NE(at, std::string::npos);
  for (const PaperRow& row : paper_.rows) {
    std::string cells;
    for (const char c : Cells(row, " & ")) {
      cells += c == '#' ? "\\#" : c == '_' ? "\\_\\allowbreak{}" : std::string(1, c);
    }
    const std::size_t found = latex.find("\n" + cells + " & ", at);
    EXPECT_NE(found, std::string::npos) << cells;
    at = found == std::string::npos ? at : found + 1;
  }
}

constexpr Layout kLayouts[] = {
    {"kim18/1", "multimodal", "Attention Method | Window Size w | Accuracy (GAP)", 6},
    {"kim18/2", "classifier", "Attention Method | Accuracy (GAP)", 10},
    {"kim18slides/mlc", "classifier", "MLC Method | Structure | GAP", 1},
    {"snuvl17/1", "temporal", "Method | GAP@20", 10},
    {"snuvl17/2", "", "Method | GAP@20", 5},
    {"snuvl17/3", "label_processing", "Method | GAP@20", 6},
    {"snuvl17/4", "loss", "Method | GAP@20", 6},
    {"snuvl17/sec3.3", "", "Method | GAP@20", 2},
    {"dml17/results", "", "MODEL | GAP Score", 9},
    {"locust19/1", "", "Model | MAP@100,000", 6},
    {"locust19/2", "temporal", "Model | MAP@100,000", 6},
};
INSTANTIATE_TEST_SUITE_P(All, PaperLayout, testing::ValuesIn(kLayouts), [](const auto& info) {
  std::string name = info.param.id;
  std::erase_if(name, [](char c) { return c == '/' || c == '.'; });
  return name;
});

TEST(PaperLayouts, AreOfEveryTableWithNumbersOfModels) {
  std::set<std::string> tested = {"kim18/ensemble", "kim18/final", "kim18/4"};
  for (const Layout& layout : kLayouts) tested.insert(layout.id);
  std::istringstream lines(ShippedTables());
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("id = ")) continue;
    EXPECT_TRUE(tested.erase(line.substr(6, line.size() - 7)) == 1) << line;
  }
  EXPECT_TRUE(tested.empty());
}

TEST(PaperLayouts, NameTheModelsThatCouldBeARow) {
  const PaperTable paper{{{"MoE", "classifier=moe", 0.8, "0.8"}}, {"Method", "GAP"}};
  TableQuestion question{.study = "s", .vary = "classifier", .reference = "p/1"};
  question.layout = TableLayout::kPaper;
  const AblationTable table =
      MakeTable({SmallTrial("a", SmallModel(MeanPool(), Moe(2)), 1, 0.5),
                 SmallTrial("b", SmallModel(MeanPool(), Moe(4)), 1, 0.6),
                 SmallTrial("c", SmallModel(MeanPool(), Logistic()), 1, 0.4)},
                SmallCatalogue(), question, paper);
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_FALSE(table.rows[0].mean) << "which of them is the paper's nobody knows";
  EXPECT_EQ(table.rows[0].missing, "2 models are it: moe experts=2, moe experts=4");
  EXPECT_THAT(table.notes,
              Contains("the paper's table has no row for moe experts=2, moe experts=4, logistic"));
}

TEST(Criteria, AreThePapersWithTheMethodsThatTheStudyTried) {
  const PaperTable paper = ReadPaperTable(ShippedTables(), "kim18/4");
  std::vector<TrialRecord> trials;
  for (const PaperRow& row : paper.rows) {
    if (row.row == "CBHG") continue;
    const std::int64_t seed = std::ssize(trials);  // two of the models are equal
    trials.push_back(SmallTrial(row.row, ModelOf(row.spec), seed, 0.5));
  }
  TableQuestion question{.study = "s", .title = "Criteria", .reference = "kim18/4"};
  question.rows = TableRows::kCriteria;
  const AblationTable table = MakeTable(trials, SmallCatalogue(), question, paper);
  EXPECT_EQ(Render(table, "md"),
            "**Criteria**\n\n"
            "| Criteria | Methods |\n"
            "|---|---|\n"
            "| Multimodal Inputs | Concatenate, Element-wise summation, Attention, Differential "
            "Features, Bilinear Pooling |\n"
            "| Temporal Aggregation | LSTM, GRU, Bidirectional LSTM, Hierarchical RNN, NetVLAD |\n"
            "| Classification Modules | Logistic Regression, Mixture of Experts, Class Chaining, "
            "Conditional Inference |\n"
            "| Additional Modules | Layer Normalization, Skip Connection, Dropout, Gradient "
            "Clipping |\n\n"
            "No model of the study has what kim18/4 lists: CBHG.\n\n"
            "17 models of these methods, of which 17 are measured.\n");
  EXPECT_THAT(Render(table, "latex"),
              HasSubstr("Temporal Aggregation & LSTM, GRU, Bidirectional LSTM, Hierarchical RNN, "
                        "NetVLAD \\\\"));
}

TEST(Criteria, AreOursWithoutAPaper) {
  ModelSpec extra = SmallModel(Blstm(2), Logistic());
  extra.extras["dropout"] = {{"rate", 0.5}};
  TableQuestion question{.study = "s"};
  question.rows = TableRows::kCriteria;
  const AblationTable table = MakeTable(
      {SmallTrial("a", SmallModel(MeanPool(), Logistic()), 1, 0.5),
       SmallTrial("b", SmallModel(Blstm(1), Logistic()), 1, -1), SmallTrial("c", extra, 1, 0.5)},
      SmallCatalogue(), question, {});
  EXPECT_THAT(Render(table, "md"),
              HasSubstr("| criterion | methods |\n|---|---|\n"
                        "| temporal | mean, blstm layers=1, blstm layers=2 |\n"
                        "| extras | dropout |\n\n"
                        "3 models of these methods, of which 2 are measured.\n"));
}

}  // namespace paper_layout_test
}  // namespace beamgrid
