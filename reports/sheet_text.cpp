// Sheets as Markdown, HTML and CSV.

#include <array>
#include <cctype>
#include <string_view>

#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "reports/sheet.h"

namespace beamgrid {
namespace {

const Escapes kHtml = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c >= '\x7f'; }

/// Returns whether a character would be markup there: emphasis, code, a link, a tag, a reference to
/// a character, a formula, or the end of a cell. CommonMark 0.31.2 and GitHub's formulas; a '_'
/// between letters is none.
bool IsMarkup(std::string_view text, std::size_t at) {
  const char before = at == 0 ? ' ' : text[at - 1];
  const char after = at + 1 == text.size() ? ' ' : text[at + 1];
  switch (text[at]) {
    case '\\':
    case '`':
    case '*':
    case '|':
    case '$':
    case '~':
      return true;
    case '_':
      return !IsWord(before) || !IsWord(after);
    case '[':
      return before == '!';
    case ']':
      return after == '(' || after == '[' || after == ':';
    case '<':
      return (IsWord(after) && !IsDigit(after)) || after == '/' || after == '!' || after == '?';
    case '&':
      return IsWord(after) || after == '#';
    default:
      return false;
  }
}

/// Returns whether a line that begins so would be a heading, a quotation, a list or a rule.
bool IsBlock(std::string_view text) {
  if (text.empty()) return false;
  if (std::string_view("#>-+=").find(text[0]) != std::string_view::npos) return true;
  const std::size_t digits = text.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string_view::npos &&
         (text[digits] == '.' || text[digits] == ')');
}

/// Returns a paragraph of its own.
std::string MarkdownParagraph(const std::string& text) {
  std::string paragraph = MarkdownText(text);
  if (!IsBlock(paragraph)) return paragraph;
  const std::size_t digits = paragraph.find_first_not_of("0123456789");
  return paragraph.insert(digits, "\\");
}

/// Bold text with a space at its edge is not bold.
std::string Trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

std::string MarkdownCell(const SheetCell& cell) {
  const std::string text = MarkdownText(cell.text);
  return cell.bold ? "**" + text + "**" : text;
}

/// Returns a comment's text on one line: two hyphens would end it.
std::string CommentLine(const std::string& lines) {
  std::string text;
  for (const char c : Printable(lines)) {
    if (c == '-' && text.ends_with('-')) text += ' ';
    if (c == '\n') {
      text += "; ";
    } else {
      text += c;
    }
  }
  return text;
}

std::string HtmlRow(const std::vector<std::string>& cells, const std::string& tag) {
  std::string text = "<tr>";
  for (const std::string& cell : cells) text += "<" + tag + ">" + cell + "</" + tag + ">";
  return text + "</tr>\n";
}

}  // namespace

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

std::string MarkdownText(const std::string& text) {
  const std::string line = Escaped(text, {{'\n', " "}});
  std::string escaped;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (IsMarkup(line, i)) escaped += '\\';
    escaped += line[i];
  }
  return escaped;
}

std::string MarkdownOf(const Sheet& sheet) {
  std::string text = "**" + MarkdownText(Trimmed(sheet.title)) + "**\n\n";
  if (!sheet.caption.empty()) text += MarkdownParagraph(sheet.caption) + "\n\n";
  text += "| " + Join(sheet.headings, " | ", MarkdownText) + " |\n|";
  for (std::size_t i = 0; i < sheet.headings.size(); ++i) {
    text += i < sheet.text_columns ? "---|" : "---:|";
  }
  text += "\n";
  for (const auto& row : sheet.rows) text += "| " + Join(row, " | ", MarkdownCell) + " |\n";
  for (const std::string& note : sheet.notes) text += "\n" + MarkdownParagraph(note) + "\n";
  // Between the rows they would end the table.
  std::string comments;
  for (std::size_t i = 0; i < sheet.comments.size(); ++i) {
    if (sheet.comments[i].empty()) continue;
    comments += "row " + std::to_string(i + 1) + ": " + CommentLine(sheet.comments[i]) + "\n";
  }
  return comments.empty() ? text : text + "\n<!--\n" + comments + "-->\n";
}

std::string HtmlOf(const Sheet& sheet) {
  const auto escaped = [](const std::string& text) { return Escaped(text, kHtml); };
  std::string text = "<table>\n<caption>" + escaped(sheet.title) +
                     (sheet.caption.empty() ? "" : ". " + escaped(sheet.caption)) + "</caption>\n";
  std::vector<std::string> headings;
  for (const std::string& heading : sheet.headings) headings.push_back(escaped(heading));
  text += "<thead>\n" + HtmlRow(headings, "th") + "</thead>\n<tbody>\n";
  for (std::size_t i = 0; i < sheet.rows.size(); ++i) {
    if (i < sheet.comments.size() && !sheet.comments[i].empty()) {
      text += "<!-- " + CommentLine(sheet.comments[i]) + " -->\n";
    }
    std::vector<std::string> cells;
    for (const SheetCell& cell : sheet.rows[i]) {
      const std::string inner = escaped(cell.text);
      cells.push_back(cell.bold ? "<strong>" + inner + "</strong>" : inner);
    }
    text += HtmlRow(cells, "td");
  }
  text += "</tbody>\n</table>\n";
  for (const std::string& note : sheet.notes) text += "<p>" + escaped(note) + "</p>\n";
  return text;
}

std::string CsvText(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return Printable(text);
  return "\"" + Escaped(text, {{'"', "\"\""}}) + "\"";
}

std::string CsvOf(const Sheet& sheet) {
  std::string text = Join(sheet.headings, ",", CsvText) + "\n";
  for (const auto& row : sheet.rows) {
    text += Join(row, ",", [](const SheetCell& cell) { return CsvText(cell.text); }) + "\n";
  }
  return text;
}

}  // namespace beamgrid
