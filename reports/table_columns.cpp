// Which columns a table has, and their headings.

#include <algorithm>
#include <stdexcept>

#include "registry/util/text.h"
#include "reports/table_parts.h"

namespace beamgrid {

bool IsTested(const std::vector<TableRow>& rows) {
  return std::ranges::any_of(rows, [](const TableRow& row) { return row.p_value.has_value(); });
}

std::vector<TableColumn> KindsOf(const std::vector<TableRow>& rows, const TableQuestion& question) {
  std::vector<TableColumn> kinds = {TableColumn::kLabel, TableColumn::kMetric};
  for (const auto& [column, word] : kOptionalColumns) {
    if (std::ranges::find(question.columns, column) != question.columns.end()) {
      kinds.push_back(column);
    }
  }
  kinds.push_back(TableColumn::kDifference);
  if (IsTested(rows)) kinds.push_back(TableColumn::kP);
  if (question.effects) kinds.push_back(TableColumn::kEffect);
  if (question.reference.empty()) return kinds;
  kinds.push_back(TableColumn::kReference);
  if (std::ranges::any_of(
          rows, [](const TableRow& row) { return row.reference_difference.has_value(); })) {
    kinds.push_back(TableColumn::kReferenceDifference);
  }
  return kinds;
}

std::size_t CommonSeeds(const std::vector<TableRow>& rows) {
  for (const TableRow& row : rows) {
    if (!IsWhole(row) || row.seeds.size() != rows[0].seeds.size()) return 0;
  }
  return rows.empty() ? 0 : rows[0].seeds.size();
}

std::string HeadingOf(TableColumn kind, const AblationTable& table, const TableQuestion& question) {
  const bool intervals = std::ranges::any_of(
      table.rows, [](const TableRow& row) { return row.difference.has_value(); });
  switch (kind) {
    case TableColumn::kLabel:
      if (!question.by.empty()) return question.vary + " / " + question.by;
      return question.vary.empty() ? "model" : question.vary;
    case TableColumn::kMetric:
      return FindMetric(table.metric)->heading +
             (table.common_seeds > 1 ? " (" + CountText(table.common_seeds, "seed") + ")" : "");
    case TableColumn::kSize:
      return "size (MiB)";
    case TableColumn::kParameters:
      return "parameters";
    case TableColumn::kSpeed:
      return "examples/s";
    case TableColumn::kTime:
      return "time (s)";
    case TableColumn::kEpochs:
      return "epochs";
    case TableColumn::kDifference:
      return intervals ? "difference [95 %]" : "difference";
    case TableColumn::kP:
      return "p";
    case TableColumn::kEffect:
      return "effect";
    case TableColumn::kReference:
      return question.reference;
    case TableColumn::kReferenceDifference:
      return "ours - theirs";
  }
  throw std::logic_error("a column without a heading");
}

}  // namespace beamgrid
