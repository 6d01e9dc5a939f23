#pragma once
// The runs folder of a study that is about to run: the one that the record's attempts lie in.

#include <filesystem>
#include <string>

#include "registry/store/store.h"

namespace beamgrid {

/// Has the store use the runs folder `named`, or its own where that is empty, and remember it.
/// Returns a warning where the record's attempts are in none that can be found: what is finished
/// stays finished, the rest starts over. Throws UsageError where `named` holds none of them though
/// the folder that the record remembers does: a record has one runs folder.
[[nodiscard]] std::string UseRunsFolder(Store& store, const std::filesystem::path& named);

}  // namespace beamgrid
