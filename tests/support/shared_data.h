#pragma once
// Where the real data is that some tests read; they skip where it is not there.

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace beamgrid {

/// $BEAMGRID_SHARED, or the folder `shared` beside the project; nothing if neither exists.
inline std::optional<std::filesystem::path> SharedData() {
  const char* named = std::getenv("BEAMGRID_SHARED");
  const std::filesystem::path folder =
      named != nullptr && *named != 0
          ? std::filesystem::path(named)
          : std::filesystem::path(BEAMGRID_SOURCE_DIR).parent_path() / "shared";
  if (!std::filesystem::exists(folder)) return std::nullopt;
  return folder;
}

}  // namespace beamgrid
