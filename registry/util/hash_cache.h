#pragma once
// HashFile that is paid once: the hashes of files, kept by their stamps.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "registry/util/checked_lines.h"
#include "registry/util/file_stamp.h"

namespace beamgrid {

/// HashCache knows the content hashes of files that nobody has touched since they were hashed. It
/// lives in one file of the cache folder, to which every process appends lines; a line that is not
/// whole is passed over. Not thread-safe.
class HashCache {
 public:
  /// Reads the hashes that are kept in `folder`; nothing: this object alone remembers them.
  explicit HashCache(const std::optional<std::filesystem::path>& folder);

  /// Takes in what other processes have added since the file in the folder was read.
  void Refresh();

  /// Returns the hash of a file with this stamp.
  [[nodiscard]] std::optional<std::string> Find(const FileStamp& stamp);

  /// Notes the hash of a file whose stamp was the same before and after it was read. A file that
  /// was touched less than two seconds before `now` is not noted: it may be touched again without a
  /// change of its stamp, for a clock of a file system has ticks.
  void Add(const FileStamp& stamp, const std::string& hash,
           std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

  /// Appends what was added to the file in the folder, if that can be written.
  void Save();

 private:
  using FileId = std::pair<std::uint64_t, std::uint64_t>;  ///< device, inode
  struct Known {
    FileStamp stamp;
    std::string hash;
    bool used = false;  ///< by this object
  };

  void TakeLine(std::string_view line);

  std::filesystem::path path_;                ///< empty: none
  std::optional<FileStamp> read_;             ///< of that file, as it was read; nothing: none
  LineFileSize size_ = LineFileSize::kSmall;  ///< a large file is begun anew with what was used
  std::map<FileId, Known> known_;
  std::string unsaved_;  ///< lines
};

/// Returns HashFile(path), from the cache where the file is as it was. Throws Error where it cannot
/// be read or is written to meanwhile.
[[nodiscard]] std::string CachedHash(const std::filesystem::path& path, HashCache& cache);

/// Throws Error: the file changed while it was read.
[[noreturn]] void RefuseChanging(const std::filesystem::path& path);

}  // namespace beamgrid
