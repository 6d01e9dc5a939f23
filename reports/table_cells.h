#pragma once
// The cells of a table as people read them, for the formats that show them.

#include <optional>
#include <string>
#include <vector>

#include "reports/sheet.h"
#include "reports/table.h"

namespace beamgrid {

/// Returns the headings as people read them: that of sizes says their unit where they have one.
[[nodiscard]] std::vector<std::string> HeadingsOf(const AblationTable& table);
/// Returns the cells of a row, as many as the table has columns. `plus_minus` stands between a mean
/// and its standard deviation.
[[nodiscard]] std::vector<std::string> CellsOf(const AblationTable& table, const TableRow& row,
                                               const std::string& plus_minus);

/// Returns "22,160".
[[nodiscard]] std::string GroupedDigits(std::int64_t value);
/// Returns "0.012" or "<0.001".
[[nodiscard]] std::string ProbabilityText(double p);
/// Returns " (3 seeds)" or " (1 of 2 seeds: 1 failed)"; empty where the heading says it.
[[nodiscard]] std::string SeedsText(const AblationTable& table, const TableRow& row);

/// Returns false for a row that stands for something that the study does not have.
[[nodiscard]] bool HasTrials(const TableRow& row);

inline constexpr std::size_t kFewSeeds = 3;
/// Returns "2 seeds" or "2 to 3 seeds" where the rows of a contest have so few that a test can show
/// little; empty where they have more, or one.
[[nodiscard]] std::string FewSeedsText(const AblationTable& table, std::size_t contest = 0);
/// Returns whether the rows of a contest have few seeds, and the test told none of them from the
/// best: that says nothing of the rows.
[[nodiscard]] bool TellsNothing(const AblationTable& table, std::size_t contest = 0);
/// Returns whether a row's number is bold: it may be the best; where the test tells nothing, it has
/// the highest mean.
[[nodiscard]] bool IsBold(const AblationTable& table, const TableRow& row);

/// Returns whether the table has a column of that kind.
[[nodiscard]] bool Has(const AblationTable& table, TableColumn column);

/// CrossLayout is the cells of a table of rows and columns, in the order of the study.
struct CrossLayout {
  std::vector<std::string> rows, columns;           ///< labels
  std::vector<std::vector<const TableRow*>> cells;  ///< [rows][columns]; nullptr: not asked for
};
/// Returns nothing for a table whose rows have one number.
[[nodiscard]] std::optional<CrossLayout> CrossLayoutOf(const AblationTable& table);
/// Returns "0.8388 ± 0.0010" with what a cell of the metric's column has.
[[nodiscard]] std::string MetricText(const AblationTable& table, const TableRow& row,
                                     const std::string& plus_minus);
/// Returns "+0.0064 [0.0012, 0.0116]"; empty: there is none.
[[nodiscard]] std::string DifferenceText(const AblationTable& table, const TableRow& row);

/// Returns the table as people read it, on screens and in LaTeX.
[[nodiscard]] Sheet SheetOf(const AblationTable& table);
[[nodiscard]] Sheet LatexSheetOf(const AblationTable& table);

// In words (table_caption.cpp).
/// Returns the text with a capital and a full stop.
[[nodiscard]] std::string AsSentence(const std::string& text);
/// Says what the numbers are: of how many seeds and videos, what stands behind the sign, how they
/// were compared, the paper, what they cost.
[[nodiscard]] std::string CaptionOf(const AblationTable& table);
/// Returns the notes as sentences.
[[nodiscard]] std::vector<std::string> NotesOf(const AblationTable& table);

// In LaTeX (table_latex.cpp).
[[nodiscard]] std::string LatexMetric(const AblationTable& table, const TableRow& row);
[[nodiscard]] std::string LatexDifference(const AblationTable& table, const TableRow& row);
/// Returns "[0.0012, 0.0116]" in LaTeX; empty: there is none.
[[nodiscard]] std::string LatexInterval(const AblationTable& table, const TableRow& row);
/// Returns a cell's text in LaTeX; empty: the text itself.
[[nodiscard]] std::string LatexCellOf(TableColumn column, const std::string& text,
                                      const AblationTable& table, const TableRow& row);
[[nodiscard]] std::string LatexMacros(const AblationTable& table);

// Every number (table_data.cpp).
[[nodiscard]] std::string CsvTable(const AblationTable& table);
[[nodiscard]] std::string JsonTable(const AblationTable& table);

}  // namespace beamgrid
