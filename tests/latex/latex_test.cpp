// Tables for LaTeX compile as they are, in the classes that people write papers in.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "reports/ensemble_table.h"
#include "reports/page/drawing.h"
#include "reports/page/pdf.h"
#include "reports/table.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace latex_test {

struct Class {
  const char* name;  ///< of the test
  const char* file;  ///< that must be there
  const char* line;  ///< of the document
};

void PrintTo(const Class& document, std::ostream* out) { *out << document.name; }

AblationTable Example() {
  using enum TableColumn;
  AblationTable table{
      .title = "Temporal aggregation: 100 % of a_b & c^2 ~ {x} #1 \\ $5 <|> \"q\"",
      .columns = {"temporal", "GAP (3 seeds)", "difference [95 %]", "p", "kim18/2"},
      .rows = {{.label = "mean",
                .mean = 0.63754,
                .std = 0.00471,
                .seeds = {0.63, 0.64, 0.65},
                .size_bytes = 31'000,
                .chosen = true,
                .fingerprints = {"0123456789abcdef"},
                .reference_text = "0.7942"},
               {.label = "netvlad clusters=8 frame_projection=32 hidden=64",
                .mean = 0.83881,
                .std = 0.00102,
                .seeds = {0.83, 0.84, 0.85},
                .size_bytes = 128'000,
                .delta = 0.20127,
                .p_value = 0.0001,
                .p_corrected = 0.0002,
                .difference = RowDifference{.value = 0.20127, .interval = {-0.18, 0.2225}},
                .best = true,
                .among_best = true},
               {.label = "blstm", .missing_seeds = 3, .missing = "3 failed (out_of_memory)"}},
      .kinds = {kLabel, kMetric, kDifference, kP, kReference},
      .notes = {"held fixed: multimodal concat; train batch=32 learning_rate=0.01",
                "mean, marked \xE2\x80\xA0, is the best of the same data"}};
  return table;
}

/// Rows of two labels, numbers too small for their column, a row that the study does not have.
AblationTable PaperExample() {
  using enum TableColumn;
  return {.title = "Attention",
          .columns = {"Attention Method", "Window Size w", "Accuracy (GAP)", "kim18/1",
                      "ours - theirs"},
          .rows = {{.label = "a",
                    .stub = {"Image Guided Attention", "5"},
                    .mean = 0.86071,
                    .std = 0.00002,
                    .seeds = {0.86, 0.86},
                    .among_best = true,
                    .reference_text = "0.86071",
                    .reference_difference = -2e-9},
                   {.label = "b",
                    .stub = {"Audio_Guided & co", "all"},
                    .missing = "the study has no such model",
                    .reference_text = "-"}},
          .kinds = {kLabel, kLabel, kMetric, kReference, kReferenceDifference},
          .decimals = 3};
}

/// Studies side by side, with the differences of the second.
AblationTable CrossExample() {
  AblationTable table = Example();
  table.columns = {"temporal (GAP)", "GAP", "difference [95 %]"};
  table.rows[0].cross = CrossPlace{"mean", "one_study"};
  table.rows[1].cross = CrossPlace{"mean", "another"};
  table.rows[2].cross = CrossPlace{"blstm", "another"};
  table.cross_differences = AblationTable::CrossDifferences::kEverywhere;
  table.common_seeds = 3;
  return table;
}

/// So many columns that words and numbers have no room side by side in large letters.
AblationTable WideExample() {
  using enum TableColumn;
  AblationTable table = Example();
  table.columns = {"temporal", "GAP (3 seeds)", "size", "parameters", "difference [95 %]"};
  table.kinds = {kLabel, kMetric, kSize, kParameters, kDifference};
  table.common_seeds = 3;
  for (TableRow& row : table.rows) row.parameters = 12'345'678;
  return table;
}

/// So many columns that the table as a whole is made smaller, and letters that pdfTeX lacks.
AblationTable WidestExample() {
  using enum TableColumn;
  AblationTable table = WideExample();
  table.title = "All columns of \xCE\xB1 \xE4\xBD\xA0 \xF0\x9F\x98\x80";
  table.columns = {
      "temporal", "GAP (3 seeds)",     "size",      "parameters", "examples/s", "time (s)",
      "epochs",   "difference [95 %]", "P(better)", "p"};
  table.kinds = {kLabel, kMetric, kSize,       kParameters,  kSpeed,
                 kTime,  kEpochs, kDifference, kProbability, kP};
  for (TableRow& row : table.rows) {
    row.examples_per_second = 12'345;
    row.seconds = 1234.5;
    row.epochs = 12.5;
  }
  return table;
}

/// Rows and columns, headed by names that are longer than the numbers.
AblationTable WideCrossExample() {
  AblationTable table = Example();
  table.columns = {"classifier / temporal", "GAP", "difference [95 %]"};
  const TableRow cell = table.rows[1];
  table.rows.clear();
  for (const char* row : {"moe experts=2", "conditional_inference rank=64 steps=3"}) {
    for (const char* column : {"mean", "blstm hidden=32 residual=false",
                               "netvlad clusters=8 frame_projection=32 hidden=64",
                               "netvlad clusters=16 frame_projection=32 hidden=64"}) {
      table.rows.push_back(cell);
      table.rows.back().cross = CrossPlace{row, column};
      table.rows.back().best = table.rows.back().among_best = table.rows.size() == 1;
    }
  }
  table.cross_differences = AblationTable::CrossDifferences::kNone;
  table.common_seeds = 3;
  return table;
}

EnsembleTable EnsembleExample() {
  return {
      .title = "An ensemble",
      .members = {{.name = "MC-BLSTM_x-MoE2", .size_bytes = 1 << 27, .weight = 0.25, .gap = 0.8},
                  {.name = "other", .size_bytes = 1 << 27, .weight = 0.75}},
      .size_bytes = 1 << 28,
      .size_limit = 1 << 30,
      .gap = 0.81,
      .gap_of = "holdout",
      .videos = 100,
      .combine = "logits",
      .weights = "learned"};
}

std::string TextOf(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

bool Succeeds(const std::string& command) { return std::system(command.c_str()) == 0; }

class LatexTest : public testing::TestWithParam<Class> {};

TEST_P(LatexTest, CompilesAsItIs) {
  if (!Succeeds("command -v pdflatex > /dev/null")) {
    GTEST_SKIP() << "no pdflatex; scripts/setup --latex installs it";
  }
  if (!Succeeds("kpsewhich " + std::string(GetParam().file) + " > /dev/null")) {
    GTEST_SKIP() << "no " << GetParam().file << "; scripts/setup --latex installs it";
  }
  const TemporaryFolder folder;
  std::ofstream(folder / "paper.tex")
      << GetParam().line << "\n\\usepackage{booktabs,siunitx,tabularx,graphicx}\n"
      << Render(Example(), "macros") << "\\begin{document}\n"
      << Render(Example(), "latex") << Render(PaperExample(), "latex")
      << Render(CrossExample(), "latex") << Render(WideExample(), "latex")
      << Render(WideCrossExample(), "latex") << Render(WidestExample(), "latex")
      << Render(EnsembleExample(), "latex")
      << "NetVLAD has \\beamgrid{netvlad-clusters=8-frame-projection=32-hidden=64/gap}, which is "
         "\\beamgrid{netvlad-clusters=8-frame-projection=32-hidden=64/difference} more.\n"
         "\\end{document}\n";
  const std::string run = "cd '" + (folder / "").string() +
                          "' && pdflatex -interaction=nonstopmode -halt-on-error paper.tex > out";
  EXPECT_TRUE(Succeeds(run)) << TextOf(folder / "out");
  EXPECT_TRUE(std::filesystem::exists(folder / "paper.pdf"));
  const std::string log = TextOf(folder / "paper.log");
  EXPECT_EQ(log.find("Overfull \\hbox"), std::string::npos) << log;
  if (const char* keep = std::getenv("BEAMGRID_KEEP_PDF"); keep != nullptr) {
    std::filesystem::copy_file(
        folder / "paper.pdf", std::filesystem::path(keep) / (std::string(GetParam().name) + ".pdf"),
        std::filesystem::copy_options::overwrite_existing);
  }
}

TEST(LatexFigure, AChartsPdfIsIncludedAsItIs) {
  if (!Succeeds("command -v pdflatex > /dev/null")) {
    GTEST_SKIP() << "no pdflatex; scripts/setup --latex installs it";
  }
  const TemporaryFolder folder;
  const Figure figure{.name = "chart",
                      .title = "A chart",
                      .finding = "It has a word.",
                      .width = 200,
                      .height = 60,
                      .drawing = TextAt(20, 20, "netvlad", Anchor::kStart) + Mark(0, 50, 40, "")};
  std::ofstream(folder / "chart.pdf", std::ios::binary) << PdfFile(figure);
  std::ofstream(folder / "paper.tex")
      << "\\documentclass{article}\n\\usepackage{graphicx}\n\\begin{document}\n"
         "\\includegraphics{chart.pdf}\n\\end{document}\n";
  const std::string in_folder = "cd '" + (folder / "").string() + "' && ";
  EXPECT_TRUE(
      Succeeds(in_folder + "pdflatex -interaction=nonstopmode -halt-on-error paper.tex > out 2>&1"))
      << TextOf(folder / "out");
  const std::string out = TextOf(folder / "out");
  EXPECT_EQ(out.find("arning"), std::string::npos) << out;
  if (!Succeeds("command -v pdftotext > /dev/null")) return;
  EXPECT_TRUE(Succeeds(in_folder + "pdftotext paper.pdf text"));
  EXPECT_NE(TextOf(folder / "text").find("netvlad"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Classes, LatexTest,
    testing::Values(Class{"article", "article.cls", "\\documentclass{article}"},
                    Class{"two_columns", "article.cls", "\\documentclass[twocolumn]{article}"},
                    Class{"ieee", "IEEEtran.cls", "\\documentclass[conference]{IEEEtran}"},
                    Class{"acm", "acmart.cls", "\\documentclass[sigconf,nonacm]{acmart}"}),
    [](const testing::TestParamInfo<Class>& info) { return info.param.name; });

}  // namespace latex_test
}  // namespace beamgrid
