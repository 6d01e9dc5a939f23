#pragma once
// A table with a heading in a CSV (RFC 4180) or TSV file, read row by row.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/inputs/input_file.h"

namespace beamgrid {

/// CsvRow is a row's cells. They are views of the row's text or, where quotes were undone, of
/// memory of this object.
class CsvRow {
 public:
  /// Splits the text of one row, without its line break. Throws InputError, which begins with
  /// `place`, where something follows a closing quote.
  void Split(const std::string& place, std::string_view text, char separator);
  [[nodiscard]] const std::vector<std::string_view>& cells() const { return cells_; }

 private:
  std::vector<std::string_view> cells_;
  std::deque<std::string> unquoted_;
};

/// CsvTable reads a file from its beginning, in pieces.
class CsvTable {
 public:
  /// Reads the heading: tabs part the columns of a .tsv file and where the heading has tabs and no
  /// comma, else commas do. Throws InputError for an empty file, text that is no UTF-8 there, and
  /// two columns of one name.
  explicit CsvTable(const std::string& path);

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  /// Returns the first column whose name is one of these in any case, or nothing.
  [[nodiscard]] std::optional<std::size_t> Find(const std::vector<std::string>& names) const;
  /// Returns the column of a name. Throws InputError that names the columns and the option.
  [[nodiscard]] std::size_t Require(const std::string& name, const std::string& option) const;
  /// The same of the column called id or the like, where `name` is empty. `option` is what names
  /// one; empty: nothing does.
  [[nodiscard]] std::size_t RequireId(const std::string& name,
                                      const std::string& option = "--id-column") const;

  /// Reads the next row that is not empty; false: there is none. Throws InputError with the line
  /// for a row that has not as many cells as the heading, quotes that do not end, and a row of more
  /// than 64 MiB.
  [[nodiscard]] bool Next();
  /// Returns the cells of the row, without blanks around them.
  [[nodiscard]] std::string_view Cell(std::size_t column) const;
  /// Returns "FILE:LINE" of the row's beginning.
  [[nodiscard]] std::string Place() const;
  [[nodiscard]] std::uint64_t line() const { return row_line_; }
  /// Throws InputError with the empty line before the row, if there is one: for tables whose lines
  /// number what they name, which an empty one would number otherwise.
  void RefuseEmptyLineBefore() const;
  [[nodiscard]] std::uint64_t offset() const { return row_offset_; }
  [[nodiscard]] std::uint64_t bytes() const { return row_bytes_; }

  [[nodiscard]] char separator() const { return separator_; }
  [[nodiscard]] const InputFile& file() const { return file_; }

 private:
  [[nodiscard]] bool NextText(std::string_view* text);
  [[nodiscard]] bool Fill();

  InputFile file_;
  char separator_ = ',';
  std::vector<std::string> columns_;
  CsvRow row_;
  std::string window_;               ///< a piece of the file
  std::size_t at_ = 0;               ///< in window_: where the next row begins
  std::uint64_t window_offset_ = 0;  ///< of window_ in the file
  std::uint64_t line_ = 1;           ///< of at_
  std::uint64_t empty_line_ = 0;     // before the row; 0: there is none
  std::uint64_t row_line_ = 1, row_offset_ = 0, row_bytes_ = 0;
};

/// Returns the text without blanks at both ends.
[[nodiscard]] std::string_view Trimmed(std::string_view text);

}  // namespace beamgrid
