#pragma once
// Files that come through a pipe, as a shell's <(...) and `... | beamgrid score --truth
// /dev/stdin`.

#include <filesystem>

namespace beamgrid {

/// Where the name means a descriptor of this process (/dev/stdin, /dev/fd/N, /proc/self/fd/N) that
/// is a pipe or a socket: reads it to its end and puts a file in memory with its bytes in the
/// descriptor's place, so that the name can be read again and from any place. Any other name is
/// left as it is. Throws Error where that fails. Not thread-safe.
void KeepPiped(const std::filesystem::path& path);

}  // namespace beamgrid
