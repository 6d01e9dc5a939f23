// Sheets for LaTeX.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <regex>
#include <string_view>

#include "registry/util/text.h"
#include "registry/util/utf8.h"
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

/// Returns the code of a well-formed character.
std::uint32_t CodeOf(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  std::uint32_t code = byte(0) & (0xFFU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(i) & 0x3FU);
  return code;
}

/// Whether any document has it: Latin letters, dashes, quotation marks, the dagger, the ellipsis.
bool IsInAnyFont(std::uint32_t code) {
  constexpr std::uint32_t kLatinEnd = 0x180;
  constexpr std::uint32_t kSigns[] = {0x2013, 0x2014, 0x2018, 0x2019,
                                      0x201C, 0x201D, 0x2020, 0x2026};
  return code < kLatinEnd || std::ranges::find(kSigns, code) != std::end(kSigns);
}

/// Returns a text in which a letter that pdfTeX may not have (a Greek or Chinese one, an emoji)
/// gives way to its number where the document declares none; LuaTeX and XeTeX ask their font.
std::string WithAnyLetter(const std::string& text) {
  std::string made;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = std::max<std::size_t>(1, CharacterBytes(text.substr(i, 4)));
    const std::string letter = text.substr(i, bytes);
    i += bytes;
    const std::uint32_t code = CodeOf(letter);
    if (IsInAnyFont(code)) {
      made += letter;
      continue;
    }
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), "U+%04X", static_cast<unsigned>(code));
    made += "\\ifdefined\\Umathchar " + letter + "\\else\\ifcsname u8:\\detokenize{" + letter +
            "}\\endcsname " + letter + "\\else " + number.data() + "\\fi\\fi{}";
  }
  return made;
}

/// Widths in points that a table may take: one of two columns, which article has narrower than
/// others.
constexpr double kColumnWidth = 200;
constexpr double kGap = 6;  ///< between two columns
/// What a column of words has at least, where they are longer: lines of one word read badly.
constexpr double kComfortable = 76;

/// Font is a size of letters.
struct Font {
  const char* command;
  double
      scale;  ///< to 10 points, of digits of Computer Modern, than which other fonts are narrower
};
constexpr Font kFonts[] = {{"\\footnotesize", 0.85}, {"\\scriptsize", 0.8}};

/// Returns how wide Computer Modern sets a text in 10 points, by groups of letters; rather more.
double PointsOf(const std::string& text) {
  const auto is_one_of = [](char c, const char* those) {
    return std::string_view(those).find(c) != std::string_view::npos;
  };
  double width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80;  // of UTF-8
    if (continues) continue;
    if (is_one_of(c, "0123456789/_?")) {
      width += 5;
    } else if (c == '-') {
      width += next >= '0' && next <= '9' ? 7.8 : 4.4;
    } else if (is_one_of(c, " .,:;'!()[]ijltfr")) {
      width += 3.9;
    } else if (is_one_of(c, "mwMW")) {
      width += is_one_of(c, "MW") ? 10 : 8.4;
    } else {
      width += c >= 'a' && c <= 'z' ? 5.6 : 7.8;
    }
  }
  return width;
}

/// Returns what a cell shows, of its LaTeX without commands and their settings.
std::string ShownText(const SheetCell& cell, const std::string& latex) {
  if (cell.latex.empty()) return cell.text;
  static const std::regex dash(R"(\\textemdash)");
  static const std::regex command(R"(\\[a-zA-Z]+(\[[^\]]*\])?|[{}$])");
  return std::regex_replace(std::regex_replace(latex, dash, "---"), command, "");
}

/// Returns a text in pieces between which a line may end: behind a space, '_' and '-', but not
/// within brackets.
std::vector<std::string> PiecesOf(const std::string& text) {
  std::vector<std::string> pieces = {""};
  bool in_brackets = false;
  for (const char c : text) {
    pieces.back() += c;
    in_brackets = c == '[' || (in_brackets && c != ']');
    if (!in_brackets && (c == ' ' || c == '_' || c == '-')) pieces.emplace_back();
  }
  if (pieces.back().empty() && pieces.size() > 1) pieces.pop_back();
  return pieces;
}
double WidestPiece(const std::string& text) {
  double widest = 0;
  for (const std::string& piece : PiecesOf(text)) widest = std::max(widest, PointsOf(piece));
  return widest;
}

/// LatexLayout is how a table is set: which letters, what stands on two lines, how wide it is.
class LatexLayout {
 public:
  /// Takes what fits into \linewidth of article: smaller letters first, then two lines.
  explicit LatexLayout(const Sheet& sheet) : sheet_(sheet) {
    for (const bool below : {false, true}) {
      below_ = below;
      Measure();
      for (const Font& font : kFonts) {
        font_ = &font;
        if (width() <= kArticleWidth) return;
      }
    }
  }

  [[nodiscard]] const Font& font() const { return *font_; }
  /// Returns the points that it takes at least.
  [[nodiscard]] double width() const {
    return font_->scale * points_ + kGap * static_cast<double>(sheet_.headings.size() - 1);
  }
  /// Returns a cell in LaTeX.
  [[nodiscard]] std::string Cell(const SheetCell& cell) const {
    if (cell.latex.empty()) return LatexText(cell.text);
    if (cell.latex_below.empty()) return cell.latex;
    if (!below_) return cell.latex + " " + cell.latex_below;
    // The braces, for \\[ is a command.
    return "\\begin{tabular}[t]{@{}r@{}}" + cell.latex + "\\\\{}" + cell.latex_below +
           "\\end{tabular}";
  }
  /// Returns a heading in LaTeX: over numbers on as many lines as it takes to be no wider than
  /// they.
  [[nodiscard]] std::string Heading(std::size_t column) const {
    const std::string& heading = sheet_.headings[column];
    if (column < sheet_.text_columns || PointsOf(heading) <= widths_[column]) {
      return LatexText(heading);
    }
    std::vector<std::string> lines = {""};
    for (const std::string& piece : PiecesOf(heading)) {
      const bool fits = PointsOf(lines.back() + piece) <= widths_[column] + 0.01;
      if (!fits && !lines.back().empty()) lines.emplace_back();
      lines.back() += piece;
    }
    for (std::string& line : lines) {
      if (line.ends_with(' ')) line.pop_back();
    }
    // The braces, for \\[ is a command.
    return "\\shortstack[r]{" + Join(lines, "\\\\{}", LatexText) + "}";
  }

 private:
  void Measure() {
    widths_.assign(sheet_.headings.size(), 0);
    points_ = 0;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      widths_[i] = i < sheet_.text_columns ? OfWords(i) : OfNumbers(i);
      points_ += widths_[i];
    }
  }
  [[nodiscard]] double OfWords(std::size_t column) const {
    double piece = WidestPiece(sheet_.headings[column]);
    double whole = PointsOf(sheet_.headings[column]);
    for (const auto& row : sheet_.rows) {
      piece = std::max(piece, WidestPiece(row[column].text));
      whole = std::max(whole, PointsOf(row[column].text));
    }
    return std::max(piece, std::min(whole, kComfortable));
  }
  [[nodiscard]] double OfNumbers(std::size_t column) const {
    double width = WidestPiece(sheet_.headings[column]);
    for (const auto& row : sheet_.rows) {
      const SheetCell& cell = row[column];
      const std::string& below = cell.latex_below;
      const double first =
          PointsOf(ShownText(cell, cell.latex + (below_ || below.empty() ? "" : " " + below)));
      const double second = below_ ? PointsOf(ShownText(cell, below)) : 0;
      constexpr double kBoldDigits = 1.15;
      width = std::max(width, std::max(first, second) * (cell.bold ? kBoldDigits : 1));
    }
    return width;
  }

  const Sheet& sheet_;
  const Font* font_ = nullptr;
  bool below_ = false;          ///< what may stands on a second line
  std::vector<double> widths_;  ///< of the columns, in 10 points
  double points_ = 0;           ///< their sum
};

/// Returns the columns of tabularx: those of words break their lines, those of numbers do not.
std::string ColumnsOf(const Sheet& sheet) {
  std::string columns = "@{}";
  for (std::size_t i = 0; i < sheet.text_columns; ++i)
    columns += ">{\\raggedright\\arraybackslash}X";
  return columns + std::string(sheet.headings.size() - sheet.text_columns, 'r') + "@{}";
}

/// Returns what belongs in front of all rows but the first lines of the table.
std::string TitleText(const Sheet& sheet) {
  std::string title = LatexText(sheet.title);
  if (!title.empty() && title.back() != '.') title += ".";
  return title + (sheet.caption.empty() ? "" : " " + LatexText(sheet.caption));
}

/// Returns each line as a comment.
std::string LatexComment(const std::string& lines) {
  if (lines.empty()) return "";
  std::string text = "% ";
  for (const char c : lines) text += c == '\n' ? std::string("\n% ") : std::string(1, c);
  return text + "\n";
}

}  // namespace

int LeastLatexWidth(const Sheet& sheet) { return static_cast<int>(LatexLayout(sheet).width()); }

double ScaledLetters(int least_width, int line_width) {
  constexpr double kScriptSize = 7;  // points, of what is too wide for anything larger
  return kScriptSize * std::min(1.0, static_cast<double>(line_width) / least_width);
}

std::string LatexText(const std::string& text) {
  std::string escaped = WithAnyLetter(Escaped(text, kLatex));
  for (const auto& [sign, command] :
       {std::pair<std::string, std::string>("\xE2\x80\xA0", "\\ensuremath{\\dagger}"),
        {"--", "-{}-"},  // two hyphens would be a dash
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
  const LatexLayout layout(sheet);
  const std::string least = std::to_string(static_cast<int>(layout.width())) + "pt";
  const bool is_wide = layout.width() > kColumnWidth;
  // In one column table* is table.
  const std::string kind = is_wide ? "table*" : "table";
  // Narrower, the words would be printed over the numbers.
  const std::string width =
      is_wide ? "\\ifdim\\linewidth<" + least + " " + least + "\\else\\linewidth\\fi"
              : "\\linewidth";
  // What is wider than the page is set as wide as it is, and then made smaller as a whole.
  const bool is_scaled = layout.width() > kArticleWidth;
  std::string text =
      "% needs \\usepackage{booktabs,siunitx,tabularx" + std::string(is_scaled ? ",graphicx" : "") +
      "}\n\\begin{" + kind + "}\n\\centering" + layout.font().command +
      "\n"
      "\\sisetup{separate-uncertainty=true,group-digits=integer,group-separator={,},group-minimum-"
      "digits=4}\n"
      "\\setlength{\\tabcolsep}{3pt}\n"
      "\\caption{" +
      TitleText(sheet) + "}\n" + (is_scaled ? "\\resizebox{\\linewidth}{!}{%\n" : "") +
      "\\begin{tabularx}{" + width + "}{" + ColumnsOf(sheet) + "}\n\\toprule\n";
  std::vector<std::string> headings;
  for (std::size_t i = 0; i < sheet.headings.size(); ++i) headings.push_back(layout.Heading(i));
  text += Join(headings, " & ") + " \\\\\n\\midrule\n";
  for (std::size_t i = 0; i < sheet.rows.size(); ++i) {
    if (!sheet.comments.empty()) text += LatexComment(sheet.comments[i]);
    text += Join(sheet.rows[i], " & ", [&](const SheetCell& cell) { return layout.Cell(cell); }) +
            " \\\\\n";
  }
  text += std::string("\\bottomrule\n\\end{tabularx}") + (is_scaled ? "}\n" : "\n");
  if (!sheet.notes.empty()) {
    text += "\\par\\smallskip\\raggedright " + Join(sheet.notes, " ", LatexText) + "\n";
  }
  return text + "\\end{" + kind + "}\n";
}

}  // namespace beamgrid
