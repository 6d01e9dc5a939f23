#pragma once
// The text of the first recipe for a folder of records.

#include <string>

#include "orchestrator/inputs/data_folder.h"

namespace beamgrid {

/// Returns a commented recipe of a small search that runs, with a larger one as a comment.
/// `folder`: before the patterns of the record files, "data/" or empty. Where each video has one
/// label, its models choose among classes that exclude each other.
[[nodiscard]] std::string FirstRecipe(const std::string& study, const DataFolder& data,
                                      const std::string& folder);

}  // namespace beamgrid
