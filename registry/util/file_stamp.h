#pragma once
// Which file a path leads to, and when it was last changed: enough to tell, without reading it,
// that a file is the one that was looked at before. A file whose stamp differs may still hold the
// same bytes.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace beamgrid {

/// FileStamp is what the file system says of a file; links are followed. Times are nanoseconds
/// since 1970 by the file system's clock.
struct FileStamp {
  std::uint64_t device = 0, inode = 0;
  std::uint64_t size = 0;        ///< bytes
  std::int64_t modified_ns = 0;  ///< of the content; anybody can set it
  std::int64_t changed_ns = 0;   ///< of content, name or rights; only the kernel sets it
  bool operator==(const FileStamp&) const = default;
};

/// Returns the stamp of the file, or nothing where there is none of that name. Throws Error where
/// it cannot be looked at.
[[nodiscard]] std::optional<FileStamp> StampOf(const std::filesystem::path& path);

/// The stamp of a file that must be there. Throws SystemError where it is not.
[[nodiscard]] FileStamp RequireStamp(const std::filesystem::path& path);

}  // namespace beamgrid
