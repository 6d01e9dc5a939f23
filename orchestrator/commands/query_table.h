#pragma once
// The answer to a query, for people and for spreadsheets.

#include <ostream>
#include <string>
#include <vector>

#include "orchestrator/commands/command.h"
#include "registry/store/store.h"

namespace beamgrid {

/// Prints columns, those of numbers to the right; null is nothing. On a terminal `broken` are
/// broken into lines instead of being shortened.
void PrintColumns(std::ostream& out, const Store::Table& table,
                  const std::vector<std::string>& broken = {});

/// Prints the table as JSON or as columns.
void PrintTable(const CommandContext& context, const Store::Table& table, bool json);

/// Prints CSV with a line of headings.
void PrintCsv(std::ostream& out, const Store::Table& table);

}  // namespace beamgrid
