#pragma once
// How a file is called while it is written: whoever finds it so, and knows its writer dead, may
// delete it.

#include <filesystem>
#include <vector>

namespace beamgrid {

/// `path`.part.<our process id>, in the same folder.
[[nodiscard]] std::filesystem::path HalfWrittenName(const std::filesystem::path& path);

/// HalfWritten is a file or folder under such a name.
struct HalfWritten {
  std::filesystem::path path;   ///< with what a program adds to it: "x.db.part.17-journal"
  std::filesystem::path whole;  ///< what it was to become
  int writer = 0;               ///< process id
  bool writer_lives = false;    ///< a process of this id is there, the writer or a later one
};

/// Returns those in `folder` itself, by name.
[[nodiscard]] std::vector<HalfWritten> HalfWrittenIn(const std::filesystem::path& folder);

/// Deletes what dead writers of the file `path` left beside it; what cannot be deleted stays.
void RemoveHalfWrittenOf(const std::filesystem::path& path);

/// Deletes what dead writers left in `folder` itself; what cannot be deleted stays.
void RemoveHalfWritten(const std::filesystem::path& folder);

}  // namespace beamgrid
