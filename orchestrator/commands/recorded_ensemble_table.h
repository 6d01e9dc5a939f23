#pragma once
// The table of an ensemble that the record holds.

#include <string>

#include "registry/store/store.h"
#include "reports/ensemble_table.h"

namespace beamgrid {

/// Returns the ensemble of that ID, or the study's latest that counts (empty), as a table without a
/// paper's numbers. Throws UsageError naming those that the study has, or what makes one.
[[nodiscard]] EnsembleTable RecordedEnsembleTable(const Store& store, const StudyRecord& study,
                                                  const std::string& id);

}  // namespace beamgrid
