#pragma once
// A database that is deleted or replaced while a study runs.

#include <filesystem>
#include <string>

#include "registry/store/database_file.h"
#include "registry/store/store.h"

namespace beamgrid {

/// Returns what became of the files of the store's database and where its content is now; empty
/// where nothing happened. Whoever has deleted files open is the last who can save what they hold:
/// it goes to `<database>.rescued`, or where that folder is gone too, to one for temporary files.
/// What was left of the old files is removed then, so that the rescued one can take their place.
[[nodiscard]] std::string RescueIfLost(const OpenDatabaseFiles& files, const Store& store,
                                       const std::filesystem::path& database);

}  // namespace beamgrid
