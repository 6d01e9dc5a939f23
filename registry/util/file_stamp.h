#pragma once
// What the file system says of a file: two looks at a file whose stamps are equal saw the same
// content, unless it was written in the same tick of the clock as the first of them.

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace beamgrid {

/// FileStamp is which file it is and when it was last touched. Paths are followed, so two names of
/// one file have one stamp.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;        ///< bytes
  std::int64_t modified_ns = 0;  ///< since 1970: the content; a program can set it back
  std::int64_t changed_ns = 0;   ///< since 1970: content, owner, links; no program can set it
  auto operator<=>(const FileStamp&) const = default;

  /// True where both are the same file, whatever was written to it meanwhile.
  [[nodiscard]] bool SameFile(const FileStamp& other) const {
    return device == other.device && inode == other.inode;
  }
};

/// Returns the stamp of a file. Throws SystemError where it is not there or cannot be asked.
[[nodiscard]] FileStamp StampOf(const std::filesystem::path& path);

/// Returns the stamp of an open file: still the same file where another got its name. Throws
/// SystemError where it cannot be asked, InputError where it is no regular file.
[[nodiscard]] FileStamp StampOf(int descriptor, const std::filesystem::path& path);

/// Returns the stamp of what has the name in an open folder (an absolute name: wherever that is);
/// nothing where it cannot be looked at. For thousands of files: it takes no path apart.
[[nodiscard]] std::optional<FileStamp> StampIn(int folder, const std::string& name);

}  // namespace beamgrid
