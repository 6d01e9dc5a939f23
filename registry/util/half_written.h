#pragma once
// How a file is called while it is written: whoever finds it so, and knows its writer dead, may
// delete it.

#include <filesystem>

namespace beamgrid {

/// `path`.part.<our process id>, in the same folder.
[[nodiscard]] std::filesystem::path HalfWrittenName(const std::filesystem::path& path);

/// Deletes what dead writers left in `folder` itself; what cannot be deleted stays.
void RemoveHalfWritten(const std::filesystem::path& folder);

}  // namespace beamgrid
