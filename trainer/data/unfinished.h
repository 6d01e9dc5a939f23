#pragma once
// Folders of record files that are being written: the lock of who writes, and the mark of a folder
// whose files are not, or not yet, those of one whole dataset.

#include <filesystem>
#include <string>

#include "registry/util/unique_fd.h"

namespace beamgrid {

/// Whether the folder has the mark.
[[nodiscard]] bool IsUnfinished(const std::filesystem::path& folder);

/// Sets the mark, on the disk before it returns; `command` is who writes. Throws Error.
void MarkUnfinished(const std::filesystem::path& folder, const std::string& command);

/// Takes the mark away once everything that was written before is on the disk. Throws Error.
void MarkFinished(const std::filesystem::path& folder);

/// FolderLock keeps a second writer out of a folder. The kernel takes it back however the process
/// ends. On a file system that knows no locks the work goes on without.
class FolderLock {
 public:
  /// Throws UsageError where another process has it, SystemError where the folder cannot be opened.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  UniqueFd folder_;
};

}  // namespace beamgrid
