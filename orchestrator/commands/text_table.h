#pragma once
// Columns for people: as wide as their longest cell, numbers to the right.

#include <ostream>
#include <string>
#include <vector>

namespace beamgrid {

/// TextTable prints columns for people: as wide as their longest cell, numbers to the right.
class TextTable {
 public:
  /// Makes a table without rows. A heading that begins with '>' aligns its column to the right.
  explicit TextTable(std::vector<std::string> headings);
  /// Adds a row of as many cells as there are headings.
  void Add(std::vector<std::string> cells);
  /// Prints the table: two spaces between columns, none at the ends of lines; each line begins with
  /// `indent`.
  void Print(std::ostream& out, const std::string& indent = "") const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;  ///< the headings first
};

}  // namespace beamgrid
