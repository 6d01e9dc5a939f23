// A table as text, in each of the formats.

#include <algorithm>
#include <map>
#include <ranges>

#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "registry/util/size_column.h"
#include "registry/util/text.h"
#include "reports/table.h"

namespace beamgrid {
namespace {

std::string Signed(double value) {
  const std::string text = FixedText(value, 4);
  return text.front() == '-' ? text : "+" + text;
}

std::string Thousands(std::int64_t value) {
  std::string text = std::to_string(value);
  for (std::ptrdiff_t at = std::ssize(text) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string MeanText(const TableRow& row, const std::string& plus_minus) {
  if (!row.mean) return "-";
  return FixedText(*row.mean, 4) + (row.std ? " " + plus_minus + " " + FixedText(*row.std, 4) : "");
}

std::string SeedsText(const TableRow& row) {
  const auto complete = std::ssize(row.seeds);
  const std::int64_t all = complete + row.missing_seeds;
  if (row.missing_seeds > 0) {
    return " (" + std::to_string(complete) + " of " +
           CountText(static_cast<std::size_t>(all), "seed") + ")";
  }
  return all == 1 ? "" : " (" + std::to_string(all) + " seeds)";
}

std::string ProbabilityText(double p) { return p < 0.001 ? "<0.001" : FixedText(p, 3); }

bool Has(const AblationTable& table, const std::string& column) {
  return std::find(table.columns.begin(), table.columns.end(), column) != table.columns.end();
}

std::string EffectText(const Estimate& effect) {
  if (!effect.interval) return Signed(effect.value);
  return Signed(effect.value) + " (" + Signed(effect.interval->low) + " .. " +
         Signed(effect.interval->high) + ")";
}

SizeColumn SizesOf(const AblationTable& table) {
  const auto smallest = std::ranges::min_element(table.rows, {}, &TableRow::size_bytes);
  return SizeColumn(smallest == table.rows.end() ? 0 : smallest->size_bytes);
}

/// Returns the headings as people read them.
std::vector<std::string> HeadingsOf(const AblationTable& table) {
  std::vector<std::string> headings = table.columns;
  std::ranges::replace(headings, std::string("size (MiB)"), SizesOf(table).heading());
  return headings;
}

/// Returns the cells as people read them, as many as there are columns.
std::vector<std::string> CellsOf(const AblationTable& table, const TableRow& row,
                                 const std::string& plus_minus) {
  std::vector<std::string> cells = {row.label, MeanText(row, plus_minus) + SeedsText(row),
                                    SizesOf(table).Cell(row.size_bytes),
                                    Thousands(row.parameters), row.delta ? Signed(*row.delta) : ""};
  if (Has(table, "p")) cells.push_back(row.p_value ? ProbabilityText(*row.p_value) : "");
  if (Has(table, "effect")) cells.push_back(row.effect ? EffectText(*row.effect) : "");
  // The last column, where there is one more, is the paper's.
  if (cells.size() < table.columns.size()) cells.push_back(row.reference_text);
  return cells;
}

/// Escapes is the characters that a format needs written otherwise.
using Escapes = std::map<char, std::string>;
std::string Escaped(const std::string& text, const Escapes& escapes) {
  std::string escaped;
  // First what no format knows: an escape sequence in a title. The backslash of its visible form is
  // escaped like any other.
  for (const char c : Printable(text)) {
    const auto found = escapes.find(c);
    escaped += found == escapes.end() ? std::string(1, c) : found->second;
  }
  return escaped;
}

const Escapes kMarkdown = {{'|', "\\|"}, {'\n', " "}};
const Escapes kHtml = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};
const Escapes kLatex = {
    {'&', "\\&"},
    {'%', "\\%"},
    {'$', "\\$"},
    {'#', "\\#"},
    {'_', "\\_"},
    {'{', "\\{"},
    {'}', "\\}"},
    {'~', "\\textasciitilde{}"},
    {'^', "\\textasciicircum{}"},
    {'\\', "\\textbackslash{}"},
    {'<', "$<$"},
    {'>', "$>$"},
    {'|', "\\textbar{}"},
    // An empty line would end the caption's paragraph, and with it the document.
    {'\n', " "}};

std::string Joined(const std::vector<std::string>& cells, const std::string& separator,
                   const Escapes& escapes) {
  return Join(cells, separator, [&](const std::string& cell) { return Escaped(cell, escapes); });
}

std::string Markdown(const AblationTable& table) {
  std::string text = "**" + Escaped(table.title, kMarkdown) + "**\n\n";
  text += "| " + Joined(HeadingsOf(table), " | ", kMarkdown) + " |\n|---|";
  for (std::size_t i = 1; i < table.columns.size(); ++i) text += "---:|";
  text += "\n";
  for (const TableRow& row : table.rows) {
    text += "| " + Joined(CellsOf(table, row, "±"), " | ", kMarkdown) + " |\n";
  }
  for (const std::string& note : table.notes) text += "\n" + Escaped(note, kMarkdown) + "\n";
  return text;
}

/// Renders the table without any package. Notes follow the table as one small paragraph.
std::string Latex(const AblationTable& table) {
  std::string text = "\\begin{table}\n\\caption{" + Escaped(table.title, kLatex) + "}\n";
  text += "\\begin{tabular}{l" + std::string(table.columns.size() - 1, 'r') + "}\n\\hline\n";
  text += Joined(HeadingsOf(table), " & ", kLatex) + " \\\\\n\\hline\n";
  for (const TableRow& row : table.rows) {
    std::vector<std::string> cells = CellsOf(table, row, "$\\pm$");
    // The mean's cell is made of digits and the sign only: escaping would undo the sign.
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool mean = i == 1;
      line += (i > 0 ? " & " : "") + (mean ? cells[i] : Escaped(cells[i], kLatex));
    }
    text += line + " \\\\\n";
  }
  text += "\\hline\n\\end{tabular}\n";
  if (!table.notes.empty()) {
    text += "\n{\\small " + Joined(table.notes, ". ", kLatex) + ".}\n";
  }
  return text + "\\end{table}\n";
}

std::string HtmlRow(const std::vector<std::string>& cells, const std::string& tag) {
  std::string text = "<tr>";
  for (const std::string& cell : cells) {
    text += "<" + tag + ">" + Escaped(cell, kHtml) + "</" + tag + ">";
  }
  return text + "</tr>\n";
}

/// Renders a fragment for a page, not a page.
std::string Html(const AblationTable& table) {
  std::string text = "<table>\n<caption>" + Escaped(table.title, kHtml) + "</caption>\n";
  text += "<thead>\n" + HtmlRow(HeadingsOf(table), "th") + "</thead>\n<tbody>\n";
  for (const TableRow& row : table.rows) text += HtmlRow(CellsOf(table, row, "±"), "td");
  text += "</tbody>\n</table>\n";
  for (const std::string& note : table.notes) text += "<p>" + Escaped(note, kHtml) + "</p>\n";
  return text;
}

template <typename Value>
boost::json::value Optional(const std::optional<Value>& value) {
  return value ? boost::json::value(*value) : boost::json::value();
}

std::string CsvText(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return Printable(text);
  return "\"" + Escaped(text, {{'"', "\"\""}}) + "\"";
}

std::string CsvNumber(const std::optional<double>& value) {
  return value ? CanonicalJson(*value) : "";
}

/// Renders full precision, one value a column: for programs. It has no notes, so that a p is of
/// seeds that were raced for is a column.
std::string Csv(const AblationTable& table) {
  const bool raced = table.raced && Has(table, "p");
  std::string text = "label," + table.metric + "_mean," + table.metric +
                     "_std,seeds,missing_seeds,size_bytes,parameters,delta,p_value,reference" +
                     (Has(table, "effect") ? ",effect,effect_low,effect_high" : "") +
                     (raced ? ",seeds_raced\n" : "\n");
  for (const TableRow& row : table.rows) {
    text += CsvText(row.label) + "," + CsvNumber(row.mean) + "," + CsvNumber(row.std) + "," +
            std::to_string(row.seeds.size()) + "," + std::to_string(row.missing_seeds) + "," +
            std::to_string(row.size_bytes) + "," + std::to_string(row.parameters) + "," +
            CsvNumber(row.delta) + "," + CsvNumber(row.p_value) + "," + CsvNumber(row.reference);
    if (Has(table, "effect")) {
      const auto& interval = row.effect ? row.effect->interval : std::nullopt;
      text += "," + (row.effect ? CanonicalJson(row.effect->value) : "") + "," +
              (interval ? CanonicalJson(interval->low) + "," + CanonicalJson(interval->high) : ",");
    }
    text += raced ? ",true\n" : "\n";
  }
  return text;
}

boost::json::value EffectJson(const std::optional<Estimate>& effect) {
  if (!effect) return nullptr;
  const auto& interval = effect->interval;
  return {{"value", effect->value},
          {"low", interval ? boost::json::value(interval->low) : nullptr},
          {"high", interval ? boost::json::value(interval->high) : nullptr}};
}

boost::json::object RowJson(const AblationTable& table, const TableRow& row) {
  boost::json::object metric = {{"mean", Optional(row.mean)},
                                {"std", Optional(row.std)},
                                {"seeds", row.seeds.size()},
                                {"missing_seeds", row.missing_seeds},
                                {"values", boost::json::array(row.seeds.begin(), row.seeds.end())}};
  boost::json::object json = {{"label", row.label},
                              {table.metric, metric},
                              {"size_bytes", row.size_bytes},
                              {"parameters", row.parameters},
                              {"delta", Optional(row.delta)},
                              {"p_value", Optional(row.p_value)},
                              {"reference", Optional(row.reference)}};
  if (Has(table, "effect")) json["effect"] = EffectJson(row.effect);
  return json;
}

std::string Json(const AblationTable& table) {
  const auto row_json = [&](const TableRow& row) { return RowJson(table, row); };
  const boost::json::object object = {
      {"title", table.title},
      {"columns", boost::json::array(table.columns.begin(), table.columns.end())},
      {"rows", JsonList(table.rows, row_json)},
      {"notes", boost::json::array(table.notes.begin(), table.notes.end())}};
  return CanonicalJson(object) + "\n";
}

using RenderFormat = std::string (*)(const AblationTable&);
const std::map<std::string, RenderFormat>& Formats() {
  static const std::map<std::string, RenderFormat> formats = {
      {"csv", Csv}, {"html", Html}, {"json", Json}, {"latex", Latex}, {"md", Markdown}};
  return formats;
}

}  // namespace

std::vector<std::string> RowCells(const AblationTable& table, const TableRow& row) {
  return CellsOf(table, row, "±");
}

std::string Render(const AblationTable& table, const std::string& format) {
  const auto found = Formats().find(format);
  if (found == Formats().end()) {
    throw UsageError("format '" + format + "' is not known; they are " +
                     Join(std::views::keys(Formats())));
  }
  return found->second(table);
}

}  // namespace beamgrid
