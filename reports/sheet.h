#pragma once
// A sheet is headings and rows of cells as people read them, whatever they say: each format of a
// document writes any of them.

#include <map>
#include <string>
#include <vector>

namespace beamgrid {

/// SheetCell is a text, and how it reads in LaTeX where that is more than the text escaped.
struct SheetCell {
  std::string text;
  bool bold = false;       ///< in Markdown and HTML; `latex` says it itself
  std::string latex = {};  ///< empty: the text
  /// In LaTeX behind `latex`; on a line of its own where the table would be too wide.
  std::string latex_below = {};
};

/// Sheet is what a table shows. Texts are as they are: each format escapes what it must.
struct Sheet {
  std::string title;
  std::vector<std::string> headings;
  std::vector<std::vector<SheetCell>> rows;  ///< as many cells each as there are headings
  std::vector<std::string> notes = {};       ///< sentences
  std::size_t text_columns = 1;  ///< the first ones, of words; the others are of numbers
  std::string caption = {};      ///< behind the title: what the numbers are, in sentences
  /// What a row comes from, a line or several; of each row, or none. No reader sees it.
  std::vector<std::string> comments = {};
};

/// Returns Markdown as GitHub reads it: nothing of a text is taken for markup.
[[nodiscard]] std::string MarkdownOf(const Sheet& sheet);
/// Returns a fragment for a page, not a page.
[[nodiscard]] std::string HtmlOf(const Sheet& sheet);
/// Returns a table for booktabs, siunitx and tabularx, as Debian's texlive has them, that compiles
/// without a change in article, its two columns, IEEEtran and acmart (tests/latex).
[[nodiscard]] std::string LatexOf(const Sheet& sheet);
/// Returns how wide LaTeX sets such a table at least, in points: an estimate, rather too much.
/// Where it is wider than \linewidth it gets smaller letters, then intervals on lines of their own;
/// what is wider still is made smaller as a whole, which takes graphicx.
[[nodiscard]] int LeastLatexWidth(const Sheet& sheet);
/// Returns the size of the letters, in points, of such a table on lines of a width.
[[nodiscard]] double ScaledLetters(int least_width, int line_width);
/// \linewidth of article, and that of a table over both columns of IEEEtran and acmart, in points.
inline constexpr int kArticleWidth = 345, kBothColumnsWidth = 506;
/// Returns lines of comma-separated values, by RFC 4180.
[[nodiscard]] std::string CsvOf(const Sheet& sheet);

/// Escapes is the characters that a format needs written otherwise.
using Escapes = std::map<char, std::string>;
/// Returns the text with what no format knows made visible, and the escapes.
[[nodiscard]] std::string Escaped(const std::string& text, const Escapes& escapes);
/// Returns a text that reads in GitHub's Markdown as it is, on one line.
[[nodiscard]] std::string MarkdownText(const std::string& text);
/// Returns a text that reads in LaTeX as it is, on one line.
[[nodiscard]] std::string LatexText(const std::string& text);
/// Returns the text as one value of a CSV line.
[[nodiscard]] std::string CsvText(const std::string& text);
/// Returns digits, with a sign or an exponent, set by siunitx; a '+' is kept.
[[nodiscard]] std::string LatexNumber(const std::string& digits);

}  // namespace beamgrid
