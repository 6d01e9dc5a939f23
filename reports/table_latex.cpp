// A table for LaTeX: booktabs, siunitx and tabularx, as Debian's texlive has them, compiled without
// a change in article, its two columns, IEEEtran and acmart (tests/slow/latex_test.cpp).

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "registry/util/text.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

constexpr char kDagger[] = "\xE2\x80\xA0";

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

std::string LatexText(const std::string& text) {
  std::string escaped = Escaped(text, kLatex);
  for (const auto& [sign, command] :
       {std::pair<std::string, std::string>(kDagger, "\\ensuremath{\\dagger}"),
        {"\xC2\xB1", "\\ensuremath{\\pm}"},
        {"\xC3\x97", "\\ensuremath{\\times}"}}) {
    for (std::size_t at = 0; (at = escaped.find(sign, at)) != std::string::npos;) {
      escaped.replace(at, sign.size(), command);
    }
  }
  return escaped;
}

std::string Number(const std::string& digits) { return "\\num{" + digits + "}"; }

/// Returns " (3 seeds)" or " (1 of 2)": why seeds are missing would widen the column, and stands
/// below the table.
std::string ShortSeeds(const AblationTable& table, const TableRow& row) {
  if (row.missing_seeds == 0) return SeedsText(table, row);
  const auto complete = std::ssize(row.seeds);
  return " (" + std::to_string(complete) + " of " + std::to_string(complete + row.missing_seeds) +
         ")";
}

std::string MetricCell(const AblationTable& table, const TableRow& row) {
  if (!row.mean) return "\\textemdash{}" + ShortSeeds(table, row);
  std::string digits = FixedText(*row.mean, table.decimals);
  if (row.std) digits += " +- " + FixedText(*row.std, table.decimals);
  // In math mode: bold digits of text would bring a sign of a font that comes as a bitmap.
  const std::string number = row.among_best
                                 ? "{\\boldmath\\num[reset-math-version=false]{" + digits + "}}"
                                 : Number(digits);
  return number + ShortSeeds(table, row);
}

std::string DifferenceCell(const AblationTable& table, const TableRow& row) {
  if (!row.delta) return "";
  const int decimals = table.difference_decimals;
  std::string cell = "\\num[print-implicit-plus]{" + FixedText(*row.delta, decimals) + "}";
  if (!row.difference) return cell;
  const ConfidenceInterval& interval = row.difference->interval;
  return cell + " [" + Number(FixedText(interval.low, decimals)) + ", " +
         Number(FixedText(interval.high, decimals)) + "]";
}

std::string CellOfLatex(TableColumn column, const std::string& text, const AblationTable& table,
                        const TableRow& row) {
  if (column == TableColumn::kMetric) return MetricCell(table, row);
  if (column == TableColumn::kDifference) return DifferenceCell(table, row);
  if (column == TableColumn::kParameters) return Number(std::to_string(row.parameters));
  if (column == TableColumn::kP && row.p_corrected && *row.p_corrected < 0.001) {
    return "$<$" + Number("0.001");
  }
  const bool is_number = !text.empty() &&
                         text.find_first_not_of("0123456789.+-") == std::string::npos &&
                         text.find_first_of("0123456789") != std::string::npos;
  const bool is_ours = column != TableColumn::kLabel && column != TableColumn::kReference;
  return is_number && is_ours
             ? (text.front() == '+' ? "\\num[print-implicit-plus]{" + text.substr(1) + "}"
                                    : Number(text))
             : LatexText(text);
}

/// Returns "8 trials, 3m05s of training." of all rows; empty where nothing is complete.
std::string ComputeText(const AblationTable& table) {
  double seconds = 0;
  std::size_t trials = 0;
  for (const TableRow& row : table.rows) {
    trials += row.seeds.size();
    seconds += row.seconds.value_or(0) * static_cast<double>(row.seeds.size());
  }
  if (trials == 0) return "";
  return " " + CountText(trials, "trial") + ", " +
         DurationText(std::chrono::seconds(std::llround(seconds))) + " of training.";
}

/// Says what the numbers are: how many seeds, what stands behind the sign, what they cost. The
/// notes say the rest.
std::string CaptionOf(const AblationTable& table) {
  std::string caption = LatexText(table.title);
  if (!caption.empty() && caption.back() != '.') caption += ".";
  const bool deviations =
      std::ranges::any_of(table.rows, [](const TableRow& row) { return row.std.has_value(); });
  if (deviations) {
    caption += " Mean and standard deviation " +
               (table.common_seeds > 0 ? "of " + CountText(table.common_seeds, "seed") + "."
                                       : "of the seeds.");
  }
  return caption + ComputeText(table);
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

/// Sheet is headings and cells in LaTeX, and the comment before each row.
struct LatexSheet {
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> comments;
};

std::string TrialsComment(const TableRow& row) {
  return row.fingerprints.empty() ? "" : "% trials " + Join(row.fingerprints, " ") + "\n";
}

LatexSheet LatexCrossSheet(const AblationTable& table, const CrossLayout& layout) {
  LatexSheet sheet{{LatexText(table.columns[0])}, {}, {}};
  for (const std::string& column : layout.columns) sheet.headings.push_back(LatexText(column));
  for (std::size_t r = 0; r < layout.rows.size(); ++r) {
    std::vector<std::string>& cells = sheet.rows.emplace_back();
    std::string& comment = sheet.comments.emplace_back();
    cells.push_back(LatexText(layout.rows[r]));
    for (const TableRow* cell : layout.cells[r]) {
      cells.push_back(cell == nullptr ? "" : MetricCell(table, *cell));
      if (cell == nullptr) continue;
      if (cell->chosen) cells.back() += LatexText(kDagger);
      comment += TrialsComment(*cell);
    }
  }
  return sheet;
}

LatexSheet LatexSheetOf(const AblationTable& table) {
  if (const auto layout = CrossLayoutOf(table)) return LatexCrossSheet(table, *layout);
  LatexSheet sheet;
  for (const std::string& column : HeadingsOf(table)) sheet.headings.push_back(LatexText(column));
  for (const TableRow& row : table.rows) {
    std::vector<std::string> cells = CellsOf(table, row, "");
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = CellOfLatex(table.kinds[i], cells[i], table, row);
    }
    sheet.rows.push_back(std::move(cells));
    sheet.comments.push_back(TrialsComment(row));
  }
  return sheet;
}

/// Characters that one of two columns, and a whole page, have room for.
constexpr std::size_t kColumnWidth = 60, kPageWidth = 90;

std::size_t WidthOf(const AblationTable& table) {
  std::vector<std::size_t> widths;
  for (const std::string& column : table.columns) widths.push_back(column.size());
  for (const TableRow& row : table.rows) {
    const std::vector<std::string> cells = CellsOf(table, row, "+");
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  constexpr std::size_t kBetween = 2;
  return std::accumulate(widths.begin(), widths.end(), kBetween * widths.size());
}

}  // namespace

std::string LatexTable(const AblationTable& table) {
  const LatexSheet sheet = LatexSheetOf(table);
  // In one column table* is table.
  const std::size_t width = WidthOf(table);
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
      CaptionOf(table) + "}\n\\begin{tabularx}{\\linewidth}{@{}>{\\raggedright\\arraybackslash}X" +
      std::string(sheet.headings.size() - 1, 'r') + "@{}}\n\\toprule\n";
  text += Join(sheet.headings, " & ") + " \\\\\n\\midrule\n";
  for (std::size_t i = 0; i < sheet.rows.size(); ++i) {
    text += sheet.comments[i] + Join(sheet.rows[i], " & ") + " \\\\\n";
  }
  text += "\\bottomrule\n\\end{tabularx}\n";
  std::vector<std::string> notes = table.notes;
  for (const TableRow& row : table.rows) {
    if (!row.missing.empty()) notes.push_back(row.label + " lacks seeds: " + row.missing);
  }
  if (!notes.empty()) {
    text += "\\par\\smallskip\\raggedright " + Join(notes, ". ", LatexText) + ".\n";
  }
  return text + "\\end{" + kind + "}\n";
}

std::string LatexMacros(const AblationTable& table) {
  std::string text =
      "% \\beamgrid{LABEL/NUMBER} in prose, with \\usepackage{siunitx}\n"
      "\\providecommand{\\beamgrid}[1]{\\ifcsname beamgrid@#1\\endcsname\\csname "
      "beamgrid@#1\\endcsname\\else\\errmessage{beamgrid has no number #1}\\fi}\n";
  const auto define = [&](const std::string& key, const std::string& value) {
    text += "\\expandafter\\def\\csname beamgrid@" + key + "\\endcsname{" + value + "}\n";
  };
  for (const TableRow& row : table.rows) {
    const std::string label = KeyText(row.label) + "/";
    if (!row.fingerprints.empty()) text += "% trials " + Join(row.fingerprints, " ") + "\n";
    if (row.mean)
      define(label + KeyText(table.metric), Number(FixedText(*row.mean, table.decimals)));
    if (row.std) define(label + "std", Number(FixedText(*row.std, table.decimals)));
    define(label + "seeds", std::to_string(row.seeds.size()));
    define(label + "parameters", Number(std::to_string(row.parameters)));
    if (row.delta) {
      define(label + "difference", "\\num[print-implicit-plus]{" +
                                       FixedText(*row.delta, table.difference_decimals) + "}");
    }
    if (row.difference) {
      const ConfidenceInterval& interval = row.difference->interval;
      define(label + "low", Number(FixedText(interval.low, table.difference_decimals)));
      define(label + "high", Number(FixedText(interval.high, table.difference_decimals)));
    }
    if (row.p_corrected) define(label + "p", LatexText(ProbabilityText(*row.p_corrected)));
  }
  return text;
}

}  // namespace beamgrid
