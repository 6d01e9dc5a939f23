#pragma once
// The command line that asks a table's question.

#include <string>

#include "reports/table.h"

namespace beamgrid {

/// Returns the `beamgrid table` command for a shell: its table has the same rows, columns and
/// numbers. `seeds_alone`: with intervals of the seeds alone.
[[nodiscard]] std::string TableCommandText(const TableQuestion& question, bool seeds_alone);

}  // namespace beamgrid
