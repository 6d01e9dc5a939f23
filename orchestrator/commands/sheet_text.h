#pragma once
// A table for people on a terminal.

#include <ostream>

#include "reports/sheet.h"

namespace beamgrid {

/// Prints the sheet in columns that fit the terminal, what is bold in it bold, its notes below.
void PrintSheet(std::ostream& out, const Sheet& sheet);

}  // namespace beamgrid
