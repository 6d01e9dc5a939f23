#pragma once
// The files that a pattern of a recipe means.

#include <filesystem>
#include <string>
#include <vector>

namespace beamgrid {

/// Returns the files that a pattern (`*`, `?`, `[a-z]`, `{a,b}`, `\` before one of these) matches,
/// as absolute paths sorted by file name, then by path. Empty where nothing matches. A relative
/// pattern starts at `folder`, whose own name is never read as a pattern. Whatever is there by
/// exactly the name that is written, folder or file, is what is meant: a file `train[1].tfrecord`
/// comes before the pattern of that spelling. Throws Error where a folder that is written out may
/// not be read; one that a pattern merely matches is passed over.
[[nodiscard]] std::vector<std::string> ExpandGlob(const std::string& pattern,
                                                  const std::filesystem::path& folder);

/// True if `left` comes before `right` in a list of files: by file name, then by path. Data that
/// moved to another folder, or are spread over two, keep their order.
[[nodiscard]] bool ByFileName(const std::string& left, const std::string& right);

}  // namespace beamgrid
