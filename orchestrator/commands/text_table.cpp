#include "orchestrator/commands/text_table.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "orchestrator/commands/terminal.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr char kBestCode[] = "\033[1;32m";  ///< bold and green
constexpr std::size_t kGap = 2;             // between columns
// What a shortened text keeps while there are columns that can be left out, and at least.
constexpr std::size_t kComfortable = 24, kShortest = 8;

constexpr std::pair<std::string_view, const char*> kStateColours[] = {{"complete", kGreen},
                                                                      {"failed", kRed},
                                                                      {"running", kYellow},
                                                                      {"waiting", kDim},
                                                                      {"pruned", kDim}};

/// Returns a heading in pieces between which a line may end.
std::vector<std::string> HeadingPieces(const std::string& heading) {
  std::vector<std::string> pieces = {""};
  bool in_brackets = false;  // "[95 %]" stays together
  for (const char c : heading) {
    pieces.back() += c;
    in_brackets = c == '[' || (in_brackets && c != ']');
    if (!in_brackets && (c == ' ' || c == '_')) pieces.emplace_back();
  }
  return pieces;
}

/// Returns the lines of a heading, of at most `width` columns where its pieces allow.
std::vector<std::string> BrokenHeading(const std::string& heading, std::size_t width) {
  std::vector<std::string> lines = {""};
  for (const std::string& piece : HeadingPieces(heading)) {
    std::string shown = piece;
    if (shown.ends_with(' ')) shown.pop_back();
    if (!lines.back().empty() && ColumnsOf(lines.back() + shown) > width) lines.emplace_back();
    lines.back() += piece;
  }
  for (std::string& line : lines) {
    if (line.ends_with(' ')) line.pop_back();
  }
  return lines;
}

std::size_t WidestHeadingPiece(const std::string& heading) {
  std::size_t widest = 0;
  for (std::string piece : HeadingPieces(heading)) {
    if (piece.ends_with(' ')) piece.pop_back();
    widest = std::max(widest, ColumnsOf(piece));
  }
  return widest;
}

void PrintLine(std::ostream& out, const std::string& line, bool coloured) {
  if (!coloured) {
    out << line << "\n";
    return;
  }
  const Coloured as_it_is(out);
  out << line << "\n";
}

}  // namespace

/// Layout is which columns are printed, and how wide.
class TextTable::Layout {
 public:
  explicit Layout(const TextTable& table) : table_(table), widths_(table.right_.size(), 0) {
    for (const auto& row : table.rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths_[i] = std::max(widths_[i], ColumnsOf(row[i]));
      }
    }
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      const bool drops = std::ranges::find(table.drop_, Heading(i)) != table.drop_.end();
      if (!drops || !IsEmpty(i)) columns_.push_back(i);
    }
  }

  /// Makes lines of at most `width` columns, if that can be.
  void Fit(std::size_t width) {
    room_for_whole_ = width * 2 / 3;
    for (std::size_t i = columns_.size(); i-- > 1;) {
      if (Total() > width && IsEmpty(columns_[i])) Erase(i);
    }
    for (const std::string& heading : table_.leave_out_) {
      if (Least(kComfortable) <= width) break;
      LeaveOut(heading);
    }
    while (Least(kShortest) > width && columns_.size() > 1) LeaveOutLast();
    Shrink(width);
  }

  [[nodiscard]] const std::vector<std::size_t>& columns() const { return columns_; }
  [[nodiscard]] std::size_t width(std::size_t column) const { return widths_[column]; }
  [[nodiscard]] const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  [[nodiscard]] const std::string& Heading(std::size_t column) const {
    return table_.rows_.front()[column];
  }
  [[nodiscard]] bool IsEmpty(std::size_t column) const {
    return table_.rows_.size() > 1 &&
           std::all_of(table_.rows_.begin() + 1, table_.rows_.end(),
                       [&](const auto& row) { return row[column].empty(); });
  }
  /// Returns the width that a column can do with, where texts are to keep `text` columns.
  [[nodiscard]] std::size_t LeastOf(std::size_t column, std::size_t text) const {
    const std::size_t heading =
        table_.breaks_headings_ ? WidestHeadingPiece(Heading(column)) : ColumnsOf(Heading(column));
    if (table_.right_[column]) return std::max(heading, OfCells(column));
    if (table_.whole_[column]) text = std::max(text, room_for_whole_);
    return std::min(widths_[column], std::max(text, heading));
  }
  /// Returns the width of a column's cells below its heading.
  [[nodiscard]] std::size_t OfCells(std::size_t column) const {
    std::size_t width = 0;
    for (std::size_t row = 1; row < table_.rows_.size(); ++row) {
      width = std::max(width, ColumnsOf(table_.rows_[row][column]));
    }
    return width;
  }
  [[nodiscard]] std::size_t Least(std::size_t text) const {
    std::size_t total = kGap * (columns_.size() - 1);
    for (const std::size_t column : columns_) total += LeastOf(column, text);
    return total;
  }
  [[nodiscard]] std::size_t Total() const {
    std::size_t total = kGap * (columns_.size() - 1);
    for (const std::size_t column : columns_) total += widths_[column];
    return total;
  }

  void Erase(std::size_t place) {
    columns_.erase(columns_.begin() + static_cast<std::ptrdiff_t>(place));
  }
  void LeaveOut(const std::string& heading) {
    const auto found = std::ranges::find(columns_, heading,
                                         [this](std::size_t column) { return Heading(column); });
    if (found == columns_.end()) return;
    left_out_.push_back(heading);
    columns_.erase(found);
  }
  void LeaveOutLast() {
    left_out_.push_back(Heading(columns_.back()));
    columns_.pop_back();
  }

  /// Takes from the widest text or heading, a column at a time, until the lines fit.
  void Shrink(std::size_t width) {
    for (std::size_t total = Total(); total > width; --total) {
      std::optional<std::size_t> widest;
      for (const std::size_t column : columns_) {
        if (widths_[column] <= LeastOf(column, kShortest)) continue;
        if (!widest || widths_[column] > widths_[*widest]) widest = column;
      }
      if (!widest) return;
      --widths_[*widest];
    }
  }

  const TextTable& table_;
  std::vector<std::size_t> widths_;   ///< by column of the table
  std::vector<std::size_t> columns_;  ///< that are printed
  std::vector<std::string> left_out_;
  std::size_t room_for_whole_ = 0;  ///< what a column of KeepWhole may take
};

TextTable::TextTable(std::vector<std::string> headings) {
  for (std::string& heading : headings) {
    right_.push_back(heading.starts_with(">"));
    if (right_.back()) heading.erase(0, 1);
  }
  breaks_.resize(right_.size(), false);
  whole_.resize(right_.size(), false);
  rows_.push_back(std::move(headings));
}

void TextTable::LeaveOutFirst(std::vector<std::string> headings) {
  leave_out_ = std::move(headings);
}

void TextTable::DropWhereEmpty(std::vector<std::string> headings) { drop_ = std::move(headings); }

void TextTable::BreakLines(const std::vector<std::string>& headings) {
  for (std::size_t i = 0; i < breaks_.size(); ++i) {
    breaks_[i] = std::ranges::find(headings, rows_.front()[i]) != headings.end();
  }
}

void TextTable::BreakHeadings() { breaks_headings_ = true; }

void TextTable::KeepWhole(const std::vector<std::string>& headings) {
  for (std::size_t i = 0; i < whole_.size(); ++i) {
    whole_[i] = std::ranges::find(headings, rows_.front()[i]) != headings.end();
  }
}

void TextTable::ColourStates(const std::string& heading) { states_ = heading; }

const char* TextTable::ColourOf(std::size_t row, std::size_t column) const {
  if (row == 0) return kBold;
  if (best_.contains({row, column})) return kBestCode;
  if (states_.empty() || rows_.front()[column] != states_) return "";
  const std::string& state = rows_[row][column];
  const auto* found = std::ranges::find(kStateColours, std::string_view(state),
                                        [](const auto& colour) { return colour.first; });
  return found == std::end(kStateColours) ? "" : found->second;
}

void TextTable::MarkLast(std::size_t column) { best_.emplace(rows_.size() - 1, column); }

void TextTable::Add(std::vector<std::string> cells) {
  cells.resize(right_.size());
  // What is shown decides the width, and a row is a line.
  for (std::string& cell : cells) cell = PrintableLine(cell);
  rows_.push_back(std::move(cells));
}

void TextTable::Print(std::ostream& out, const std::string& indent) const {
  Layout layout(*this);
  const std::optional<std::size_t> width = TerminalWidth(out);
  if (width) layout.Fit(*width - std::min(*width, indent.size()));
  const bool colours = MayColour(out);
  for (std::size_t place = 0; place < rows_.size(); ++place) {
    const auto& row = rows_[place];
    std::vector<std::vector<std::string>> cells;  // each in lines
    std::size_t height = 1;
    for (const std::size_t column : layout.columns()) {
      const std::size_t room = layout.width(column);
      if (place == 0 && breaks_headings_) {
        cells.push_back(BrokenHeading(row[column], room));
      } else if (breaks_[column] && ColumnsOf(row[column]) > room) {
        cells.push_back(BrokenText(row[column], room));
      } else {
        cells.push_back({Shortened(row[column], room)});
      }
      height = std::max(height, cells.back().size());
    }
    for (std::size_t line = 0; line < height; ++line) {
      std::string text = indent;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::size_t column = layout.columns()[i];
        const std::string cell = line < cells[i].size() ? cells[i][line] : "";
        const std::string padding(layout.width(column) - ColumnsOf(cell), ' ');
        text += std::string(i > 0 ? kGap : 0, ' ');
        const bool last = i + 1 == cells.size();
        const std::string code = colours && !cell.empty() ? ColourOf(place, column) : "";
        const std::string shown = code.empty() ? cell : code + cell + kPlain;
        text += right_[column] ? padding + shown : shown + (last ? "" : padding);
      }
      text.erase(text.find_last_not_of(' ') + 1);
      PrintLine(out, text, colours);
    }
  }
  if (layout.left_out().empty()) return;
  PrintProse(out, indent,
             "(for want of width without " + Join(layout.left_out()) +
                 "; --json, a pipe or a wider terminal shows all)",
             indent.size());
}

}  // namespace beamgrid
