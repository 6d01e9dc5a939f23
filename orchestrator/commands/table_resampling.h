#pragma once
// Where the intervals of tables come from: the predictions that the record names.

#include <vector>

#include "registry/store/store.h"
#include "reports/table.h"

namespace beamgrid {

/// Returns how a table of the studies reads predictions: on all cores, each file only after its
/// hash was compared with the record; and which videos belong together (GroupsOfStudies).
[[nodiscard]] TableResampling ResamplingOf(const Store& store,
                                           const std::vector<StudyRecord>& studies,
                                           std::size_t resamples = TableResampling().resamples);

}  // namespace beamgrid
