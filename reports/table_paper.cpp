// Rows in the order and words of a paper's table.

#include <algorithm>

#include "registry/util/text.h"
#include "reports/table_parts.h"
#include "search/condition.h"

namespace beamgrid {

std::vector<PaperMatch> MatchPaper(const ChosenRows& rows, const PaperTable& paper,
                                   const std::string& criterion) {
  std::vector<bool> taken(rows.variants.size());
  std::vector<PaperMatch> matches;
  for (const PaperRow& row : paper.rows) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < rows.variants.size(); ++i) {
      if (!taken[i] && IsAbout(row, rows.variants[i].model, criterion)) found.push_back(i);
    }
    PaperMatch& match = matches.emplace_back();
    match.several = found.size() > 1;
    if (found.size() == 1) {
      taken[found[0]] = true;
      match.row = found[0];
    } else if (match.several) {
      std::vector<std::string> labels;
      for (const std::size_t i : found) labels.push_back(rows.labels[i]);
      match.why_none = std::to_string(found.size()) + " models are it: " + JoinFirst(labels, 3);
    } else {
      match.why_none = row.note.empty() ? "the study has no such model" : row.note;
    }
  }
  return matches;
}

std::string DoesNotFit(const TableQuestion& question, const PaperTable& paper,
                       const std::string& criterion) {
  if (criterion.empty()) return "";
  std::vector<std::string> criteria;
  for (const PaperRow& row : paper.rows) {
    for (const Condition& condition : ParseConditions(row.spec)) {
      if (condition.criterion == criterion) return "";
      if (std::ranges::find(criteria, condition.criterion) == criteria.end()) {
        criteria.push_back(condition.criterion);
      }
    }
  }
  if (criteria.empty()) return "";
  return "vary = '" + question.vary + "' does not fit " + question.reference +
         ", whose rows differ in " + Join(criteria) + ": none of them is about " + criterion;
}

ChosenRows InPapersLayout(ChosenRows rows, const PaperTable& paper, const std::string& criterion) {
  const std::vector<PaperMatch> matches = MatchPaper(rows, paper, criterion);
  std::vector<bool> taken(rows.variants.size());
  ChosenRows ordered{.variants = {},
                     .labels = {},
                     .notes = std::move(rows.notes),
                     .elsewhere = std::move(rows.elsewhere),
                     .groups = rows.groups,
                     .combinations = rows.combinations};
  for (std::size_t p = 0; p < matches.size(); ++p) {
    const PaperRow& row = paper.rows[p];
    if (matches[p].row) taken[*matches[p].row] = true;
    ordered.variants.push_back(matches[p].row ? rows.variants[*matches[p].row] : Variation());
    if (!matches[p].row) ordered.variants.back().why_none = matches[p].why_none;
    ordered.labels.push_back(row.row);
    ordered.stubs.push_back(row.cells.empty() ? std::vector{row.row} : row.cells);
  }
  std::vector<std::string> others;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (taken[i]) continue;
    others.push_back(rows.labels[i]);
    ordered.unlisted.push_back(std::move(rows.variants[i]));
  }
  if (!others.empty()) {
    ordered.notes.push_back("the paper's table has no row for " + JoinFirst(others, 6));
  }
  return ordered;
}

}  // namespace beamgrid
