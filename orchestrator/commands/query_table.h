#pragma once
// The answer to a query, for people and for spreadsheets.

#include <ostream>

#include "registry/store/store.h"

namespace beamgrid {

/// Prints columns, those of numbers to the right; null is nothing.
void PrintColumns(std::ostream& out, const Store::Table& table);

/// Prints CSV with a line of headings.
void PrintCsv(std::ostream& out, const Store::Table& table);

}  // namespace beamgrid
