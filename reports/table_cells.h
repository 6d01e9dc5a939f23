#pragma once
// The cells of a table as people read them, for the formats that show them.

#include <map>
#include <string>
#include <vector>

#include "reports/table.h"

namespace beamgrid {

/// Returns the headings as people read them: that of sizes says their unit where they have one.
[[nodiscard]] std::vector<std::string> HeadingsOf(const AblationTable& table);
/// Returns the cells of a row, as many as the table has columns. `plus_minus` stands between a mean
/// and its standard deviation.
[[nodiscard]] std::vector<std::string> CellsOf(const AblationTable& table, const TableRow& row,
                                               const std::string& plus_minus);

/// Returns a number with its sign: "+0.0064".
[[nodiscard]] std::string SignedText(double value, int decimals);
/// Returns "0.012" or "<0.001".
[[nodiscard]] std::string ProbabilityText(double p);
/// Returns " (3 seeds)" or " (1 of 2 seeds: 1 failed)"; empty where the heading says it.
[[nodiscard]] std::string SeedsText(const AblationTable& table, const TableRow& row);

/// Escapes is the characters that a format needs written otherwise.
using Escapes = std::map<char, std::string>;
/// Returns the text with what no format knows made visible, and the escapes.
[[nodiscard]] std::string Escaped(const std::string& text, const Escapes& escapes);

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

// The formats (table_render.cpp, table_latex.cpp, table_data.cpp).
[[nodiscard]] std::string LatexTable(const AblationTable& table);
[[nodiscard]] std::string LatexMacros(const AblationTable& table);
[[nodiscard]] std::string CsvTable(const AblationTable& table);
[[nodiscard]] std::string JsonTable(const AblationTable& table);

}  // namespace beamgrid
