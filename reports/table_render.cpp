// A table as text, in each of the formats.

#include <map>
#include <ranges>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/table.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

constexpr char kPlusMinus[] = "\xC2\xB1";

const Escapes kMarkdown = {{'|', "\\|"}, {'\n', " "}};
const Escapes kHtml = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

/// Returns the row's cells, escaped, the metric of those that may be the best between the marks.
std::vector<std::string> Marked(const AblationTable& table, const TableRow& row,
                                const Escapes& escapes, const std::string& begin,
                                const std::string& end) {
  std::vector<std::string> cells = CellsOf(table, row, kPlusMinus);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = Escaped(cells[i], escapes);
    if (row.among_best && table.kinds[i] == TableColumn::kMetric) cells[i] = begin + cells[i] + end;
  }
  return cells;
}

std::string Markdown(const AblationTable& table) {
  const auto escaped = [](const std::string& text) { return Escaped(text, kMarkdown); };
  std::string text = "**" + escaped(table.title) + "**\n\n";
  text += "| " + Join(table.columns, " | ", escaped) + " |\n|---|";
  for (std::size_t i = 1; i < table.columns.size(); ++i) text += "---:|";
  text += "\n";
  for (const TableRow& row : table.rows) {
    text += "| " + Join(Marked(table, row, kMarkdown, "**", "**"), " | ") + " |\n";
  }
  for (const std::string& note : table.notes) text += "\n" + escaped(note) + "\n";
  return text;
}

std::string HtmlRow(const std::vector<std::string>& cells, const std::string& tag) {
  std::string text = "<tr>";
  for (const std::string& cell : cells) text += "<" + tag + ">" + cell + "</" + tag + ">";
  return text + "</tr>\n";
}

/// Renders a fragment for a page, not a page.
std::string Html(const AblationTable& table) {
  const auto escaped = [](const std::string& text) { return Escaped(text, kHtml); };
  std::vector<std::string> headings;
  for (const std::string& column : table.columns) headings.push_back(escaped(column));
  std::string text = "<table>\n<caption>" + escaped(table.title) + "</caption>\n";
  text += "<thead>\n" + HtmlRow(headings, "th") + "</thead>\n<tbody>\n";
  for (const TableRow& row : table.rows) {
    text += HtmlRow(Marked(table, row, kHtml, "<strong>", "</strong>"), "td");
  }
  text += "</tbody>\n</table>\n";
  for (const std::string& note : table.notes) text += "<p>" + escaped(note) + "</p>\n";
  return text;
}

using RenderFormat = std::string (*)(const AblationTable&);
const std::map<std::string, RenderFormat>& Formats() {
  static const std::map<std::string, RenderFormat> formats = {
      {"csv", CsvTable},     {"html", Html},          {"json", JsonTable},
      {"latex", LatexTable}, {"macros", LatexMacros}, {"md", Markdown}};
  return formats;
}

}  // namespace

std::string Render(const AblationTable& table, const std::string& format) {
  const auto found = Formats().find(format);
  if (found == Formats().end()) {
    throw UsageError("format '" + format + "' is not known; they are " +
                     Join(std::views::keys(Formats())));
  }
  return found->second(table);
}

}  // namespace beamgrid
