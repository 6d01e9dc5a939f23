#pragma once
// The folder for what can be made again: a catalogue, the hashes of files. Whatever lies there may
// be missing, old or damaged at any time, and no failure to read or write it is an error.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace beamgrid {

/// Returns $BEAMGRID_CACHE_DIR, else beamgrid in $XDG_CACHE_HOME, else ~/.cache/beamgrid. Nothing
/// where there is no home either, or $BEAMGRID_CACHE_DIR is set and empty: then nothing is kept.
[[nodiscard]] std::optional<std::filesystem::path> CacheFolder();

/// Returns what WriteCached wrote; nothing where it is missing or not whole.
[[nodiscard]] std::optional<std::string> ReadCached(const std::filesystem::path& path);

/// Replaces the file, which readers find whole or not at all; several processes may write it at
/// once. Does nothing where it cannot be written. It is not synced: a power cut may take it.
void WriteCached(const std::filesystem::path& path, std::string_view content);

}  // namespace beamgrid
