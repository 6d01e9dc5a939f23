#pragma once
// The mark of a folder in which the files of one dataset are being replaced by those of another:
// whoever finds it there when nobody writes has a mixture before him.

#include <filesystem>

namespace beamgrid {

/// Whether the folder has the mark.
[[nodiscard]] bool IsUnfinished(const std::filesystem::path& folder);

/// Sets the mark, on the disk before it returns. Throws Error.
void MarkUnfinished(const std::filesystem::path& folder);

/// Takes the mark away once everything that was written before is on the disk. Throws Error.
void MarkFinished(const std::filesystem::path& folder);

}  // namespace beamgrid
