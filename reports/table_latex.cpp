// What a table's cells are in LaTeX, and its numbers as macros for prose.

#include <map>

#include "registry/util/small_numbers.h"
#include "registry/util/text.h"
#include "reports/sheet.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

/// Returns " (3 seeds)" or " (1 of 2)": why seeds are missing would widen the column, and stands
/// below the table.
std::string ShortSeeds(const AblationTable& table, const TableRow& row) {
  if (!HasTrials(row)) return "";
  if (row.missing_seeds == 0) return SeedsText(table, row);
  const auto complete = std::ssize(row.seeds);
  return " (" + std::to_string(complete) + " of " + std::to_string(complete + row.missing_seeds) +
         ")";
}

/// Returns the letters of a heading's or label's text that may stand in a macro's key.
std::string KeyText(const std::string& text) {
  std::string key;
  for (const char c : Escaped(text, {{' ', "-"}})) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '=' || c == '+' || c == '/';
    if (plain) key += c;
    if (c == '_') key += '-';
  }
  return key;
}

/// Returns the rows' keys. Labels that differ in what a key leaves out would have one and the same:
/// each of these has the number of its row behind it, and none the bare key.
std::vector<std::string> KeysOf(const AblationTable& table) {
  std::map<std::string, std::size_t> rows;
  for (const TableRow& row : table.rows) ++rows[KeyText(row.label)];
  std::vector<std::string> keys;
  for (const TableRow& row : table.rows) {
    std::string key = KeyText(row.label);
    if (rows[key] > 1) key += "-row" + std::to_string(keys.size() + 1);
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

std::string LatexMetric(const AblationTable& table, const TableRow& row) {
  if (!row.mean) return "\\textemdash{}" + ShortSeeds(table, row);
  std::string digits = VisibleText(*row.mean, table.decimals);
  if (row.std) digits += " +- " + VisibleText(*row.std, table.decimals);
  // In math mode: bold digits of text would bring a sign of a font that comes as a bitmap.
  const std::string number = IsBold(table, row)
                                 ? "{\\boldmath\\num[reset-math-version=false]{" + digits + "}}"
                                 : LatexNumber(digits);
  return number + ShortSeeds(table, row);
}

std::string LatexDifference(const AblationTable& table, const TableRow& row) {
  if (!row.delta) return "";
  return LatexNumber(SignedText(*row.delta, table.difference_decimals));
}

std::string LatexInterval(const AblationTable& table, const TableRow& row) {
  if (!row.delta || !row.difference) return "";
  const int decimals = table.difference_decimals;
  const ConfidenceInterval& interval = row.difference->interval;
  return "[" + LatexNumber(VisibleText(interval.low, decimals)) + ", " +
         LatexNumber(VisibleText(interval.high, decimals)) + "]";
}

std::string LatexCellOf(TableColumn column, const std::string& text, const AblationTable& table,
                        const TableRow& row) {
  if (column == TableColumn::kMetric) return LatexMetric(table, row);
  if (column == TableColumn::kDifference) return LatexDifference(table, row);
  if (column == TableColumn::kParameters && HasTrials(row)) {
    return LatexNumber(std::to_string(row.parameters));
  }
  if (column == TableColumn::kSpeed && row.examples_per_second) {
    return LatexNumber(FixedText(*row.examples_per_second, 0));
  }
  if (column == TableColumn::kP && row.p_corrected && *row.p_corrected < 0.001) {
    return "$<$" + LatexNumber("0.001");
  }
  const bool is_number = !text.empty() &&
                         text.find_first_not_of("0123456789.+-e") == std::string::npos &&
                         text.find_first_of("0123456789") != std::string::npos;
  const bool is_ours = column != TableColumn::kLabel && column != TableColumn::kReference;
  return is_number && is_ours ? LatexNumber(text) : "";
}

std::string LatexMacros(const AblationTable& table) {
  std::string text =
      "% \\beamgrid{LABEL/NUMBER} in prose, with \\usepackage{siunitx}\n"
      "\\providecommand{\\beamgrid}[1]{\\ifcsname beamgrid@#1\\endcsname\\csname "
      "beamgrid@#1\\endcsname\\else\\errmessage{beamgrid has no number #1}\\fi}\n";
  const auto define = [&](const std::string& key, const std::string& value) {
    text += "\\expandafter\\def\\csname beamgrid@" + key + "\\endcsname{" + value + "}\n";
  };
  const std::vector<std::string> keys = KeysOf(table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const TableRow& row = table.rows[i];
    const std::string label = keys[i] + "/";
    if (keys[i] != KeyText(row.label))
      text += "% " + keys[i] + ": " + Escaped(row.label, {{'\n', " "}}) + "\n";
    if (!row.fingerprints.empty()) text += "% trials " + Join(row.fingerprints, " ") + "\n";
    if (row.mean)
      define(label + KeyText(table.metric), LatexNumber(VisibleText(*row.mean, table.decimals)));
    if (row.std) define(label + "std", LatexNumber(VisibleText(*row.std, table.decimals)));
    define(label + "seeds", std::to_string(row.seeds.size()));
    if (HasTrials(row)) {
      define(label + "parameters", LatexNumber(std::to_string(row.parameters)));
    }
    if (row.delta) {
      define(label + "difference", LatexNumber(SignedText(*row.delta, table.difference_decimals)));
    }
    if (row.difference) {
      const ConfidenceInterval& interval = row.difference->interval;
      define(label + "low", LatexNumber(VisibleText(interval.low, table.difference_decimals)));
      define(label + "high", LatexNumber(VisibleText(interval.high, table.difference_decimals)));
    }
    if (row.p_corrected) define(label + "p", LatexText(ProbabilityText(*row.p_corrected)));
  }
  return text;
}

}  // namespace beamgrid
