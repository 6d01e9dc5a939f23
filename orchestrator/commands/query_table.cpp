#include "orchestrator/commands/query_table.h"

#include <algorithm>
#include <cmath>

#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Returns a cell for people and for CSV: text as it is, null as nothing.
std::string CellText(const boost::json::value& cell) {
  if (cell.is_null()) return "";
  if (cell.is_string()) return std::string(cell.get_string());
  // A sum of somebody's SQL may have no bounds; JSON has no word for that.
  const double* number = cell.if_double();
  if (number != nullptr && std::isinf(*number)) return *number > 0 ? "inf" : "-inf";
  return CanonicalJson(cell);
}

/// Returns a number as a terminal shows it: no more digits than anybody reads.
std::string ReadableNumber(const boost::json::value& cell) {
  constexpr std::size_t kReadable = 9;
  constexpr double kSmall = 1e-3, kLarge = 1e9;
  std::string exact = CellText(cell);
  const double* number = cell.if_double();
  if (number == nullptr || exact.size() <= kReadable) return exact;
  const double size = std::abs(*number);
  return size >= kSmall && size < kLarge ? FixedText(*number, 6) : exact;
}

std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

template <typename Cells, typename ToText>
void PrintCsvLine(std::ostream& out, const Cells& cells, ToText to_text) {
  const char* separator = "";
  for (const auto& cell : cells) {
    out << separator << CsvCell(to_text(cell));
    separator = ",";
  }
  out << "\n";
}

}  // namespace

void PrintTable(const CommandContext& context, const Store::Table& table, bool json) {
  if (json) {
    PrintJson(context.out, table.Objects());
  } else {
    PrintColumns(context.out, table);
  }
}

void PrintCsv(std::ostream& out, const Store::Table& table) {
  const Verbatim as_it_is(out);
  PrintCsvLine(out, table.columns, [](const std::string& name) { return name; });
  for (const auto& row : table.rows) PrintCsvLine(out, row, CellText);
}

void PrintColumns(std::ostream& out, const Store::Table& table,
                  const std::vector<std::string>& broken) {
  std::vector<std::string> headings = table.columns;
  for (std::size_t column = 0; column < headings.size(); ++column) {
    const bool numbers = std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
      return row[column].is_null() || row[column].is_number();
    });
    if (numbers && !table.rows.empty()) headings[column].insert(0, ">");
  }
  TextTable text(std::move(headings));
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const boost::json::value& cell : row) {
      const bool shown = cell.is_double() && TerminalWidth(out);
      cells.push_back(shown ? ReadableNumber(cell) : CellText(cell));
    }
    text.Add(std::move(cells));
  }
  text.BreakLines(broken);
  text.ColourStates();
  text.Print(out);
}

}  // namespace beamgrid
