#include "reports/table_cells.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "registry/util/size_column.h"
#include "registry/util/small_numbers.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

SizeColumn SizesOf(const AblationTable& table) {
  std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
  for (const TableRow& row : table.rows) {
    if (HasTrials(row) && row.size_bytes > 0) smallest = std::min(smallest, row.size_bytes);
  }
  return SizeColumn(smallest == std::numeric_limits<std::int64_t>::max() ? 0 : smallest);
}

std::string EffectText(const Estimate& effect) {
  constexpr int kDecimals = 4;
  if (!effect.interval) return SignedText(effect.value, kDecimals);
  return SignedText(effect.value, kDecimals) + " (" + SignedText(effect.interval->low, kDecimals) +
         " .. " + SignedText(effect.interval->high, kDecimals) + ")";
}

/// Returns "0.98"; what would read as certain or impossible is ">0.99" or "<0.01".
std::string ShareText(double share) {
  if (share >= 0.995) return ">0.99";
  return share < 0.005 ? "<0.01" : FixedText(share, 2);
}

std::string Rounded(const std::optional<double>& value, int decimals) {
  return value ? FixedText(*value, decimals) : "";
}

std::string CellOf(TableColumn column, const AblationTable& table, const TableRow& row,
                   const std::string& plus_minus) {
  switch (column) {
    case TableColumn::kLabel:
      return row.label;
    case TableColumn::kMetric:
      return MetricText(table, row, plus_minus);
    case TableColumn::kSize:
      return HasTrials(row) ? SizesOf(table).Cell(row.size_bytes) : "";
    case TableColumn::kParameters:
      return HasTrials(row) ? GroupedDigits(row.parameters) : "";
    case TableColumn::kSpeed:
      return row.examples_per_second ? GroupedDigits(std::llround(*row.examples_per_second)) : "";
    case TableColumn::kTime:
      return Rounded(row.seconds, 1);
    case TableColumn::kEpochs:
      return Rounded(row.epochs, 1);
    case TableColumn::kDifference:
      return DifferenceText(table, row);
    case TableColumn::kProbability:
      return row.difference && row.difference->above ? ShareText(*row.difference->above) : "";
    case TableColumn::kP:
      return row.p_corrected ? ProbabilityText(*row.p_corrected) : "";
    case TableColumn::kEffect:
      return row.effect ? EffectText(*row.effect) : "";
    case TableColumn::kReference:
      return row.reference_text;
    case TableColumn::kReferenceDifference:
      return row.reference_difference ? SignedText(*row.reference_difference, table.decimals) : "";
  }
  throw std::logic_error("a column without cells");
}

}  // namespace

std::string GroupedDigits(std::int64_t value) {
  std::string text = std::to_string(value);
  for (std::ptrdiff_t at = std::ssize(text) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string FewSeedsText(const AblationTable& table, std::size_t contest) {
  std::size_t least = kFewSeeds, most = 0;
  for (const TableRow& row : table.rows) {
    if (row.contest != contest || (!row.best && !row.p_best)) continue;
    least = std::min(least, row.compared_values);
    most = std::max(most, row.compared_values);
  }
  if (most < 2 || most > kFewSeeds) return "";
  return (least == most ? "" : std::to_string(least) + " to ") +
         (table.combinations > 1 ? CountText(most, "pair") + " of combination and seed"
                                 : CountText(most, "seed"));
}

bool TellsNothing(const AblationTable& table, std::size_t contest) {
  const bool told = std::ranges::any_of(table.rows, [contest](const TableRow& row) {
    return row.contest == contest && row.p_best && !row.among_best;
  });
  return !told && !FewSeedsText(table, contest).empty();
}

bool IsBold(const AblationTable& table, const TableRow& row) {
  return TellsNothing(table, row.contest) ? row.best : row.among_best;
}

bool HasTrials(const TableRow& row) { return !row.seeds.empty() || row.missing_seeds > 0; }

std::string MetricText(const AblationTable& table, const TableRow& row,
                       const std::string& plus_minus) {
  std::string text = row.mean ? VisibleText(*row.mean, table.decimals) : "-";
  if (row.std) text += " " + plus_minus + " " + VisibleText(*row.std, table.decimals);
  return text + SeedsText(table, row);
}

std::string DifferenceText(const AblationTable& table, const TableRow& row) {
  if (!row.delta) return "";
  const int decimals = table.difference_decimals;
  std::string text = SignedText(*row.delta, decimals);
  if (row.difference) {
    const ConfidenceInterval& interval = row.difference->interval;
    text += " [" + VisibleText(interval.low, decimals) + ", " +
            VisibleText(interval.high, decimals) + "]";
  }
  return text;
}

std::optional<CrossLayout> CrossLayoutOf(const AblationTable& table) {
  if (table.rows.empty() || !table.rows[0].cross) return std::nullopt;
  CrossLayout layout;
  const auto place_of = [](std::vector<std::string>& labels, const std::string& label) {
    const auto found = std::ranges::find(labels, label);
    const auto place = static_cast<std::size_t>(found - labels.begin());
    if (found == labels.end()) labels.push_back(label);
    return place;
  };
  for (const TableRow& cell : table.rows) {
    const std::size_t row = place_of(layout.rows, cell.cross->row);
    const std::size_t column = place_of(layout.columns, cell.cross->column);
    if (layout.cells.size() <= row) layout.cells.resize(row + 1);
    if (layout.cells[row].size() <= column) layout.cells[row].resize(column + 1);
    layout.cells[row][column] = &cell;
  }
  for (auto& row : layout.cells) row.resize(layout.columns.size());
  return layout;
}

std::vector<std::string> HeadingsOf(const AblationTable& table) {
  std::vector<std::string> headings = table.columns;
  for (std::size_t i = 0; i < headings.size(); ++i) {
    if (table.kinds[i] == TableColumn::kSize) headings[i] = SizesOf(table).heading();
  }
  return headings;
}

std::vector<std::string> CellsOf(const AblationTable& table, const TableRow& row,
                                 const std::string& plus_minus) {
  std::vector<std::string> cells;
  std::size_t labels = 0;
  for (const TableColumn column : table.kinds) {
    std::string cell = CellOf(column, table, row, plus_minus);
    if (column == TableColumn::kLabel) {
      if (!row.stub.empty()) cell = row.stub.at(labels);
      if (labels++ == 0 && row.chosen) cell += " \xE2\x80\xA0";
    }
    cells.push_back(std::move(cell));
  }
  return cells;
}

std::string ProbabilityText(double p) { return p < 0.001 ? "<0.001" : FixedText(p, 3); }

std::string SeedsText(const AblationTable& table, const TableRow& row) {
  if (!HasTrials(row)) return row.missing.empty() ? "" : " (" + row.missing + ")";
  if (table.common_seeds > 0) return "";
  const auto complete = std::ssize(row.seeds);
  const std::int64_t all = complete + row.missing_seeds;
  if (row.missing_seeds > 0) {
    return " (" + std::to_string(complete) + " of " +
           CountText(static_cast<std::size_t>(all), "seed") +
           (row.missing.empty() ? "" : ": " + row.missing) + ")";
  }
  // One seed is said beside rows of more: their mean is less chance.
  const bool all_have_one = std::ranges::all_of(
      table.rows, [](const TableRow& other) { return other.seeds.size() <= 1; });
  return all_have_one ? "" : " (" + CountText(static_cast<std::size_t>(all), "seed") + ")";
}

bool Has(const AblationTable& table, TableColumn column) {
  return std::ranges::find(table.kinds, column) != table.kinds.end();
}

}  // namespace beamgrid
