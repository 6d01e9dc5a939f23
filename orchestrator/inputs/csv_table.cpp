#include "orchestrator/inputs/csv_table.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "registry/util/input_error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "registry/util/text_file.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::size_t kLongestRow = 64 << 20;
constexpr std::size_t kShownColumns = 12;

/// QuoteScan follows quotes through a row that may have several lines. A quote that does not begin
/// a cell is a letter.
class QuoteScan {
 public:
  explicit QuoteScan(char separator) : separator_(separator) {}
  void Go(std::string_view text) {
    if (text.find('"') == std::string_view::npos && state_ != State::kQuoted) {
      state_ = State::kPlain;  // whatever comes next begins a row
      return;
    }
    for (const char c : text) {
      if (state_ == State::kQuoted) {
        if (c == '"') state_ = State::kPlain;
        // Two quotes stand for one: the second opens again what the first closed.
        was_quoted_ = state_ == State::kPlain;
      } else if (c == '"' && (state_ == State::kCellStart || was_quoted_)) {
        state_ = State::kQuoted;
      } else {
        state_ = c == separator_ ? State::kCellStart : State::kPlain;
        was_quoted_ = false;
      }
    }
  }
  [[nodiscard]] bool open() const { return state_ == State::kQuoted; }

 private:
  enum class State { kCellStart, kPlain, kQuoted };
  char separator_;
  State state_ = State::kCellStart;
  bool was_quoted_ = false;  ///< the letter before was a quote that closed
};

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

void CsvRow::Split(const std::string& place, std::string_view text, char separator) {
  cells_.clear();
  unquoted_.clear();
  for (;;) {
    if (!text.starts_with('"')) {
      const std::size_t end = std::min(text.find(separator), text.size());
      cells_.push_back(text.substr(0, end));
      text.remove_prefix(end);
    } else {
      std::string& cell = unquoted_.emplace_back();
      text.remove_prefix(1);
      for (;;) {
        const std::size_t quote = std::min(text.find('"'), text.size());
        cell += text.substr(0, quote);
        text.remove_prefix(std::min(quote + 1, text.size()));
        if (!text.starts_with('"')) break;
        cell += '"';
        text.remove_prefix(1);
      }
      if (!text.empty() && text.front() != separator) {
        throw InputError(place +
                         ": a quoted cell goes on behind its closing quote; a quote within "
                         "one is written twice");
      }
      cells_.emplace_back(cell);
    }
    if (text.empty()) return;
    text.remove_prefix(1);
  }
}

CsvTable::CsvTable(const std::string& path) : file_(path) {
  std::ignore = Fill();
  const std::string problem = ProblemOfText(window_);
  if (!problem.empty()) throw InputError(path + ": " + problem);
  if (window_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  const std::string_view start = std::string_view(window_).substr(at_);
  const std::string_view first = start.substr(0, start.find('\n'));
  const std::size_t carriage_return = start.find('\r');
  if (first.size() == start.size() && start.size() < kPieceBytes &&
      carriage_return < start.size() - 1) {
    throw InputError(path + ": its lines end with CR alone, as on old Macs; save it again with LF");
  }
  const bool tabs = first.find('\t') != std::string_view::npos;
  if (std::filesystem::path(path).extension() == ".tsv" ||
      (tabs && first.find(',') == std::string_view::npos)) {
    separator_ = '\t';
  }
  std::string_view heading;
  if (!NextText(&heading)) throw InputError(path + ": is empty, must have a line of column names");
  if (Trimmed(heading).empty()) empty_line_ = row_line_;
  row_.Split(Place(), heading, separator_);
  std::set<std::string> names;
  for (const std::string_view cell : row_.cells()) {
    columns_.emplace_back(Trimmed(cell));
    if (!IsWellFormedUtf8(columns_.back())) {
      throw InputError(Place() + ": the column names are no UTF-8 text: save the file as UTF-8");
    }
    if (!names.insert(columns_.back()).second) {
      throw InputError(Place() + ": two columns are called '" + columns_.back() + "'");
    }
  }
}

std::optional<std::size_t> CsvTable::Find(const std::vector<std::string>& names) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (std::ranges::count(names, LowerCase(columns_[i])) > 0) return i;
  }
  return std::nullopt;
}

std::size_t CsvTable::Require(const std::string& name, const std::string& option) const {
  const auto found = std::ranges::find(columns_, name);
  if (found != columns_.end()) return static_cast<std::size_t>(found - columns_.begin());
  throw InputError(file_.path().string() + ": has no column '" + name + "' (" + option +
                   "); its columns: " + JoinFirst(columns_, kShownColumns) +
                   Suggestion(name, columns_));
}

std::size_t CsvTable::RequireId(const std::string& name, const std::string& option) const {
  if (!name.empty()) return Require(name, option);
  if (const auto found = Find({"id", "video", "video_id", "videoid"})) return *found;
  throw InputError(file_.path().string() + ": no column is called id, video or video_id; " +
                   (option.empty() ? "call the one of the videos so" : "name it with " + option) +
                   "; the columns: " + JoinFirst(columns_, kShownColumns) +
                   (columns_.size() == 1 && columns_.front().find(';') != std::string::npos
                        ? "; are they parted by ';'? Save the file with commas"
                        : ""));
}

bool CsvTable::Fill() {
  window_.erase(0, at_);
  window_offset_ += at_;
  at_ = 0;
  const std::string piece = file_.Read(window_offset_ + window_.size(), kPieceBytes);
  window_ += piece;
  return !piece.empty();
}

bool CsvTable::NextText(std::string_view* text) {
  row_line_ = line_;
  QuoteScan quotes(separator_);
  std::size_t seen = 0;  // behind at_: these lines are part of the row
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = window_.find('\n', at_ + searched);
    if (end == std::string::npos) {
      searched = window_.size() - at_;
      if (searched > kLongestRow) {
        throw InputError(Place() +
                         ": a row of more than 64 MiB; is there a quote that does not end?");
      }
      if (Fill()) continue;
      if (at_ == window_.size()) return false;
      quotes.Go(std::string_view(window_).substr(at_ + seen));
      if (quotes.open()) throw InputError(Place() + ": a quote that does not end");
      *text = std::string_view(window_).substr(at_);
    } else {
      ++line_;
      quotes.Go(std::string_view(window_).substr(at_ + seen, end - at_ - seen));
      if (quotes.open()) {
        seen = searched = end + 1 - at_;
        continue;
      }
      *text = std::string_view(window_).substr(at_, end - at_);
    }
    row_offset_ = window_offset_ + at_;
    at_ = std::min(end, window_.size() - 1) + 1;
    if (text->ends_with('\r')) text->remove_suffix(1);
    row_bytes_ = text->size();
    return true;
  }
}

bool CsvTable::Next() {
  std::string_view text;
  empty_line_ = 0;
  for (;;) {
    if (!NextText(&text)) return false;
    if (!Trimmed(text).empty()) break;
    if (empty_line_ == 0) empty_line_ = row_line_;
  }
  row_.Split(Place(), text, separator_);
  if (row_.cells().size() != columns_.size()) {
    throw InputError(Place() + ": " + CountText(row_.cells().size(), "cell") +
                     ", the heading has " + std::to_string(columns_.size()));
  }
  return true;
}

void CsvTable::RefuseEmptyLineBefore() const {
  if (empty_line_ == 0) return;
  throw InputError(file_.path().string() + ":" + std::to_string(empty_line_) +
                   ": an empty line before a name whose class is told by its line: remove it, or "
                   "write the columns Index and Name");
}

std::string_view CsvTable::Cell(std::size_t column) const { return Trimmed(row_.cells()[column]); }

std::string CsvTable::Place() const {
  return file_.path().string() + ":" + std::to_string(row_line_);
}

}  // namespace beamgrid
