// What was searched: each criterion with the methods that the study tried.

#include <algorithm>

#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/table_label.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

void AddOnce(std::vector<std::string>& texts, const std::string& text) {
  if (std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
}

/// Returns the methods of one criterion in our words: components, extras, training settings that
/// differ.
std::vector<std::string> MethodsOf(const std::string& criterion,
                                   const std::vector<Variation>& models,
                                   const Catalogue& catalogue) {
  const Varied whole{.criterion = criterion, .extra = {}, .names = {}};
  const std::vector<std::string> labels = LabelsOn(whole, models, catalogue);
  std::vector<std::string> methods;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (criterion != "extras") {
      AddOnce(methods, labels[i]);
      continue;
    }
    for (const auto& [extra, options] : models[i].model->extras) AddOnce(methods, extra);
  }
  // A criterion that every model leaves as it is was not searched.
  const bool is_default = methods.size() == 1 &&
                          (methods[0] == "defaults" || methods[0] == DefaultComponent(criterion));
  if (is_default) methods.clear();
  return methods;
}

void AddRow(const std::string& criterion, const std::vector<std::string>& methods,
            AblationTable& table) {
  if (methods.empty()) return;
  TableRow& row = table.rows.emplace_back();
  row.label = criterion;
  row.stub = {criterion, Join(methods)};
}

void AddPapersRows(const std::vector<Variation>& models, const TableQuestion& question,
                   const PaperTable& paper, AblationTable& table) {
  std::vector<std::string> criteria, missing;
  for (const PaperRow& row : paper.rows) AddOnce(criteria, row.cells.at(0));
  for (const std::string& criterion : criteria) {
    std::vector<std::string> methods;
    for (const PaperRow& row : paper.rows) {
      if (row.cells.at(0) != criterion) continue;
      const bool is_there = std::ranges::any_of(
          models, [&](const Variation& model) { return IsAbout(row, model.model, ""); });
      (is_there ? methods : missing).push_back(row.row);
    }
    AddRow(criterion, methods, table);
  }
  if (!missing.empty()) {
    table.notes.push_back("no model of the study has what " + question.reference +
                          " lists: " + Join(missing));
  }
}

}  // namespace

AblationTable MakeCriteriaTable(const std::vector<Variation>& models, const TableQuestion& question,
                                const Catalogue& catalogue, const PaperTable& paper) {
  AblationTable table{.title = question.title,
                      .metric = question.metric,
                      .columns = {"criterion", "methods"},
                      .kinds = {TableColumn::kLabel, TableColumn::kLabel}};
  if (table.title.empty()) table.title = question.study + ": criteria";
  if (question.reference.empty()) {
    for (const std::string& criterion : AllCriteria()) {
      AddRow(criterion, MethodsOf(criterion, models, catalogue), table);
    }
  } else {
    const bool fits =
        std::ranges::all_of(paper.rows, [](const PaperRow& row) { return !row.cells.empty(); });
    if (!fits || paper.columns.size() != 2) {
      throw UsageError("reference = '" + question.reference +
                       "' is no table of criteria and methods, as kim18/4 is");
    }
    table.columns = paper.columns;
    AddPapersRows(models, question, paper, table);
  }
  const auto whole =
      std::ranges::count_if(models, [](const Variation& model) { return !model.values.empty(); });
  table.notes.push_back(CountText(models.size(), "model") + " of these methods, of which " +
                        std::to_string(whole) + " are measured");
  return table;
}

}  // namespace beamgrid
