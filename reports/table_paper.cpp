// Rows in the order and words of a paper's table.

#include <algorithm>

#include "registry/util/text.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

/// Returns the row that is the paper's: the one variant that meets its conditions, or one without
/// trials that says why there is none. `taken`: those that are rows already.
Variation RowOfPaper(const PaperRow& paper, const ChosenRows& rows, const std::string& criterion,
                     std::vector<bool>& taken) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < rows.variants.size(); ++i) {
    if (!taken[i] && IsAbout(paper, rows.variants[i].model, criterion)) found.push_back(i);
  }
  if (found.size() == 1) {
    taken[found[0]] = true;
    return rows.variants[found[0]];
  }
  Variation none;
  if (!found.empty()) {
    std::vector<std::string> labels;
    for (const std::size_t i : found) labels.push_back(rows.labels[i]);
    none.why_none = std::to_string(found.size()) + " models are it: " + JoinFirst(labels, 3);
  } else {
    none.why_none = paper.note.empty() ? "the study has no such model" : paper.note;
  }
  return none;
}

}  // namespace

ChosenRows InPapersLayout(ChosenRows rows, const PaperTable& paper, const std::string& criterion) {
  std::vector<bool> taken(rows.variants.size());
  ChosenRows ordered{.variants = {},
                     .labels = {},
                     .notes = std::move(rows.notes),
                     .elsewhere = std::move(rows.elsewhere),
                     .groups = rows.groups,
                     .combinations = rows.combinations};
  for (const PaperRow& row : paper.rows) {
    ordered.variants.push_back(RowOfPaper(row, rows, criterion, taken));
    ordered.labels.push_back(row.row);
    ordered.stubs.push_back(row.cells.empty() ? std::vector{row.row} : row.cells);
  }
  std::vector<std::string> others;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (!taken[i]) others.push_back(rows.labels[i]);
  }
  if (!others.empty()) {
    ordered.notes.push_back("the paper's table has no row for " + JoinFirst(others, 6));
  }
  return ordered;
}

}  // namespace beamgrid
