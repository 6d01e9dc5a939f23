#pragma once
// Where the intervals of tables come from: the predictions that the record names.

#include <string>

#include "reports/table.h"

namespace beamgrid {

/// Returns how a table of the study reads predictions: on all cores, each file only after its hash
/// was compared with the record.
[[nodiscard]] TableResampling ResamplingOf(const std::string& study,
                                           std::size_t resamples = TableResampling().resamples);

}  // namespace beamgrid
