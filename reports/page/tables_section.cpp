// Ablation tables: those that the recipe asks for, and one for each other criterion that varies.

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

PageTable PageTableOf(const TableFact& fact) {
  const AblationTable& table = fact.table;
  constexpr std::size_t kShownRows = 200;
  PageTable page{.caption = table.title};
  std::vector<std::string> headings = HeadingsOf(table);
  for (std::size_t i = 0; i < headings.size(); ++i) {
    const bool of_seeds = table.kinds[i] == TableColumn::kDifference && table.resamples == 0;
    if (of_seeds && headings[i] == "difference [95 %]") headings[i] = "difference [95 %, seeds]";
    page.columns.push_back((table.kinds[i] == TableColumn::kLabel ? "" : ">") + headings[i]);
  }
  for (const TableRow& row : table.rows) {
    if (page.rows.size() == kShownRows) break;
    std::vector<PageCell>& cells = page.rows.emplace_back();
    const std::vector<std::string> texts = CellsOf(table, row, "±");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      cells.push_back({texts[i]});
      cells.back().value = NumberOf(table.kinds[i], row);
      if (table.kinds[i] == TableColumn::kMetric && IsBold(table, row)) {
        cells.back().markup = Element("b", texts[i]);
      }
    }
  }
  if (table.rows.size() > kShownRows) {
    page.more = CountText(table.rows.size() - kShownRows, "more row") + ": `" + fact.command + "`.";
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
    section.Add(TableMarkup(PageTableOf(fact)));
    if (!fact.seeds_alone.empty()) section.Say(SeedsAloneText(fact.seeds_alone));
    std::vector<std::string> notes = NotesOf(fact.table);
    notes.insert(notes.begin(), CaptionOf(fact.table));
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
