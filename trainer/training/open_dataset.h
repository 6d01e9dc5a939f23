#pragma once
// A dataset opened, with the blame for what is wrong with its files put in the right place.

#include <memory>
#include <string>
#include <vector>

#include "trainer/data/dataset.h"

namespace beamgrid::trainer {

/// Opens the files as a dataset. Throws DataFilesError where they are missing or hold nothing,
/// DataError for what they hold, and Error where the machine keeps us from reading them.
[[nodiscard]] std::unique_ptr<Dataset> OpenDataset(const DataSpec& data,
                                                   const std::vector<std::string>& files,
                                                   LabelPolicy labels);

}  // namespace beamgrid::trainer
