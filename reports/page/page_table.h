#pragma once
// Tables of the page: with a caption and headings that say what they head, in a box that scrolls by
// itself where the screen is narrower.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/page/markup.h"

namespace beamgrid {

/// PageCell is what stands in one cell.
struct PageCell {
  std::string text;
  std::optional<double> value = {};  ///< what it is sorted by; nothing: its text
  Markup markup = {};                ///< shown in the place of the text, where there is any
};

/// PageTable is a table before it is written.
struct PageTable {
  std::string caption;
  std::vector<std::string> columns;  ///< headings; ">": a column of numbers, written to the right
  std::vector<std::vector<PageCell>> rows;
  std::size_t row_names = 0;  ///< the column that names a row
  std::string more = {};      ///< what was left out and where it is; empty: nothing was
  /// Of each column the address of the table sorted by it; empty: it is sorted by no such column.
  std::vector<std::string> sort_links = {};
  /// Of the column that it is sorted by "ascending" or "descending".
  std::map<std::size_t, std::string> sorted = {};
};

/// Cells of the usual kinds.
[[nodiscard]] PageCell CountCell(std::int64_t count);
[[nodiscard]] PageCell FixedCell(double value, int decimals);
[[nodiscard]] PageCell SizeCell(std::int64_t bytes);

/// Returns the table in its box.
[[nodiscard]] Markup TableMarkup(const PageTable& table);

}  // namespace beamgrid
