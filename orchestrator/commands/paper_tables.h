#pragma once
// The papers' own numbers (recipes/paper_tables.toml), built into the program.

#include <string>
#include <vector>

#include "reports/table.h"
#include "search/recipe.h"

namespace beamgrid {

/// The text of the whole file.
extern const char kPaperTablesToml[];

/// Returns the rows of "kim18/2"; none for an empty reference. Throws UsageError naming the tables
/// there are.
[[nodiscard]] inline std::vector<PaperRow> PaperRows(const std::string& reference) {
  if (reference.empty()) return {};
  return PaperTable(kPaperTablesToml, reference);
}

/// Throws UsageError for a table of the recipe whose reference there is not: before days of
/// training, not behind them.
inline void RequirePaperTables(const Recipe& recipe) {
  for (const TableSettings& table : recipe.tables) static_cast<void>(PaperRows(table.reference));
}

}  // namespace beamgrid
