#pragma once
// Columns for people: as wide as their longest cell, numbers to the right. On a terminal
// (terminal.h) no line is wider than it; elsewhere a table is complete.

#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace beamgrid {

/// TextTable prints columns for people: as wide as their longest cell, numbers to the right.
///
/// On a terminal that is too narrow columns without any value go first, then those of
/// LeaveOutFirst, then texts are shortened in their middle (or broken into lines, see BreakLines),
/// and in the end columns go from the right. Which ones went is said below the table. Numbers are
/// never shortened.
class TextTable {
 public:
  /// Makes a table without rows. A heading that begins with '>' aligns its column to the right.
  explicit TextTable(std::vector<std::string> headings);
  /// Names the columns that a narrow terminal can do without, the least important one first; a
  /// heading that the table does not have is passed over.
  void LeaveOutFirst(std::vector<std::string> headings);
  /// Lets these columns be broken into lines: what they hold is for reading, and of no use in part.
  void BreakLines(const std::vector<std::string>& headings);
  /// Lets the headings be broken into lines, behind spaces and '_', where their columns are
  /// narrower.
  void BreakHeadings();
  /// Keeps these columns whole as long as that leaves a third of the line to the others: names that
  /// only their ends tell apart.
  void KeepWhole(const std::vector<std::string>& headings);
  /// Drops these columns, on a terminal and elsewhere, where no row has a value in them.
  void DropWhereEmpty(std::vector<std::string> headings);
  /// Colours the states of trials in the column of that heading, where colours may be.
  void ColourStates(const std::string& heading = "state");
  /// Adds a row of as many cells as there are headings.
  void Add(std::vector<std::string> cells);
  /// Shows a cell of the row that was added last as the best one, where colours may be.
  void MarkLast(std::size_t column);
  /// Prints the table: two spaces between columns, none at the ends of lines; each line begins with
  /// `indent`.
  void Print(std::ostream& out, const std::string& indent = "") const;

 private:
  class Layout;

  /// Returns the code that a cell is shown in; empty: none.
  [[nodiscard]] const char* ColourOf(std::size_t row, std::size_t column) const;

  std::vector<bool> right_, breaks_, whole_;
  bool breaks_headings_ = false;
  std::vector<std::string> leave_out_, drop_;
  std::string states_;                                  ///< the heading of ColourStates
  std::vector<std::vector<std::string>> rows_;          ///< the headings first
  std::set<std::pair<std::size_t, std::size_t>> best_;  ///< rows and columns of MarkLast
};

}  // namespace beamgrid
