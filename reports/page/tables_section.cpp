// Ablation tables: those that the recipe asks for, and one for each other criterion that varies.

#include <cstdlib>

#include "registry/util/text.h"
#include "reports/page/section.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

/// Returns the number that a column of texts is sorted by; nothing: by the texts.
std::optional<double> NumberOf(TableColumn column, const TableRow& row) {
  if (column == TableColumn::kMetric) return row.mean;
  if (column == TableColumn::kSize) return static_cast<double>(row.size_bytes);
  if (column == TableColumn::kParameters) return static_cast<double>(row.parameters);
  if (column == TableColumn::kDifference) return row.delta;
  return std::nullopt;
}

/// Returns the number that a text begins with, as "+0.0103 [0.0065, 0.0138]" does.
std::optional<double> LeadingNumber(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return end == text.c_str() ? std::nullopt : std::optional(number);
}

PageCell MaybeBold(PageCell cell, bool bold) {
  if (bold) cell.markup = Element("b", cell.text);
  return cell;
}

/// Returns a table of rows and columns as `beamgrid table` shows it.
PageTable CrossedTableOf(const Sheet& sheet) {
  PageTable page{.caption = sheet.title};
  for (const std::string& heading : sheet.headings) {
    page.columns.push_back((page.columns.empty() ? "" : ">") + heading);
  }
  for (const std::vector<SheetCell>& row : sheet.rows) {
    std::vector<PageCell>& cells = page.rows.emplace_back();
    for (const SheetCell& cell : row) {
      const auto value = cells.empty() ? std::nullopt : LeadingNumber(cell.text);
      cells.push_back(MaybeBold({cell.text, value}, cell.bold));
    }
  }
  return page;
}

/// Returns a table whose rows have one number each.
PageTable ListedTableOf(const AblationTable& table) {
  PageTable page{.caption = table.title};
  std::vector<std::string> headings = HeadingsOf(table);
  for (std::size_t i = 0; i < headings.size(); ++i) {
    const bool of_seeds = table.kinds[i] == TableColumn::kDifference && table.resamples == 0;
    if (of_seeds && headings[i] == "difference [95 %]") headings[i] = "difference [95 %, seeds]";
    page.columns.push_back((table.kinds[i] == TableColumn::kLabel ? "" : ">") + headings[i]);
  }
  for (const TableRow& row : table.rows) {
    std::vector<PageCell>& cells = page.rows.emplace_back();
    const std::vector<std::string> texts = CellsOf(table, row, "±");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const TableColumn kind = table.kinds[i];
      cells.push_back(MaybeBold({texts[i], NumberOf(kind, row)},
                                kind == TableColumn::kMetric && IsBold(table, row)));
    }
  }
  return page;
}

PageTable PageTableOf(const TableFact& fact, const Sheet& sheet) {
  constexpr std::size_t kShownRows = 200;
  PageTable page = CrossLayoutOf(fact.table) ? CrossedTableOf(sheet) : ListedTableOf(fact.table);
  if (page.rows.size() > kShownRows) {
    page.more = CountText(page.rows.size() - kShownRows, "more row") + ": `" + fact.command + "`.";
    page.rows.resize(kShownRows);
  }
  return page;
}

}  // namespace

std::string SeedsAloneText(const std::string& why) {
  return "Over seeds on these validation videos only; other videos were not asked: " + why + ".";
}

PageSection TablesSection(const StudyFacts& facts) {
  PageSection section{"tables", "Ablation tables", {}};
  for (const TableFact& fact : facts.tables) {
    const Sheet sheet = SheetOf(fact.table);
    section.Add(TableMarkup(PageTableOf(fact, sheet)));
    if (!fact.seeds_alone.empty()) section.Say(SeedsAloneText(fact.seeds_alone));
    std::vector<std::string> notes = sheet.notes;
    notes.insert(notes.begin(), sheet.caption);
    for (const std::string& remark : fact.table.remarks) notes.push_back(AsSentence(remark));
    section.Add(BulletList(notes, "note"));
  }
  for (const std::string& why : facts.no_tables) section.Note("A table could not be made: " + why);
  if (facts.tables.empty() && facts.no_tables.empty()) {
    section.Say("There is nothing to compare: the study's models differ in no part.");
  }
  return section;
}

}  // namespace beamgrid
