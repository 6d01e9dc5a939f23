// Which columns a table has, and their headings.

#include <algorithm>
#include <stdexcept>

#include "registry/util/text.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

bool IsOfPaper(const TableQuestion& question) { return question.layout == TableLayout::kPaper; }

std::vector<TableColumn> KindsOf(const std::vector<TableRow>& rows, const TableQuestion& question) {
  const std::size_t labels = rows.empty() ? 1 : std::max<std::size_t>(1, rows[0].stub.size());
  std::vector<TableColumn> kinds(labels, TableColumn::kLabel);
  kinds.push_back(TableColumn::kMetric);
  const auto is_asked = [&](TableColumn column) {
    return std::ranges::find(question.columns, column) != question.columns.end();
  };
  for (const auto& [column, word] : kOptionalColumns) {
    if (column != TableColumn::kProbability && is_asked(column)) kinds.push_back(column);
  }
  if (!IsOfPaper(question)) kinds.push_back(TableColumn::kDifference);
  if (is_asked(TableColumn::kProbability)) kinds.push_back(TableColumn::kProbability);
  if (!IsOfPaper(question)) {
    if (IsTested(rows)) kinds.push_back(TableColumn::kP);
    if (question.effects) kinds.push_back(TableColumn::kEffect);
  }
  if (question.reference.empty()) return kinds;
  kinds.push_back(TableColumn::kReference);
  if (std::ranges::any_of(
          rows, [](const TableRow& row) { return row.reference_difference.has_value(); })) {
    kinds.push_back(TableColumn::kReferenceDifference);
  }
  return kinds;
}

std::vector<std::string> LabelHeadings(const TableQuestion& question, const PaperTable& paper) {
  if (IsOfPaper(question) && !paper.columns.empty()) {
    return {paper.columns.begin(), paper.columns.end() - 1};
  }
  if (question.rows == TableRows::kLeaveOneOut || question.rows == TableRows::kSwapOne) {
    return {"part", "instead"};
  }
  if (!question.by.empty()) return {question.vary + " / " + question.by};
  return {question.vary.empty() ? "model" : question.vary};
}

std::string MetricHeading(const TableQuestion& question, const PaperTable& paper,
                          const AblationTable& table) {
  const bool papers = IsOfPaper(question) && !paper.columns.empty();
  const std::string heading = papers ? paper.columns.back() : FindMetric(table.metric)->heading;
  return heading +
         (table.common_seeds > 1 ? " (" + CountText(table.common_seeds, "seed") + ")" : "");
}

/// Returns the heading of any other column.
std::string HeadingOf(TableColumn kind, const AblationTable& table, const TableQuestion& question) {
  const bool intervals = std::ranges::any_of(
      table.rows, [](const TableRow& row) { return row.difference.has_value(); });
  switch (kind) {
    case TableColumn::kLabel:
    case TableColumn::kMetric:
      break;
    case TableColumn::kSize:
      return "size";
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
    case TableColumn::kProbability:
      return "P(better)";
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

}  // namespace

bool IsTested(const std::vector<TableRow>& rows) {
  return std::ranges::any_of(rows, [](const TableRow& row) { return row.p_value.has_value(); });
}

std::size_t CommonSeeds(const std::vector<TableRow>& rows) {
  std::size_t common = 0;
  for (const TableRow& row : rows) {
    const bool has_trials = !row.seeds.empty() || row.missing_seeds > 0;
    if (!has_trials) continue;
    if (!IsWhole(row) || (common > 0 && row.seeds.size() != common)) return 0;
    common = row.seeds.size();
  }
  return common;
}

void AddColumns(const TableQuestion& question, const PaperTable& paper, AblationTable& table) {
  table.kinds = KindsOf(table.rows, question);
  const std::vector<std::string> labels = LabelHeadings(question, paper);
  for (std::size_t i = 0; i < table.kinds.size(); ++i) {
    const TableColumn kind = table.kinds[i];
    if (kind == TableColumn::kLabel) {
      table.columns.push_back(labels.at(i));
    } else if (kind == TableColumn::kMetric) {
      table.columns.push_back(MetricHeading(question, paper, table));
    } else {
      table.columns.push_back(HeadingOf(kind, table, question));
    }
  }
}

}  // namespace beamgrid
