#pragma once
// How much room files take, and how much of it deleting them gives back.

#include <cstdint>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

namespace beamgrid {

/// DiskUse adds up files. One that has several names (hard links) counts once. Symbolic links are
/// not followed and take no room. What cannot be looked at counts as nothing.
class DiskUse {
 public:
  /// Adds a file, or a folder with all that is in it; returns the bytes that this adds to the sum.
  std::int64_t Add(const std::filesystem::path& path);

  /// Returns the sum of the files' sizes.
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  /// Returns how many of these bytes are given back if all that was added is deleted: a file that
  /// has a name elsewhere stays.
  [[nodiscard]] std::int64_t freed() const { return freed_; }
  [[nodiscard]] std::int64_t files() const { return static_cast<std::int64_t>(seen_.size()); }

 private:
  std::int64_t AddFile(const std::filesystem::path& path);

  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t>
      seen_;  ///< names by device, inode
  std::int64_t bytes_ = 0, freed_ = 0;
};

/// Returns how many bytes deleting the files and folders gives back.
[[nodiscard]] std::int64_t BytesFreedBy(const std::vector<std::filesystem::path>& paths);

}  // namespace beamgrid
