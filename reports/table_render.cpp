// A table as text, in each of the formats.

#include <algorithm>
#include <map>
#include <ranges>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/sheet.h"
#include "reports/table.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

constexpr char kPlusMinus[] = "\xC2\xB1", kDaggerMark[] = "\xE2\x80\xA0";

/// Names the trials of a row, or of a cell.
std::string TrialsComment(const TableRow& row) {
  const bool known = std::ranges::any_of(
      row.fingerprints, [](const std::string& fingerprint) { return !fingerprint.empty(); });
  return known ? "trials " + Join(row.fingerprints, " ") : "";
}

SheetCell CrossCell(const AblationTable& table, const TableRow* cell) {
  if (cell == nullptr) return {.text = "-", .latex = "\\textemdash{}"};
  const std::string mark = cell->chosen ? std::string(" ") + kDaggerMark : "";
  return {.text = MetricText(table, *cell, kPlusMinus) + mark,
          .bold = IsBold(table, *cell),
          .latex = LatexMetric(table, *cell) + (mark.empty() ? "" : LatexText(kDaggerMark))};
}

SheetCell CrossDifference(const AblationTable& table, const TableRow& cell) {
  const std::string p =
      cell.p_corrected ? ", p " + ProbabilityText(*cell.p_corrected) : std::string();
  return {.text = DifferenceText(table, cell) + p,
          .latex = LatexDifference(table, cell),
          .latex_below = LatexInterval(table, cell) + LatexText(p)};
}

/// Returns the columns that have a second one, of differences.
std::vector<bool> WithDifferences(const AblationTable& table, const CrossLayout& layout) {
  std::vector<bool> has(layout.columns.size());
  if (table.cross_differences == AblationTable::CrossDifferences::kNone) return has;
  for (const auto& row : layout.cells) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (row[c] != nullptr && row[c]->delta) has[c] = true;
    }
  }
  return has;
}

void AddCrossCells(const AblationTable& table, const CrossLayout& layout, Sheet& sheet) {
  const std::vector<bool> differences = WithDifferences(table, layout);
  const auto of_differences =
      std::ranges::find(table.kinds, TableColumn::kDifference) - table.kinds.begin();
  for (std::size_t c = 0; c < layout.columns.size(); ++c) {
    sheet.headings.push_back(layout.columns[c]);
    if (!differences[c]) continue;
    sheet.headings.push_back(layout.columns[c] + ": " +
                             table.columns.at(static_cast<std::size_t>(of_differences)));
  }
  for (std::size_t r = 0; r < layout.rows.size(); ++r) {
    std::vector<SheetCell>& cells = sheet.rows.emplace_back();
    std::string& comment = sheet.comments.emplace_back();
    cells.push_back({layout.rows[r]});
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      const TableRow* cell = layout.cells[r][c];
      cells.push_back(CrossCell(table, cell));
      if (differences[c]) {
        cells.push_back(cell == nullptr ? SheetCell() : CrossDifference(table, *cell));
      }
      const std::string of_cell = cell == nullptr ? "" : TrialsComment(*cell);
      if (!comment.empty() && !of_cell.empty()) comment += "\n";
      comment += of_cell;
    }
  }
}

void AddRows(const AblationTable& table, Sheet& sheet) {
  sheet.headings = HeadingsOf(table);
  sheet.text_columns =
      static_cast<std::size_t>(std::ranges::count(table.kinds, TableColumn::kLabel));
  for (const TableRow& row : table.rows) {
    std::vector<SheetCell>& cells = sheet.rows.emplace_back();
    const std::vector<std::string> texts = CellsOf(table, row, kPlusMinus);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const TableColumn kind = table.kinds[i];
      cells.push_back({.text = texts[i],
                       .bold = IsBold(table, row) && kind == TableColumn::kMetric,
                       .latex = LatexCellOf(kind, texts[i], table, row)});
      if (kind == TableColumn::kDifference) cells.back().latex_below = LatexInterval(table, row);
    }
    sheet.comments.push_back(TrialsComment(row));
  }
}

}  // namespace

Sheet SheetOf(const AblationTable& table) {
  Sheet sheet{.title = table.title,
              .headings = {},
              .rows = {},
              .notes = NotesOf(table),
              .caption = CaptionOf(table)};
  if (const auto layout = CrossLayoutOf(table)) {
    sheet.headings.push_back(table.columns[0]);
    AddCrossCells(table, *layout, sheet);
    if (table.cross_differences != AblationTable::CrossDifferences::kNone) {
      for (const std::string& note : table.data_notes) sheet.notes.push_back(AsSentence(note));
    }
  } else {
    AddRows(table, sheet);
  }
  return sheet;
}

namespace {

std::string Markdown(const AblationTable& table) { return MarkdownOf(SheetOf(table)); }
std::string Html(const AblationTable& table) { return HtmlOf(SheetOf(table)); }

std::string Latex(const AblationTable& table) { return LatexOf(LatexSheetOf(table)); }

using RenderFormat = std::string (*)(const AblationTable&);
const std::map<std::string, RenderFormat>& Formats() {
  static const std::map<std::string, RenderFormat> formats = {
      {"csv", CsvTable}, {"html", Html},          {"json", JsonTable},
      {"latex", Latex},  {"macros", LatexMacros}, {"md", Markdown}};
  return formats;
}

}  // namespace

Sheet LatexSheetOf(const AblationTable& given) {
  AblationTable table = given;
  if (table.cross_differences == AblationTable::CrossDifferences::kOnScreens) {
    table.cross_differences = AblationTable::CrossDifferences::kNone;
  }
  Sheet sheet = SheetOf(table);
  // In the rows it would widen a column.
  for (const TableRow& row : table.rows) {
    if (row.missing.empty()) continue;
    sheet.notes.push_back((HasTrials(row) ? "Seeds that " + row.label + " lacks: "
                                          : "No number of " + row.label + ": ") +
                          row.missing + ".");
  }
  return sheet;
}

std::string Render(const AblationTable& table, const std::string& format) {
  const auto found = Formats().find(format);
  if (found == Formats().end()) {
    throw UsageError("format '" + format + "' is not known; they are " +
                     Join(std::views::keys(Formats())));
  }
  return found->second(table);
}

}  // namespace beamgrid
