#pragma once
// The papers' own numbers (recipes/paper_tables.toml), built into the program.

#include <string>
#include <vector>

#include "registry/util/error.h"
#include "reports/table.h"
#include "search/recipe.h"

namespace beamgrid {

/// The text of the whole file.
extern const char kPaperTablesToml[];

/// Returns the table of a reference as "kim18/2"; no rows for an empty one. Throws UsageError
/// naming the tables there are.
[[nodiscard]] inline PaperTable FindPaperTable(const std::string& reference) {
  if (reference.empty()) return {};
  return ReadPaperTable(kPaperTablesToml, reference);
}

/// Returns the mistakes of naming a reference that there is not: before days of training, not
/// behind them.
[[nodiscard]] inline std::vector<Diagnostic> PaperTableMistakes(const Recipe& recipe) {
  std::vector<Diagnostic> mistakes;
  for (std::size_t i = 0; i < recipe.tables.size(); ++i) {
    const TableSettings& table = recipe.tables[i];
    try {
      static_cast<void>(FindPaperTable(table.reference));
    } catch (const UsageError& error) {
      const std::string key = "table[" + std::to_string(i) + "].reference";
      mistakes.push_back({table.reference_place, key, error.what()});
    }
  }
  return mistakes;
}

}  // namespace beamgrid
