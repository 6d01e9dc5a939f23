#pragma once
// Whole files: read, written so that they are there entirely or not at all, hashed. Everything that
// must survive a crash goes through here. All throw Error with the path and the system's reason.

#include <filesystem>
#include <string>
#include <string_view>

namespace beamgrid {

/// Whole file or nothing: writes `path` under a temporary name beside it, fsyncs, renames, fsyncs
/// the folder. Creates the folder if it is not there.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

[[nodiscard]] std::string ReadFile(const std::filesystem::path& path);

/// XXH3-128 of the bytes, 32 hex digits.
[[nodiscard]] std::string HashBytes(std::string_view bytes);

/// HashBytes of a file's content, read in pieces.
[[nodiscard]] std::string HashFile(const std::filesystem::path& path);

}  // namespace beamgrid
