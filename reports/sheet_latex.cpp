// Sheets for LaTeX.

#include <algorithm>
#include <numeric>
#include <regex>

#include "registry/util/text.h"
#include "reports/sheet.h"

namespace beamgrid {
namespace {

const Escapes kLatex = {
    {'&', "\\&"},
    {'%', "\\%"},
    // Not \\$, which is of a font that comes as a bitmap.
    {'$', "\\char36{}"},
    {'#', "\\#"},
    {'_', "\\_\\allowbreak{}"},
    {'{', "\\{"},
    {'}', "\\}"},
    {'~', "\\~{}"},
    {'^', "\\^{}"},
    {'\\', "\\textbackslash{}"},
    {'<', "\\textless{}"},
    {'>', "\\textgreater{}"},
    {'|', "\\textbar{}"},
    {'"', "''"},
    // An empty line would end the caption's paragraph, and with it the document.
    {'\n', " "}};

/// Characters that one of two columns, and a whole page, have room for.
constexpr std::size_t kColumnWidth = 60, kPageWidth = 90;

std::size_t WidthOf(const Sheet& sheet) {
  std::vector<std::size_t> widths;
  for (const std::string& heading : sheet.headings) widths.push_back(heading.size());
  for (const auto& row : sheet.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].text.size());
    }
  }
  constexpr std::size_t kBetween = 2;
  return std::accumulate(widths.begin(), widths.end(), kBetween * widths.size());
}

/// Returns the columns of tabularx: those of words break their lines, those of numbers do not.
std::string ColumnsOf(const Sheet& sheet) {
  std::string columns = "@{}";
  for (std::size_t i = 0; i < sheet.text_columns; ++i)
    columns += ">{\\raggedright\\arraybackslash}X";
  return columns + std::string(sheet.headings.size() - sheet.text_columns, 'r') + "@{}";
}

std::string LatexCell(const SheetCell& cell) {
  return cell.latex.empty() ? LatexText(cell.text) : cell.latex;
}

/// Returns what belongs in front of all rows but the first lines of the table.
std::string TitleText(const Sheet& sheet) {
  std::string title = LatexText(sheet.title);
  if (!title.empty() && title.back() != '.') title += ".";
  return title + sheet.caption;
}

/// Returns how many characters a cell shows, of its LaTeX without commands and their settings.
std::size_t ShownWidth(const SheetCell& cell) {
  if (cell.latex.empty()) return cell.text.size();
  static const std::regex command(R"(\\[a-zA-Z]+(\[[^\]]*\])?|[{}$])");
  return std::regex_replace(cell.latex, command, "").size();
}

}  // namespace

int LeastLatexWidth(const Sheet& sheet) {
  const bool is_small = WidthOf(sheet) > kPageWidth;
  const double character = is_small ? 3.9 : 4.3;  // of digits of cmr7 and cmr8, in points
  constexpr double kGap = 6, kLeastText = 40;
  double width = kGap * static_cast<double>(sheet.headings.size() - 1) +
                 kLeastText * static_cast<double>(sheet.text_columns);
  for (std::size_t i = sheet.text_columns; i < sheet.headings.size(); ++i) {
    std::size_t widest = sheet.headings[i].size();
    for (const auto& row : sheet.rows) widest = std::max(widest, ShownWidth(row[i]));
    width += character * static_cast<double>(widest);
  }
  return static_cast<int>(width);
}

std::string LatexText(const std::string& text) {
  std::string escaped = Escaped(text, kLatex);
  for (const auto& [sign, command] :
       {std::pair<std::string, std::string>("\xE2\x80\xA0", "\\ensuremath{\\dagger}"),
        {"\xC2\xB1", "\\ensuremath{\\pm}"},
        {"\xC3\x97", "\\ensuremath{\\times}"}}) {
    for (std::size_t at = 0; (at = escaped.find(sign, at)) != std::string::npos;) {
      escaped.replace(at, sign.size(), command);
    }
  }
  return escaped;
}

std::string LatexNumber(const std::string& digits) {
  if (digits.starts_with('+')) return "\\num[print-implicit-plus]{" + digits.substr(1) + "}";
  return "\\num{" + digits + "}";
}

std::string LatexOf(const Sheet& sheet) {
  // In one column table* is table.
  const std::size_t width = WidthOf(sheet);
  const std::string kind = width > kColumnWidth ? "table*" : "table";
  std::string text =
      "% needs \\usepackage{booktabs,siunitx,tabularx}\n"
      "\\begin{" +
      kind + "}\n\\centering" + (width > kPageWidth ? "\\scriptsize" : "\\footnotesize") +
      "\n"
      "\\sisetup{separate-uncertainty=true,group-digits=integer,group-separator={,},group-minimum-"
      "digits=4}\n"
      "\\setlength{\\tabcolsep}{3pt}\n"
      "\\caption{" +
      TitleText(sheet) + "}\n\\begin{tabularx}{\\linewidth}{" + ColumnsOf(sheet) + "}\n\\toprule\n";
  text += Join(sheet.headings, " & ", LatexText) + " \\\\\n\\midrule\n";
  for (std::size_t i = 0; i < sheet.rows.size(); ++i) {
    if (!sheet.comments.empty()) text += sheet.comments[i];
    text += Join(sheet.rows[i], " & ", LatexCell) + " \\\\\n";
  }
  text += "\\bottomrule\n\\end{tabularx}\n";
  if (!sheet.notes.empty()) {
    text += "\\par\\smallskip\\raggedright " + Join(sheet.notes, ". ", LatexText) + ".\n";
  }
  return text + "\\end{" + kind + "}\n";
}

}  // namespace beamgrid
