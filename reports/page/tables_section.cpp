// Ablation tables: those that the recipe asks for, and one for each other criterion that varies.

#include "registry/util/text.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

PageTable PageTableOf(const AblationTable& table, const std::string& study) {
  constexpr std::size_t kShownRows = 200;
  PageTable page{.caption = table.title};
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    page.columns.push_back((i > 0 ? ">" : "") + table.columns[i]);
  }
  for (const TableRow& row : table.rows) {
    if (page.rows.size() == kShownRows) break;
    std::vector<PageCell>& cells = page.rows.emplace_back();
    for (const std::string& text : RowCells(table, row)) cells.push_back({text});
    // Sorted by the numbers themselves.
    cells[1].value = row.mean;
    cells[2].value = static_cast<double>(row.size_bytes);
    cells[3].value = static_cast<double>(row.parameters);
    cells[4].value = row.delta;
  }
  if (table.rows.size() > kShownRows) {
    page.more = CountText(table.rows.size() - kShownRows, "more row") + ": `beamgrid table " +
                study + (table.columns[0] == "model" ? "" : " --vary " + table.columns[0]) + "`.";
  }
  return page;
}

}  // namespace

PageSection TablesSection(const StudyFacts& facts) {
  PageSection section{"tables", "Ablation tables", {}};
  for (const AblationTable& table : facts.tables) {
    section.Add(TableMarkup(PageTableOf(table, facts.study.name)));
    section.Add(BulletList(table.notes, "note"));
  }
  for (const std::string& why : facts.no_tables) section.Note("A table could not be made: " + why);
  if (facts.tables.empty() && facts.no_tables.empty()) {
    section.Say("There is nothing to compare: the study's models differ in no part.");
  }
  return section;
}

}  // namespace beamgrid
