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

/// Sheet is a table's headings and cells, escaped, with marks around what may be the best.
struct Sheet {
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
};

struct Marks {
  const Escapes& escapes;
  const char* begin;
  const char* end;

  [[nodiscard]] std::string Of(const std::string& text, bool marked) const {
    const std::string escaped = Escaped(text, escapes);
    return marked ? begin + escaped + end : escaped;
  }
};

Sheet CrossSheet(const AblationTable& table, const CrossLayout& layout, const Marks& marks) {
  Sheet sheet{{marks.Of(table.columns[0], false)}, {}};
  for (const std::string& column : layout.columns)
    sheet.headings.push_back(marks.Of(column, false));
  for (std::size_t r = 0; r < layout.rows.size(); ++r) {
    std::vector<std::string>& cells = sheet.rows.emplace_back();
    cells.push_back(marks.Of(layout.rows[r], false));
    for (const TableRow* cell : layout.cells[r]) {
      cells.push_back(cell == nullptr ? ""
                                      : marks.Of(MetricText(table, *cell, kPlusMinus) +
                                                     (cell->chosen ? " \xE2\x80\xA0" : ""),
                                                 cell->among_best));
    }
  }
  return sheet;
}

Sheet SheetOf(const AblationTable& table, const Marks& marks) {
  if (const auto layout = CrossLayoutOf(table)) return CrossSheet(table, *layout, marks);
  Sheet sheet;
  for (const std::string& column : HeadingsOf(table))
    sheet.headings.push_back(marks.Of(column, false));
  for (const TableRow& row : table.rows) {
    std::vector<std::string> cells = CellsOf(table, row, kPlusMinus);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = marks.Of(cells[i], row.among_best && table.kinds[i] == TableColumn::kMetric);
    }
    sheet.rows.push_back(std::move(cells));
  }
  return sheet;
}

std::string Markdown(const AblationTable& table) {
  const Sheet sheet = SheetOf(table, {kMarkdown, "**", "**"});
  std::string text = "**" + Escaped(table.title, kMarkdown) + "**\n\n";
  text += "| " + Join(sheet.headings, " | ") + " |\n|---|";
  for (std::size_t i = 1; i < sheet.headings.size(); ++i) text += "---:|";
  text += "\n";
  for (const auto& row : sheet.rows) text += "| " + Join(row, " | ") + " |\n";
  for (const std::string& note : table.notes) text += "\n" + Escaped(note, kMarkdown) + "\n";
  return text;
}

std::string HtmlRow(const std::vector<std::string>& cells, const std::string& tag) {
  std::string text = "<tr>";
  for (const std::string& cell : cells) text += "<" + tag + ">" + cell + "</" + tag + ">";
  return text + "</tr>\n";
}

/// Renders a fragment for a page, not a page.
std::string Html(const AblationTable& table) {
  const Sheet sheet = SheetOf(table, {kHtml, "<strong>", "</strong>"});
  std::string text = "<table>\n<caption>" + Escaped(table.title, kHtml) + "</caption>\n";
  text += "<thead>\n" + HtmlRow(sheet.headings, "th") + "</thead>\n<tbody>\n";
  for (const auto& row : sheet.rows) text += HtmlRow(row, "td");
  text += "</tbody>\n</table>\n";
  for (const std::string& note : table.notes) {
    text += "<p>" + Escaped(note, kHtml) + "</p>\n";
  }
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
