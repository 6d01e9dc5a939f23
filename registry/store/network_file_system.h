#pragma once
// Whether a file lies on the disk of this machine or on one that machines share.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace beamgrid {

/// Returns the number of the file system's kind (statfs(2), f_type) at a path that is there; 0
/// where the system does not say.
using FileSystemKind = std::function<long(const std::filesystem::path&)>;
[[nodiscard]] long SystemFileSystemKind(const std::filesystem::path& path);

/// Returns the name of the network file system, "NFS", that the file at `path` lies on, or would
/// where it is not there yet; nothing where it is none that we know. FUSE and 9P may be either and
/// count as none.
[[nodiscard]] std::optional<std::string> NetworkFileSystemOf(
    const std::filesystem::path& path, const FileSystemKind& kind = SystemFileSystemKind);

/// Throws UsageError where a database lies on a network file system: its log of changes (WAL) is in
/// memory that processes share, which no such file system keeps alike for two machines, and their
/// locks are not kept by all of them. A study that runs on several machines has its database on the
/// disk of the one where `beamgrid run` is.
void RefuseNetworkDatabase(const std::filesystem::path& database,
                           const FileSystemKind& kind = SystemFileSystemKind);

}  // namespace beamgrid
